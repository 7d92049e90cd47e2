/* recipe/single.c -- see single.h. */
#include "recipe/single.h"
#include "base/log.h"
#include "base/random.h"
#include "recipe/jobs.h"
#include "stages/label.h"

#include <omp.h>
#include <string.h>

typedef struct single {
    lyne_arena arena;
    lyne_dataset train;
    lyne_subset held, rest; /* of train, as in a run */
    lyne_job job;
} single;

/* The earlier stages with their directories, of the first seed where there are several. */
static lyne_source_stage *sources(single *s, const lyne_recipe *r, const char *out, size_t n) {
    lyne_source_stage *list = lyne_arena_alloc(&s->arena, (n + 1) * sizeof *list);
    for (size_t i = 0; list && i < n; i++) {
        list[i].stage = &r->stage[i];
        list[i].directory = r->once[i] ? lyne_arena_printf(&s->arena, "%s/%s", out, r->stage[i].name)
                                       : lyne_arena_printf(&s->arena, "%s/%s/seed-%llu", out, r->stage[i].name,
                                                           (unsigned long long)r->seeds.item[0]);
        if (!list[i].directory) return NULL;
    }
    return list;
}

static lyne_status begin(single *s, const lyne_recipe *r, const lyne_run_options *o, const char *name,
                         const char *directory, lyne_error *err) {
    size_t i = 0;
    *s = (single){0};
    while (i < r->n_stages && strcmp(r->stage[i].name, name) != 0) i++;
    if (i == r->n_stages || ((const lyne_stage *)r->stage[i].kind.row)->product != LYNE_MAKES_LABELS)
        return lyne_fail(err, LYNE_EDATA, "%s: has no stage '%s' that makes soft labels", r->path, name);
    lyne_status status = lyne_recipe_check_cpu(r, err);
    if (status == LYNE_OK) status = lyne_pipeline_open(r, o, LYNE_TRAIN, &s->train, err);
    if (status == LYNE_OK && r->validation)
        status = lyne_subset_draw(&s->train, r->validation, &s->held, &s->rest, err);
    if (status != LYNE_OK) return status;
    s->job = (lyne_job){.stage = &r->stage[i],
                        .label = r->stage[i].name,
                        .seed = (uint64_t)r->seeds.item[0],
                        .directory = directory,
                        .task = &r->task,
                        .classes = r->classes,
                        .class_names = &r->description.classes,
                        .train = &s->train,
                        .rest = r->validation ? &s->rest : NULL,
                        .earlier = sources(s, r, o->out, i),
                        .n_earlier = i,
                        .listener = o->listener};
    return s->job.earlier ? LYNE_OK : lyne_fail_memory(err, "soft labels");
}

static void end(single *s) {
    lyne_dataset_close(&s->train);
    lyne_subset_free(&s->held);
    lyne_subset_free(&s->rest);
    lyne_arena_free(&s->arena);
}

lyne_status lyne_single_run(const lyne_recipe *r, const lyne_run_options *o, const char *name, const char *directory,
                            lyne_result *out, lyne_error *err) {
    single s;
    *out = lyne_result_empty();
    lyne_status status = begin(&s, r, o, name, directory, err);
    if (status == LYNE_OK) status = ((const lyne_stage *)s.job.stage->kind.row)->run(&s.job, out, err);
    end(&s);
    return status;
}

/* Without the same one twice. */
static uint64_t *draw(uint64_t records, uint64_t n) {
    uint64_t *record = lyne_alloc(n, sizeof *record);
    const uint64_t seed = (uint64_t)(lyne_now() * 1e9);
    for (uint64_t i = 0; record && i < n; i++) record[i] = lyne_permute(seed, 0, records, i);
    return record;
}

lyne_status lyne_single_ask(const lyne_recipe *r, const lyne_run_options *o, const char *name,
                            const lyne_labels *labels, uint64_t n, lyne_asked *out, lyne_error *err) {
    single s;
    lyne_label_source wanted;
    lyne_asking asking = {0};
    uint64_t *record = NULL;
    *out = (lyne_asked){0};
    const uint64_t records = lyne_labels_samples(labels) * lyne_labels_views(labels);
    if (n > records) n = records;
    lyne_status status = begin(&s, r, o, name, "", err);
    const lyne_stage *row = status == LYNE_OK ? (const lyne_stage *)s.job.stage->kind.row : NULL;
    if (status == LYNE_OK) status = row->labels(&s.job, s.job.stage->kind.config, &wanted, err);
    if (status != LYNE_OK) lyne_error_context(err, "the teacher cannot be asked again");
    if (status == LYNE_OK) status = lyne_labels_match(labels, &wanted.identity, err);
    if (status == LYNE_OK) status = lyne_asking_init(&asking, labels, err);
    if (status == LYNE_OK && !(record = draw(records, n))) status = lyne_fail_memory(err, "soft labels");
    if (status == LYNE_OK) status = row->ask(&s.job, s.job.stage->kind.config, &asking, record, n, err);
    if (status == LYNE_OK) *out = asking.said;
    lyne_asking_deinit(&asking);
    lyne_free(record);
    end(&s);
    return status;
}
