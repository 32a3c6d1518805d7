// phase_trace: the latest changes of a controller's phase.
#pragma once

#include "auraio/core/control/controller_events.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace aura::core {

class phase_trace {
public:
    static constexpr std::size_t capacity = 32;

    void add(const controller_event& event) noexcept { events_[count_++ % capacity] = event; }
    /// How many there have been.
    std::uint64_t count() const noexcept { return count_; }
    /// The i-th, counted from 0, of which the last `capacity` are kept.
    const controller_event& operator[](std::uint64_t i) const noexcept { return events_[i % capacity]; }
    const controller_event& last() const noexcept { return (*this)[count_ - 1]; }

private:
    std::uint64_t count_ = 0;
    std::array<controller_event, capacity> events_{};
};

} // namespace aura::core
