/* graph/weights_file.c -- model.safetensors: the parameters under PyTorch's names and shapes, so that
 * `torch_module.load_state_dict(safetensors.torch.load_file(...))` works.
 *
 * Its metadata: format, lyne (what it is) and lyne.digest, "NUMBERS-METADATA": of the parameters with their names and
 * shapes, and of the other metadata.  Together they cover all that a file says, but not how, so a tool that writes the
 * same anew, in another order, does no harm.  An earlier version wrote "NUMBERS" alone; other tools write none. */
#include "formats/safetensors.h"
#include "graph/weights.h"
#include <math.h>
#include <string.h>

#define ABOUT  "lyne"
#define DIGEST "lyne.digest"

/* Of all metadata but the digest; added up, so that their order does not matter. */
static lyne_digest digest_of_metadata(const lyne_pair *pair, size_t n) {
    lyne_digest sum = {0};
    for (size_t i = 0; i < n; i++) {
        if (strcmp(pair[i].key, DIGEST) == 0) continue;
        lyne_hash h;
        lyne_hash_init(&h);
        lyne_hash_text(&h, pair[i].key);
        lyne_hash_text(&h, pair[i].value);
        const lyne_digest one = lyne_hash_finish(&h);
        sum.high += one.high;
        sum.low += one.low;
    }
    return sum;
}

lyne_status lyne_weights_save(const lyne_weights *w, const char *path, const char *about, lyne_error *err) {
    lyne_array *tensor = lyne_alloc((size_t)w->n, sizeof *tensor);
    if (!tensor) return lyne_fail_memory(err, "a model file");
    for (int i = 0; i < w->n; i++) {
        const lyne_param *p = &w->param[i];
        tensor[i] = (lyne_array){
            .name = p->name, .dtype = LYNE_DTYPE_F32, .rank = p->shape.rank, .data = w->value + w->offset[i]};
        memcpy(tensor[i].dims, p->shape.dim, sizeof p->shape.dim);
    }
    char digest[2 * LYNE_DIGEST_TEXT];
    const lyne_pair metadata[] = {{"format", "pt"}, {ABOUT, about ? about : LYNE_VERSION}, {DIGEST, digest}};
    lyne_digest_print(lyne_weights_digest(w), digest);
    digest[LYNE_DIGEST_TEXT - 1] = '-';
    lyne_digest_print(digest_of_metadata(metadata, 3), digest + LYNE_DIGEST_TEXT);
    lyne_status status = lyne_safetensors_write(path, tensor, (size_t)w->n, metadata, 3, err);
    lyne_free(tensor);
    return status;
}

/* The shape of a tensor of a file; LYNE_EDATA when it is none of a model's. */
static lyne_status shape_of(const char *path, const lyne_array *a, lyne_shape *out, lyne_error *err) {
    if (a->dtype != LYNE_DTYPE_F32 || a->rank > LYNE_MAX_RANK)
        return lyne_fail(err, LYNE_EDATA, "%s: %s is not an F32 tensor of at most %d dimensions", path, a->name,
                         LYNE_MAX_RANK);
    *out = (lyne_shape){.rank = a->rank};
    memcpy(out->dim, a->dims, (size_t)a->rank * sizeof *a->dims);
    return LYNE_OK;
}

/* What the file carries in its digest is `due`, from its first digit on. */
static bool carries(const char *text, lyne_digest due) {
    char digits[LYNE_DIGEST_TEXT];
    lyne_digest_print(due, digits);
    return strncmp(text, digits, LYNE_DIGEST_TEXT - 1) == 0;
}

/* Is the file what was written?  A flipped bit in the name of the digest hides it, but not the one in "lyne". */
static lyne_status check_digest(const lyne_safetensors *s, const char *path, lyne_digest numbers, lyne_error *err) {
    const char *text = lyne_safetensors_metadata(s, DIGEST);
    if (!text && !lyne_safetensors_metadata(s, ABOUT)) return LYNE_OK;
    if (!text) return lyne_fail(err, LYNE_EDATA, "%s: is damaged: its metadata have no " DIGEST, path);
    const size_t length = strlen(text), digits = LYNE_DIGEST_TEXT - 1;
    if (length != digits && (length != 2 * digits + 1 || text[digits] != '-'))
        return lyne_fail(err, LYNE_EDATA, "%s: is damaged: its " DIGEST " is none: \"%s\"", path, text);
    if (!carries(text, numbers))
        return lyne_fail(err, LYNE_EDATA, "%s: is damaged: its numbers do not have the digest that it carries", path);
    if (length != digits && !carries(text + digits + 1, digest_of_metadata(s->metadata, s->n_metadata)))
        return lyne_fail(err, LYNE_EDATA, "%s: is damaged: its metadata do not have the digest that it carries", path);
    return LYNE_OK;
}

static lyne_status digest_of(const lyne_safetensors *s, const char *path, lyne_digest *out, lyne_error *err) {
    *out = (lyne_digest){0};
    for (size_t i = 0; i < s->n; i++) {
        lyne_shape shape;
        lyne_status status = shape_of(path, &s->tensor[i], &shape, err);
        if (status != LYNE_OK) return status;
        lyne_weights_digest_add(out, s->tensor[i].name, &shape, s->tensor[i].data);
    }
    return check_digest(s, path, *out, err);
}

lyne_status lyne_weights_file_digest(const char *path, lyne_digest *out, lyne_error *err) {
    lyne_safetensors s;
    lyne_status status = lyne_safetensors_open(&s, path, err);
    if (status == LYNE_OK) status = digest_of(&s, path, out, err);
    lyne_safetensors_close(&s);
    return status;
}

/* One parameter: there, of the right shape, all numbers finite. */
static lyne_status load_param(lyne_weights *w, int i, const lyne_safetensors *s, const char *path, lyne_error *err) {
    const lyne_param *p = &w->param[i];
    const void *data;
    lyne_status status = lyne_safetensors_get(s, p->name, LYNE_DTYPE_F32, p->shape.rank, p->shape.dim, &data, err);
    if (status != LYNE_OK) return status;
    float *value = w->value + w->offset[i];
    const int64_t n = lyne_shape_size(&p->shape);
    memcpy(value, data, (size_t)n * sizeof *value);
    for (int64_t k = 0; k < n; k++)
        if (!isfinite(value[k]))
            return lyne_fail(err, LYNE_EDATA, "%s: %s[%lld] is not a finite number", path, p->name, (long long)k);
    return LYNE_OK;
}

static bool has_param(const lyne_weights *w, const char *name) {
    for (int i = 0; i < w->n; i++)
        if (strcmp(w->param[i].name, name) == 0) return true;
    return false;
}

static lyne_status load_all(lyne_weights *w, const lyne_safetensors *s, const char *path, lyne_error *err) {
    lyne_digest digest;
    lyne_status status = digest_of(s, path, &digest, err);
    for (int i = 0; i < w->n && status == LYNE_OK; i++) status = load_param(w, i, s, path, err);
    for (size_t i = 0; i < s->n && status == LYNE_OK; i++)
        if (!has_param(w, s->tensor[i].name))
            status =
                lyne_fail(err, LYNE_EDATA, "%s: has a tensor \"%s\", which the model has not", path, s->tensor[i].name);
    return status;
}

lyne_status lyne_weights_load(lyne_weights *w, const char *path, lyne_error *err) {
    lyne_safetensors s;
    lyne_status status = lyne_safetensors_open(&s, path, err);
    if (status == LYNE_OK) status = load_all(w, &s, path, err);
    if (status == LYNE_OK) w->version++;
    lyne_safetensors_close(&s);
    return status;
}
