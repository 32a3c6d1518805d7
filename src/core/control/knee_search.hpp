// knee_search: the smallest depth at which a device still gives its full rate, from rates at chosen depths.
#pragma once

#include "core/control/controller_options.hpp"
#include "core/control/rate_window.hpp"

#include <cstdint>

namespace aura::core {

/// A search that names a depth, is given the rates of sub-windows measured at it, and names the next.
///
/// It brackets the knee between the lowest depth known to hold (hold_ratio of the best rate seen) and the
/// highest known to fail. Downwards it quarters until one fails; then it aims at where the line through the
/// origin and the failed depth meets the best rate, which for servers in parallel *is* the knee, alternating
/// with the geometric mean for curves that bend earlier.
///
/// Two guards against noise and drift. Before a depth counts as failing, unless it failed by far, the depth
/// that holds is measured once more, and the two are compared: the best rate may be from a better time. And a
/// depth that only just failed is not believed at the end of the search unless half of it fails as well.
class knee_search {
public:
    enum class step : std::uint8_t { measure_more, next_depth, finished };

    explicit knee_search(const controller_options& options) noexcept
        : options_(&options) {}

    /// The rates were measured with `depth` in flight and no gate: there is nothing above it to try. `guess`
    /// is where the knee was the last time, or 0.
    step descend(unsigned depth, const rate_window& rates, unsigned guess = 0) noexcept;

    /// The rates were measured at this limit, with more operations waiting than it let in: `demand` in all.
    /// They are known to be this share of the best. Downwards the first depth to look at is `first` times the limit.
    step explore(unsigned limit, const rate_window& rates, double demand, bool upwards_first,
                 double share = 1, double first = 0.5) noexcept;

    /// The depth to measure now.
    unsigned depth() const noexcept { return rechecking_ ? holds_ : candidate_; }

    /// depth() is the depth of the whole load, so that nothing waits at the gate.
    bool at_top() const noexcept { return rechecking_ && holds_ == top_; }

    /// One sub-window at depth(). `demand`: operations in flight and waiting.
    step add(double rate, double demand) noexcept;

    /// depth(), which is above knee(), cannot be reached: there are not as many operations any more.
    step demand_ends() noexcept;

    /// When finished.
    unsigned knee() const noexcept { return holds_; }
    /// Rate at the knee as a share of the best rate seen.
    double share_of_best() const noexcept { return holds_ratio_ * share_; }
    /// The rate the search began with was not the device's but the load's: with a backlog of operations more
    /// depth completes more. There is no knee to find.
    bool load_limited() const noexcept { return load_limited_; }
    /// Whether some lower depth did as well as the one the search began at.
    bool lowered() const noexcept { return lowered_; }

private:
    enum class outcome : std::uint8_t { undecided, holds, fails };
    outcome judge(double threshold) const noexcept;
    rate_ratio ratio() const noexcept;
    double hold_ratio() const noexcept { return options_->hold_ratio / share_; }
    step recheck(double rate) noexcept;
    step candidate_held() noexcept;
    step candidate_failed() noexcept;
    step climb() noexcept;
    step climbed(outcome result) noexcept;
    step measure(unsigned depth) noexcept;
    step choose() noexcept;
    bool too_little_left() const noexcept;
    unsigned between() noexcept;

    const controller_options* options_;
    rate_window best_;
    rate_window here_;
    rate_window again_; // at holds_, after the candidate
    unsigned candidate_ = 0;
    unsigned top_ = 0; // depth without a gate; 0: not known
    unsigned holds_ = 0;
    unsigned fails_ = 0; // 0: none known
    double share_ = 1;
    double holds_ratio_ = 1;
    double fails_ratio_ = 0;
    bool climbing_ = false;
    bool rechecking_ = false;
    bool rechecked_ = false;
    bool top_known_ = true;
    bool confirming_ = false;
    bool confirmed_ = false;
    bool geometric_next_ = false;
    bool lowered_ = false;
    bool load_limited_ = false;
    bool top_tried_ = false;
    double demand_ = 0;
};

} // namespace aura::core
