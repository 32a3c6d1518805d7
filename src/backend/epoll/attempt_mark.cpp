// attempt_mark: the side that waits.
#include "attempt_mark.hpp"

#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aura::core::epoll {

namespace {

bool may_use_barriers() noexcept {
    static const bool may = ::syscall(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
    return may;
}

} // namespace

attempt_mark::attempt_mark() noexcept
    : barriers_(may_use_barriers()) {}

void attempt_mark::wait_until_left() const noexcept {
    if (barriers_)
        ::syscall(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    else
        std::atomic_thread_fence(std::memory_order_seq_cst);
    const std::uint64_t count = count_.load(std::memory_order_acquire);
    if ((count & 1) == 0)
        return;
    while (count_.load(std::memory_order_acquire) == count) // an attempt does not wait: some microseconds
        ::sched_yield();
}

} // namespace aura::core::epoll
