/* train/teacher.c -- see teacher.h. */
#include "train/teacher.h"
#include <string.h>

lyne_status lyne_teacher_open(lyne_teacher *t, const lyne_network *student, lyne_instance model, const lyne_task *task,
                              const char *weights, lyne_error *err) {
    lyne_network_options o = {
        .model = model, .task = task, .batch = lyne_graph_batch(student->graph), .n_taps = student->n_features};
    for (int i = 0; i < student->n_features; i++) o.tap[i] = student->feature[i].path;
    lyne_status status = lyne_network_init(&t->net, &o, err);
    if (status == LYNE_OK) status = lyne_weights_load(t->net.weights, weights, err);
    return status == LYNE_OK ? LYNE_OK : lyne_error_context(err, "the teacher");
}

void lyne_teacher_close(lyne_teacher *t) {
    if (t) lyne_network_deinit(&t->net);
}

lyne_status lyne_teacher_show(lyne_teacher *t, lyne_network *student, lyne_error *err) {
    const float *logits;
    memcpy(lyne_program_input(t->net.program, t->net.picture), lyne_program_input(student->program, student->picture),
           (size_t)lyne_shape_size(&student->picture->shape));
    const lyne_status status = lyne_network_infer(&t->net, &logits, err);
    for (int i = 0; status == LYNE_OK && i < student->n_features; i++) {
        lyne_node *input = student->feature[i].input;
        memcpy(lyne_program_input(student->program, input), lyne_program_output(t->net.program, t->net.tap[i]),
               (size_t)lyne_shape_size(&input->shape) * sizeof(float));
    }
    return status;
}
