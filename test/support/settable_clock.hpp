// settable_clock: a clock that a test sets, forward and back, for timers on it.
#pragma once

#include <atomic>
#include <chrono>

namespace test {

/// Shows what it was set to.
struct settable_clock {
    using duration = std::chrono::milliseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<settable_clock>;
    [[maybe_unused]] static constexpr bool is_steady = false;

    static inline std::atomic<rep> current{0};
    static time_point now() { return time_point(duration(current.load())); }
    static void set(duration d) { current = d.count(); }
    static void jump(duration d) { current += d.count(); }
};

/// Wait traits: how much real time may pass before the clock is looked at again, in milliseconds. Whether the
/// time has come is for the clock alone to say.
template <int Milliseconds>
struct looked_at_every {
    static settable_clock::duration to_wait_duration(const settable_clock::duration&) {
        return std::chrono::milliseconds(Milliseconds);
    }
    static settable_clock::duration to_wait_duration(const settable_clock::time_point&) {
        return std::chrono::milliseconds(Milliseconds);
    }
};

} // namespace test
