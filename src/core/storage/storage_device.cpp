// storage_device: ticks, and the registry.
#include "core/storage/storage_device.hpp"

#include "auraio/core/loop/shard.hpp"
#include "core/base/first_use.hpp"
#include "core/base/probe.hpp"
#include "core/storage/device_gate.hpp"

#include <algorithm>
#include <memory>
#include <pthread.h>
#include <utility>

namespace aura::core {

namespace {

constexpr nanoseconds_t rate_interval = 200'000'000;
constexpr nanoseconds_t longest_pause = 1'000'000'000; // of ticks, while there is a load to watch

/// All devices of the process. Never destroyed: rings may outlive static objects.
class registry {
public:
    static registry& instance() {
        static constinit first_use<registry> all;
        return all.get();
    }

    int find(device_id id, storage_device*& found) {
        std::lock_guard guard(mutex_);
        for (const auto& [alias, device] : known_)
            if (alias == id) {
                found = device;
                return 0;
            }
        device_id disk = id;
        if (const int error = find_underlying_device(disk))
            return error; // nothing is remembered of it
        storage_device* device = nullptr;
        for (const auto& d : devices_)
            if (d->id() == disk)
                device = d.get();
        if (!device)
            device = devices_.emplace_back(std::make_unique<storage_device>(disk)).get();
        known_.emplace_back(id, device);
        found = device;
        return 0;
    }

private:
    // A child of fork(2) must not inherit a lock whose holder does not exist there.
    static const int handlers;
    void lock() {
        mutex_.lock();
        for (const auto& d : devices_)
            d->lock();
    }
    void unlock() {
        for (const auto& d : devices_)
            d->unlock();
        mutex_.unlock();
    }

