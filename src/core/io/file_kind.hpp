// file_kind: which open files hold the thread that reads or writes them, although they have said to be ready.
#pragma once

#include <cstdint>

namespace aura::core {

/// What a read or write may do to the thread that submits it. io_uring asks a file that can be polled whether
/// it is ready, and then calls it; only files that are known to do without waiting are called in a way that
/// forbids it.
enum class file_kind : std::uint8_t {
    prompt,   ///< never waits there: sockets, pipes, files of local file systems, most of what has no name
    terminal, ///< sleeps in the middle of a write that does not fit; O_NONBLOCK prevents it
    master,   ///< the same: a pseudo-terminal's end that cannot be opened once more
    may_block ///< nothing is known: devices, what a program answers for (FUSE), the kernel's own files
};

/// Asks neither a file server nor a device, except a character device whether it is a terminal: any thread
/// may.
file_kind kind_of_file(int fd) noexcept;

/// The terminal `fd` (no master: it would be another one) opened once more, with O_NONBLOCK, which then
/// concerns nobody who shares `fd`. Negative where that cannot be had: no permission, no /proc.
int open_terminal_again(int fd) noexcept;

/// Whether the terminal `fd` answers a read at once, with nothing when there is nothing (VMIN 0, VTIME 0):
/// poll(2) never says that it is ready for that.
bool reads_empty(int fd) noexcept;

/// Whether poll(2) tells anything of it; true also when that cannot be found out.
bool file_can_be_polled(int fd) noexcept;

/// The kind of the files of a type of file system, as /proc/self/mountinfo spells it.
bool is_answered_elsewhere(const char* filesystem_type) noexcept;

} // namespace aura::core
