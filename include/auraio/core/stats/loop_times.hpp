// loop_times: how the time of a ring's threads is spent, by the coarse clock that its loop reads anyway.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"
#include "auraio/core/stats/ring_stats.hpp"

#include <atomic>
#include <cstdint>

namespace aura::core {

/// The coarse clock moves in ticks; how many of them fall into turns and into waits is in proportion to the time that
/// these take. So the sums are right over seconds although no single turn is, and no clock is read for them. The
/// times are arguments: nothing here reads a clock.
///
/// Turns and waits follow each other without a gap, so one beginning is kept for both, and is looked at when the clock
/// has moved only: a wait costs two stores of a flag.
///
/// Written by the ring's thread. Any thread may read: what lasts (a handler, a wait) is added to what was counted.
/// Against adding the same time twice, the beginning is changed before the sum, which is stored with release; who
/// reads takes the beginning, the sum with acquire, and the beginning again. Time that was counted is time of a turn
/// or wait whose beginning has been replaced by another, for a beginning comes back only when no time has passed.
/// Between the two stores the time is missing: what has been shown once is never less again. The flag is stored with
/// release and read with acquire before the beginning, and the clock before both: whoever sees that a wait has ended
/// sees the beginning that ended it, and what came later is not in the reader's time.
class loop_times {
public:
    /// Of the turn, or of the wait; never: nobody drives the ring. For its thread.
    nanoseconds_t began() const noexcept { return began_.load(std::memory_order_relaxed); }
    void begin(nanoseconds_t now) noexcept { began_.store(now, std::memory_order_relaxed); }

    /// never: nobody drives the ring, or its driver waits. For other threads a hint.
    nanoseconds_t turn_began() const noexcept {
        return waits_.load(std::memory_order_relaxed) != 0 ? never : began_.load(std::memory_order_relaxed);
    }

    /// A turn or a wait ends by the clock, and a turn begins. Returns what the clock shows of a turn that ends.
    nanoseconds_t move_on(nanoseconds_t now, ring_counters& c) noexcept {
        const nanoseconds_t before = began();
        begin(now);
        if (before == never)
            return 0;
        const bool waited = waits_.load(std::memory_order_relaxed) != 0;
        add(waited ? c.idle_time : c.busy_time, now - before);
        end_wait(); // also when it has failed
        return waited ? 0 : now - before;
    }

    /// The turn is over and counted; what comes is no handler's time.
    void begin_wait() noexcept { waits_.store(1, std::memory_order_release); }
    /// Once the clock has been looked at after it.
    void end_wait() noexcept { waits_.store(0, std::memory_order_release); }

    /// Nobody drives it any more, perhaps because a wait has failed.
    void end_drive() noexcept {
        begin(never);
        end_wait();
    }

    /// Any thread.
    void read(const ring_counters& c, nanoseconds_t now, ring_stats& out) const noexcept {
        const bool waits = waits_.load(std::memory_order_acquire) != 0;
        const std::uint64_t busy = waits ? counted(c.busy_time) : read(c.busy_time, now);
        const std::uint64_t idle = waits ? read(c.idle_time, now) : counted(c.idle_time);
        out.busy_time = largest(shown_busy_, busy);
        out.idle_time = largest(shown_idle_, idle);
    }

private:
    static void add(ring_counters::counter& sum, nanoseconds_t time) noexcept {
        sum.store(sum.load(std::memory_order_relaxed) + time, std::memory_order_release);
    }
    static std::uint64_t counted(const ring_counters::counter& sum) noexcept {
        return sum.load(std::memory_order_relaxed);
    }
    std::uint64_t read(const ring_counters::counter& sum, nanoseconds_t now) const noexcept {
        const nanoseconds_t before = began();
        const std::uint64_t time = sum.load(std::memory_order_acquire);
        if (before == never || now <= before || began() != before)
            return time;
        return time + (now - before);
    }

    /// Relaxed: the value stands for itself.
    static std::uint64_t largest(std::atomic<std::uint64_t>& shown, std::uint64_t now) noexcept {
        std::uint64_t before = shown.load(std::memory_order_relaxed);
        while (before < now && !shown.compare_exchange_weak(before, now, std::memory_order_relaxed)) {
        }
        return before < now ? now : before;
    }

    std::atomic<nanoseconds_t> began_{never}; // relaxed: see above
    // Not of bool, whose functions a debug build calls: a program with ThreadSanitizer brings its own, which do not
    // know what a library without it has ordered.
    std::atomic<std::uint8_t> waits_{0};
    mutable std::atomic<std::uint64_t> shown_busy_{0};
    mutable std::atomic<std::uint64_t> shown_idle_{0};
};

} // namespace aura::core
