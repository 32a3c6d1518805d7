// thread_times: the clocks that the kernel has of each thread.
#include "core/base/thread_times.hpp"

#include "auraio/core/base/clock.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>

namespace aura::core {

namespace {

/// The kernel's number for a clock of a thread: what pthread_getcpuclockid(3) puts together, which takes threads that
/// have a pthread_t, and knows no clock for the time in user mode.
clockid_t clock_of(int thread, unsigned which) noexcept {
    constexpr unsigned of_thread = 4;
    return static_cast<clockid_t>((~static_cast<unsigned>(thread) << 3) | of_thread | which);
}

nanoseconds_t read_clock(clockid_t clock) noexcept {
    timespec t{};
    return ::clock_gettime(clock, &t) == 0 ? nanoseconds_of(t) : 0;
}

/// A line of numbers from a file of /proc, which is not kept open, for a program counts its descriptors. Without one it
/// has no numbers.
class line_of_numbers {
public:
    explicit line_of_numbers(const char* path) noexcept {
        const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return;
        if (const auto size = ::read(fd, text_.data(), text_.size()); size > 0)
            left_ = {text_.data(), static_cast<std::size_t>(size)};
        ::close(fd);
    }

    /// The next one, up to what is no digit; 0: there is none.
    std::uint64_t next() noexcept {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(left_.data(), left_.data() + left_.size(), value);
        left_.remove_prefix(static_cast<std::size_t>(end - left_.data()));
        if (!left_.empty())
            left_.remove_prefix(1);
        return error == std::errc{} ? value : 0;
    }

private:
    std::array<char, 96> text_;
    std::string_view left_;
};

} // namespace

processor_account account_of(int thread) noexcept {
    std::array<char, 64> path;
    (void)std::snprintf(path.data(), path.size(), "/proc/self/task/%d/schedstat", thread);
    line_of_numbers line(path.data());
    const nanoseconds_t had = line.next();
    return {had, line.next()};
}

nanoseconds_t idle_time() noexcept {
    line_of_numbers line("/proc/uptime"); // two times in seconds, with two digits behind the point
    (void)line.next();
    (void)line.next();
    const nanoseconds_t seconds = line.next();
    return (seconds * 100 + line.next()) * 10'000'000;
}

nanoseconds_t system_time_of(int thread) noexcept {
    constexpr unsigned both = 0, user = 1;
    nanoseconds_t all = 0, in_user = read_clock(clock_of(thread, user));
    for (int tries = 0; tries < 4;
         ++tries) { // until the two belong together: else the difference might shrink
        all = read_clock(clock_of(thread, both));
        const nanoseconds_t again = read_clock(clock_of(thread, user));
        if (again == in_user)
            break;
        in_user = again;
    }
    return all > in_user ? all - in_user : 0;
}

} // namespace aura::core
