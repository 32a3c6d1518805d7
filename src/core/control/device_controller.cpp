// device_controller: gathering and dividing.
#include "core/control/device_controller.hpp"

#include "core/control/ring_shares.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace aura::core {

namespace {
constexpr nanoseconds_t directions_interval = 200'000'000;
// A ring that loses its turn still has operations in flight when another begins: not too often.
constexpr std::uint64_t ticks_per_turn = 4;
constexpr double demand_weight = 0.2;               // of the present tick
constexpr std::uint64_t directions_apart_from = 10; // one completion in ten

std::uint64_t read(const std::atomic<std::uint64_t>& counter) noexcept {
    return counter.load(std::memory_order_relaxed);
}
} // namespace

// --- rings and owners ---

void device_controller::attach(ring_gate& gate, const void* owner) {
    rings_.reserve(rings_.size() + 1);
    demand_.reserve(rings_.size() + 1);
    shares_.reserve(rings_.size() + 1);
    ++settings_of(owner).rings; // the last that may fail for want of memory
    rings_.push_back({&gate, owner, true, true, 0});
    gate.asleep_.store(asleep_, std::memory_order_relaxed);
    demand_.resize(rings_.size());
    shares_.resize(rings_.size());
    // Counters of a ring that joins are part of the sum from here on; what it counted before is not.
    gate_load before;
    add_counters(before, gate);
    gone_.submitted -= before.submitted;
    gone_.completed -= before.completed;
    gone_.delayed -= before.delayed;
    gone_.bytes -= before.bytes;
    gone_.background_delayed -= before.background_delayed;
    apply_settings();
    reshare();
}

void device_controller::detach(ring_gate& gate) noexcept {
    const auto at =
        std::find_if(rings_.begin(), rings_.end(), [&](const ring& r) { return r.gate == &gate; });
    assert(at != rings_.end());
    assert(gate.in_flight() == 0 && gate.waiting() == 0);
    if (at->gated)
        add_counters(gone_, gate);
    const auto settings = std::find_if(owners_.begin(), owners_.end(),
                                       [&](const owner_settings& s) { return s.owner == at->owner; });
    assert(settings != owners_.end());
    if (--settings->rings == 0)
        owners_.erase(settings);
    rings_.erase(at);
    demand_.resize(rings_.size());
    shares_.resize(rings_.size());
    gate.limit_.store(ring_gate::unlimited, std::memory_order_relaxed);
    apply_settings();
    reshare();
}

void device_controller::set_max_p99(const void* owner, nanoseconds_t max_p99) {
    settings_of(owner).max_p99 = max_p99;
    apply_settings();
}

void device_controller::set_min_in_flight(const void* owner, unsigned count) {
    settings_of(owner).min_in_flight = count;
    apply_settings();
}

void device_controller::set_max_in_flight(const void* owner, unsigned count) {
    settings_of(owner).max_in_flight = count;
    apply_settings();
    reshare();
}

void device_controller::set_enabled(const void* owner, bool enabled) {
    settings_of(owner).enabled = enabled;
    apply_settings();
    reshare();
}

device_controller::owner_settings& device_controller::settings_of(const void* owner) {
    for (owner_settings& settings : owners_) {
        if (settings.owner == owner)
            return settings;
    }
    owners_.push_back({owner, 0, options_.enabled, std::nullopt, std::nullopt, 0});
    return owners_.back();
}

void device_controller::apply_settings() noexcept {
    nanoseconds_t max_p99 = 0;
    unsigned min_in_flight = 0;
    unsigned max_in_flight = 0;
    bool any_enabled = false;
    for (const owner_settings& settings : owners_) {
        if (settings.rings == 0)
            continue;
        const nanoseconds_t ceiling = settings.max_p99.value_or(options_.max_p99);
        if (ceiling != 0 && (max_p99 == 0 || ceiling < max_p99))
            max_p99 = ceiling;
        min_in_flight = std::max(min_in_flight, settings.min_in_flight.value_or(options_.min_in_flight));
        if (settings.max_in_flight != 0 && (max_in_flight == 0 || settings.max_in_flight < max_in_flight))
            max_in_flight = settings.max_in_flight;
        any_enabled = any_enabled || settings.enabled;
    }
    max_in_flight_ = max_in_flight;
    if (owners_.empty())
        return;
    controller_.set_max_p99(max_p99);
    controller_.set_min_in_flight(min_in_flight);
    controller_.set_enabled(any_enabled);
    for (ring& r : rings_) {
        const bool gated = settings_of(r.owner).enabled;
        if (gated == r.gated)
            continue;
        // Its counters leave the sum, or join it from where they are.
        gate_load counters;
        add_counters(counters, *r.gate);
        const std::uint64_t sign = gated ? ~std::uint64_t{0} : 1; // times -1 or 1, modulo 2^64
        gone_.submitted += sign * counters.submitted;
        gone_.completed += sign * counters.completed;
        gone_.delayed += sign * counters.delayed;
        gone_.bytes += sign * counters.bytes;
        gone_.background_delayed += sign * counters.background_delayed;
        r.gated = gated;
        r.gate->limit_.store(ring_gate::unlimited, std::memory_order_relaxed);
    }
}

// --- the tick ---

