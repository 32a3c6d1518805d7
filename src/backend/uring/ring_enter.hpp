// ring_enter: the system call of a ring, and the wait of each turn of the loop, in the functions that make them.
#pragma once

#include "kernel_abi.hpp"
#include "ring.hpp"

#include <cerrno>

namespace aura::core::uring {

// A processor that is kept from guessing in the kernel (AMD's safe returns) has forgotten by the end of a system call
// where its callers return to: each function between the loop and the call costs a return that is mispredicted, 5 to
// 7 ns of a turn. So they are one.

/// After how many system calls in one stay of a thread registering the ring's descriptor has paid for itself.
inline constexpr unsigned registration_threshold = 64;

/// _NSIG / 8, what the kernel expects also when no mask is given.
inline constexpr std::size_t signal_mask_size = 8;

inline void ring::publish() noexcept {
    ring_.sq.sqe_head = ring_.sq.sqe_tail;
    // Release: the kernel reads the entries after it reads the tail.
    io_uring_smp_store_release(ring_.sq.ktail, ring_.sq.sqe_tail);
}

[[gnu::always_inline]] inline int ring::enter(unsigned submit, unsigned wait_for, unsigned flags,
                                              void* argument, std::size_t size) noexcept {
    int fd = registered_index_;
    const bool registered = fd >= 0; // then it is open
    if (registered) [[likely]] {
        flags |= enter_registered_ring;
    } else {
        if (!open_) [[unlikely]]
            return -EOWNERDEAD;
        fd = ring_.ring_fd;
    }
    if (counters_) { // release: who sees the count sees what was published before; see descriptor::is_submitted()
        counters_->enters.store(counters_->enters.load(std::memory_order_relaxed) + 1,
                                std::memory_order_release);
        if ((flags & IORING_ENTER_GETEVENTS) != 0 &&
            (IO_URING_READ_ONCE(*ring_.sq.kflags) & IORING_SQ_CQ_OVERFLOW) != 0) [[unlikely]]
            ring_counters::bump(counters_->cq_overflows);
    }
    const int r = ::io_uring_enter2(static_cast<unsigned>(fd), submit, wait_for, flags,
                                    static_cast<sigset_t*>(argument), size);
    if (!registered && attached_ && ++enters_since_attach_ == registration_threshold) [[unlikely]]
        register_descriptor();
    return r;
}

[[gnu::always_inline]] inline void ring::submit_and_wait(std::uint64_t nanoseconds) {
    if (nanoseconds != ~std::uint64_t{0} || !aside_.empty()) [[unlikely]] {
        wait_otherwise(nanoseconds);
        return;
    }
    publish();
    // Without a time-out the plain form: copying the extended argument costs 40 ns.
    const int r = enter(unsubmitted(), 1, IORING_ENTER_GETEVENTS | wait_flags_, nullptr, signal_mask_size);
    if (r < 0) [[unlikely]]
        wait_has_failed(r, nanoseconds);
    else
        starved_since_ = 0;
}

} // namespace aura::core::uring
