// world: the event loop of a simulation.
#include "world.hpp"

#include <algorithm>

namespace simulation {

namespace {

using aura::core::device_controller;
using aura::core::gate_lane;
using aura::core::latency_sample;
using aura::core::nanoseconds_t;
using aura::core::ring_gate;

time_ns from_seconds(double s) {
    return static_cast<time_ns>(s * 1e9);
}

/// A ring: its gate, what waits at it, and its part of the load.
struct ring {
    ring_gate gate;
    std::deque<std::uint32_t> waiting[aura::core::gate_lane_count];
    unsigned closed_depth = 0;
    std::vector<std::uint32_t> completed; // not taken yet
    std::vector<std::uint32_t> prepared;  // started in this turn
    bool in_turn = false;
};

class world {
public:
    world(const scenario& s, const intervals_wanted& wanted, std::uint64_t seed, bool adaptive,
          unsigned limit)
        : scenario_(s)
        , random_(seed * 7919 + 17)
        , adaptive_(adaptive)
        , static_limit_(limit)
        , device_(s.segments[0].device, requests_, events_, seed * 104729 + 5)
        , controller_(s.options) {
        for (const auto& [from, to] : wanted) {
            out_.intervals.emplace_back();
            out_.intervals.back().from_s = from;
            out_.intervals.back().to_s = to;
            out_.intervals.back().completed_by_ring.resize(s.load.rings);
        }
        end_ = from_seconds(wanted.empty() ? s.duration_s : wanted.back().second);
    }

    outcome run() {
        begin();
        while (!events_.empty()) {
            const event e = events_.pop();
            if (e.time >= end_)
                break;
            now_ = e.time;
            handle(e);
        }
        account_shut();
        const auto& controller = controller_.controller();
        const std::uint64_t kept = std::min<std::uint64_t>(controller.event_count(),
                                                           aura::core::adaptive_controller::trace_capacity);
        for (std::uint64_t i = controller.event_count() - kept; i < controller.event_count(); ++i)
            out_.events.push_back(controller.event(i));
        return std::move(out_);
    }

private:
    void begin() {
        const load_spec& load = scenario_.load;
        for (unsigned i = 0; i < load.rings; ++i) {
            rings_.push_back(std::make_unique<ring>());
            rings_[i]->closed_depth = load.closed_depth / load.rings + (i < load.closed_depth % load.rings);
            controller_.attach(rings_[i]->gate, this);
        }
        for (std::uint32_t i = 1; i < scenario_.segments.size(); ++i)
            events_.at(from_seconds(scenario_.segments[i].from_s), event_kind::change, i);
        set_neighbour(scenario_.segments[0].device);
        for (std::uint32_t i = 0; i < load.rings; ++i) {
            for (unsigned n = 0; n < rings_[i]->closed_depth; ++n)
                submit(i);
            if (load.open_rate > 0)
                next_arrival(i);
            if (load.burst > 0)
                events_.at(from_seconds(load.burst_every_ms / 1e3 * random_.uniform()), event_kind::burst, i);
        }
        if (!adaptive_)
            events_.at(0, event_kind::tick, 0);
    }

    void handle(const event& e) {
        switch (e.kind) {
        case event_kind::tick:
            tick();
            break;
        case event_kind::arrival:
            submit(e.index);
            next_arrival(e.index);
            break;
        case event_kind::burst:
            for (unsigned i = 0; i < scenario_.load.burst / scenario_.load.rings; ++i)
                submit(e.index);
            events_.at(now_ + from_seconds(scenario_.load.burst_every_ms / 1e3), event_kind::burst, e.index);
            break;
        case event_kind::granted:
        case event_kind::served:
            device_.handle(e);
            break;
        case event_kind::done:
            done(e.index);
            break;
        case event_kind::turn_over:
            end_turn(e.index);
            break;
        case event_kind::neighbour_on:
        case event_kind::neighbour_off:
            if (e.index == neighbour_epoch_)
                switch_neighbour(e.kind == event_kind::neighbour_on);
            break;
        case event_kind::change:
            device_.change(scenario_.segments[e.index].device, now_);
            set_neighbour(scenario_.segments[e.index].device);
            break;
        }
    }

    // --- load ---

    void next_arrival(std::uint32_t r) {
        const double mean = scenario_.load.rings / scenario_.load.open_rate;
        events_.at(now_ + from_seconds(mean * random_.exponential()), event_kind::arrival, r);
    }

