// rate_meter: the sub-window that is being measured, and what the last one has shown.
#pragma once

#include "auraio/core/control/controller_events.hpp"
#include "core/control/controller_options.hpp"
#include "core/control/load_reading.hpp"
#include "core/control/rate_window.hpp"

namespace aura::core {

/// Turns the counters of a gate, read on every tick, into the rate and the depth of sub-windows. By Little's
/// law their quotient is the mean latency, for which no operation needs a timestamp.
class rate_meter {
public:
    /// What a sub-window has shown.
    struct reading {
        double rate = 0;
        double completions = 0;
        nanoseconds_t length = 0;
        /// More operations than fit, and most of them had to wait: else the application has set the rate, or
        /// the division among rings.
        bool saturated = false;
        /// The limit was reached; else the load, not the device, has set the rate.
        bool full = false;
    };

    explicit rate_meter(const controller_options& options) noexcept
        : options_(&options) {}

    /// What was counted so far is in no sub-window.
    void begin(const load_reading& now) noexcept;
    /// One tick more.
    void add(const load_reading& now) noexcept;

    nanoseconds_t length(const load_reading& now) const noexcept { return now.time - start_.time; }
    /// Operations per second so far, large and small ones alike; there has to be a length.
    double plain_rate(const load_reading& now) const noexcept {
        return operations(now) / in_seconds(length(now));
    }
    double mean_depth() const noexcept { return depth_sum_ / ticks_; }

    /// The controller engages after this sub-window, at `depth`: its operations tell how large those of the
    /// load are. Begins the next.
    void engage(const load_reading& now, double depth) noexcept;

    /// It is long enough, and has completions enough.
    bool complete(const load_reading& now, nanoseconds_t shortest) const noexcept;
    /// Ends it, and begins the next.
    reading finish(const load_reading& now, unsigned limit) noexcept;

    // ---- of the last sub-window ----

    /// Operations per second; 0 when unknown.
    double rate() const noexcept { return rate_; }
    double depth() const noexcept { return depth_; }
    /// Little: depth / rate, in seconds.
    double latency() const noexcept {
        return rate_ > 0 ? depth_ / rate_ : in_seconds(options_->engage_after);
    }
    nanoseconds_t twice_latency() const noexcept {
        return static_cast<nanoseconds_t>(2 * latency() * nanoseconds_per_second);
    }

    /// Completions may come in bursts, one per service time: a sub-window has to see more than one. `stretch`
    /// times as long as it has to be, on a disturbed device.
    nanoseconds_t shortest(unsigned stretch) const noexcept;
    /// One that alone is compared with its neighbours has to see more of them, of this mean latency.
    nanoseconds_t shortest_alone(nanoseconds_t mean_latency) const noexcept;

    /// Scatter of the rate, in units of what the counts of independent completions in sub-windows of this
    /// length have. Also the scatter of service times.
    double excess_scatter(const rate_window& rates, nanoseconds_t length) const noexcept;

private:
    double operations(const load_reading& now) const noexcept {
        return static_cast<double>(now.load.completed - start_.load.completed);
    }
    double work(const load_reading& now) const noexcept;

    const controller_options* options_;
    load_reading start_;
    double depth_sum_ = 0;
    double demand_sum_ = 0;
    unsigned ticks_ = 0;
    double bytes_per_operation_ = 0; // of the load: what makes large and small operations comparable
    double rate_ = 0;
    double depth_ = 0;
};

} // namespace aura::core
