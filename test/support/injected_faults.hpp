// injected_faults: io_uring_enter(2) fails every so often, with the errors that pass, or where a test says.
// For a program whose liburing is a shared library: its definition of the function takes precedence.
#pragma once

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <sys/syscall.h>
#include <unistd.h>

namespace test {

/// Relaxed throughout: counts.
class enter_faults {
public:
    /// One call of so many fails from now on; 0: none.
    static void every(unsigned calls) noexcept { interval_.store(calls, std::memory_order_relaxed); }
    /// Of the calls from now on, so many, beginning with number `first` (from 1), fail with `error`.
    static void fail(std::uint64_t first, std::uint64_t count, int error) noexcept {
        const std::uint64_t made = calls_.load(std::memory_order_relaxed);
        error_.store(error, std::memory_order_relaxed);
        first_.store(made + first - 1, std::memory_order_relaxed);
        end_.store(made + first - 1 + count, std::memory_order_relaxed);
    }
    static void stop_failing() noexcept { end_.store(0, std::memory_order_relaxed); }

    static std::uint64_t calls() noexcept { return calls_.load(std::memory_order_relaxed); }
    static std::uint64_t injected() noexcept { return injected_.load(std::memory_order_relaxed); }

    /// 0, or the negated errno the call is to fail with.
    static int next() noexcept {
        const std::uint64_t call = calls_.fetch_add(1, std::memory_order_relaxed);
        if (call < end_.load(std::memory_order_relaxed) && call >= first_.load(std::memory_order_relaxed)) {
            injected_.fetch_add(1, std::memory_order_relaxed);
            return -error_.load(std::memory_order_relaxed);
        }
        const unsigned interval = interval_.load(std::memory_order_relaxed);
        if (interval == 0 || call % interval != 0)
            return 0;
        constexpr std::array<int, 4> errors{EAGAIN, EINTR, EBUSY, ENOMEM};
        return -errors[injected_.fetch_add(1, std::memory_order_relaxed) % errors.size()];
    }

private:
    static inline std::atomic<unsigned> interval_{0};
    static inline std::atomic<int> error_{0};
    static inline std::atomic<std::uint64_t> calls_{0}, injected_{0}, first_{0}, end_{0};
};

} // namespace test

// Weak, so that several source files may have it.
extern "C" __attribute__((weak)) int io_uring_enter2(unsigned fd, unsigned submit, unsigned wait_for,
                                                     unsigned flags, sigset_t* argument, std::size_t size) {
    if (const int error = test::enter_faults::next())
        return error;
    const long r = ::syscall(__NR_io_uring_enter, fd, submit, wait_for, flags, argument, size);
    return r < 0 ? -errno : static_cast<int>(r);
}
