/* train/evaluate.c -- errors, accuracy and cross-entropy of a model on a split. */
#include "train/evaluate.h"
#include "base/log.h"
#include <math.h>

int64_t lyne_argmax(const float *logits, int64_t n) {
    int64_t best = 0;
    for (int64_t c = 1; c < n; c++)
        if (logits[c] > logits[best]) best = c;
    return best;
}

/* -log softmax(z)[label]; NaN when a logit is not finite. */
static double cross_entropy(const float *z, int64_t n, int32_t label) {
    const double top = (double)z[lyne_argmax(z, n)];
    double sum = 0;
    for (int64_t c = 0; c < n; c++) sum += isfinite(z[c]) ? exp((double)z[c] - top) : (double)NAN;
    return log(sum) + top - (double)z[label];
}

lyne_status lyne_scoring_stopped(int64_t done, int64_t samples, lyne_error *err) {
    if (!lyne_stop_requested()) return LYNE_OK;
    return lyne_fail(err, LYNE_STOPPED, "scoring was stopped at sample %lld of %lld; the same command goes on",
                     (long long)done, (long long)samples);
}

lyne_status lyne_evaluate(lyne_network *net, const lyne_dataset *dataset, lyne_scores *out, lyne_error *err) {
    const int64_t batch = lyne_graph_batch(net->graph), classes = net->logits->shape.dim[1];
    const int64_t rows = lyne_sequence_rows(&dataset->sequence), all = dataset->n * rows;
    lyne_loader loader;
    lyne_status status = lyne_loader_init(&loader, dataset, 0, 0, 1, (lyne_instances){0}, err);
    if (status != LYNE_OK) return status;
    int32_t *label = lyne_alloc((size_t)(batch * rows), sizeof *label);
    if (!label) status = lyne_fail_memory(err, "a batch of labels");
    *out = (lyne_scores){.n = all};
    const double start = lyne_now();
    for (int64_t first = 0; status == LYNE_OK && first < dataset->n; first += batch) {
        lyne_batch b = {.n = batch, .picture = lyne_program_input(net->program, net->picture), .label = label};
        const float *logits;
        lyne_loader_records(&loader, (uint64_t)first, &b);
        if ((status = lyne_scoring_stopped(first, dataset->n, err)) != LYNE_OK) break;
        if ((status = lyne_network_infer(net, &logits, err)) != LYNE_OK) break;
        for (int64_t i = 0; i < batch * rows && first * rows + i < all; i++) {
            const float *z = logits + i * classes;
            const double loss = cross_entropy(z, classes, label[i]);
            if (!isfinite(loss)) {
                status = lyne_fail(err, LYNE_ENOTFINITE, "the model's answer to %s sample %lld is not a finite number",
                                   lyne_split_name(dataset->split), (long long)(first + i / rows));
                break;
            }
            out->loss += loss;
            out->errors += lyne_argmax(z, classes) != label[i];
        }
    }
    out->loss /= (double)all;
    out->accuracy = 1 - (double)out->errors / (double)all;
    out->samples_per_second = (double)dataset->n / fmax(lyne_now() - start, 1e-9);
    lyne_free(label);
    lyne_loader_deinit(&loader);
    return status;
}
