// depth_trial: whether another depth serves better than the present one, by measuring both in turn.
#pragma once

#include "core/control/trial_comparisons.hpp"

#include <variant>

namespace aura::core {

/// Compares the rate at a `probe` depth with that at the `base` depth, in windows or, where the device's speed
/// wanders, in pairs.
///
/// What would change the limit needs proof: a trial that cannot be decided is rejected. Many trials of the
/// same two depths would come to prove anything by chance; resume() continues the last one instead, with what
/// it has measured.
class depth_trial {
    /// As std::visit(), which may throw: it does not know that neither kind can be lost while another is made.
    template <class F>
    decltype(auto) ask(F f) const noexcept {
        if (const auto* const paired = std::get_if<paired_comparison>(&comparison_))
            return f(*paired);
        return f(*std::get_if<window_comparison>(&comparison_));
    }

public:
    using verdict = trial_verdict;

    /// The probe is kept if its rate is above `threshold` times the base's.
    void start(unsigned base, unsigned probe, double threshold, const rate_window& base_rates) noexcept;
    /// The same in pairs; `base_rate` is that of the last sub-window before.
    void start_paired(unsigned base, unsigned probe, double threshold, double base_rate) noexcept;
    /// Again at the same depths; a paired trial needs the last sub-window's rate.
    void resume(double threshold, double base_rate = 0) noexcept;
    /// The next trial is a new one.
    void forget() noexcept { base_ = probe_ = 0; }

    bool paired() const noexcept { return std::holds_alternative<paired_comparison>(comparison_); }
    bool raises() const noexcept { return probe_ > base_; }
    /// How many times deeper the probe is.
    double factor() const noexcept { return static_cast<double>(probe_) / base_; }
    /// The depth to run at now.
    unsigned depth() const noexcept { return at_probe() ? probe_ : base_; }
    bool at_probe() const noexcept {
        return ask([](const auto& c) { return c.at_probe(); });
    }
    unsigned base() const noexcept { return base_; }
    unsigned probe() const noexcept { return probe_; }
    const rate_window& probe_rates() const noexcept {
        return ask([](const auto& c) -> const rate_window& { return c.probe_rates(); });
    }
    rate_ratio ratio() const noexcept {
        return ask([](const auto& c) { return c.ratio(); });
    }

    /// One sub-window at depth(). Unless undecided, the trial is over.
    verdict add(double rate) noexcept;

private:
    void set(unsigned base, unsigned probe, double threshold) noexcept;

    std::variant<window_comparison, paired_comparison> comparison_;
    unsigned base_ = 0;
    unsigned probe_ = 0;
    double threshold_ = 1;
};

} // namespace aura::core
