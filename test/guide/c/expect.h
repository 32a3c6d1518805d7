/* expect.h: what the programs around snippets of the guide share: a scratch file, and a check that says what failed. */
#ifndef GUIDE_EXPECT_H
#define GUIDE_EXPECT_H

#include <auraio/aura.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPECT(condition)                                                                                    \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno);        \
            exit(1);                                                                                         \
        }                                                                                                    \
    } while (0)

/** A file without a name that has `size` bytes, each `byte`. */
static inline int scratch_file(char byte, size_t size) {
    char name[] = "scratch-XXXXXX";
    const int fd = mkstemp(name);
    EXPECT(fd >= 0 && unlink(name) == 0);
    for (size_t i = 0; i < size; ++i)
        EXPECT(write(fd, &byte, 1) == 1);
    return fd;
}

#endif
