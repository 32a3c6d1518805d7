// gate_proof: whether a shut gate brings what it is there for, by measuring it beside an open one.
#pragma once

#include "core/control/controller_options.hpp"
#include "core/control/load_reading.hpp"
#include "core/control/rate_window.hpp"

#include <cstdint>

namespace aura::core {

/// What a sub-window has shown of one of the two.
struct proof_sample {
    double rate = 0;
    double latency = 0; ///< mean, in seconds
    nanoseconds_t length = 0;
    latency_sample sampled;
    double completions = 0;
};

/// A gate that nobody has asked for is there to lower the P99 without loss of rate. Its limit is compared with
/// the depth of the load without a gate, the two alternating after every sub-window, and each open one with
/// the shut ones just before and after it: whatever the device does meanwhile it does to both.
///
/// The evidence is never complete, and grows old. A proof is renewed now and then by one more comparison, which
/// counts for more than those before it; where that leaves doubt, more follow at once. The share of the time
/// that this takes is bounded, for what is started while the gate is open is what the 99th percentile is made of.
class gate_proof {
public:
    enum class verdict : std::uint8_t {
        undecided,
        holds,
        too_low, ///< the limit costs rate
        useless, ///< it does not lower the P99 by enough
    };

    explicit gate_proof(const controller_options& options) noexcept
        : options_(&options) {}

    /// Nothing is known of this limit. The first sub-window is shut.
    void begin(nanoseconds_t now, unsigned shut, unsigned open) noexcept;
    /// With what is known already. The last sub-window was shut, the next is open.
    void renew(nanoseconds_t now, unsigned shut, unsigned open, const proof_sample& last) noexcept;
    /// What is known is of another device. What proofs have cost remains.
    void forget() noexcept;
    /// Another load.
    void restart() noexcept {
        forget();
        due_ = 0;
    }

    /// What goes on there comes and goes: a first proof has to see it a few times.
    void set_patient(bool patient) noexcept { patient_ = patient; }

    bool active() const noexcept { return active_; }
    void stop() noexcept { active_ = false; }
    bool at_open() const noexcept { return at_open_; }
    /// The depth to run at now.
    unsigned depth() const noexcept { return at_open_ ? open_ : shut_; }
    unsigned shut() const noexcept { return shut_; }
    unsigned open() const noexcept { return open_; }

    /// One sub-window at depth(). Unless undecided, the proof is over for now.
    verdict add(nanoseconds_t now, const proof_sample& seen) noexcept;

    /// At shut(); 0: not known.
    nanoseconds_t mean_latency() const noexcept;
    /// The rate at shut() as a share of that at open().
    double share_of_rate() const noexcept { return rate_.ratio().value; }

    /// What holds of one limit holds of a higher one, as far as the rate goes.
    bool covers(unsigned limit) const noexcept { return proven_ && limit >= shut_; }

    /// A proof is wanted: there is none yet, or it has grown old.
    bool due(nanoseconds_t now) const noexcept { return now >= due_; }
    /// Rates, or what is known of them, scatter by more than counting does.
    bool disturbed() const noexcept;
    /// Whether a limit is so close to the open depth that it cannot lower the P99 by enough.
    bool too_close(double shut, double open) const noexcept { return shut > options_->proof_latency * open; }

private:
    struct sums {
        double weight = 0;
        double sum = 0;
        double squares = 0;

        void add(double logarithm) noexcept;
        void age(double kept) noexcept;
        rate_ratio ratio() const noexcept;
    };
    enum class answer : std::uint8_t { unknown, yes, no };
    answer keeps_rate(bool last) const noexcept;
    answer lowers_latency(bool last) const noexcept;
    void compare(const proof_sample& after) noexcept;
    verdict judge() const noexcept;
    verdict judge_again() const noexcept;
    bool has_fallen() const noexcept;
    double refuted() const noexcept;

    const controller_options* options_;
    sums rate_;           // logarithms of shut / open
    sums latency_;        // the same
    sums again_;          // as rate_, in this renewal alone
    double counting_ = 0; // what the scatter of a comparison would be if completions were independent
    proof_sample before_;
    proof_sample between_;
    unsigned shut_ = 0;
    unsigned open_ = 0;
    unsigned comparisons_ = 0; // in this renewal
    nanoseconds_t opened_ = 0;
    nanoseconds_t spent_ = 0; // with what was started while the gate was open
    nanoseconds_t due_ = 0;
    bool active_ = false;
    bool at_open_ = false;
    bool proven_ = false;
    bool patient_ = false;
};

} // namespace aura::core
