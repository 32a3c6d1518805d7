// knee_search: bracketing the knee.
#include "core/control/knee_search.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {

constexpr double decisive = 3;        // standard errors that decide after two sub-windows
constexpr double failed_by_far = 0.6; // of the best rate: no noise does that
constexpr double just_failed = 0.85;  // of the best rate: may be noise
constexpr double backlog = 1.25;      // times the depth without a gate
constexpr double doubt_max = 0.02;
constexpr double least_move = 1.06;   // between a depth that is known and the next candidate
constexpr unsigned quarter_from = 16; // below, halve

unsigned rounded(double depth) noexcept {
    return static_cast<unsigned>(std::lround(depth));
}

} // namespace

knee_search::step knee_search::descend(unsigned depth, const rate_window& rates, unsigned guess) noexcept {
    *this = knee_search(*options_);
    best_ = rates;
    holds_ = top_ = std::max(depth, options_->min_in_flight);
    if (guess >= options_->min_in_flight && guess != 0 && guess < holds_)
        return measure(guess);
    return choose();
}

knee_search::step knee_search::explore(unsigned limit, const rate_window& rates, double demand,
                                       bool upwards_first, double share, double first) noexcept {
    *this = knee_search(*options_);
    share_ = std::clamp(share, 0.5, 1.0);
    demand_ = demand;
    best_ = rates;
    holds_ = std::max(limit, options_->min_in_flight);
    top_known_ = first < 0.5; // what has lost more than half of its rate does not ask for more depth
    if (upwards_first || holds_ <= options_->min_in_flight)
        return climb();
    const auto guess = std::min(static_cast<unsigned>(first * holds_), holds_ - 1);
    return measure(std::max({guess, options_->min_in_flight, 1u}));
}

knee_search::step knee_search::add(double rate, double demand) noexcept {
    demand_ = demand;
    if (rechecking_)
        return recheck(rate);
    here_.add(rate);
    const outcome result = judge(climbing_ ? options_->gain_ratio : hold_ratio());
    if (result == outcome::undecided)
        return step::measure_more;
    if (climbing_)
        return climbed(result);
    if (result == outcome::holds)
        return candidate_held();
    if (ratio().value > failed_by_far && top_known_) {
        rechecking_ = true;
        again_.clear();
        return step::next_depth;
    }
    return candidate_failed();
}

// The depth that holds, measured after the candidate for as long: the candidate is compared with that.
knee_search::step knee_search::recheck(double rate) noexcept {
    again_.add(rate);
    if (again_.count() < std::max<std::size_t>(4, here_.count() / 2))
        return step::measure_more;
    rechecking_ = false;
    // Where the two measurements agree they are one; where they do not, the device has drifted.
    const rate_ratio drift = again_.estimate(best_.scatter()) / best_.estimate();
    if (!drift.above(holds_ratio_, 2) && !drift.below(holds_ratio_, 2)) {
        if (holds_ratio_ > 0.985)
            best_.add(again_);
    } else {
        rechecked_ = true;
    }
    const outcome result = judge(hold_ratio());
    return result == outcome::holds || (result == outcome::undecided && ratio().value >= hold_ratio())
               ? candidate_held()
               : candidate_failed();
}

// The candidate's rate as a share of the best.
rate_ratio knee_search::ratio() const noexcept {
    if (!rechecked_)
        return here_.estimate(best_.scatter()) / best_.estimate();
    rate_ratio result = here_.estimate(best_.scatter()) / again_.estimate(best_.scatter());
    result.value *= holds_ratio_;
    result.error *= holds_ratio_;
    return result;
}

knee_search::step knee_search::demand_ends() noexcept {
    climbing_ = false;
    top_known_ = true;
    load_limited_ = top_tried_; // the backlog is through: the device had room for it
    return load_limited_ ? step::finished : choose();
}

// Holds: at or above the threshold.
knee_search::outcome knee_search::judge(double threshold) const noexcept {
    const std::size_t count = here_.count();
    if (count < 2)
        return outcome::undecided;
    const rate_ratio ratio = this->ratio();
    if (count < options_->window_sub_windows) {
        // A glance is enough for what is far off; less may be the device's moment.
        if (climbing_ ? ratio.below(threshold, decisive) || ratio.above(threshold, decisive)
                      : ratio.below(failed_by_far, decisive))
            return ratio.value > threshold ? outcome::holds : outcome::fails;
        return outcome::undecided;
    }
    if (ratio.above(threshold, options_->confidence))
        return outcome::holds;
    if (ratio.below(threshold, options_->confidence))
        return outcome::fails;
    if (count < options_->window_sub_windows_max)
        return outcome::undecided;
    // As near as it could be measured: less depth has the benefit of the doubt, the phases at the knee
    // correct it.
    const double doubt = climbing_ ? 0 : std::min(ratio.error, doubt_max);
    return ratio.value >= threshold - doubt ? outcome::holds : outcome::fails;
}

