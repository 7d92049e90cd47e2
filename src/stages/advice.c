/* stages/advice.c -- what a training stage may say without error, and is hardly meant. */
#include "lyne/loss.h"
#include "optim/schedule.h"
#include "stages/label.h"
#include "stages/training.h"

static lyne_mark first_of(lyne_mark mark, lyne_mark stage) {
    return mark.source ? mark : stage;
}

/* A default is nobody's mistake: `epochs: 0.5`, to see whether a recipe runs, says nothing of the warm-up. */
static void advise_schedule(const training_config *c, lyne_diagnostics *out) {
    const double warmup = ((const lyne_schedule_config *)c->schedule.config)->warmup;
    if (c->schedule.mark.source && warmup >= c->epochs)
        lyne_diagnose(out, c->schedule.mark, LYNE_OK,
                      "warning: the learning rate never rises to what the optimizer says: of %g epochs, %g are warm-up",
                      c->epochs, warmup);
}

static void advise_losses(const training_config *c, lyne_mark stage, lyne_diagnostics *out) {
    for (size_t i = 0; i < c->loss.n; i++) {
        const lyne_instance *loss = &c->loss.item[i];
        if (((const lyne_loss_config *)loss->config)->weight == 0)
            lyne_diagnose(out, first_of(loss->mark, stage), LYNE_OK, "warning: %s has weight 0, so it teaches nothing",
                          loss->row->name);
    }
}

void training_advise(const training_config *c, lyne_mark stage, lyne_diagnostics *out) {
    advise_schedule(c, out);
    advise_losses(c, stage, out);
}

/* The student sees view e mod views in epoch e. */
void training_advise_views(const training_config *c, lyne_mark at, const char *labels, const lyne_label_source *source,
                           lyne_diagnostics *out) {
    if (source->views > 1 && (double)source->views > c->epochs)
        lyne_diagnose(
            out, at, LYNE_OK,
            "warning: '%s' holds %u views of each picture, and the student sees one in each of its epochs, of "
            "which there are %g",
            labels, (unsigned)source->views, c->epochs);
    if (source->views == 1 && source->augment.n && c->epochs > 1)
        lyne_diagnose(out, at, LYNE_OK,
                      "warning: '%s' holds one view of each picture, which is all that the student sees in %g epochs; "
                      "more views, or `views: online`, show it others",
                      labels, c->epochs);
}
