// flooded_device: the event loop.
#include "flooded_device.hpp"

#include <algorithm>
#include <cmath>

namespace simulation {

namespace {

using aura::core::device_controller;
using aura::core::gate_lane;
using aura::core::latency_sample;
using aura::core::nanoseconds_t;
using aura::core::ring_gate;
using aura::core::write_share;

constexpr time_ns ms = 1'000'000;

time_ns from_seconds(double s) {
    return static_cast<time_ns>(s * 1e9);
}

enum class role : std::uint32_t { read, write, sync, write_back };

struct client {
    role what = role::read;
    unsigned ring = 0;
    bool loops = true;
    bool syncs = false;
};

class flooded_world {
public:
    flooded_world(const flood& f, const policy& p, double from_s, double to_s, std::uint64_t seed)
        : flood_(f)
        , policy_(p)
        , random_(seed * 7919 + 17)
        , device_(f.device, requests_, events_, seed * 104729 + 5)
        , from_(from_seconds(from_s))
        , to_(from_seconds(to_s)) {
        for (unsigned i = 0; i < f.rings; ++i) {
            rings_.push_back(std::make_unique<ring>());
            controller_.attach(rings_[i]->gate, this);
        }
        controller_.set_max_p99(this, static_cast<nanoseconds_t>(f.ceiling_ms * 1e6));
        controller_.set_enabled(this, p.adaptive);
        out_.seconds = to_s - from_s;
        out_.windows.resize(static_cast<std::size_t>(std::ceil(out_.seconds / f.window_s)));
    }

    flood_result run() {
        for (unsigned i = 0; i < flood_.readers; ++i)
            add({role::read, 0, true, false});
        for (unsigned i = 0; i < flood_.writers; ++i)
            add({role::write, flood_.rings - 1, true, i < flood_.syncing});
        if (flood_.reads_per_second > 0)
            events_.at(next_arrival(), event_kind::burst, add_silent({role::read, 0, false, false}));
        back_ = add_silent({role::write_back, 0, false, false});
        if (flood_.write_back_depth != 0)
            events_.at(from_seconds(flood_.write_back_every_s), event_kind::change, 0);
        events_.at(0, event_kind::tick, 0);
        while (!events_.empty()) {
            const event e = events_.pop();
            if (e.time >= to_)
                break;
            now_ = e.time;
            handle(e);
        }
        return std::move(out_);
    }

private:
    struct ring {
        ring_gate gate;
        std::deque<std::uint32_t> waiting[2];
    };
    struct mark {
        time_ns started = 0;
        bool sampled = false;
    };

    std::uint32_t add_silent(const client& c) {
        clients_.push_back(c);
        return static_cast<std::uint32_t>(clients_.size() - 1);
    }
    void add(const client& c) {
        events_.at(static_cast<time_ns>(random_.uniform() * 1e6), event_kind::arrival, add_silent(c));
    }
    time_ns next_arrival() { return now_ + from_seconds(random_.exponential() / flood_.reads_per_second); }
    nanoseconds_t clock() const { return static_cast<nanoseconds_t>(now_) + 1'000'000'000'000; }
    bool off() const {
        const double s = static_cast<double>(now_) / 1e9;
        return std::fmod(s, flood_.on_s + flood_.off_s) >= flood_.on_s;
    }

    void handle(const event& e) {
        switch (e.kind) {
        case event_kind::arrival:
            start(e.index, clients_[e.index].what);
            break;
        case event_kind::burst:
            start(e.index, role::read);
            events_.at(next_arrival(), event_kind::burst, e.index);
            break;
        case event_kind::tick:
            tick();
            break;
        case event_kind::change:
            begin_write_back();
            break;
        case event_kind::turn_over: // a write into the page cache
            ++dirty_;
            done(e.index);
            break;
        case event_kind::done:
            done(e.index);
            break;
        default:
            device_.handle(e);
        }
    }

    static gate_lane lane(role r) { return r == role::read ? gate_lane::read : gate_lane::write; }

    void start(std::uint32_t who, role what) {
        if (what == role::write && off()) {
            events_.at(now_ + 10 * ms, event_kind::arrival, who);
            return;
        }
        std::uint32_t index;
        if (free_.empty()) {
            index = static_cast<std::uint32_t>(requests_.size());
            requests_.emplace_back();
            marks_.emplace_back();
            roles_.emplace_back();
        } else {
            index = free_.back();
            free_.pop_back();
        }
        requests_[index] = {.admitted = now_, .bytes = 4096, .owner = who, .write = what != role::read};
        marks_[index] = {now_, false};
        roles_[index] = what;
        if (what == role::write_back) {
            device_.arrive(index, now_);
            return;
        }
        if (what == role::sync) {
            if (syncs_.empty())
                syncs_since_ = clock();
            syncs_.push_back(index);
            begin_syncs();
            return;
        }
        ring& r = *rings_[clients_[who].ring];
        const gate_lane c = lane(what);
        if (r.waiting[c == gate_lane::write].empty() && fixed_room(c) && r.gate.try_admit(c)) {
            admit(index);
            return;
        }
        r.gate.wait(c);
        r.waiting[c == gate_lane::write].push_back(index);
        if (policy_.adaptive && r.gate.in_flight() == 0) {
            controller_.reshare();
            drain(r);
        }
    }

