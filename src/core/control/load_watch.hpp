// load_watch: whether a load needs the gate, before it is shut and while it is.
#pragma once

#include "core/control/controller_options.hpp"
#include "core/control/load_reading.hpp"
#include "core/control/rate_meter.hpp"

namespace aura::core {

/// Engages where operations queue in the device, lets go where nothing queues at the gate, and remembers the
/// load that was searched and did not need the gate, which is then left alone for a while.
class load_watch {
public:
    explicit load_watch(const controller_options& options) noexcept
        : options_(&options) {}

    // ---- with the gate open ----

    /// Ticks begin after a rest.
    void begin() noexcept { idle_since_ = never; }

    /// At every tick for a while operations have been queueing in the device: many are in flight and each
    /// takes long. Depth alone is no sign (fast completions), nor is latency (a slow disk with one
    /// operation). Where the queue is interrupted, `meter` begins anew.
    bool queues(const load_reading& now, rate_meter& meter) noexcept;

    // ---- engaged ----

    void engage(nanoseconds_t now, double depth) noexcept;

    /// Most operations had to wait.
    void note_saturated(nanoseconds_t now) noexcept { saturated_ = now; }

    /// Since then, and since the phase began, most operations have not had to wait for too long.
    bool unsaturated(nanoseconds_t now, nanoseconds_t phase_began) const noexcept;

    /// There has not been demand enough for a while. Asked on every tick with whether there is now.
    bool demand_gone(nanoseconds_t now, bool enough) noexcept;
    /// What there is is all there will be: from now on again.
    void restart_idle() noexcept { idle_since_ = never; }

    // ---- loads that do not need the gate ----

    void set_needless(bool needless) noexcept { needless_ = needless; }
    /// The device of such a load wanders, or does not: by how much it has to change to be another one.
    void set_wandering(bool wanders) noexcept { wanders_ = wanders; }
    bool needless() const noexcept { return needless_; }
    /// The load that does not need it was as deep as that, at that latency in seconds, or more.
    void note_needless(double depth, double latency) noexcept;
    /// As deep as that or more, with the latency at which a device of this rate serves it.
    void note_needless_at_rate(double depth, double rate) noexcept;

    /// The gate opens, because it was `not_binding` or for another reason. Whether the load is left alone now.
    bool gate_opens(nanoseconds_t now, bool not_binding) noexcept;

private:
    /// 100 ms with the gate open, of a load that queues in the device.
    struct stretch {
        nanoseconds_t end;
        double depth;
        double rate;
        double completions;
        double latency() const noexcept { return depth / rate; }
    };
    bool is_known(const stretch& seen) noexcept;
    bool device_has_changed(const stretch& seen) noexcept;

    const controller_options* options_;
    nanoseconds_t saturated_ = 0;
    nanoseconds_t idle_since_ = 0; // the gate has not been binding since; `never` when it is
    double known_depth_ = 0;
    double known_latency_ = 0;
    nanoseconds_t known_until_ = 0;
    nanoseconds_t known_for_ = 0;
    bool needless_ = false;
    bool wanders_ = false;

    // What the device does for a load that is left alone, and for how long it has done something else.
    double usual_depth_ = 0;
    double usual_rate_ = 0;
    unsigned usual_ = 0; // stretches it is the mean of
    unsigned unusual_ = 0;
    double tolerance_ = 0; // of the rate, as a share; 0: at first
};

} // namespace aura::core
