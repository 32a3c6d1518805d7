// A scrub beside a foreground on a simulated device: what it costs those who wait, and what is left to it.
#include "device.hpp"
#include "histogram.hpp"

#include "core/control/background_share.hpp"
#include "core/control/device_controller.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace {

using namespace simulation;
using aura::core::background_share;
using aura::core::device_controller;
using aura::core::foreground_activity;
using aura::core::gate_lane;
using aura::core::nanoseconds_t;
using aura::core::ring_gate;

constexpr time_ns ms = 1'000'000;

/// Closed loops: of the foreground on ring 0, while it is on, and of a scrub on the last ring.
struct load {
    unsigned rings = 1;
    unsigned foreground = 8;
    unsigned scrub = 0;
    bool yields = true; ///< else the scrub is as any other load
    unsigned limit = 0; ///< 0: the gate is open
    double off_from_s = 1e9, off_to_s = 1e9;
};

class scrubbed_device {
public:
    explicit scrubbed_device(const load& l)
        : load_(l)
        , device_({.servers = 16, .service_us = 500}, requests_, events_, 11) {
        for (unsigned i = 0; i < l.rings; ++i) {
            rings_.push_back(std::make_unique<ring>());
            controller_.attach(rings_[i]->gate, this);
        }
        controller_.set_max_in_flight(this, l.limit);
        controller_.set_enabled(this, l.limit != 0); // what it would find is not the question here
    }

    void run(double seconds) {
        events_.at(0, event_kind::tick, 0);
        for (unsigned i = 0; i < load_.foreground; ++i)
            events_.at(0, event_kind::arrival, 0);
        for (unsigned i = 0; i < load_.scrub; ++i)
            events_.at(0, event_kind::arrival, 1);
        while (!events_.empty()) {
            const event e = events_.pop();
            if (e.time > static_cast<time_ns>(seconds * 1e9))
                break;
            now_ = e.time;
            handle(e);
        }
    }

    histogram latency; ///< of the foreground, from its start
    std::uint64_t served = 0, scrubbed = 0;
    std::uint64_t scrubbed_while_off = 0;
    time_ns began_while_waiting = 0; ///< how many of the scrub, the foreground having waited for 10 ms

private:
    struct ring {
        ring_gate gate;
        background_share share;
        std::vector<std::uint32_t> foreground, background; // that wait
    };

    bool off() const {
        const double s = static_cast<double>(now_) / 1e9;
        return s >= load_.off_from_s && s < load_.off_to_s;
    }
    nanoseconds_t clock() const { return static_cast<nanoseconds_t>(now_) + 1'000'000'000'000; }

    void handle(const event& e) {
        switch (e.kind) {
        case event_kind::arrival:
            start(e.index == 1);
            break;
        case event_kind::tick:
            controller_.tick(clock(), {});
            for (auto& r : rings_)
                drain(*r);
            events_.at(now_ + 10 * ms, event_kind::tick, 0);
            break;
        case event_kind::done:
            done(e.index);
            break;
        default:
            device_.handle(e);
        }
    }

    void start(bool scrub) {
        if (!scrub && off()) {
            events_.at(now_ + 10 * ms, event_kind::arrival, 0);
            return;
        }
        const auto index = static_cast<std::uint32_t>(requests_.size());
        requests_.push_back({.admitted = now_, .bytes = 4096, .owner = scrub ? 1u : 0u});
        ring& r = *rings_[scrub ? load_.rings - 1 : 0];
        if (scrub && load_.yields) {
            if (!r.background.empty() || !may_go(r)) {
                if (r.background.empty())
                    r.share.note_turn(clock());
                r.gate.hold_background();
                r.background.push_back(index);
                return;
            }
        } else if (!r.gate.try_admit(gate_lane::read)) {
            r.gate.wait(gate_lane::read);
            r.foreground.push_back(index);
            if (waiting_since_ == 0)
                waiting_since_ = now_;
            return;
        }
        submit(index);
    }

