// trial_schedule: gaps that double.
#include "core/control/trial_schedule.hpp"

#include <algorithm>

namespace aura::core {

void trial_schedule::restart(nanoseconds_t now) noexcept {
    entry& raises = of(kind::raise);
    entry& cuts = of(kind::cut);
    raises.gap = options_->trial_gap_min;
    cuts.gap = 2 * options_->trial_gap_min;
    entry& leaps = of(kind::leap);
    leaps.gap = options_->leap_gap;
    leaps.due = now + leaps.gap;
    raises.due = now + raises.gap;
    cuts.due = now + cuts.gap;
}

void trial_schedule::postpone(kind which, nanoseconds_t now) noexcept {
    entry& e = of(which);
    e.gap = std::min(2 * e.gap, which == kind::leap ? options_->leap_gap : options_->trial_gap_max);
    e.due = now + e.gap;
}

void trial_schedule::postpone(kind which, nanoseconds_t now, nanoseconds_t spent, double share,
                              double rate) noexcept {
    postpone(which, now);
    auto rest = static_cast<nanoseconds_t>(static_cast<double>(spent) / share);
    if (share == options_->trial_share && rate >= slow_trials)
        rest = std::min(rest, options_->trial_rest_max);
    entry& e = of(which);
    e.due = now + std::max(e.gap, rest);
}

} // namespace aura::core