    std::uint32_t new_request(std::uint32_t owner) {
        std::uint32_t index;
        if (free_.empty()) {
            index = static_cast<std::uint32_t>(requests_.size());
            requests_.emplace_back();
        } else {
            index = free_.back();
            free_.pop_back();
        }
        const load_spec& load = scenario_.load;
        request& r = requests_[index];
        r.owner = owner;
        r.write = load.write_share > 0 && random_.uniform() < load.write_share;
        r.bytes =
            load.large_share > 0 && random_.uniform() < load.large_share ? load.large_bytes : load.bytes;
        return index;
    }

    static gate_lane lane_of(const request& r) { return r.write ? gate_lane::write : gate_lane::read; }

    void submit(std::uint32_t r) {
        const std::uint32_t index = new_request(r);
        const gate_lane c = lane_of(requests_[index]);
        ring& from = *rings_[r];
        if (adaptive_ && from.gate.asleep() && controller_.wake())
            events_.at(now_ + scenario_.options.tick, event_kind::tick, 0);
        if (adaptive_ ? from.gate.try_admit(c) : static_room()) {
            admit(index);
            return;
        }
        account_shut();
        ++waiting_;
        from.waiting[static_cast<std::size_t>(c)].push_back(index);
        if (!adaptive_)
            return;
        from.gate.wait(c);
        if (from.gate.limit() == 0 && from.gate.in_flight() == 0) {
            controller_.reshare();
            drain_all();
        }
    }

    bool static_room() {
        if (static_limit_ != 0 && in_flight_ >= static_limit_)
            return false;
        return true;
    }

    void admit(std::uint32_t index) {
        ++in_flight_;
        out_.most_in_flight = std::max(out_.most_in_flight, in_flight_);
        requests_[index].admitted = now_;
        ring& from = *rings_[requests_[index].owner];
        if (from.in_turn)
            from.prepared.push_back(index);
        else
            device_.arrive(index, now_);
    }

    void drain(ring& r) {
        for (bool any = true; any;) {
            const gate_lane first = r.gate.next_to_drain();
            const gate_lane second = first == gate_lane::read ? gate_lane::write : gate_lane::read;
            any = drain_one(r, first) || drain_one(r, second);
        }
    }

    bool drain_one(ring& r, gate_lane c) {
        auto& queue = r.waiting[static_cast<std::size_t>(c)];
        if (queue.empty() || (adaptive_ ? !r.gate.try_admit_waiting(c) : !static_room()))
            return false;
        account_shut();
        --waiting_;
        const std::uint32_t index = queue.front();
        queue.pop_front();
        admit(index);
        return true;
    }

    void drain_all() {
        for (auto& r : rings_) {
            if (r->gate.may_drain())
                drain(*r);
        }
    }

    void done(std::uint32_t index) {
        const std::uint32_t owner = requests_[index].owner;
        if (scenario_.load.turn_us <= 0 || owner == neighbour) {
            complete(index);
            return;
        }
        rings_[owner]->completed.push_back(index);
        if (!rings_[owner]->in_turn)
            begin_turn(owner);
    }

    void begin_turn(std::uint32_t r) {
        ring& self = *rings_[r];
        self.in_turn = true;
        if (interval* i = current())
            ++i->turns;
        std::vector<std::uint32_t> taken;
        taken.swap(self.completed);
        for (const std::uint32_t index : taken)
            complete(index);
        const load_spec& load = scenario_.load;
        const double us = load.turn_us + load.handler_us * static_cast<double>(taken.size());
        events_.at(now_ + from_seconds(us / 1e6), event_kind::turn_over, r);
    }

    void end_turn(std::uint32_t r) {
        ring& self = *rings_[r];
        for (const std::uint32_t index : self.prepared)
            device_.arrive(index, now_);
        self.prepared.clear();
        self.in_turn = false;
        if (!self.completed.empty())
            begin_turn(r);
    }

