// attempt_mark: lets any thread wait until the one that drives is out of a system call for a request.
#pragma once

#include <atomic>
#include <cstdint>

namespace aura::core::epoll {

/// Who replaces what a number means, or says that its requests are over, has to know that no attempt which began
/// before is still under way. Attempts are made for every message, replacements are rare, so the price is on the
/// other side: membarrier(2), where the kernel has it.
class attempt_mark {
public:
    attempt_mark() noexcept;

    // One writer, the driving thread. The count is odd while an attempt is made. Its store must be seen before the
    // attempt looks at anything: where no membarrier makes the other side wait for that, a fence here. The store at
    // the end releases, so that who sees it sees the end of the attempt.
    void enter() noexcept {
        count_.store(++own_, std::memory_order_relaxed);
        if (!barriers_) [[unlikely]]
            std::atomic_thread_fence(std::memory_order_seq_cst);
        else
            std::atomic_signal_fence(std::memory_order_seq_cst);
    }
    void leave() noexcept { count_.store(++own_, std::memory_order_release); }

    /// Any thread. Whatever attempt is under way has ended when this returns true; those that begin later see what
    /// the caller has done before. False: the driving thread has not had the processor for two seconds.
    bool wait_until_left() const noexcept;

private:
    std::uint64_t own_ = 0;
    bool barriers_;
    std::atomic<std::uint64_t> count_{0};
};

} // namespace aura::core::epoll
