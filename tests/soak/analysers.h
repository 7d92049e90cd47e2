/* tests/soak/analysers.h -- included ahead of everything by static analysers, which see one file at a time and cannot know
 * that a call to lyne_fail comes back with a status that is not LYNE_OK. */
#include "lyne/status.h"
#define lyne_fail(err, status, ...)      (lyne_fail(err, status, __VA_ARGS__), (status))
#define lyne_fail_memory(err, what)      (lyne_fail_memory(err, what), LYNE_ENOSPACE)
#define lyne_fail_errno(err, path, what) (lyne_fail_errno(err, path, what), LYNE_EDATA)
