// assigned_numbers: the descriptor numbers that programs have given to objects.
#pragma once

namespace aura::core {

class engine;

// Any thread, under a lock: for descriptors that come from the program, not for those that were opened or
// accepted here.

/// Takes note that an object of `owner` is given `fd`. -EBADF when nothing can be read from it or written to
/// it because it is closed or was opened with O_PATH; -EEXIST when an object of `owner` has been given it
/// already and it is still the same file (a number that was closed behind an object's back comes to mean
/// another); else 0. Regular files, directories and block devices may be given to several.
int note_assigned(const engine& owner, int fd);
void forget_assigned(const engine& owner, int fd) noexcept;

} // namespace aura::core
