// stuck_watch: which threads have been in one handler for too long, and when to look at them again.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <algorithm>
#include <cstdint>

namespace aura::core {

/// Decides nothing but that: no thread, no clock. Each look is begin(), see() for every thread, next_look().
///
/// Looks are rare until a handler has been seen that took longer than the limit, and as close as the limit for
/// some seconds after each. A rare look that finds a thread in a handler is followed by a close one, else what
/// takes less than the distance between them would never be seen. While every thread sleeps nobody has to look at all.
class stuck_watch {
public:
    explicit stuck_watch(nanoseconds_t limit) noexcept
        : limit_(limit)
        , slow_(std::max(limit, std::min(slowest, limit * 64))) {}

    struct sample {
        std::uintptr_t handler = 0; ///< 0: in none that may be left behind
        std::uint64_t turns = 0;    ///< of its loop, for handlers may look alike
        bool asleep = false;
    };
    /// What is remembered of a thread. Its thread has it, so that a look needs no memory of its own.
    struct memory {
        sample last;
        nanoseconds_t since = 0;
    };

    void begin(nanoseconds_t now) noexcept {
        now_ = now;
        anybody_awake_ = false;
        new_handler_ = false;
        is_second_ = looks_twice_;
        looks_twice_ = false;
    }

    /// True: it has been in this handler for longer than the limit.
    bool see(memory& before, const sample& s) noexcept {
        anybody_awake_ = anybody_awake_ || !s.asleep;
        const bool same = s.handler != 0 && before.last.handler == s.handler && before.last.turns == s.turns;
        if (!same) {
            before.since = now_;
            new_handler_ = new_handler_ || s.handler != 0;
        }
        before.last = s;
        if (!same || now_ - before.since < limit_)
            return false;
        fast_until_ = now_ + fast_for;
        return true;
    }

    /// never: when somebody wakes up.
    nanoseconds_t next_look() noexcept {
        if (!anybody_awake_)
            return never;
        looks_twice_ = new_handler_ && !is_second_;
        return now_ + (looks_twice_ || now_ < fast_until_ ? limit_ : slow_);
    }

private:
    static constexpr nanoseconds_t slowest = 50'000'000;
    static constexpr nanoseconds_t fast_for = 5'000'000'000;

    const nanoseconds_t limit_;
    const nanoseconds_t slow_;
    nanoseconds_t now_ = 0;
    nanoseconds_t fast_until_ = 0;
    bool anybody_awake_ = false;
    bool new_handler_ = false; // at this look
    bool looks_twice_ = false;
    bool is_second_ = false;
};

} // namespace aura::core
