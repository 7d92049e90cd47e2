/* dnn/dnn.c -- what the two versions of oneDNN share: the context, layouts, binding and executing.
 *
 * The arguments of a primitive are asked from its descriptor, not listed here: an argument that has bytes gets a memory
 * without an address at creation, and its place in the array that dnnl_primitive_execute takes.  Binding writes an
 * address into that memory; executing is one call. */
#include "base/memory.h"
#include "dnn/describe.h"
#include <assert.h>
#include <inttypes.h>
#include <oneapi/dnnl/dnnl_debug.h>
#include <stdio.h>

#if DNNL_CPU_RUNTIME != DNNL_RUNTIME_OMP && DNNL_CPU_RUNTIME != DNNL_RUNTIME_SEQ
#error "a oneDNN that runs on OpenMP is needed: it returns from executing when the work is done, and shares our threads"
#endif

static const int dnnl_args[DNN_N_ARGS] = {
    [DNN_SRC] = DNNL_ARG_SRC,
    [DNN_SRC_1] = DNNL_ARG_SRC_1,
    [DNN_DST] = DNNL_ARG_DST,
    [DNN_WEIGHTS] = DNNL_ARG_WEIGHTS,
    [DNN_BIAS] = DNNL_ARG_BIAS,
    [DNN_DIFF_SRC] = DNNL_ARG_DIFF_SRC,
    [DNN_DIFF_DST] = DNNL_ARG_DIFF_DST,
    [DNN_DIFF_WEIGHTS] = DNNL_ARG_DIFF_WEIGHTS,
    [DNN_DIFF_BIAS] = DNNL_ARG_DIFF_BIAS,
    [DNN_WORKSPACE] = DNNL_ARG_WORKSPACE,
    [DNN_SCRATCHPAD] = DNNL_ARG_SCRATCHPAD,
};

static const struct {
    dnnl_data_type_t type;
    size_t size;
    const char *name;
} types[] = {
    [DNN_F32] = {dnnl_f32, 4, "f32"}, [DNN_BF16] = {dnnl_bf16, 2, "bf16"}, [DNN_F16] = {dnnl_f16, 2, "f16"},
    [DNN_S32] = {dnnl_s32, 4, "s32"}, [DNN_S8] = {dnnl_s8, 1, "s8"},       [DNN_U8] = {dnnl_u8, 1, "u8"},
};

size_t dnn_type_size(dnn_type type) {
    return types[type].size;
}

/* ---- the context ---- */

const char *dnn_version(void) {
    static _Thread_local char text[32];
    const dnnl_version_t *v = dnnl_version();
    snprintf(text, sizeof text, "%d.%d.%d", v->major, v->minor, v->patch);
    return text;
}

const char *dnn_isa(void) {
    unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    const char *name = "generic";
    for (const dnn_isa_row *row = dnn_isa_rows; row->name; row++)
        if ((isa & (unsigned)row->isa) == (unsigned)row->isa) name = row->name;
    return name;
}

bool dnn_prefers_ymm(void) {
    return dnnl_get_cpu_isa_hints() == dnnl_cpu_isa_prefer_ymm;
}

bool dnn_has_bf16(void) {
    const unsigned isa = (unsigned)dnnl_get_effective_cpu_isa(), bf16 = (unsigned)dnnl_cpu_isa_avx512_core_bf16;
    return (isa & bf16) == bf16;
}

void dnn_make_ready(void) {
    enum { N = 8 };
    static const float zero[N * N];
    float product[N * N];
    const unsigned isa = (unsigned)dnnl_get_effective_cpu_isa(), avx512 = (unsigned)dnnl_cpu_isa_avx512_core;
    if ((isa & avx512) != avx512) dnnl_sgemm('N', 'N', N, N, N, 1, zero, N, zero, N, 0, product, N);
}

lyne_status dnn_fail(lyne_error *err, dnnl_status_t status, const char *what) {
    return lyne_fail(err, status == dnnl_out_of_memory ? LYNE_ENOSPACE : LYNE_EOTHER, "oneDNN %s %s: %s", dnn_version(),
                     what, dnnl_status2str(status));
}

