/* lyne/status.h -- how every function of Lyne reports a failure.
 *
 *     lyne_error err = {0};
 *     if (lyne_labels_open("runs/quickstart/soft_labels", &labels, &err) != LYNE_OK)
 *         fprintf(stderr, "%s\n", err.text);
 *
 * A user's mistake returns a status; a programmer's mistake asserts.  The status is also the exit status of the
 * program, so a script can tell a bad recipe from a full disk. */
#ifndef LYNE_STATUS_H
#define LYNE_STATUS_H

#pragma GCC visibility push(default) /* what a public header declares is exported, all else is hidden */
#ifdef __cplusplus
extern "C" {
#endif

typedef enum lyne_status {
    LYNE_OK = 0,
    LYNE_EOTHER = 1,       /* none of the below, e.g. oneDNN refused a primitive                                 */
    LYNE_EUSAGE = 2,       /* a command line that cannot be understood                                           */
    LYNE_ERECIPE = 3,      /* a recipe that breaks a rule: unknown key, range, shapes that do not fit            */
    LYNE_EDATA = 4,        /* a file that is missing, malformed, of another data set, or fails its checksum      */
    LYNE_ENOTFINITE = 5,   /* NaN or infinity where a number was due                                             */
    LYNE_ENOSPACE = 6,     /* the disk or the memory is full                                                     */
    LYNE_EENVIRONMENT = 7, /* a checkpoint made under another CPU, library or thread count; no bf16 here           */
    LYNE_STOPPED = 75      /* stopped by a signal with a checkpoint on disk: run the same command to go on       */
} lyne_status;

/* Lives on the caller's stack, zeroed before the first call.  The first failure wins: a later one, met while backing
 * out, never hides the cause.  `text` is one or more whole sentences, UTF-8, on one line: what a file said in it cannot steer a
 * terminal. */
typedef struct lyne_error {
    lyne_status status;
    char text[1020];
    int cause; /* the errno that lyne_fail_errno found; 0: it was no system call */
} lyne_error;

#if defined(__GNUC__)
#define LYNE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define LYNE_PRINTF(fmt, args)
#endif

/** Record a failure and return its status: `return lyne_fail(err, LYNE_EDATA, "%s: %s", path, why);`
 *  err may be NULL (only the status matters then); an err that already holds a failure is left alone, and the status
 *  it holds is returned. */
lyne_status lyne_fail(lyne_error *err, lyne_status status, const char *fmt, ...) LYNE_PRINTF(3, 4);

/** As lyne_fail with the cause taken from errno: "PATH: cannot DOING: No space left on device".
 *  ENOSPC, EDQUOT and ENOMEM give LYNE_ENOSPACE, everything else LYNE_EDATA. */
lyne_status lyne_fail_errno(lyne_error *err, const char *path, const char *doing);

/** "out of memory" as LYNE_ENOSPACE; `what` says for what. */
lyne_status lyne_fail_memory(lyne_error *err, const char *what);

/** Put "context: " before the text of a failure that is being passed on.  Returns err's status. */
lyne_status lyne_error_context(lyne_error *err, const char *fmt, ...) LYNE_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
#endif
