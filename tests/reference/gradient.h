/* reference/gradient.h -- the gradient tester of src/check, for tests. */
#include "check/gradient.h"
