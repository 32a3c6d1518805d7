// thread_times: the clocks that the kernel has of each thread.
#include "core/base/thread_times.hpp"

#include "auraio/core/base/clock.hpp"

#include <ctime>

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

} // namespace

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
