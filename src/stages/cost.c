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
