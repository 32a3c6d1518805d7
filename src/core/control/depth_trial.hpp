// depth_trial: whether another depth serves better than the present one, by measuring both in turn.
#pragma once

#include "core/control/rate_window.hpp"

#include <cstdint>

namespace aura::core {

/// Compares the rate at a `probe` depth with that at the `base` depth, in alternating windows (A B A B ...),
/// so that a device that changes meanwhile changes for both. The present depth's latest rates are the first
/// window of it.
///
/// On a device whose speed wanders (others use it) even neighbouring windows differ by more than depths do,
/// and a rate says less about the next one than its scatter promises. There a trial is `paired`: it
/// alternates after every sub-window, and each at the probe is compared with those at the base just before
/// and after it; what scatters is the ratio of such triples alone.
///
/// What would change the limit needs proof: a trial that cannot be decided is rejected. Many trials of the
/// same two depths would come to prove anything by chance; resume() continues the last one instead, with what
/// it has measured.
class depth_trial {
public:
    enum class verdict : std::uint8_t { undecided, kept, rejected };

    /// The probe is kept if its rate is above `threshold` times the base's.
    void start(unsigned base, unsigned probe, double threshold, const rate_window& base_rates) noexcept;
    /// The same in pairs; `base_rate` is that of the last sub-window before.
    void start_paired(unsigned base, unsigned probe, double threshold, double base_rate) noexcept;
    /// Again at the same depths; a paired trial needs the last sub-window's rate.
    void resume(double threshold, double base_rate = 0) noexcept;
    void stop() noexcept { active_ = false; }
    /// The next trial is a new one.
    void forget() noexcept { base_ = probe_ = 0; }

    bool active() const noexcept { return active_; }
    bool paired() const noexcept { return paired_; }
    bool raises() const noexcept { return probe_ > base_; }
    /// The depth to run at now.
    unsigned depth() const noexcept { return at_probe_ ? probe_ : base_; }
    bool at_probe() const noexcept { return at_probe_; }
    unsigned base() const noexcept { return base_; }
    unsigned probe() const noexcept { return probe_; }
    const rate_window& probe_rates() const noexcept { return probe_rates_; }
    rate_ratio ratio() const noexcept {
        return paired_ ? ratio_of_pairs() : probe_rates_.estimate(scatter_) / base_rates_.estimate();
    }

    /// One sub-window at depth(). Unless undecided, the trial is over.
    verdict add(double rate) noexcept;

private:
    verdict judge() const noexcept;
    verdict add_paired(double rate) noexcept;
    verdict judge_pairs() const noexcept;
    rate_ratio ratio_of_pairs() const noexcept;

    rate_window base_rates_;
    rate_window probe_rates_;
    unsigned base_ = 0;
    unsigned probe_ = 0;
    double threshold_ = 1;
    double scatter_ = 0; // of the base when the trial began
    unsigned in_window_ = 0;
    unsigned windows_ = 0;
    bool at_probe_ = false;
    bool active_ = false;

    bool paired_ = false;
    double before_ = 0;  // rate at the base before the probe's sub-window
    double between_ = 0; // rate at the probe
    // Of the logarithms of the ratios.
    double pairs_ = 0;
    double sum_ = 0;
    double squares_ = 0;
    unsigned left_ = 0; // until it is put off
};

} // namespace aura::core
