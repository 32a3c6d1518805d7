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

    /// A turn of so many handlers begins. True: one of them will be taken, and ready_at() is to be told.
    [[nodiscard]] bool begin_turn(std::uint32_t handlers) const noexcept { return until_next_ <= handlers; }

    /// All of the turn are known to be ready since.
    void ready_at(nanoseconds_t now) noexcept { ready_since_ = now; }
    /// How long the one that was taken has waited for its turn.
    nanoseconds_t waited(nanoseconds_t now) const noexcept { return now - ready_since_; }

    /// Whether the next handler is the one. Asked once for each, when so many (at least one) of the turn are left.
    [[nodiscard]] bool takes(std::uint32_t left) noexcept {
        if (--until_next_ != 0) [[likely]]
            return false;
        // None of those that are behind it in the turn.
        until_next_ = takes_each_ ? 1 : left - 1 + distance - (left - 1) % distance;
        return true;
    }

    /// Every handler is taken from now on, or not any more, for one that takes long is to be looked at before. Of those
    /// the same share is measured.
    void take_each(bool value) noexcept {
        if (takes_each_ == value)
            return;
        takes_each_ = value;
        until_next_ = value ? 1 : distance;
        until_measured_ = distance;
    }
    /// Of one that was taken, once.
    [[nodiscard]] bool measures() noexcept {
        if (takes_each_ && --until_measured_ != 0)
            return false;
        until_measured_ = distance;
        return true;
    }

    /// One that belongs to no turn, of the queue that threads share.
    [[nodiscard]] bool takes_one_between() noexcept {
        if (--until_next_between_ != 0) [[likely]]
            return false;
        until_next_between_ = distance;
        return true;
    }

private:
    std::uint32_t until_next_ = distance;
    std::uint32_t until_next_between_ = distance;
    std::uint32_t until_measured_ = distance;
    bool takes_each_ = false;
    nanoseconds_t ready_since_ = 0;
};

} // namespace aura::core