    void complete(std::uint32_t index) {
        const request r = requests_[index];
        free_.push_back(index);
        if (r.owner == neighbour) {
            if (neighbour_here_ && neighbour_in_flight_ <= neighbour_depth_)
                neighbour_submit();
            else
                --neighbour_in_flight_;
            return;
        }
        --in_flight_;
        ++completed_;
        ring& owner = *rings_[r.owner];
        if (adaptive_)
            owner.gate.complete(lane_of(r), r.bytes);
        const time_ns latency = now_ - r.admitted;
        if (interval* i = current()) {
            ++i->completed;
            ++i->completed_by_ring[r.owner];
            i->latency.add(latency);
        }
        if (adaptive_ && (completed_ & ((1u << controller_.controller().sample_shift()) - 1)) == 0)
            sampled_.add(latency);
        if (owner.closed_depth != 0)
            submit(r.owner);
        if (adaptive_) {
            drain(owner);
        } else if (waiting_ != 0) { // one gate for all rings, in turn
            for (std::size_t i = 0; i < rings_.size() && static_room(); ++i)
                drain(*rings_[next_ring_++ % rings_.size()]);
        }
    }

    // --- neighbour ---

    void set_neighbour(const device_spec& spec) {
        ++neighbour_epoch_;
        neighbour_depth_ = spec.neighbour_depth;
        switch_neighbour(neighbour_depth_ != 0);
    }

    void switch_neighbour(bool on) {
        const device_spec& spec = device_.spec();
        neighbour_here_ = on;
        if (on) {
            while (neighbour_in_flight_ < neighbour_depth_) {
                ++neighbour_in_flight_;
                neighbour_submit();
            }
        }
        if (spec.neighbour_on_ms > 0 && neighbour_depth_ != 0) {
            const double ms = (on ? spec.neighbour_on_ms : spec.neighbour_off_ms) * random_.exponential();
            events_.at(now_ + from_seconds(ms / 1e3),
                       on ? event_kind::neighbour_off : event_kind::neighbour_on, neighbour_epoch_);
        }
    }

    void neighbour_submit() { device_.arrive(new_request(neighbour), now_); }

    // --- the controller and the records ---

    void tick() {
        nanoseconds_t next = now_ + scenario_.options.tick;
        if (adaptive_) {
            const latency_sample latency{sampled_.count(), sampled_.percentile(0.99)};
            next = controller_.tick(now_, latency);
            if (controller_.take_latency_restart())
                sampled_.clear();
            drain_all();
        }
        const auto& controller = controller_.controller();
        out_.ticks.push_back({static_cast<double>(now_) / 1e9,
                              adaptive_ ? controller.kept_limit() : static_limit_, controller.phase(),
                              in_flight_, waiting_, completed_});
        if (next != aura::core::never)
            events_.at(next, event_kind::tick, 0);
    }

    interval* current() {
        while (interval_ < out_.intervals.size() &&
               static_cast<double>(now_) / 1e9 >= out_.intervals[interval_].to_s)
            ++interval_;
        if (interval_ == out_.intervals.size() ||
            static_cast<double>(now_) / 1e9 < out_.intervals[interval_].from_s)
            return nullptr;
        return &out_.intervals[interval_];
    }

    // Called before waiting_ changes: books the time since the last change.
    void account_shut() {
        if (waiting_ != 0) {
            const double from = static_cast<double>(shut_since_) / 1e9;
            const double to = static_cast<double>(now_) / 1e9;
            for (std::size_t i = interval_; i < out_.intervals.size(); ++i) {
                interval& in = out_.intervals[i];
                if (in.from_s > to)
                    break;
                in.shut_s += std::max(0.0, std::min(to, in.to_s) - std::max(from, in.from_s));
            }
        }
        shut_since_ = now_;
    }

    const scenario& scenario_;
    random random_;
    const bool adaptive_;
    const unsigned static_limit_;
    event_queue events_;
    std::vector<request> requests_;
    std::vector<std::uint32_t> free_;
    device device_;
    device_controller controller_;
    std::vector<std::unique_ptr<ring>> rings_;
    histogram sampled_;

    time_ns now_ = 0;
    time_ns end_ = 0;
    time_ns shut_since_ = 0;
    std::uint64_t in_flight_ = 0;
    std::uint64_t waiting_ = 0;
    std::uint64_t completed_ = 0;
    std::size_t next_ring_ = 0;
    std::size_t interval_ = 0;

    unsigned neighbour_depth_ = 0;
    unsigned neighbour_in_flight_ = 0;
    bool neighbour_here_ = false;
    std::uint32_t neighbour_epoch_ = 0;

    outcome out_;
};

} // namespace

outcome run_adaptive(const scenario& s, const intervals_wanted& wanted, std::uint64_t seed) {
    return world(s, wanted, seed, true, 0).run();
}

outcome run_static(const scenario& s, unsigned limit, const intervals_wanted& wanted, std::uint64_t seed) {
    return world(s, wanted, seed, false, limit).run();
}

} // namespace simulation