    std::mutex mutex_;
    std::vector<std::unique_ptr<storage_device>> devices_;
    std::vector<std::pair<device_id, storage_device*>> known_;
};

const int registry::handlers =
    ::pthread_atfork([] { instance().lock(); }, [] { instance().unlock(); }, [] { instance().unlock(); });

} // namespace

void storage_settings::merge(const storage_settings& change) noexcept {
    if (change.adaptive)
        adaptive = change.adaptive;
    if (change.max_p99_latency)
        max_p99_latency = change.max_p99_latency;
    if (change.min_in_flight)
        min_in_flight = change.min_in_flight;
    if (change.max_in_flight)
        max_in_flight = change.max_in_flight;
}

storage_device* storage_device::of_file(int fd) {
    device_id id;
    storage_device* found = nullptr;
    return device_of_file(fd, id) == 0 && find(id, found) == 0 ? found : nullptr;
}

int storage_device::find(device_id id, storage_device*& found) {
    return registry::instance().find(id, found);
}

storage_device::storage_device(device_id id)
    : id_(id)
    , name_(device_name(id)) {}

// ---- rings and owners ----

void storage_device::attach(device_gate& gate, const void* owner, const storage_settings& settings) {
    std::lock_guard guard(mutex_);
    members_.reserve(members_.size() + 1);
    controller_.attach(gate.ring_, owner);
    members_.push_back({&gate, owner});
    apply_locked(owner, settings);
}

void storage_device::detach(device_gate& gate) noexcept {
    std::lock_guard guard(mutex_);
    std::erase_if(members_, [&](const member& m) { return m.gate == &gate; });
    controller_.detach(gate.ring_);
    // A ring that begins to tick at this moment and is not seen finds the gate open, and the controller as it
    // is after any idle spell.
    if (looked_after(monotonic_now(), nullptr))
        return;
    rest();
    tell_rings(nullptr);
}

void storage_device::apply(const void* owner, const storage_settings& settings) {
    std::lock_guard guard(mutex_);
    const bool present =
        std::any_of(members_.begin(), members_.end(), [&](const member& m) { return m.owner == owner; });
    if (!present)
        return;
    apply_locked(owner, settings);
    tell_rings(nullptr);
}

void storage_device::apply_locked(const void* owner, const storage_settings& settings) {
    if (settings.max_p99_latency)
        controller_.set_max_p99(owner, *settings.max_p99_latency);
    if (settings.min_in_flight)
        controller_.set_min_in_flight(owner, *settings.min_in_flight);
    if (settings.max_in_flight)
        controller_.set_max_in_flight(owner, *settings.max_in_flight);
    if (settings.adaptive)
        controller_.set_enabled(owner, *settings.adaptive);
}

// ---- ticks ----

storage_device::after_tick storage_device::tick(device_gate& caller, nanoseconds_t now) noexcept {
    caller.last_tick_.set(now);
    // Who finds it locked comes again: another ring is at it, or somebody reads statistics.
    std::unique_lock guard(mutex_, std::try_to_lock);
    if (!guard.owns_lock())
        return after_tick::go_on;
    controller_.set_present(caller.ring_, true);
    if (now >= next_tick_) {
        if (!asleep_ && now - next_tick_ > longest_pause)
            rest(); // a context ran out of work before its last tick: that load is over
        next_tick_ = now + tick_interval;
        run_controller(now);
        tell_rings(&caller);
    }
    if (caller.ring_.in_flight() != 0 || caller.ring_.waiting() != 0 || caller.ring_.background_held() != 0)
        return after_tick::go_on;
    // The last one stays until the controller needs no more ticks: it must not be left with its gate shut.
    if (!asleep_ && !looked_after(now, &caller))
        return after_tick::go_on;
    caller.last_tick_.clear();
    return after_tick::stop;
}

bool storage_device::looked_after(nanoseconds_t now, const device_gate* besides) const noexcept {
    return std::any_of(members_.begin(), members_.end(), [&](const member& m) {
        return m.gate != besides && m.gate->last_tick_.ticks() && !m.gate->last_tick_.overdue(now);
    });
}

void storage_device::note_absences(nanoseconds_t now) noexcept {
    for (const member& m : members_)
        controller_.set_present(m.gate->ring_, !m.gate->last_tick_.overdue(now));
}

void storage_device::restart_latencies() noexcept {
    if (!controller_.take_latency_restart())
        return;
    before_ = latencies_.snapshot();
    restarted_ = true;
}

void storage_device::rest() noexcept {
    controller_.rest();
    restart_latencies();
    asleep_ = true;
    rate_ = 0;
}

void storage_device::run_controller(nanoseconds_t now) noexcept {
    const bool was_asleep = asleep_;
    note_absences(now);
    latency_ = take_samples();
    const controller_phase before = controller_.controller().phase();
    asleep_ = controller_.tick(now, latency_) == never;
    if (controller_.controller().phase() != before)
        AURAIO_PROBE4(phase, id_.major, id_.minor, static_cast<int>(before),
                      static_cast<int>(controller_.controller().phase()));
    restart_latencies();
    if (asleep_) {
        rate_ = 0;
    } else if (was_asleep) {
        rate_since_ = now;
        rate_completed_ = controller_.load().completed;
    } else {
        measure_rate(now);
    }
}

void storage_device::measure_rate(nanoseconds_t now) noexcept {
    if (now - rate_since_ < rate_interval)
        return;
    const std::uint64_t completed = controller_.load().completed;
    rate_ = static_cast<double>(completed - rate_completed_) * 1e9 / static_cast<double>(now - rate_since_);
    rate_since_ = now;
    rate_completed_ = completed;
}

latency_sample storage_device::take_samples() noexcept {
    bool any = false;
    for (const member& m : members_)
        any = m.gate->take_samples(latencies_) || any;
    if (!any && !restarted_)
        return latency_;
    restarted_ = false;
    const latency_snapshot recent = latencies_.snapshot() - before_;
    return {recent.count(), recent.percentile(0.99)};
}

/// Rings that have room for what waits there, and nothing in flight whose completion would remind them.
void storage_device::tell_rings(const device_gate* except) noexcept {
    for (const member& m : members_)
        if (m.gate != except && m.gate->ring_.may_drain() && m.gate->ring_.in_flight() == 0)
            m.gate->send_drain();
}

std::optional<foreground_activity> storage_device::look_at_foreground(nanoseconds_t now) noexcept {
    const std::unique_lock guard(mutex_, std::try_to_lock);
    if (!guard.owns_lock())
        return std::nullopt;
    foreground_activity all;
    for (const member& m : members_) {
        const ring_gate& ring = m.gate->ring_;
        all.submitted += ring.foreground_submitted();
        // What a stopped context has here is nobody's foreground, and takes no share of the background.
        if (m.gate->last_tick_.overdue(now))
            continue;
        all.background_rings += ring.background_held() != 0 || ring.in_flight(gate_lane::background) != 0;
        all.in_flight += ring.in_flight(gate_lane::read) + ring.in_flight(gate_lane::write);
        all.waiting += ring.foreground_waiting();
    }
    return all;
}

void storage_device::reshare() noexcept {
    if (std::unique_lock guard(mutex_, std::try_to_lock); guard.owns_lock())
        controller_.reshare();
}

bool storage_device::give_back(const device_gate& caller) noexcept {
    const std::unique_lock guard(mutex_, std::try_to_lock);
    if (!guard.owns_lock())
        return false;
    controller_.give_back(caller.ring_);
    tell_rings(&caller);
    return true;
}

// ---- statistics ----

device_stats storage_device::stats() const {
    std::lock_guard guard(mutex_);
    const adaptive_controller& c = controller_.controller();
    const gate_load load = controller_.load();
    device_stats s;
    s.id = id_;
    s.name = name_;
    s.rings = static_cast<unsigned>(members_.size());
    s.phase = c.phase();
    s.limit = controller_.limit();
    for (const device_statistic& row : device_statistics)
        if (row.counter)
            s.*std::get<std::uint64_t device_stats::*>(row.member) = load.*row.counter;
    s.throughput = rate_;
    s.p99_latency = latency_.p99;
    s.latency_samples = latency_.count;
    s.changes = c.event_count();
    const std::uint64_t kept = std::min<std::uint64_t>(s.changes, adaptive_controller::trace_capacity);
    for (std::uint64_t i = s.changes - kept; i < s.changes; ++i)
        s.trace.push_back(c.event(i));
    return s;
}

} // namespace aura::core