    bool may_go(ring& r) {
        if (r.share.look_due(clock())) {
            foreground_activity all;
            for (const auto& other : rings_) {
                all.submitted += other->gate.foreground_submitted();
                all.in_flight += other->gate.in_flight(gate_lane::read);
                all.waiting += other->gate.foreground_waiting();
                all.background_rings +=
                    other->gate.background_held() != 0 || other->gate.in_flight(gate_lane::background) != 0;
            }
            r.share.look(clock(), all);
        }
        const auto allowed =
            r.share.allowed(clock(), r.gate.foreground_submitted(), r.gate.foreground_waiting());
        const auto in_flight = r.gate.in_flight(gate_lane::background);
        if (in_flight >= allowed || !r.gate.try_admit_background()) {
            r.gate.set_background_waiting(
                in_flight >= allowed ? 0
                                     : std::min<std::uint64_t>(std::max<std::size_t>(r.background.size(), 1),
                                                               allowed - in_flight));
            return false;
        }
        r.share.note_turn(clock());
        if (waiting_since_ != 0 && now_ - waiting_since_ > 10 * ms)
            ++began_while_waiting;
        return true;
    }

    void submit(std::uint32_t index) { device_.arrive(index, now_); }

    void drain(ring& r) {
        if (!r.background.empty() && r.share.overdue(clock()))
            drain_background(r);
        while (!r.foreground.empty() && r.gate.try_admit_waiting(gate_lane::read)) {
            submit(r.foreground.front());
            r.foreground.erase(r.foreground.begin());
        }
        if (r.foreground.empty() && &r == rings_[0].get())
            waiting_since_ = 0;
        drain_background(r);
    }
    void drain_background(ring& r) {
        while (!r.background.empty() && may_go(r)) {
            r.gate.let_background_go();
            submit(r.background.front());
            r.background.erase(r.background.begin());
        }
    }

    void done(std::uint32_t index) {
        const bool scrub = requests_[index].owner == 1;
        ring& r = *rings_[scrub ? load_.rings - 1 : 0];
        r.gate.complete(scrub && load_.yields ? gate_lane::background : gate_lane::read, 4096);
        if (scrub) {
            ++scrubbed;
            scrubbed_while_off += off();
        } else {
            ++served;
            latency.add(now_ - requests_[index].admitted);
        }
        start(scrub);
        drain(r);
    }

    const load load_;
    time_ns now_ = 0;
    time_ns waiting_since_ = 0; // of the foreground; 0: it does not
    event_queue events_;
    std::vector<request> requests_;
    device device_;
    device_controller controller_;
    std::vector<std::unique_ptr<ring>> rings_;
};

double p99_us(const scrubbed_device& d) {
    return static_cast<double>(d.latency.percentile(0.99)) / 1e3;
}

class Scrub : public testing::TestWithParam<unsigned> {}; // rings

TEST_P(Scrub, CostsThoseWhoWaitLittleThoughTheGateIsOpen) {
    scrubbed_device alone({.rings = GetParam()});
    scrubbed_device any({.rings = GetParam(), .scrub = 256, .yields = false});
    scrubbed_device yielding({.rings = GetParam(), .scrub = 256});
    alone.run(5);
    any.run(5);
    yielding.run(5);
    EXPECT_GT(p99_us(any), 3 * p99_us(alone)) << "the scrub fills the queue";
    EXPECT_LT(p99_us(yielding), 1.1 * p99_us(alone));
    EXPECT_GT(static_cast<double>(yielding.served), 0.95 * static_cast<double>(alone.served));
    EXPECT_GT(yielding.scrubbed, 5000u) << "one at a time";
}

TEST_P(Scrub, HasAllOfTheDeviceWhileTheForegroundIsAway) {
    scrubbed_device away({.rings = GetParam(), .foreground = 0, .scrub = 64});
    scrubbed_device d({.rings = GetParam(), .scrub = 64, .off_from_s = 2, .off_to_s = 4});
    away.run(2);
    d.run(6);
    EXPECT_GT(static_cast<double>(d.scrubbed_while_off), 0.97 * static_cast<double>(away.scrubbed));
}

TEST_P(Scrub, HasNothingTenMillisecondsAfterTheForegroundBeganToWait) {
    scrubbed_device d({.rings = GetParam(), .foreground = 64, .scrub = 64, .limit = 8});
    d.run(5);
    // One in a tenth of a second, so that it does not starve.
    EXPECT_LE(d.began_while_waiting, 51u);
    EXPECT_GE(d.scrubbed, 40u);
}

INSTANTIATE_TEST_SUITE_P(Simulation, Scrub, testing::Values(1u, 2u), testing::PrintToStringParamName());

} // namespace
