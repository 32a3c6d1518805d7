// only_thread: whether a process has one thread.
#pragma once

#if __has_include(<sys/single_threaded.h>) // glibc 2.32
#include <sys/single_threaded.h>
#endif

namespace aura::core {

/// Whether the process has no thread but the calling one. Then there is nobody to lock out, nor to wake; a second one
/// begins after what this one does now, for only this one could make it. A third of what a post and its turn take.
inline bool is_only_thread() noexcept {
#if __has_include(<sys/single_threaded.h>)
    return __libc_single_threaded != 0;
#else
    return false;
#endif
}

} // namespace aura::core