    bool fixed_room(gate_lane c) const {
        return c == gate_lane::read || writes_at_device_ < policy_.writes_max;
    }

    void admit(std::uint32_t index) {
        request& q = requests_[index];
        q.admitted = now_;
        ring& r = *rings_[clients_[q.owner].ring];
        const gate_lane c = lane(roles_[index]);
        marks_[index].sampled = r.gate.sampled(c);
        writes_at_device_ += c == gate_lane::write;
        if (c == gate_lane::write && flood_.cached_us > 0)
            events_.at(now_ + from_seconds(flood_.cached_us / 1e6), event_kind::turn_over, index);
        else
            device_.arrive(index, now_);
    }

    void drain(ring& r) {
        gate_lane c = r.gate.next_to_drain();
        for (int refused = 0; refused < 2;) {
            auto& queue = r.waiting[c == gate_lane::write];
            if (!queue.empty() && fixed_room(c) && r.gate.try_admit_waiting(c)) {
                const std::uint32_t index = queue.front();
                queue.pop_front();
                admit(index);
                refused = 0;
            } else {
                ++refused;
            }
            c = c == gate_lane::read ? gate_lane::write : gate_lane::read;
        }
    }

    // Those that have waited begin together.
    void begin_syncs() {
        if (rings_.back()->gate.writes_paused() && clock() - syncs_since_ < write_share::patience)
            return;
        for (const std::uint32_t index : syncs_)
            device_.flush(index, now_);
        syncs_.clear();
    }

    void begin_write_back() {
        for (unsigned i = 0; i < flood_.write_back_depth && dirty_ != 0; ++i, --dirty_)
            start(back_, role::write_back);
        events_.at(now_ + from_seconds(flood_.write_back_every_s), event_kind::change, 0);
    }

    void done(std::uint32_t index) {
        const request q = requests_[index];
        const role what = roles_[index];
        free_.push_back(index);
        if (what == role::write_back) {
            if (dirty_ != 0) {
                --dirty_;
                start(back_, role::write_back);
            }
            return;
        }
        const client& who = clients_[q.owner];
        record(index, what);
        if (what != role::sync) {
            ring& r = *rings_[who.ring];
            r.gate.complete(lane(what), q.bytes);
            writes_at_device_ -= what == role::write;
        }
        if (who.syncs && what == role::write)
            start(q.owner, role::sync);
        else if (who.loops)
            start(q.owner, who.what);
        for (auto& r : rings_)
            drain(*r);
    }

    void record(std::uint32_t index, role what) {
        const time_ns latency = now_ - requests_[index].admitted;
        if (marks_[index].sampled) {
            all_.add(latency);
            if (what == role::read)
                sampled_reads_.add(latency);
        }
        if (now_ < from_)
            return;
        if (what == role::sync) {
            ++out_.synced;
            out_.syncs.add(now_ - marks_[index].started);
        } else if (what == role::write) {
            ++out_.writes;
        } else {
            out_.reads.add(latency);
            out_.reads_waited.add(now_ - marks_[index].started);
            out_.windows[static_cast<std::size_t>(static_cast<double>(now_ - from_) / 1e9 / flood_.window_s)]
                .add(latency);
        }
    }

    static latency_sample sample_of(const histogram& h) {
        return {h.count(), static_cast<nanoseconds_t>(h.percentile(0.99))};
    }

    void tick() {
        controller_.tick(clock(), sample_of(all_), sample_of(sampled_reads_));
        const bool restart = controller_.take_latency_restart();
        if (restart)
            all_.clear();
        if (controller_.take_read_latency_restart() || restart)
            sampled_reads_.clear();
        if (now_ >= from_) {
            out_.shares.push_back(controller_.writes_max());
            out_.limits.push_back(controller_.limit());
        }
        for (auto& r : rings_)
            drain(*r);
        begin_syncs();
        events_.at(now_ + 10 * ms, event_kind::tick, 0);
    }

    const flood flood_;
    const policy policy_;
    random random_;
    time_ns now_ = 0;
    event_queue events_;
    std::vector<request> requests_;
    std::vector<mark> marks_;
    std::vector<role> roles_;
    std::vector<std::uint32_t> free_;
    std::vector<client> clients_;
    device device_;
    device_controller controller_;
    std::vector<std::unique_ptr<ring>> rings_;
    histogram all_, sampled_reads_;
    const time_ns from_, to_;
    unsigned writes_at_device_ = 0;
    std::uint64_t dirty_ = 0;
    std::uint32_t back_ = 0;
    std::vector<std::uint32_t> syncs_;
    nanoseconds_t syncs_since_ = 0; // the oldest that waits
    flood_result out_;
};

} // namespace

flood_result run_flood(const flood& f, const policy& p, double from_s, double to_s, std::uint64_t seed) {
    return flooded_world(f, p, from_s, to_s, seed).run();
}

} // namespace simulation
