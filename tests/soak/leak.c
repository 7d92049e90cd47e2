/* tests/soak/leak.c -- each analyser of analysers.sh must find the memory that is lost here; never compiled. */
#include <stdlib.h>

int lost(int n) {
    int *p = malloc(4 * sizeof *p);
    if (!p) return 0;
    p[0] = n;
    if (n > 3) return 1;
    free(p);
    return 2;
}