/* Attributes anew: post-ops once set are not taken away by setting none (2.6). */
static dnnl_status_t set_attributes(dnn_context *c, dnnl_post_ops_t after) {
    dnnl_primitive_attr_t a;
    dnnl_status_t status = dnnl_primitive_attr_create(&a);
    if (status != dnnl_success) return status;
    status = dnnl_primitive_attr_set_scratchpad_mode(a, dnnl_scratchpad_mode_user);
    /* Whatever ONEDNN_DEFAULT_FPMATH_MODE says: which precision, the recipe does. */
    if (status == dnnl_success) status = dnnl_primitive_attr_set_fpmath_mode(a, dnnl_fpmath_mode_strict);
#if DNNL_VERSION_MAJOR == 3 && DNNL_VERSION_MINOR >= 4
    if (status == dnnl_success) status = dnnl_primitive_attr_set_deterministic(a, 1);
#endif
    if (status == dnnl_success && after) status = dnnl_primitive_attr_set_post_ops(a, after);
    dnnl_primitive_attr_t unused = a;
    if (status == dnnl_success) {
        unused = c->attributes;
        c->attributes = a;
    }
    if (unused) dnnl_primitive_attr_destroy(unused);
    return status;
}

static dnnl_status_t open_context(dnn_context *c) {
    dnnl_status_t status = dnnl_engine_create(&c->engine, dnnl_cpu, 0);
    if (status == dnnl_success) status = dnnl_stream_create(&c->stream, c->engine, dnnl_stream_default_flags);
    return status == dnnl_success ? set_attributes(c, NULL) : status;
}

lyne_status dnn_context_new(dnn_context **out, lyne_error *err) {
    dnn_context *c = lyne_alloc(1, sizeof *c);
    if (!c) return lyne_fail_memory(err, "the context of oneDNN");
    dnnl_status_t status = open_context(c);
    if (status != dnnl_success) {
        dnn_context_free(c);
        return dnn_fail(err, status, "cannot open the CPU");
    }
    *out = c;
    return LYNE_OK;
}

void dnn_context_free(dnn_context *c) {
    if (!c) return;
    if (c->attributes) dnnl_primitive_attr_destroy(c->attributes);
    if (c->stream) dnnl_stream_destroy(c->stream);
    if (c->engine) dnnl_engine_destroy(c->engine);
    lyne_free(c);
}

lyne_status dnn_context_after(dnn_context *c, dnn_after after, lyne_error *err) {
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success && after.add_dst) status = dnn_append_sum(ops);
    if (status == dnnl_success && after.relu)
        status = dnn_append_eltwise(ops, after.upper > 0 ? dnnl_eltwise_clip : dnnl_eltwise_relu, after.upper);
    if (status == dnnl_success) status = set_attributes(c, ops);
    if (ops) dnnl_post_ops_destroy(ops);
    return status == dnnl_success ? LYNE_OK : dnn_fail(err, status, "cannot describe what comes behind a primitive");
}

/* ---- tensors and layouts ---- */

void dnn_tensor_text(lyne_text *text, const dnn_tensor *t) {
    static const char *const formats[] = {"", " channels-last", " transposed", " any"};
    for (int i = 0; i < t->rank && i < DNN_MAX_RANK; i++) lyne_text_add(text, "%s%" PRId64, i ? "," : "(", t->dim[i]);
    lyne_text_add(text, ") %s%s", types[t->type].name, formats[t->format]);
}

static const char *wrong(const dnn_tensor *t) {
    if (t->rank < 1 || t->rank > DNN_MAX_RANK) return "the rank must be within 1 to 6";
    if (t->format == DNN_CHANNELS_LAST && t->rank != 4) return "only a tensor of rank 4 has its channels last";
    if (t->format == DNN_TRANSPOSED && t->rank != 2) return "only a tensor of rank 2 is transposed";
    size_t bytes = types[t->type].size;
    for (int i = 0; i < t->rank; i++) {
        if (t->dim[i] < 1) return "every dimension must be 1 or more";
        if (!lyne_size_mul(bytes, (size_t)t->dim[i], &bytes) || bytes > PTRDIFF_MAX) return "too large for memory";
    }
    return NULL;
}

