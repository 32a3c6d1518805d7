// session_load: when a ring that has more to do than it can sends some of its connections to another one.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace aura::core {

/// Decides from figures alone: no clock, no ring. Belongs to a ring; its thread looks some ticks of the scheduler
/// apart, while it is awake.
///
/// A ring has too much when its handlers take long (what moving costs, a wake, is nothing beside them), its thread
/// is mostly busy and several are ready at a time, while that of another ring sleeps. How many of its sessions then
/// may go is decided once for each look: half of what is ready in a turn, so that two rings that look at each other do
/// not exchange all they have.
class session_load {
public:
    /// For tests, before an engine is made: a session moves whenever it starts something and may move. Relaxed.
    inline static std::atomic<bool> every_start_moves{false};

    /// A handler that takes less than this is sooner run than sent away: three wakes.
    static constexpr nanoseconds_t long_handler = 10'000;
    /// How far looks are apart. The coarse clock moves in steps of 1 to 10 ms.
    static constexpr nanoseconds_t distance = 10'000'000;
    /// A session that was moved stays for so long.
    static constexpr nanoseconds_t rest = 50'000'000;

    /// Totals of the ring and of the thread that drives it, except the last.
    struct sample {
        nanoseconds_t now = 0;
        nanoseconds_t busy = 0;      ///< in handlers, by the coarse clock
        nanoseconds_t processor = 0; ///< that the thread has had; 0: not known
        std::uint64_t handlers = 0;
        std::uint64_t turns = 0;
        int thread = 0;
    };

    /// Whether it is time for the next look.
    bool is_due(nanoseconds_t now) const noexcept { return now - last_.now >= distance; }

    /// How many sessions may go until the next one.
    unsigned look(const sample& s) noexcept {
        const sample before = last_;
        last_ = s;
        leaves_ = 0;
        const std::uint64_t handlers = s.handlers - before.handlers;
        const nanoseconds_t elapsed = s.now - before.now;
        if (s.thread != before.thread || handlers == 0 || elapsed > longest_distance)
            return 0;
        // By the processor's time where that is known: a thread that waits for a processor spends time in its handlers
        // as well, and another ring would not help.
        const nanoseconds_t busy = s.busy - before.busy;
        const nanoseconds_t spent = s.processor != 0 ? s.processor - before.processor : busy;
        if (spent < elapsed / 2 || busy < elapsed / 4 || spent / handlers < long_handler)
            return 0;
        // Of two that are ready in a turn one waits.
        leaves_ = static_cast<unsigned>(handlers / std::max<std::uint64_t>(s.turns - before.turns, 1) / 2);
        return leaves_;
    }

    /// Whether a session may go that was moved last at that time (0: never). If it does, has_left() is to be told.
    bool may_leave(nanoseconds_t now, nanoseconds_t moved_at) const noexcept {
        return leaves_ != 0 && (moved_at == 0 || now - moved_at >= rest);
    }
    /// True: more may follow.
    bool has_left() noexcept { return --leaves_ != 0; }

private:
    /// What lies further back says nothing about now.
    static constexpr nanoseconds_t longest_distance = 100'000'000;

    sample last_;
    unsigned leaves_ = 0;
};

} // namespace aura::core
