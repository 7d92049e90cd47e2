/* cli/version.c -- `lyne version`: what this program is made of and what it found here. */
#include "cli/cli.h"
#include "dnn/dnn.h"
#include <getopt.h>
#include <omp.h>
#include <stdio.h>

static lyne_status run(int argc, char **argv, const lyne_registry *registry, lyne_error *err) {
    const char *value;
    (void)registry;
    if (lyne_next_option(&command_version, argc, argv, &value, err) != -1) return LYNE_EUSAGE;
    if (optind != argc) return lyne_fail(err, LYNE_EUSAGE, "version stands alone; '%s' is too much", argv[optind]);
    printf("lyne %s\noneDNN %s, best instruction set here: %s\nOpenMP threads: %d\n", LYNE_VERSION, dnn_version(),
           dnn_isa(), omp_get_max_threads());
    return LYNE_OK;
}

const lyne_command command_version = {
    .name = "version", .arguments = "", .help = "Print the version, and oneDNN's and what it uses here.", .run = run};
