// user_data: what completions are told apart by.
#pragma once

#include <cstdint>

namespace aura::core::uring {

/// Operations are aligned, so an address has its low bits clear; requests of the backend's own have the
/// lowest set.
enum class internal : std::uint64_t { wake = 1, cancelled = 3, watch = 5, event = 7, alarm = 9 };

constexpr std::uint64_t tag(internal kind, std::uint64_t value = 0) noexcept {
    return static_cast<std::uint64_t>(kind) | value << 8;
}

} // namespace aura::core::uring
