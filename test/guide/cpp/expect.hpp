// expect: what the programs around the guide's snippets in C++ check with.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#define EXPECT(condition)                                                                                    \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                     \
            std::exit(1);                                                                                    \
        }                                                                                                    \
    } while (0)

/// A file of `size` bytes, all of them `byte`, without a name.
inline int scratch_file(char byte, int size) {
    char name[] = "./guide-XXXXXX";
    const int fd = ::mkstemp(name);
    EXPECT(fd >= 0);
    ::unlink(name);
    for (int i = 0; i < size; ++i)
        EXPECT(::write(fd, &byte, 1) == 1);
    return fd;
}
