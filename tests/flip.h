/* tests/flip.h -- one bit of a file, changed in place, since the tests do it for every bit. */
#ifndef TESTS_FLIP_H
#define TESTS_FLIP_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <unistd.h>

/* Of a file that is open for both; a second time, it is as it was. */
static inline void flip_bit(int fd, uint64_t bit) {
    unsigned char byte;
    cr_assert(pread(fd, &byte, 1, (off_t)(bit / 8)) == 1);
    byte = (unsigned char)(byte ^ 1 << bit % 8);
    cr_assert(pwrite(fd, &byte, 1, (off_t)(bit / 8)) == 1);
}

#endif
