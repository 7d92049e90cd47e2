/* graph/describe.c -- a program in words: what runs in each step, how long, and how long it would have to. */
#include "base/peaks.h"
#include "graph/steps.h"
#include <assert.h>
#include <string.h>

static const char *const pass_names[] = {"refresh", "forward", "backward"};

static size_t bytes_of(const lyne_program *p, const lyne_step *s) {
    size_t bytes = 0;
    for (int k = 0; k < s->n_buffers; k++)
        if (s->buffer[k] != LYNE_NO_BUFFER) bytes += p->storage[s->buffer[k]].bytes;
    return bytes;
}

/* Whether a step multiplies by weights or sums up their gradient: a primitive with such an argument, or a kernel that is
 * not one of those that only move or add numbers. */
static bool multiplies(const lyne_step *s) {
    static const char *const others[] = {"sum", "to_bf16", "to_f32", "column_sums", "keep state"};
    if (s->pass == REFRESH || s->node->n_params == 0) return false;
    for (int k = 0; s->primitive && k < s->n_buffers; k++)
        if (s->arg[k] == DNN_WEIGHTS || s->arg[k] == DNN_DIFF_WEIGHTS) return true;
    for (size_t k = 0; k < sizeof others / sizeof *others; k++)
        if (strcmp(s->name, others[k]) == 0) return false;
    return !s->primitive;
}

/* A grouped convolution's weights see fewer channels than there are. */
static bool is_grouped(const lyne_node *n) {
    if (n->n_params == 0 || n->shape.rank != 4 || n->n_src == 0 || n->src[0]->shape.rank != 4) return false;
    const lyne_shape *weight = &lyne_graph_param(n->graph, n->param[0])->shape;
    return weight->rank == 4 && weight->dim[1] < n->src[0]->shape.dim[1];
}

lyne_step_name lyne_program_step(const lyne_program *p, int i) {
    for (int pass = 0; pass < N_PASSES; i -= p->pass[pass++].n) {
        if (i >= p->pass[pass].n) continue;
        const lyne_step *s = &p->pass[pass].item[i];
        const lyne_node *n = s->node;
        const int64_t macs = n->op && n->op->macs && multiplies(s) ? n->op->macs(n) : 0;
        return (lyne_step_name){.pass = pass_names[pass],
                                .path = n->path,
                                .what = s->name,
                                .op = n->op ? n->op->component.name : NULL,
                                .bf16 = n->n_src && n->src[0]->type == LYNE_BF16,
                                .grouped = is_grouped(n),
                                .flops = macs < INT64_MAX / 2 ? 2 * macs : INT64_MAX,
                                .bytes = bytes_of(p, s)};
    }
    assert(!"a step of the program");
    return (lyne_step_name){.pass = "", .path = "", .what = ""};
}

double lyne_step_roof(const lyne_step_name *s, const lyne_peaks *peaks) {
    const double peak = s->bf16 && peaks->amx > 0 ? peaks->amx : peaks->fma;
    const double flops = peak > 0 ? (double)s->flops / peak / 1e9 : 0;
    const double bytes = peaks->bandwidth > 0 ? (double)s->bytes / peaks->bandwidth / 1e9 : 0;
    return flops > bytes ? flops : bytes;
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

const char *lyne_step_trap(const lyne_step_name *s, const char *isa) {
    if (begins(s->what, "ref")) return "a reference loop, 100 to 1000 times slower";
    if (begins(s->what, "nspc_bnorm") || begins(s->what, "ncsp_bnorm")) return "a batch norm 5 to 250 times slower";
    if (!s->op || strcmp(s->op, "conv2d") != 0 || s->flops == 0) return NULL;
    if (begins(s->what, "x64:gemm")) return "a convolution through an image of columns";
    if (s->bf16 && !s->grouped && strstr(isa, "amx") && strstr(s->what, ":avx512_core_bf16"))
        return "a bf16 convolution without AMX, slower than f32";
    return NULL;
}

static void print_kernels(const lyne_program *p, const double *seconds, const char *behind, FILE *to) {
    const lyne_peaks peaks = {lyne_peak_fma(), lyne_peak_amx(), lyne_peak_bandwidth()};
    const int n = lyne_program_n_steps(p);
    double sum = 0, roofs = 0;
    for (int i = 0; i < n + (behind != NULL); i++) sum += seconds[i];
    fprintf(to, "%-9s %-28s %-36s %11s %7s %11s %7s\n", "pass", "node", "kernel", "ms", "share", "roof", "of it");
    for (int i = 0; i < n; i++) {
        if (seconds[i] == 0) continue; /* weights did not change, so nothing was refreshed */
        const lyne_step_name s = lyne_program_step(p, i);
        const double roof = lyne_step_roof(&s, &peaks);
        const char *trap = lyne_step_trap(&s, dnn_isa());
        roofs += roof;
        fprintf(to, "%-9s %-28s %-36s %11.4f %6.1f%% %11.4f %6.0f%%%s%s\n", s.pass, s.path, s.what, seconds[i] * 1e3,
                sum > 0 ? seconds[i] * 100 / sum : 0, roof * 1e3, seconds[i] > 0 ? roof * 100 / seconds[i] : 0,
                trap ? "  " : "", trap ? trap : "");
    }
    if (behind)
        fprintf(to, "%-9s %-28s %-36s %11.4f %6.1f%%\n", "update", "", behind, seconds[n] * 1e3,
                sum > 0 ? seconds[n] * 100 / sum : 0);
    fprintf(to, "%-9s %-28s %-36s %11.4f %6.1f%% %11.4f %6.0f%%  FMA %.0f, AMX %.0f GFLOP/s, %.0f GB/s\n\n", "all", "",
            "", sum * 1e3, 100.0, roofs * 1e3, sum > 0 ? roofs * 100 / sum : 0, peaks.fma, peaks.amx, peaks.bandwidth);
}

lyne_status lyne_program_print_kernels(const lyne_program *p, const lyne_timed *timed, int64_t runs, FILE *to,
                                       lyne_error *err) {
    const size_t n = (size_t)lyne_program_n_steps(p) + 1;
    double *least = lyne_alloc(n, sizeof *least), *one = lyne_alloc(n, sizeof *one);
    lyne_status status = least && one ? LYNE_OK : lyne_fail_memory(err, "times");
    for (int64_t i = 0; i < runs && status == LYNE_OK; i++) {
        memset(one, 0, n * sizeof *one);
        status = timed->run(timed->self, one, err);
        for (size_t k = 0; k < n; k++)
            if (i == 0 || one[k] < least[k]) least[k] = one[k];
    }
    if (status == LYNE_OK) print_kernels(p, least, timed->behind, to);
    lyne_free(least);
    lyne_free(one);
    return status;
}

void lyne_program_print(const lyne_program *p, FILE *to) {
    for (int pass = 0; pass < N_PASSES; pass++)
        for (int i = 0; i < p->pass[pass].n; i++) {
            const lyne_step *s = &p->pass[pass].item[i];
            fprintf(to, "%-9s %-28s %-32s %10zu bytes\n", pass_names[pass], s->node->path, s->name, bytes_of(p, s));
        }
}
