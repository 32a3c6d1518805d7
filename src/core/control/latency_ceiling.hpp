// latency_ceiling: the P99 that the user allows, and how much depth keeps it.
#pragma once

#include "core/control/controller_options.hpp"
#include "core/control/load_reading.hpp"

#include <optional>

namespace aura::core {

/// Keeps the P99 below the user's max_p99: proportional cuts, small raises.
class latency_ceiling {
public:
    explicit latency_ceiling(const controller_options& options) noexcept
        : options_(&options) {}

    /// The ceiling, and no longer the knee, is what limits; or the other way round.
    void set_bound(bool bound) noexcept { bound_ = bound; }
    bool bound() const noexcept { return bound_; }

    /// The user gives another ceiling than the one in the options, before it is there.
    void change(nanoseconds_t max_p99) noexcept;
    /// True once after the ceiling was what limited and has been lifted.
    bool take_lifted() noexcept {
        const bool lifted = lifted_;
        lifted_ = false;
        return lifted;
    }

    /// The P99 as a share of the ceiling; nothing while there is no ceiling, or too few samples to say. `open`:
    /// the gate is, and a judgement is due earlier. `searching`: depths that are too low are measured too, so
    /// that only a P99 above the ceiling says something.
    std::optional<double> judge(const latency_sample& latency, bool open, bool searching) noexcept;

    bool exceeded(double share) const noexcept { return share > options_->ceiling_high; }
    bool has_room(double share) const noexcept { return bound_ && share < options_->ceiling_low; }

    /// The depth after a cut, where this one gives this share.
    double cut(double depth, double share, bool open) const noexcept;
    /// The depth after a raise.
    double raised(double depth, double share) const noexcept;

    /// A P99 that was judged for another purpose.
    void note(nanoseconds_t p99) noexcept { p99_ = p99; }
    /// Whether a trial of `factor` times the depth would exceed the ceiling, or it limits already.
    bool forbids(double factor) const noexcept;

private:
    const controller_options* options_;
    nanoseconds_t p99_ = 0; // last judged
    bool bound_ = false;
    bool lifted_ = false;
};

} // namespace aura::core
