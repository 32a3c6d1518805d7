// wake_word: a thread waits until another one says so, once; a futex(2), for as long as a condition variable would
// have both of them take a lock again.
#pragma once

#include "auraio/core/base/clock.hpp"

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aura::core {

class wake_word {
public:
    wake_word() = default;
    wake_word(const wake_word&) = delete;

    /// By another thread, and once. It may be gone before this returns: the kernel is then told an address at which
    /// nobody waits, or somebody who looks again.
    void set() noexcept {
        std::atomic<std::uint32_t>* const word = &word_;
        word->store(1, std::memory_order_release); // who is woken sees what was done before
        ::syscall(__NR_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
    }

    /// False: it was not set before `deadline` (monotonic clock).
    bool wait_until(nanoseconds_t deadline) noexcept {
        const timespec time = timespec_of(deadline);
        return wait(&time);
    }
    void wait() noexcept { (void)wait(nullptr); }

private:
    bool wait(const timespec* until) noexcept {
        while (word_.load(std::memory_order_acquire) == 0) { // of the release in set()
            const long r = ::syscall(__NR_futex, &word_, FUTEX_WAIT_BITSET_PRIVATE, 0, until, nullptr,
                                     FUTEX_BITSET_MATCH_ANY);
            if (r != 0 && errno == ETIMEDOUT)
                return word_.load(std::memory_order_acquire) != 0; // as above
        }
        return true;
    }

    std::atomic<std::uint32_t> word_{0};
};

} // namespace aura::core
