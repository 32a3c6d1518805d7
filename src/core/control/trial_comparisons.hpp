// trial_comparisons: two ways to compare the rates at two depths that are measured in turn.
#pragma once

#include "core/control/rate_window.hpp"

#include <cstdint>

namespace aura::core {

enum class trial_verdict : std::uint8_t { undecided, kept, rejected };

/// In alternating windows (A B A B ...), so that a device that changes meanwhile changes for both. The rates
/// known of the base are the first window of it. A glance rejects what cannot be right.
class window_comparison {
public:
    window_comparison() = default;
    explicit window_comparison(const rate_window& base_rates) noexcept
        : base_rates_(base_rates)
        , scatter_(base_rates.scatter()) {}

    /// Goes on after a pause, at the probe, with what has been measured before.
    void resume() noexcept {
        in_window_ = windows_ = 0;
        at_probe_ = true;
    }
    /// The next sub-window is to be measured at the probe's depth, not at the base's.
    bool at_probe() const noexcept { return at_probe_; }
    /// One such sub-window. `raises`: the probe is deeper than the base, so that time there costs latency.
    trial_verdict add(double rate, double threshold, bool raises) noexcept;

    const rate_window& probe_rates() const noexcept { return probe_rates_; }
    rate_ratio ratio() const noexcept { return probe_rates_.estimate(scatter_) / base_rates_.estimate(); }

private:
    trial_verdict judge(double threshold, bool raises) const noexcept;

    rate_window base_rates_;
    rate_window probe_rates_;
    double scatter_ = 0; // of the base when the trial began
    unsigned in_window_ = 0;
    unsigned windows_ = 0;
    bool at_probe_ = true;
};

/// On a device whose speed wanders (others use it) even neighbouring windows differ by more than depths do,
/// and a rate says less about the next one than its scatter promises. Here the depths alternate after every
/// sub-window, and each at the probe is compared with those at the base just before and after it; what
/// scatters is the ratio of such triples alone.
class paired_comparison {
public:
    /// `base_rate` is that of the last sub-window before.
    explicit paired_comparison(double base_rate) noexcept { resume(base_rate); }

    void resume(double base_rate) noexcept;
    bool at_probe() const noexcept { return at_probe_; }
    trial_verdict add(double rate, double threshold) noexcept;

    const rate_window& probe_rates() const noexcept { return probe_rates_; }
    rate_ratio ratio() const noexcept;

private:
    trial_verdict judge(double threshold) const noexcept;

    rate_window probe_rates_;
    double before_ = 0;  // rate at the base before the probe's sub-window
    double between_ = 0; // rate at the probe
    // Of the logarithms of the ratios.
    double pairs_ = 0;
    double sum_ = 0;
    double squares_ = 0;
    unsigned left_ = 0; // until it is put off
    bool at_probe_ = true;
};

} // namespace aura::core