nanoseconds_t device_controller::tick(nanoseconds_t now, const latency_sample& latency) noexcept {
    const gate_load load = gather(ring_set::present);
    const nanoseconds_t next = controller_.tick(now, load, latency);
    watch_directions(now);
    ++turn_;
    smooth_demand();
    reshare();
    const std::uint32_t mask = (1u << controller_.sample_shift()) - 1;
    for (const ring& r : rings_) {
        // Stores only what changes: the line belongs to the ring.
        if (r.gate->sample_mask_.load(std::memory_order_relaxed) != mask)
            r.gate->sample_mask_.store(mask, std::memory_order_relaxed);
    }
    if (asleep_ != (next == never))
        set_asleep(next == never);
    return next;
}

bool device_controller::wake() noexcept {
    const bool was_asleep = asleep_;
    set_asleep(false);
    return was_asleep;
}

void device_controller::rest() noexcept {
    controller_.rest();
    set_asleep(true);
    reshare();
}

void device_controller::set_present(const ring_gate& gate, bool present) noexcept {
    for (ring& r : rings_) {
        if (r.gate != &gate || r.present == present)
            continue;
        r.present = present;
        r.demand = present ? static_cast<double>(r.demand_now()) : 0;
    }
}

void device_controller::set_asleep(bool asleep) noexcept {
    asleep_ = asleep;
    for (const ring& r : rings_)
        r.gate->asleep_.store(asleep, std::memory_order_relaxed);
}

void device_controller::add_counters(gate_load& sum, const ring_gate& gate) noexcept {
    for (const auto& counters : gate.lanes_) {
        sum.completed += read(counters.completed);
        sum.submitted += read(counters.submitted);
        sum.delayed += read(counters.delayed);
        sum.bytes += read(counters.bytes);
    }
    sum.background_delayed += read(gate.background_delayed_);
}

gate_load device_controller::gather(ring_set whose) const noexcept {
    gate_load sum = gone_;
    for (const ring& r : rings_) {
        if (!r.gated)
            continue;
        add_counters(sum, *r.gate);
        if (!r.present && whose == ring_set::present)
            continue;
        sum.in_flight += r.gate->in_flight();
        sum.waiting += r.gate->waiting();
        sum.background_waiting += r.gate->background_held();
    }
    return sum;
}

// A backlog of a ring is gone within a tick once it is let in: divided by what each has at the moment, the
// limit would go to and fro between the rings.
void device_controller::smooth_demand() noexcept {
    for (ring& r : rings_) {
        const auto demand = r.present ? static_cast<double>(r.demand_now()) : 0;
        r.demand += demand_weight * (demand - r.demand);
    }
}

void device_controller::watch_directions(nanoseconds_t now) noexcept {
    if (now - directions_since_ < directions_interval)
        return;
    directions_since_ = now;
    std::uint64_t completed[gate_directions] = {};
    for (const ring& r : rings_) {
        for (std::size_t c = 0; c < gate_directions; ++c)
            completed[c] += read(r.gate->lanes_[c].completed);
    }
    const std::uint64_t reads = completed[0] - directions_completed_[0];
    const std::uint64_t writes = completed[1] - directions_completed_[1];
    directions_completed_[0] = completed[0];
    directions_completed_[1] = completed[1];
    const std::uint64_t less = std::min(reads, writes);
    directions_apart_ = less != 0 && less * directions_apart_from > reads + writes;
}

void device_controller::reshare() noexcept {
    const unsigned limit = this->limit();
    if (limit == adaptive_controller::unlimited) {
        if (!open_)
            open_all();
        return;
    }
    open_ = false;
    for (std::size_t i = 0; i < rings_.size(); ++i) {
        const ring& r = rings_[i];
        const bool wants = r.present && r.demand_now() != 0;
        const auto demand = static_cast<std::uint64_t>(std::lround(r.demand));
        demand_[i] = r.gated ? std::max<std::uint64_t>(demand, wants) : 0;
    }
    share_limit(limit, demand_, turn_ / ticks_per_turn, shares_);
    withhold_what_is_out();
    for (std::size_t i = 0; i < rings_.size(); ++i) {
        if (!rings_[i].gated)
            continue;
        ring_gate& gate = *rings_[i].gate;
        if (gate.limit() != shares_[i])
            gate.limit_.store(shares_[i], std::memory_order_relaxed);
        if (gate.directions_apart_.load(std::memory_order_relaxed) != directions_apart_)
            gate.directions_apart_.store(directions_apart_, std::memory_order_relaxed);
    }
}

void device_controller::give_back(const ring_gate& gate) noexcept {
    for (ring& r : rings_)
        if (r.gate == &gate)
            r.demand = 0; // what it wanted of late is no reason to keep it
    reshare();
}

/// In flight beyond both a ring's former share and its new one: left over from an earlier division.
void device_controller::withhold_what_is_out() noexcept {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < rings_.size(); ++i) {
        const ring& r = rings_[i];
        const std::uint64_t allowed = std::max(r.gate->limit(), shares_[i]);
        const std::uint64_t in_flight = r.gate->in_flight();
        if (r.gated && r.present && in_flight > allowed)
            out += in_flight - allowed;
    }
    // From another ring on every turn: none is always the one that waits.
    for (std::size_t i = 0; i < rings_.size() && out != 0; ++i) {
        const std::size_t at = (turn_ + i) % rings_.size();
        const std::uint64_t in_flight = rings_[at].gate->in_flight();
        if (shares_[at] <= in_flight)
            continue;
        const std::uint64_t withheld = std::min(shares_[at] - in_flight, out);
        shares_[at] -= static_cast<unsigned>(withheld);
        out -= withheld;
    }
}

void device_controller::open_all() noexcept {
    open_ = true;
    for (const ring& r : rings_)
        r.gate->limit_.store(ring_gate::unlimited, std::memory_order_relaxed);
}

} // namespace aura::core
