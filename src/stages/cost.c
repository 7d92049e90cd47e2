/* stages/cost.c -- what it takes to ask a model: the program is compiled, and a few passes are timed. */
#include "base/log.h"
#include "stages/stage.h"
#include <math.h>

/* Passes that are not timed: the first touches memory for the first time. */
enum { WARM_UP = 2 };

/* Seconds for a batch: the mean over at least three passes and `seconds`. */
static lyne_status time_inference(lyne_network *net, lyne_loader *loader, double seconds, double *out,
                                  lyne_error *err) {
    double start = 0;
    const lyne_batch b = {.n = lyne_graph_batch(net->graph), .picture = lyne_program_input(net->program, net->picture)};
    for (int i = -WARM_UP;; i++) {
        const float *logits;
        lyne_batch here = b;
        if (i == 0) start = lyne_now();
        if (i >= 3 && lyne_now() - start >= seconds) {
            *out = (lyne_now() - start) / i;
            return LYNE_OK;
        }
        lyne_loader_records(loader, (uint64_t)((i + WARM_UP) * b.n), &here);
        lyne_status status = lyne_network_infer(net, &logits, err);
        if (status != LYNE_OK) return status;
    }
}

static lyne_status run_timed(void *self, double *seconds, lyne_error *err) {
    return lyne_program_run_timed(self, &(lyne_clock){0}, seconds, err);
}

static lyne_status print_kernels(const lyne_job *job, const lyne_network *net, lyne_error *err) {
    const lyne_timed timed = {.run = run_timed, .self = net->program};
    fprintf(job->kernels, "%s: asking a model, batch %lld\n", job->label, (long long)lyne_graph_batch(net->graph));
    return lyne_program_print_kernels(net->program, &timed, LYNE_KERNEL_RUNS, job->kernels, err);
}

lyne_status lyne_job_cost(const lyne_job *job, lyne_instance model, int64_t batch, uint64_t n, double seconds,
                          lyne_cost *out, lyne_error *err) {
    const lyne_network_options o = {
        .model = model, .task = job->task, .batch = batch, .seed = job->seed, .outline = seconds == 0};
    lyne_network net = {0};
    lyne_loader loader = {0};
    double pass = 0;
    lyne_status status = lyne_network_init(&net, &o, err);
    if (status == LYNE_OK) status = lyne_loader_init(&loader, job->train, 0, 0, 1, (lyne_instances){0}, err);
    if (status == LYNE_OK && seconds > 0) status = time_inference(&net, &loader, seconds, &pass, err);
    if (status == LYNE_OK && seconds > 0 && job->kernels) status = print_kernels(job, &net, err);
    if (status == LYNE_OK)
        *out = (lyne_cost){.parameters = lyne_graph_count_params(net.graph),
                           .macs = lyne_graph_count_macs(net.graph),
                           .samples = n,
                           /* and the file that the weights come from or go to */
                           .memory = lyne_network_bytes(&net) + net.weights->n_values * sizeof(float),
                           .seconds = pass * ceil((double)n / (double)batch)};
    lyne_loader_deinit(&loader);
    lyne_network_deinit(&net);
    return status;
}
