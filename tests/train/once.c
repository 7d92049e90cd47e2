/* tests/train/once.c -- each sample comes once in each epoch, in the order of a run left alone, also to a run that is killed
 * again and again: an augmentation that does nothing notes which pictures it is given. */
#include "lesson.h"

#include "base/file.h"
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SAMPLES = 30, SHOWN = 17, BATCH = 4, EPOCHS = 3, MOST_LIVES = 64, MOST_SHOWN = SAMPLES * EPOCHS + BATCH };

/* What each process was shown, in memory that it shares with the one that started it. */
typedef struct notes {
    int n_lives;
    struct {
        bool begun; /* a step: then first_step is known */
        uint64_t first_step, n, sample[MOST_SHOWN];
    } life[MOST_LIVES];
} notes;
static notes *shared;
static const lesson *taught;

static void note(const void *config, lyne_picture_size size, lyne_stream *stream, const uint8_t *src, uint8_t *dst) {
    const size_t bytes = (size_t)(size.channels * size.height * size.width);
    const int life = shared->n_lives - 1;
    (void)config, (void)stream;
    cr_assert_lt(shared->life[life].n, MOST_SHOWN);
    shared->life[life].sample[shared->life[life].n++] = (uint64_t)(src - taught->dataset.pictures) / bytes;
    memcpy(dst, src, bytes);
}
static const lyne_augmentation noting = {.component = {.kind = LYNE_AUGMENTATION, .name = "noting"}, .apply = note};

static void note_step(const lesson *l, uint64_t step) {
    const int life = shared->n_lives - 1;
    (void)l;
    if (!shared->life[life].begun) shared->life[life].first_step = step;
    shared->life[life].begun = true;
}

/* In a process of its own, killed at that system call; 0: never.  True if it lived to the end. */
static bool live(const lesson *l, uint64_t call) {
    int how;
    cr_assert_lt(shared->n_lives, MOST_LIVES);
    shared->n_lives++;
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        lyne_trained trained;
        lesson_at_step = note_step;
        if (call) lyne_file_fail_at(call, LYNE_FILE_DIE);
        _exit(lyne_train(&l->training, &trained, NULL) == LYNE_OK ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &how, 0), child);
    cr_assert(WIFSIGNALED(how) || WEXITSTATUS(how) == 0);
    return WIFEXITED(how);
}

/* Life after life: what a later one is shown again is what an earlier one was shown there.  Returns how many in all. */
static uint64_t join(uint64_t whole[MOST_SHOWN]) {
    uint64_t n = 0;
    for (int k = 0; k < shared->n_lives; k++) {
        const uint64_t from = shared->life[k].first_step * BATCH;
        cr_assert(shared->life[k].begun || shared->life[k].n == 0, "life %d", k);
        cr_assert_leq(from, n, "life %d begins at %d, and only %d were shown before", k, (int)from, (int)n);
        for (uint64_t i = 0; i < shared->life[k].n; i++) {
            const uint64_t at = from + i;
            if (at < n) cr_assert_eq(whole[at], shared->life[k].sample[i], "life %d, place %d", k, (int)at);
            whole[at] = shared->life[k].sample[i];
            if (at >= n) n = at + 1;
        }
    }
    return n;
}

static void expect_once(const uint64_t *whole, uint64_t n, int shown, const lyne_subset *only) {
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
        int count[SAMPLES] = {0};
        for (int i = 0; i < shown; i++) count[whole[epoch * shown + i]]++;
        for (int i = 0; i < shown; i++) {
            const uint64_t id = only ? only->id[i] : (uint64_t)i;
            cr_expect_eq(count[id], 1, "epoch %d: sample %d came %d times", epoch, (int)id, count[id]);
        }
    }
    cr_expect(n >= (uint64_t)(EPOCHS * shown) && n < (uint64_t)(EPOCHS * shown + BATCH), "%d in all", (int)n);
}

static void expect_each_once(const lyne_subset *only) {
    static const lesson_plan plan = {
        "{mlp: {hidden: [8]}}", "sgd", {"cross_entropy"}, NULL, false, EPOCHS, BATCH, 1, 1};
    static const uint64_t calls[] = {15, 33, 9, 61, 24};
    const lyne_instance note_row = {.row = &noting.component};
    lesson l;
    uint64_t alone[MOST_SHOWN] = {0}, killed[MOST_SHOWN] = {0};
    lesson_open(&l, &plan, SAMPLES, -1);
    l.loader.augment = (lyne_instances){1, &note_row};
    l.loader.only = only;
    l.training.checkpoint_seconds = 0;
    taught = &l;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(shared, MAP_FAILED);
    cr_assert(live(&l, 0));
    const uint64_t n = join(alone);
    expect_once(alone, n, only ? SHOWN : SAMPLES, only);
    memset(shared, 0, sizeof *shared);
    cr_assert_eq(lyne_checkpoint_clear(l.directory, NULL), LYNE_OK);
    int lives = 0;
    while (!live(&l, calls[lives % 5])) lives++;
    cr_expect_gt(lives, 4, "killed %d times only", lives);
    cr_expect_eq(join(killed), n);
    cr_expect_arr_eq(killed, alone, n * sizeof *alone, "another order");
    munmap(shared, sizeof *shared);
    lesson_close(&l);
}

Test(once, each_sample_in_each_epoch) {
    expect_each_once(NULL);
}

Test(once, each_of_those_that_are_shown) {
    uint64_t id[SHOWN];
    for (uint64_t i = 0; i < SHOWN; i++) id[i] = i + i / 2;
    expect_each_once(&(lyne_subset){.id = id, .n = SHOWN});
}
