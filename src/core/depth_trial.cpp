// depth_trial: alternating windows and their verdict.
#include "auraio/core/depth_trial.hpp"

namespace aura::core {

namespace {
constexpr unsigned sub_windows_per_window = 4;
constexpr unsigned windows_max = 5; // probe, base, probe, base, probe
constexpr double decisive = 2.5;    // standard errors that decide after two sub-windows
constexpr double proof = 1.7;       // standard errors to keep the probe
constexpr double doubt = 1.0;       // standard errors to reject it
constexpr double at_a_glance = 4;   // to reject a raise after one
constexpr double quick_doubt = 1.3; // after two sub-windows: time above the limit costs latency
} // namespace

void depth_trial::start(unsigned base, unsigned probe, double threshold,
                        const rate_window& base_rates) noexcept {
    base_rates_ = base_rates;
    scatter_ = base_rates.scatter();
    probe_rates_.clear();
    base_ = base;
    probe_ = probe;
    threshold_ = threshold;
    in_window_ = windows_ = 0;
    at_probe_ = active_ = true;
}

void depth_trial::resume(double threshold) noexcept {
    threshold_ = threshold;
    in_window_ = windows_ = 0;
    at_probe_ = active_ = true;
}

depth_trial::verdict depth_trial::add(double rate) noexcept {
    (at_probe_ ? probe_rates_ : base_rates_).add(rate);
    ++in_window_;
    verdict result = judge();
    if (result == verdict::undecided && in_window_ == sub_windows_per_window) {
        in_window_ = 0;
        at_probe_ = !at_probe_;
        if (++windows_ == windows_max)
            result = verdict::rejected;
    }
    active_ = result == verdict::undecided;
    return result;
}

depth_trial::verdict depth_trial::judge() const noexcept {
    if (probe_rates_.count() == 1 && scatter_ > 0 && raises() && ratio().below(threshold_, at_a_glance))
        return verdict::rejected;
    if (probe_rates_.count() < 2)
        return verdict::undecided;
    const bool whole_window = windows_ > 0 || in_window_ == sub_windows_per_window;
    if (!whole_window && probe_rates_.count() > in_window_)
        return verdict::undecided; // resumed: a glance at the device of today first
    const rate_ratio gain = ratio();
    if (gain.above(threshold_, whole_window ? proof : decisive))
        return verdict::kept;
    if (gain.below(threshold_, whole_window ? doubt : raises() ? quick_doubt : decisive))
        return verdict::rejected;
    return verdict::undecided;
}

} // namespace aura::core
