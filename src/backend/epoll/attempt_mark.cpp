// attempt_mark: the side that waits.
#include "attempt_mark.hpp"

#include "auraio/core/base/clock.hpp"
#include "core/base/first_use.hpp"

#include <ctime>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aura::core::epoll {

namespace {

bool may_use_barriers() noexcept {
    static constinit first_use<bool> may;
    return may.get(
        [] { return ::syscall(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0; });
}

} // namespace

attempt_mark::attempt_mark() noexcept
    : barriers_(may_use_barriers()) {}

bool attempt_mark::wait_until_left() const noexcept {
    if (barriers_)
        ::syscall(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    else
        std::atomic_thread_fence(std::memory_order_seq_cst);
    const std::uint64_t count = count_.load(std::memory_order_acquire);
    if ((count & 1) == 0)
        return true;
    // An attempt does not wait: some microseconds. Acquire: who sees its end sees what it has done.
    const auto is_under_way = [&] { return count_.load(std::memory_order_acquire) == count; };
    constexpr int yields = 100;
    for (int i = 0; i < yields && is_under_way(); ++i)
        ::sched_yield();
    // Whoever drives may have a lower priority than who waits, to whom yielding gives nothing.
    constexpr nanoseconds_t patience = 2'000'000'000;
    const nanoseconds_t began = monotonic_now();
    while (is_under_way()) {
        if (monotonic_now() - began >= patience)
            return false;
        constexpr timespec moment{0, 50'000};
        ::nanosleep(&moment, nullptr);
    }
    return true;
}

} // namespace aura::core::epoll
