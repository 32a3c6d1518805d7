// device_controller: one storage device as all rings of the process share it.
#pragma once

#include "core/control/adaptive_controller.hpp"
#include "core/control/ring_gate.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace aura::core {

/// Gathers the counters of the rings that use a device, lets the adaptive controller judge the sum, and
/// divides the limit among the rings again. One limit for one device: with one per ring they would push each
/// other up.
///
/// Pure, as the controller it holds. Not thread-safe: every member is called under the device's lock, which
/// no operation ever takes. A tick that finds the lock taken may simply not happen.
///
/// What runs where:
///   per operation, on the ring     ring_gate's members, nothing else
///   on the tick, in any one ring   tick(); then, for every attached ring whose gate may_drain(), its thread
///                                  is told to drain (the ring itself drains at once)
///   when an operation has to wait  on a ring whose limit is 0 and that has nothing in flight: reshare(), as
///                                  the next tick may be 10 ms away. This happens once per idle spell of a ring.
///   when one of the background     its ring may have a share that it may not use: give_back(), and rings that
///   went whoever waits             may_drain() are told
class device_controller {
public:
    explicit device_controller(const controller_options& options = {}) noexcept
        : options_(options)
        , controller_(options) {}

    /// The ring starts to use the device, on behalf of `owner` (a context, for the setters below). The gate
    /// must stay where it is until it is detached.
    void attach(ring_gate& gate, const void* owner);

    /// The ring has nothing in flight or waiting here any more.
    void detach(ring_gate& gate) noexcept;

    /// Gathers, decides, divides. `latency`: what the rings sampled since the last tick for which
    /// restart_latency() was true. Returns when to tick next; `never`: no tick is needed until a ring finds
    /// its gate asleep().
    nanoseconds_t tick(nanoseconds_t now, const latency_sample& latency) noexcept;

    /// After tick(): the histogram of sampled latencies begins anew.
    bool take_latency_restart() noexcept { return controller_.take_latency_restart(); }

    /// A ring that had nothing in flight found its gate asleep(). True: the caller arms a tick, a tick's
    /// distance from now. False: another ring has done so.
    bool wake() noexcept;

    /// Divides the present limit by the present demand.
    ///
    /// A ring that loses share keeps what it has at the device until that ends, and those that gain have
    /// their new shares at once. What is still out at the next division is withheld from them, so that never
    /// more is in flight than two divisions in a row allow together: twice the limit, if it has not changed.
    void reshare() noexcept;

    /// The ring has a share that it may not use, and wants nothing for now: divides anew without it.
    void give_back(const ring_gate& gate) noexcept;

    /// Nobody is left who would tick: every gate is open, up to what set_max_in_flight() allows.
    void rest() noexcept;

    /// Whether the ring's thread looks after what the ring has here. Where it does not (its context is
    /// stopped, or a handler does not return) nothing begins and no end is noticed: such a ring has no share,
    /// and the controller does not see what it has in flight or waiting. A ring that joins is present.
    void set_present(const ring_gate& gate, bool present) noexcept;

    // ---- setters, per owner: where owners differ, the strictest that has a ring here wins ----

    /// Nanoseconds; 0: this owner has no ceiling. The smallest counts.
    void set_max_p99(const void* owner, nanoseconds_t max_p99);
    /// The largest counts.
    void set_min_in_flight(const void* owner, unsigned count);
    /// The smallest counts, whatever the controller has found and also while it leaves the gate open; 0: this
    /// owner sets no bound.
    void set_max_in_flight(const void* owner, unsigned count);
    /// False: this owner's rings are never gated, and what they do is to the controller as any other user of
    /// the device.
    void set_enabled(const void* owner, bool enabled);

    const adaptive_controller& controller() const noexcept { return controller_; }

    /// What the rings divide: the controller's limit, within what set_max_in_flight() allows.
    unsigned limit() const noexcept {
        const unsigned found = controller_.limit();
        return max_in_flight_ != 0 && max_in_flight_ < found ? max_in_flight_ : found;
    }

    /// The counters of all rings whose owners leave them to the controller, those that have left included.
    gate_load load() const noexcept { return gather(ring_set::all); }

    /// Whether reads and writes each have more than a tenth of the completions, so that neither may take more
    /// than half of the limit while the other waits.
    bool directions_apart() const noexcept { return directions_apart_; }

private:
    struct owner_settings {
        const void* owner = nullptr;
        unsigned rings = 0;
        bool enabled = true;
        std::optional<nanoseconds_t> max_p99;
        std::optional<unsigned> min_in_flight;
        unsigned max_in_flight = 0;
    };
    struct ring {
        ring_gate* gate = nullptr;
        const void* owner = nullptr;
        bool gated = true;
        bool present = true;
        double demand = 0; // smoothed

        std::uint64_t demand_now() const noexcept { return gate->in_flight() + gate->waiting(); }
    };
    enum class ring_set : std::uint8_t { present, all };

    owner_settings& settings_of(const void* owner);
    void apply_settings() noexcept;
    gate_load gather(ring_set whose) const noexcept;
    void withhold_what_is_out() noexcept;
    void smooth_demand() noexcept;
    static void add_counters(gate_load& sum, const ring_gate& gate) noexcept;
    void watch_directions(nanoseconds_t now) noexcept;
    void open_all() noexcept;
    void set_asleep(bool asleep) noexcept;

    controller_options options_;
    adaptive_controller controller_;
    std::vector<ring> rings_;
    std::vector<owner_settings> owners_;
    std::vector<std::uint64_t> demand_; // smoothed; as rings_, and kept to be allocated in attach() only
    std::vector<unsigned> shares_;
    unsigned max_in_flight_ = 0;
    gate_load gone_; // counters of rings that have been detached
    std::uint64_t turn_ = 0;
    bool open_ = true;
    bool asleep_ = true;

    nanoseconds_t directions_since_ = 0;
    std::uint64_t directions_completed_[gate_directions] = {};
    bool directions_apart_ = false;
};

} // namespace aura::core
