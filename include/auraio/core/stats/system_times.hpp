// system_times: what the threads of a ring have spent in the kernel, one after the other, added up by who looks.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <mutex>
#include <new>

namespace aura::core {

/// The kernel has a clock of each thread, and a ring has many threads in its life. This is the sum of what that clock
/// grows by between two looks that find the same thread: it never falls, and costs only those that look. What a thread
/// does between two looks of which but one finds it is left out. Any thread.
class system_times {
public:
    /// `read(thread)`: what its clock shows. Under the lock, so that of two that look at once none reads before the
    /// other and counts after it.
    template <class Read>
    nanoseconds_t look(int thread, Read read) {
        const std::lock_guard guard(mutex_);
        const nanoseconds_t now = read(thread);
        const bool same = thread == thread_;
        if (same && now > last_)
            sum_ += now - last_;
        // The two readings of which the kernel's figure is made may differ by a little: counted from the larger one on.
        // What has fallen by half is another thread, to which the kernel has given the number of one that has ended.
        if (!same || now > last_ || now < last_ / 2)
            last_ = now;
        thread_ = thread;
        return sum_;
    }
    /// While nobody drives the ring.
    nanoseconds_t sum() {
        const std::lock_guard guard(mutex_);
        return sum_;
    }

    /// In a child, where the thread that looked at the moment of the fork does not exist.
    void sever() noexcept {
        ::new (static_cast<void*>(&mutex_)) std::mutex;
        thread_ = 0;
    }

private:
    std::mutex mutex_; // guards the rest
    int thread_ = 0;
    nanoseconds_t last_ = 0;
    nanoseconds_t sum_ = 0;
};

} // namespace aura::core
