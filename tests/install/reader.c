/* A program outside Lyne's tree that uses the installed library: the error of a cache that is not there is the caller's
 * to read, with a status and the path in its text. */
#include <lyne/labels.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    const char *path = "/nowhere/soft_labels";
    lyne_labels *labels = NULL;
    lyne_error err = {0};
    lyne_status status = lyne_labels_open(path, &labels, &err);
    lyne_labels_close(labels);
    printf("status %d: %s\n", (int)status, err.text);
    return status == LYNE_EDATA && err.status == LYNE_EDATA && strstr(err.text, path) && !labels ? 0 : 1;
}
