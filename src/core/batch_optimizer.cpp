// batch_optimizer: two costs, measured, and their quotient.
#include "auraio/core/batch_optimizer.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr double learning = 1.0 / 64; // weight of the latest observation
constexpr double hysteresis = 1.25;   // the threshold moves when it is off by more than this factor
constexpr double least_spread = 1.0; // of the counts of submissions, to tell the fixed cost from that of each
} // namespace

void batch_optimizer::submitted(unsigned count, std::uint64_t duration) noexcept {
    if (count == 0)
        return;
    const double n = count;
    const auto d = static_cast<double>(duration);
    const double weight = weight_ < 1 ? 1 / (1 + weight_ / learning) : learning;
    weight_ = std::min(1.0, weight_ + learning);
    n_ += weight * (n - n_);
    d_ += weight * (d - d_);
    nn_ += weight * (n * n - nn_);
    nd_ += weight * (n * d - nd_);
    update();
}

// The intercept of the line through duration against count. Submissions all of one size do not tell it from
// the slope; taking all of it for the fixed cost then errs towards fewer submissions.
double batch_optimizer::submission_cost() const noexcept {
    const double variance = nn_ - n_ * n_;
    if (variance < least_spread)
        return d_;
    const double slope = std::max(0.0, (nd_ - n_ * d_) / variance);
    return std::max(0.0, d_ - slope * n_);
}

void batch_optimizer::turn(unsigned count, std::uint64_t duration) noexcept {
    if (count == 0)
        return;
    const double each = static_cast<double>(duration) / count;
    time_per_request_ += time_per_request_ == 0 ? each : learning * (each - time_per_request_);
    update();
}

void batch_optimizer::update() noexcept {
    const double cost = submission_cost();
    double wanted = options_.threshold_max;
    if (cost > 0 && time_per_request_ > 0)
        wanted = std::min(wanted, cost / (time_per_request_ * options_.share));
    wanted = std::max(wanted, static_cast<double>(options_.threshold_min));
    const double now = threshold_;
    if (wanted > now * hysteresis || wanted * hysteresis < now || wanted >= options_.threshold_max)
        threshold_ = static_cast<unsigned>(std::lround(wanted));
}

} // namespace aura::core
