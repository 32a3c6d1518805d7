// loop_times: how the time of a ring's threads is spent, by the coarse clock that its loop reads anyway.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"
#include "auraio/core/stats/ring_stats.hpp"

#include <atomic>

namespace aura::core {

/// The coarse clock moves in ticks; how many of them fall into turns and into waits is in proportion to the time that
/// these take. So the sums are right over seconds although no single turn is, and no clock is read for them. The
/// times are arguments: nothing here reads a clock.
///
/// Written by the ring's thread. Any thread may read: what lasts (a handler, a wait) is added to what was counted.
/// Against adding the same time twice, the beginning is changed before the sum, which is stored with release; who
/// reads takes the beginning, the sum with acquire, and the beginning again. Time that was counted is time of a turn
/// or wait whose beginning has been replaced by another, for a beginning comes back only when no time has passed.
/// Between the two stores the time is missing: what has been shown once is never less again.
class loop_times {
public:
    /// never: nobody drives the ring, or its driver waits. Relaxed, for other threads a hint.
    nanoseconds_t turn_began() const noexcept { return turn_began_.load(std::memory_order_relaxed); }
    void set_turn_began(nanoseconds_t now) noexcept { turn_began_.store(now, std::memory_order_relaxed); }

    /// A turn ends, and another one begins. Returns what the clock shows of the one that ends.
    nanoseconds_t end_turn(nanoseconds_t now, ring_counters& c) noexcept {
        const nanoseconds_t shown = now - turn_began();
        set_turn_began(now);
        add(c.busy_time, shown);
        return shown;
    }

    /// The turn is over and counted; what comes is no handler's time.
    void begin_wait() noexcept {
        waits_since_.store(turn_began(), std::memory_order_relaxed);
        set_turn_began(never);
    }
    /// Once the turn after it has begun.
    void end_wait(ring_counters& c) noexcept {
        const nanoseconds_t since = waits_since_.load(std::memory_order_relaxed);
        waits_since_.store(never, std::memory_order_relaxed);
        if (turn_began() != since) [[unlikely]]
            add(c.idle_time, turn_began() - since);
    }

    /// Nobody drives it any more, perhaps because a wait has failed.
    void end_drive() noexcept {
        waits_since_.store(never, std::memory_order_relaxed);
        set_turn_began(never);
    }

    /// Any thread.
    void read(const ring_counters& c, nanoseconds_t now, ring_stats& out) const noexcept {
        out.busy_time = largest(shown_busy_, read(turn_began_, c.busy_time, now));
        out.idle_time = largest(shown_idle_, read(waits_since_, c.idle_time, now));
    }

private:
    static void add(ring_counters::counter& sum, nanoseconds_t time) noexcept {
        sum.store(sum.load(std::memory_order_relaxed) + time, std::memory_order_release);
    }
    static std::uint64_t read(const std::atomic<nanoseconds_t>& beginning, const ring_counters::counter& sum,
                              nanoseconds_t now) noexcept {
        const nanoseconds_t began = beginning.load(std::memory_order_relaxed);
        const std::uint64_t counted = sum.load(std::memory_order_acquire);
        if (began == never || now <= began || beginning.load(std::memory_order_relaxed) != began)
            return counted;
        return counted + (now - began);
    }

    /// Relaxed: the value stands for itself.
    static std::uint64_t largest(std::atomic<std::uint64_t>& shown, std::uint64_t now) noexcept {
        std::uint64_t before = shown.load(std::memory_order_relaxed);
        while (before < now && !shown.compare_exchange_weak(before, now, std::memory_order_relaxed)) {
        }
        return before < now ? now : before;
    }

    std::atomic<nanoseconds_t> turn_began_{never};
    std::atomic<nanoseconds_t> waits_since_{never};
    mutable std::atomic<std::uint64_t> shown_busy_{0};
    mutable std::atomic<std::uint64_t> shown_idle_{0};
};

} // namespace aura::core