static dnnl_format_tag_t tag_of(const dnn_tensor *t) {
    static const dnnl_format_tag_t plain[DNN_MAX_RANK] = {dnnl_a,    dnnl_ab,    dnnl_abc,
                                                          dnnl_abcd, dnnl_abcde, dnnl_abcdef};
    switch (t->format) {
    case DNN_CHANNELS_LAST:
        return dnnl_acdb;
    case DNN_TRANSPOSED:
        return dnnl_ba;
    case DNN_ANY:
        return dnnl_format_tag_any;
    default:
        return plain[t->rank - 1];
    }
}

static lyne_status refuse(lyne_error *err, const dnn_tensor *t, const char *why) {
    lyne_text text = {0};
    dnn_tensor_text(&text, t);
    lyne_status status = lyne_fail(err, LYNE_EOTHER, "tensor %s: %s", text.data ? text.data : "", why);
    lyne_text_free(&text);
    return status;
}

lyne_status dnn_tensor_desc(const dnn_tensor *t, dnn_desc *out, lyne_error *err) {
    *out = NULL;
    if (t->rank == 0) return LYNE_OK;
    const char *why = wrong(t);
    if (why) return refuse(err, t, why);
    dnnl_status_t status = dnn_desc_new(t->rank, t->dim, types[t->type].type, tag_of(t), out);
    return status == dnnl_success ? LYNE_OK : dnn_fail(err, status, "cannot describe a tensor");
}

lyne_status dnn_layout_new(dnn_tensor tensor, dnn_layout **out, lyne_error *err) {
    if (tensor.rank == 0 || tensor.format == DNN_ANY)
        return refuse(err, &tensor, "a layout needs a tensor whose format is known");
    dnn_layout *l = lyne_alloc(1, sizeof *l);
    if (!l) return lyne_fail_memory(err, "a layout");
    lyne_status status = dnn_tensor_desc(&tensor, &l->desc, err);
    if (status == LYNE_OK)
        *out = l;
    else
        lyne_free(l);
    return status;
}

lyne_status dnn_layout_plain(const dnn_layout *like, dnn_type type, dnn_layout **out, lyne_error *err) {
    const dnnl_dim_t *dim = NULL;
    dnn_tensor t = {.rank = dnn_desc_dims(like->desc, &dim), .type = type};
    for (int i = 0; i < t.rank && i < DNN_MAX_RANK; i++) t.dim[i] = dim[i];
    return dnn_layout_new(t, out, err);
}

lyne_status dnn_layout_copy(const dnn_layout *layout, dnn_layout **out, lyne_error *err) {
    dnn_layout *l = lyne_alloc(1, sizeof *l);
    if (!l) return lyne_fail_memory(err, "a layout");
    dnnl_status_t status = dnn_desc_copy(layout->desc, &l->desc);
    if (status != dnnl_success) {
        lyne_free(l);
        return dnn_fail(err, status, "cannot copy a layout");
    }
    *out = l;
    return LYNE_OK;
}

void dnn_layout_free(dnn_layout *layout) {
    if (!layout) return;
    dnn_desc_free(layout->desc);
    lyne_free(layout);
}

size_t dnn_layout_bytes(const dnn_layout *layout) {
    return dnnl_memory_desc_get_size(layout->desc);
}

bool dnn_layout_equal(const dnn_layout *a, const dnn_layout *b) {
    return dnnl_memory_desc_equal(a->desc, b->desc) != 0;
}

bool dnn_layout_blocks(const dnn_layout *layout, dnn_blocks *out) {
    dnn_blocking b;
    const dnnl_dim_t *dim = NULL;
    *out = (dnn_blocks){.rank = dnn_desc_dims(layout->desc, &dim)};
    if (!dnn_desc_blocking(layout->desc, &b) || out->rank > DNN_MAX_RANK || b.n_inner > DNN_MAX_INNER) return false;
    while (out->type <= DNN_U8 && types[out->type].type != b.type) out->type++;
    for (int i = 0; i < out->rank; i++) {
        out->dim[i] = dim[i];
        out->padded[i] = b.padded[i];
        out->stride[i] = b.stride[i];
    }
    out->n_inner = b.n_inner;
    for (int i = 0; i < b.n_inner; i++) {
        out->inner[i] = b.inner[i];
        out->inner_of[i] = (int)b.inner_of[i];
    }
    return out->type <= DNN_U8;
}

