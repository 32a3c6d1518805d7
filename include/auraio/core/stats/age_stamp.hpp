// age_stamp: since when an operation has been pending, in the room of a descriptor that it does not have mostly.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <cstdint>
#include <limits>

namespace aura::core {

/// A time of the loop's own, in steps of 17 ms, which come round in 208 days. No clock is read for it.
class age_stamp {
public:
    static constexpr std::int32_t of(nanoseconds_t now) noexcept {
        return std::numeric_limits<std::int32_t>::min() + static_cast<std::int32_t>(steps(now));
    }
    static constexpr bool is_one(std::int32_t value) noexcept { return value < -1; }

    /// The stamp was made when the clock showed no more than this.
    static constexpr nanoseconds_t age(std::int32_t stamp, nanoseconds_t now) noexcept {
        const nanoseconds_t then = static_cast<std::uint32_t>(stamp) & most;
        return ((steps(now) - then) & most) << step_bits;
    }

private:
    static constexpr unsigned step_bits = 24;
    static constexpr nanoseconds_t most = (nanoseconds_t{1} << 30) - 1;

    static constexpr nanoseconds_t steps(nanoseconds_t now) noexcept { return now >> step_bits & most; }
};

} // namespace aura::core
