// nanoseconds_t: how the engine counts time.
#pragma once

#include <cstdint>

namespace aura::core {

/// Monotonic nanoseconds; `never` is later than everything, 0 earlier than everything.
using nanoseconds_t = std::uint64_t;
inline constexpr nanoseconds_t never = ~nanoseconds_t{0};

} // namespace aura::core
