// handler_pace: whether the handlers of a ring take so long that others should help with those that are ready.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <algorithm>
#include <cstdint>

namespace aura::core {

/// From the handlers that are measured, few of many: no clock, no thread. Each that took long counts for as much as it
/// took longer than `long_handler`, up to four; each other one takes one away. So it takes two in a row, or one in
/// four, and a single one during which the thread had no processor is not enough.
class handler_pace {
public:
    /// What it costs to wake a thread, three times over.
    static constexpr nanoseconds_t long_handler = 25'000;

    void note(nanoseconds_t time) noexcept {
        if (time < long_handler)
            score_ -= score_ != 0;
        else
            score_ = std::min<std::uint32_t>(
                most, score_ + static_cast<std::uint32_t>(std::min<nanoseconds_t>(time / long_handler, 4)));
    }

    bool is_long() const noexcept { return score_ >= enough; }

private:
    static constexpr std::uint32_t enough = 5, most = 12;

    std::uint32_t score_ = 0;
};

} // namespace aura::core
