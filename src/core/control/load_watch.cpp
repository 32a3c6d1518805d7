// load_watch: queues in the device, and queues at the gate.
#include "core/control/load_watch.hpp"

#include <algorithm>

namespace aura::core {

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
    const double mean_depth = meter.mean_depth();
    if (is_known(now.time, mean_depth, rate > 0 ? mean_depth / rate : elapsed)) {
        meter.begin(now);
        return false;
    }
    return true;
}

// Whether this is a load that was searched before and did not need the gate.
bool load_watch::is_known(nanoseconds_t now, double depth, double latency) const noexcept {
    return now < known_until_ && depth < known_depth_ * options_->engage_again_growth &&
           latency < known_latency_ * options_->engage_again_growth;
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
        known_for_ = 0;
        known_until_ = 0;
        return false;
    }
    known_for_ = known_for_ == 0 ? options_->engage_again_after
                                 : std::min(known_for_ * 2, 16 * options_->engage_again_after);
    known_until_ = now + known_for_;
    return true;
}

} // namespace aura::core