/* ---- primitives ---- */

struct dnn_primitive {
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    dnnl_stream_t stream;          /* the context's                                     */
    dnn_layout layout[DNN_N_ARGS]; /* borrowed from desc; NULL inside: no such argument */
    int slot[DNN_N_ARGS];          /* where the argument stands in exec                 */
    int n_exec;
    dnnl_exec_arg_t exec[DNN_N_ARGS];
    unsigned bound; /* bits of slots */
};

static dnnl_status_t create(dnn_primitive *p, dnnl_engine_t engine) {
    dnnl_status_t status = dnnl_primitive_create(&p->primitive, p->desc);
    for (int arg = 0; arg < DNN_N_ARGS && status == dnnl_success; arg++) {
        dnn_desc desc = dnnl_primitive_desc_query_md(p->desc, dnnl_query_exec_arg_md, dnnl_args[arg]);
        if (!desc || dnnl_memory_desc_get_size(desc) == 0) continue;
        dnnl_exec_arg_t *e = &p->exec[p->n_exec];
        status = dnnl_memory_create(&e->memory, desc, engine, DNNL_MEMORY_NONE);
        if (status != dnnl_success) break;
        e->arg = dnnl_args[arg];
        p->layout[arg].desc = desc;
        p->slot[arg] = p->n_exec++;
    }
    return status;
}

static lyne_status fail_with(lyne_error *err, dnnl_status_t status, const char *doing, const dnn_primitive *p) {
    char what[128];
    snprintf(what, sizeof what, "%s %s", doing, dnn_implementation(p));
    return dnn_fail(err, status, what);
}

lyne_status dnn_primitive_new(const dnn_context *c, dnnl_primitive_desc_t desc, dnn_primitive **out, lyne_error *err) {
    dnn_primitive *p = lyne_alloc(1, sizeof *p);
    if (!p) {
        dnnl_primitive_desc_destroy(desc);
        return lyne_fail_memory(err, "a primitive");
    }
    p->desc = desc;
    p->stream = c->stream;
    dnnl_status_t status = create(p, c->engine);
    if (status == dnnl_success) {
        *out = p;
        return LYNE_OK;
    }
    lyne_status result = fail_with(err, status, "cannot create", p);
    dnn_primitive_free(p);
    return result;
}

void dnn_primitive_free(dnn_primitive *p) {
    if (!p) return;
    for (int i = 0; i < p->n_exec; i++) dnnl_memory_destroy(p->exec[i].memory);
    if (p->primitive) dnnl_primitive_destroy(p->primitive);
    dnnl_primitive_desc_destroy(p->desc);
    lyne_free(p);
}

const dnn_layout *dnn_layout_of(const dnn_primitive *p, dnn_arg arg) {
    return p->layout[arg].desc ? &p->layout[arg] : NULL;
}

const char *dnn_implementation(const dnn_primitive *p) {
    const char *name = NULL;
    dnnl_status_t status = dnnl_primitive_desc_query(p->desc, dnnl_query_impl_info_str, 0, &name);
    return status == dnnl_success ? name : "unknown";
}

void dnn_bind(dnn_primitive *p, dnn_arg arg, void *address) {
    assert(p->layout[arg].desc && "the primitive has no such argument");
    dnnl_memory_set_data_handle(p->exec[p->slot[arg]].memory, address);
    p->bound |= 1u << p->slot[arg];
}

lyne_status dnn_execute(const dnn_primitive *p, lyne_error *err) {
    assert(p->bound == (1u << p->n_exec) - 1 && "an argument is not bound");
    dnnl_status_t status = dnnl_primitive_execute(p->primitive, p->stream, p->n_exec, p->exec);
    return status == dnnl_success ? LYNE_OK : fail_with(err, status, "cannot execute", p);
}
