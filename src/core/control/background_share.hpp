// background_share: how many operations of the background one ring may have at a device.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace aura::core {

/// What the foreground does on a device, summed over its rings, and how many rings have operations of the
/// background there.
struct foreground_activity {
    std::uint64_t submitted = 0; ///< of any origin, unless rings join or leave
    std::uint64_t in_flight = 0;
    std::uint64_t waiting = 0;
    unsigned background_rings = 0;
};

/// The background has all of the device while the foreground is idle; an eighth of what the foreground has
/// there, but one operation on each ring at least, while it is active; nothing while it waits at the gate.
///
/// Who is asked is the background: each ring that has some looks at the counters of the others, every
/// millisecond at most, and at its own each time. An operation of the foreground tells nobody, and costs
/// nothing. Pure: no clock, no system call. Belongs to one ring.
class background_share {
public:
    static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();
    /// The foreground is active for so long after its last operation.
    static constexpr nanoseconds_t active_for = 10'000'000;
    static constexpr nanoseconds_t look_interval = 1'000'000;
    /// The background never starves: after so long without an operation begun, one goes whoever waits.
    static constexpr nanoseconds_t patience = 100'000'000;
    static constexpr std::uint64_t part = 8; // of the foreground's depth

    bool look_due(nanoseconds_t now) const noexcept { return now >= next_look_; }

    /// All rings of the device.
    void look(nanoseconds_t now, const foreground_activity& device) noexcept {
        next_look_ = now + look_interval;
        if (device.in_flight != 0 || device.waiting != 0 || (seen_ && device.submitted != device_submitted_))
            active_until_ = now + active_for;
        seen_ = true;
        device_submitted_ = device.submitted;
        waits_ = device.waiting != 0;
        share_ = std::max<std::uint64_t>(1, device.in_flight / part / std::max(1u, device.background_rings));
    }
    /// It cannot be told just now: what was seen last holds on.
    void look_failed(nanoseconds_t now) noexcept { next_look_ = now + look_interval; }

    /// How many may be in flight; `submitted` and `waiting` are of this ring's foreground.
    std::uint64_t allowed(nanoseconds_t now, std::uint64_t submitted, std::uint64_t waiting) noexcept {
        if (submitted != own_submitted_ || waiting != 0) {
            own_submitted_ = submitted;
            active_until_ = now + active_for;
        }
        yields_ = waits_ || waiting != 0 || now < active_until_;
        if (waits_ || waiting != 0)
            return overdue(now) ? 1 : 0;
        return yields_ ? share_ : unlimited;
    }
    /// As of then: whether there is a foreground.
    bool yields() const noexcept { return yields_; }

    /// One begins to wait where none waited, or one was let through.
    void note_turn(nanoseconds_t now) noexcept { last_turn_ = now; }
    /// One has waited for as long as it may, and is to go before the foreground.
    bool overdue(nanoseconds_t now) const noexcept { return now - last_turn_ >= patience; }

private:
    nanoseconds_t next_look_ = 0;
    nanoseconds_t active_until_ = 0;
    nanoseconds_t last_turn_ = 0;
    std::uint64_t device_submitted_ = 0;
    std::uint64_t own_submitted_ = 0;
    std::uint64_t share_ = 1;
    bool seen_ = false;
    bool waits_ = false;
    bool yields_ = false;
};

} // namespace aura::core
