// process: which process an engine belongs to when one forks.
#pragma once

#include <atomic>

namespace aura::capi {

namespace detail {
inline constinit std::atomic<unsigned> forks{0};
} // namespace detail

/// How many forks lie between this process and the one that has loaded the library. Relaxed: it changes while
/// a child has a single thread only, before fork(2) returns there. (A child of vfork(2) or of a bare clone(2)
/// does not count; it may call nothing but exec.)
inline unsigned fork_generation() noexcept {
    return detail::forks.load(std::memory_order_relaxed);
}

/// Before the first engine of the process is made: from now on forks are counted, and a child inherits no
/// lock of the C library that another thread holds. Throws engine_error when there is no memory to be told of
/// forks.
void watch_forks();

} // namespace aura::capi
