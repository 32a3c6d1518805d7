// load_watch: queues in the device, and queues at the gate.
#include "core/control/load_watch.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr unsigned usual_stretches = 3;
constexpr unsigned unusual_stretches = 5;
constexpr double least_tolerance = 0.1;
constexpr double same_depth = 0.1;
constexpr double counting_deviations = 4;
} // namespace

bool load_watch::queues(const load_reading& now, rate_meter& meter) noexcept {
    const double elapsed = in_seconds(meter.length(now));
    const double depth = static_cast<double>(now.load.in_flight);
    const double rate = meter.plain_rate(now);
    const double latency = rate > 0 ? depth / rate : elapsed;
    const double needed = in_seconds(options_->engage_latency) *
                          std::max(1.0, static_cast<double>(options_->engage_depth) / std::max(depth, 1.0));
    if (depth < 2 || latency < needed) {
        meter.begin(now);
        return false;
    }
    meter.add(now);
    if (meter.length(now) < options_->engage_after)
        return false;
    const double completions = rate * elapsed;
    const stretch seen{now.time, meter.mean_depth(), std::max(rate, 1 / elapsed), completions};
    if (is_known(seen)) {
        meter.begin(now);
        return false;
    }
    return true;
}

// Whether this is a load that was searched before and did not need the gate.
bool load_watch::is_known(const stretch& seen) noexcept {
    const double growth = wanders_ ? options_->engage_again_wandering : options_->engage_again_growth;
    return seen.end < known_until_ && seen.depth < known_depth_ * options_->engage_again_growth &&
           seen.latency() < known_latency_ * growth && !device_has_changed(seen);
}

// The same load is served faster or more slowly than it was when the gate was opened, for half a second. One
// whose search found nothing new has to change by twice as much the next time.
bool load_watch::device_has_changed(const stretch& seen) noexcept {
    if (wanders_)
        return false;
    if (usual_ < usual_stretches) {
        usual_depth_ += (seen.depth - usual_depth_) / ++usual_;
        usual_rate_ += (seen.rate - usual_rate_) / usual_;
        return false;
    }
    const double noise = counting_deviations / std::sqrt(std::max(seen.completions, 1.0));
    const bool same_load = std::abs(seen.depth / usual_depth_ - 1) <= same_depth;
    const bool same_rate = std::abs(seen.rate / usual_rate_ - 1) <= std::max(tolerance_, noise);
    unusual_ = same_load && !same_rate ? unusual_ + 1 : 0;
    return unusual_ == unusual_stretches;
}

void load_watch::engage(nanoseconds_t now, double depth) noexcept {
    known_depth_ = depth;
    known_latency_ = 0;
    idle_since_ = never;
    saturated_ = now;
}

bool load_watch::unsaturated(nanoseconds_t now, nanoseconds_t phase_began) const noexcept {
    return now - std::max(saturated_, phase_began) > options_->disengage_unsaturated;
}

bool load_watch::demand_gone(nanoseconds_t now, bool enough) noexcept {
    if (enough) {
        idle_since_ = never;
        return false;
    }
    if (idle_since_ == never)
        idle_since_ = now;
    return now - idle_since_ >= options_->disengage_after;
}

void load_watch::note_needless(double depth, double latency) noexcept {
    known_depth_ = std::max(known_depth_, depth);
    known_latency_ = std::max(known_latency_, latency);
}

void load_watch::note_needless_at_rate(double depth, double rate) noexcept {
    known_depth_ = std::max(known_depth_, depth);
    known_latency_ = rate > 0 ? known_depth_ / rate : 0;
}

bool load_watch::gate_opens(nanoseconds_t now, bool not_binding) noexcept {
    const bool left_alone = needless_ && not_binding;
    needless_ = false;
    if (!left_alone) {
        wanders_ = false;
        tolerance_ = 0;
        known_for_ = 0;
        known_until_ = 0;
        return false;
    }
    // Engaged again before its time, and in vain: what the device does is not worth a search.
    tolerance_ = now < known_until_ ? 2 * tolerance_ : least_tolerance;
    usual_ = unusual_ = 0;
    known_for_ = known_for_ == 0 ? options_->engage_again_after
                                 : std::min(known_for_ * 2, 16 * options_->engage_again_after);
    known_until_ = now + known_for_;
    return true;
}

} // namespace aura::core