knee_search::step knee_search::candidate_held() noexcept {
    const rate_ratio ratio = this->ratio();
    if (ratio.value > 1.02 && ratio.above(1, 2)) { // less depth is better: a new standard
        fails_ratio_ /= ratio.value;
        best_ = here_;
        holds_ratio_ = share_ = 1;
    } else {
        // What agrees with the best rate makes it surer; what is a little lower must not wear it down.
        if (std::abs(ratio.value - 1) < 0.015)
            best_.add(here_);
        holds_ratio_ = std::min(1.0, ratio.value);
    }
    holds_ = candidate_;
    lowered_ = true;
    top_known_ = true;
    if (confirming_) { // the depth above had failed by noise
        confirming_ = false;
        fails_ = 0;
    }
    if (fails_ >= holds_)
        fails_ = 0;
    return choose();
}

knee_search::step knee_search::candidate_failed() noexcept {
    if (confirming_) {
        confirming_ = false;
        confirmed_ = true;
        return choose();
    }
    fails_ = candidate_;
    fails_ratio_ = ratio().value;
    confirmed_ = fails_ratio_ <= just_failed || fails_ <= options_->min_in_flight;
    if (!top_known_)
        return climb();
    if (top_ != 0 && !lowered_ && !top_tried_ && demand_ > backlog * top_) {
        // No closed loop has more operations now than before.
        top_tried_ = climbing_ = true;
        return measure(holds_ * 2);
    }
    return choose();
}

// Doubles, as far as there are operations.
knee_search::step knee_search::climb() noexcept {
    climbing_ = true;
    const double next = std::min(2.0 * holds_, demand_);
    if (next >= 1.1 * holds_)
        return measure(rounded(next));
    climbing_ = false;
    top_known_ = true;
    return choose();
}

// After a doubling: on while it gains.
knee_search::step knee_search::climbed(outcome result) noexcept {
    if (result == outcome::holds && top_tried_) {
        load_limited_ = true;
        holds_ = candidate_;
        return step::finished;
    }
    if (result == outcome::holds) {
        const double gain = (here_.estimate() / best_.estimate()).value;
        fails_ = holds_;
        fails_ratio_ = 1 / gain;
        confirmed_ = true;
        best_ = here_;
        holds_ = candidate_;
        holds_ratio_ = share_ = 1;
        return climb();
    }
    climbing_ = false;
    top_known_ = true;
    return choose();
}

knee_search::step knee_search::measure(unsigned depth) noexcept {
    candidate_ = depth;
    rechecked_ = false;
    here_.clear();
    return step::next_depth;
}

knee_search::step knee_search::choose() noexcept {
    const unsigned floor = std::max(1u, options_->min_in_flight);
    if (holds_ <= floor)
        return step::finished;
    if (fails_ == 0) {
        geometric_next_ = false;
        return measure(std::max(floor, holds_ >= quarter_from ? holds_ / 4 : holds_ / 2));
    }
    const bool close = holds_ - fails_ <= 1 || holds_ < options_->resolution * fails_ || too_little_left();
    if (!close) {
        if (const unsigned next = between(); next != 0)
            return measure(next);
    }
    if (!confirmed_) {
        confirming_ = true;
        return measure(std::max(floor, fails_ / 2));
    }
    return step::finished;
}

// Without a ceiling a depth that lowers the P99 by little is not worth finding.
bool knee_search::too_little_left() const noexcept {
    return options_->max_p99 == 0 && top_ != 0 && !lowered_ &&
           options_->resolution * fails_ > options_->proof_latency * top_;
}

// A depth between the one that fails and the one that holds; 0 when the latter is the knee already.
unsigned knee_search::between() noexcept {
    const double low = fails_;
    const double high = holds_;
    double next = std::sqrt(low * high);
    if (!geometric_next_) {
        next = low / std::max(fails_ratio_, 0.01);
        if (next >= high && confirmed_)
            return 0;
        next = std::clamp(next, low * least_move, std::max(low * least_move, high / least_move));
    }
    geometric_next_ = !geometric_next_;
    return std::clamp(rounded(next), fails_ + 1, holds_ - 1);
}

} // namespace aura::core
