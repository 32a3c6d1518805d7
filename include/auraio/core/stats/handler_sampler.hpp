// handler_sampler: which handlers of a ring are measured, and since when they have been ready.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <cstdint>

namespace aura::core {

/// One handler in `distance` is measured, and one of a turn at most: the clock is read three times for it, and for
/// no other. A prime, so that of handlers that alternate (a read, a write) each gets its share. No clock, no thread.
class handler_sampler {
public:
    static constexpr std::uint32_t distance = 61;

    /// A turn of so many handlers begins. True: one of them is chosen, and ready_at() is to be told.
    [[nodiscard]] bool begin_turn(std::uint32_t handlers) noexcept {
        chosen_ = none;
        // In place of a comparison and a subtraction: it is done for every turn.
        if (!__builtin_sub_overflow(before_next_, handlers, &before_next_)) [[likely]]
            return false;
        chosen_ = 0 - before_next_; // what was too much for it: the chosen one, and those behind it
        before_next_ = distance - 1 - (chosen_ - 1) % distance;
        return true;
    }

    /// All of the turn are known to be ready since.
    void ready_at(nanoseconds_t now) noexcept { ready_since_ = now; }
    /// How long the chosen one has waited for its turn.
    nanoseconds_t waited(nanoseconds_t now) const noexcept { return now - ready_since_; }

    /// Whether the next handler is the one, when so many (at least one) of the turn are left.
    bool is_next(std::uint32_t left) const noexcept { return left == chosen_; }

    /// One that belongs to no turn, of the queue that threads share.
    [[nodiscard]] bool takes_one_between() noexcept {
        if (--until_next_between_ != 0) [[likely]]
            return false;
        until_next_between_ = distance;
        return true;
    }

private:
    static constexpr std::uint32_t none = 0;

    std::uint32_t before_next_ = distance - 1; // so many are not measured before the next one is
    std::uint32_t chosen_ = none;
    std::uint32_t until_next_between_ = distance;
    nanoseconds_t ready_since_ = 0;
};

} // namespace aura::core
