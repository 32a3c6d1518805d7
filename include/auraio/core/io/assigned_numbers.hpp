// assigned_numbers: the descriptor numbers that programs have given to objects.
#pragma once

#include <fcntl.h>

namespace aura::core {

class engine;

// Any thread, under a lock: for descriptors that come from the program, not for those that were opened or
// accepted here.

/// Takes note that an object of `owner` is given `fd`. -EBADF when nothing can be read from it or written to
/// it because it is closed or was opened with O_PATH; -EEXIST when an object of `owner` has been given it
/// already and it is still the same file (a number that was closed behind an object's back comes to mean
/// another); else the flags of the open file, as F_GETFL of fcntl(2) has them. Regular files, directories and
/// block devices may be given to several.
int note_assigned(const engine& owner, int fd);
void forget_assigned(const engine& owner, int fd) noexcept;

constexpr bool is_non_blocking(int flags) noexcept {
    return (flags & O_NONBLOCK) != 0;
}
constexpr bool is_direct(int flags) noexcept {
    return (flags & O_DIRECT) != 0;
}

} // namespace aura::core
