// knee_trials: small trials of more and of less depth that keep a limit at the knee.
#pragma once

#include "core/control/controller_options.hpp"
#include "core/control/depth_trial.hpp"
#include "core/control/latency_ceiling.hpp"
#include "core/control/trial_schedule.hpp"

namespace aura::core {

/// Says which trial is due and at which depth, follows the one that is under way, and remembers what those
/// before it have shown. What becomes of the limit is the controller's.
class knee_trials {
public:
    /// What a trial starts from.
    struct ground {
        unsigned limit;
        double rate;                  ///< of the last sub-window
        const rate_window& reference; ///< at the limit
        bool wanders;                 ///< the device's speed does: trials are in pairs
        bool disturbed;               ///< it is measured in longer sub-windows
        unsigned open;                ///< the depth of the load without a gate; 0: not known
    };

    explicit knee_trials(const controller_options& options) noexcept
        : options_(&options)
        , schedule_(options) {}

    /// The limit is new, and nothing is known of the depths around it.
    void restart(nanoseconds_t now) noexcept;
    void restart_schedule(nanoseconds_t now) noexcept { schedule_.restart(now); }

    /// Rate at the limit as a share of the best rate seen.
    void set_share_of_best(double share) noexcept { share_of_best_ = share; }
    double share_of_best() const noexcept { return share_of_best_; }

    /// Starts what is due. True: one is under way, and depth() is where to run.
    bool start_due(nanoseconds_t now, const ground& here, const latency_ceiling& ceiling) noexcept;

    bool active() const noexcept { return active_ != nullptr; }
    bool paired() const noexcept { return active_ != nullptr && active_->paired(); }
    /// Its sub-windows are as short as can be, whatever the device does.
    bool brief() const noexcept { return paired() || (active_ != nullptr && active_ == &leap_); }
    unsigned depth() const noexcept { return active_->depth(); }
    void stop() noexcept { active_ = nullptr; }

    /// One sub-window at depth(); `in_flight` was its mean depth. Unless undecided, finish() comes next.
    depth_trial::verdict add(nanoseconds_t now, double rate, bool saturated, double in_flight) noexcept;
    /// Ends the trial that was under way.
    const depth_trial& finish() noexcept;

    /// The limit stays as it is. `excess_scatter` is that of the reference.
    void rejected(const depth_trial& trial, nanoseconds_t now, double rate, double excess_scatter) noexcept;
    /// The limit is the probe's from now on.
    void kept(const depth_trial& trial) noexcept;
    /// After that: the next step at once.
    void repeat(const depth_trial& trial, nanoseconds_t now) noexcept {
        schedule_.repeat(kind_of(trial), now);
    }
    /// A gain so large that the knee is likely far above.
    bool far_below_knee(const depth_trial& trial) const noexcept;
    /// Cuts that were kept in a row: the knee is likely far below.
    bool far_above_knee() const noexcept { return cuts_in_a_row_ >= 2; }

private:
    using kind = trial_schedule::kind;
    kind kind_of(const depth_trial& trial) const noexcept {
        return &trial == &leap_ ? kind::leap : trial.raises() ? kind::raise : kind::cut;
    }
    bool start_leap(nanoseconds_t now, const ground& here, const latency_ceiling& ceiling) noexcept;
    bool start_raise(nanoseconds_t now, const ground& here, const latency_ceiling& ceiling) noexcept;
    bool start_cut(nanoseconds_t now, const ground& here) noexcept;
    bool start_paired(nanoseconds_t now, const ground& here, depth_trial& trial, double depth,
                      double threshold) noexcept;
    void begin(nanoseconds_t now, depth_trial& trial) noexcept;
    double step(const rate_window& reference, double largest) const noexcept;
    bool coarse(double step) const noexcept;
    double share_of_time(const depth_trial& trial, double excess_scatter) const noexcept;

    const controller_options* options_;
    trial_schedule schedule_;
    depth_trial raise_;
    depth_trial cut_;
    depth_trial leap_;
    depth_trial* active_ = nullptr; // one of the three
    nanoseconds_t probe_since_ = 0;
    nanoseconds_t at_probe_ = 0; // time at the depth of the trial
    unsigned cuts_in_a_row_ = 0;
    double share_of_best_ = 1;
};

} // namespace aura::core
