// ring_gate and device_controller: what passes, what waits, and who gets how much.
#include "core/control/device_controller.hpp"

#include <array>
#include <deque>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t ms = 1'000'000;
constexpr auto reads = gate_lane::read;
constexpr auto writes = gate_lane::write;
const latency_sample no_latency{};

static_assert(sizeof(ring_gate) <= 192, "three cache lines");
static_assert(alignof(ring_gate) == 64);

// A device with `servers` requests completed in each millisecond by as many servers, used by closed loops of
// `depth` operations on each of some rings.
class closed_loop {
public:
    closed_loop(unsigned servers, std::size_t rings, unsigned depth)
        : servers_(servers) {
        for (std::size_t i = 0; i < rings; ++i)
            device.attach(gates[i], this);
        count_ = rings;
        for (std::size_t i = 0; i < rings; ++i) {
            for (unsigned n = 0; n < depth; ++n)
                start(i);
        }
    }

    void start(std::size_t i) {
        if (!gates[i].try_admit(reads))
            gates[i].wait(reads);
    }

    void run_until(nanoseconds_t end) {
        for (; now < end; now += ms) {
            unsigned served = 0;
            for (std::size_t turn = 0; turn < count_ && served < servers_; ++turn) {
                const std::size_t i = (next_ + turn) % count_;
                while (served < servers_ && gates[i].in_flight() != 0 && served < (turn + 1) * servers_) {
                    gates[i].complete(reads, 4096);
                    ++served;
                    completed[i] += 1;
                    pending_[i] += 1;
                }
            }
            ++next_;
            for (std::size_t i = 0; i < count_; ++i) {
                for (; pending_[i] != 0; --pending_[i])
                    start(i);
                drain(i);
            }
            if (now % (10 * ms) == 0) {
                device.tick(now, no_latency);
                for (std::size_t i = 0; i < count_; ++i)
                    drain(i);
            }
            std::uint64_t limits = 0;
            for (std::size_t i = 0; i < count_; ++i)
                limits += gates[i].limit();
            if (device.controller().limit() != adaptive_controller::unlimited) {
                EXPECT_LE(limits, device.controller().limit());
            }
        }
    }

    void drain(std::size_t i) {
        while (gates[i].waiting() != 0 && gates[i].try_admit_waiting(reads)) {
        }
    }

    std::array<ring_gate, 8> gates;
    device_controller device;
    nanoseconds_t now = 0;
    std::array<std::uint64_t, 8> completed{};

private:
    unsigned servers_;
    std::size_t count_ = 0;
    std::size_t next_ = 0;
    std::array<unsigned, 8> pending_{};
};

TEST(RingGate, OpenLetsEverythingPassAndCounts) {
    ring_gate gate;
    for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE(gate.try_admit(i % 2 != 0 ? reads : writes));
    EXPECT_EQ(gate.in_flight(), 1000u);
    for (int i = 0; i < 400; ++i)
        gate.complete(reads, 512);
    EXPECT_EQ(gate.in_flight(reads), 100u);
    EXPECT_EQ(gate.in_flight(), 600u);
    EXPECT_EQ(gate.waiting(), 0u);
    EXPECT_TRUE(gate.asleep());
}

TEST(RingGate, SamplesOneIn64WhileOpen) {
    ring_gate gate;
    int sampled = 0;
    for (int i = 0; i < 640; ++i) {
        gate.try_admit(reads);
        sampled += gate.sampled(reads);
    }
    EXPECT_EQ(sampled, 10);
}

TEST(DeviceController, OneLimitForAllRings) {
    closed_loop world(16, 4, 32);
    world.run_until(10'000 * ms);
    EXPECT_GE(world.device.controller().limit(), 15u);
    EXPECT_LE(world.device.controller().limit(), 20u);
    EXPECT_TRUE(world.device.controller().phase() == controller_phase::converged ||
                world.device.controller().phase() == controller_phase::steady);
}

TEST(DeviceController, NobodyOvertakesAndCancellingLeavesTheQueue) {
    closed_loop world(16, 1, 128);
    world.run_until(3'000 * ms);
    ring_gate& gate = world.gates[0];
    ASSERT_GT(gate.waiting(), 0u);
    ASSERT_FALSE(gate.may_drain());
    gate.complete(reads, 4096);
    EXPECT_FALSE(gate.try_admit(reads)) << "room, but others have waited longer";
    EXPECT_TRUE(gate.may_drain());
    const auto waiting = gate.waiting();
    gate.cancel_waiting(reads);
    EXPECT_EQ(gate.waiting(), waiting - 1);
    EXPECT_TRUE(gate.try_admit_waiting(reads));
    EXPECT_EQ(gate.waiting(), waiting - 2);
}

TEST(DeviceController, ARingThatComesGetsItsShareAtOnce) {
    closed_loop world(16, 1, 128);
    world.run_until(3'000 * ms);
    ring_gate late;
    world.device.attach(late, &late);
    ASSERT_FALSE(late.try_admit(reads));
    late.wait(reads);
    EXPECT_EQ(late.limit(), 0u);
    world.device.reshare();
    EXPECT_GE(late.limit(), 1u);
    EXPECT_TRUE(late.may_drain());
    EXPECT_TRUE(late.try_admit_waiting(reads));
    late.complete(reads, 4096);
    world.device.detach(late);
    EXPECT_EQ(late.limit(), ring_gate::unlimited);
}

TEST(DeviceController, ARingThatLeavesTakesNoCountersWithIt) {
    closed_loop world(16, 2, 64);
    world.run_until(3'000 * ms);
    ring_gate other;
    world.device.attach(other, &other);
    if (other.try_admit(reads))
        other.complete(reads, 1);
    world.device.detach(other);
    const unsigned limit = world.device.controller().limit();
    world.run_until(4'000 * ms); // counters that went back would look like a huge rate
    EXPECT_NEAR(world.device.controller().limit(), limit, 4);
}

TEST(DeviceController, TheStrictestOwnerThatHasARingWins) {
    device_controller device;
    ring_gate a;
    ring_gate b;
    int owner_a = 0;
    int owner_b = 0;
    device.set_max_p99(&owner_a, 5 * ms);
    device.attach(a, &owner_a);
    EXPECT_EQ(device.controller().options().max_p99, 5 * ms);
    device.set_max_p99(&owner_b, 2 * ms);
    EXPECT_EQ(device.controller().options().max_p99, 5 * ms) << "no ring of it here yet";
    device.attach(b, &owner_b);
    device.set_min_in_flight(&owner_a, 4);
    EXPECT_EQ(device.controller().options().max_p99, 2 * ms);
    EXPECT_EQ(device.controller().options().min_in_flight, 4u);
    device.detach(b);
    EXPECT_EQ(device.controller().options().max_p99, 5 * ms);
}

TEST(DeviceController, AnOwnerWithoutTheControllerIsNeverGated) {
    closed_loop world(16, 2, 64);
    ring_gate free;
    world.device.attach(free, &free);
    world.device.set_enabled(&free, false);
    world.run_until(3'000 * ms);
    ASSERT_NE(world.device.controller().limit(), adaptive_controller::unlimited);
    EXPECT_EQ(free.limit(), ring_gate::unlimited);
    for (int i = 0; i < 500; ++i)
        EXPECT_TRUE(free.try_admit(reads));
}

TEST(DeviceController, SleepsWhenNothingIsLeftAndIsWokenOnce) {
    device_controller device;
    ring_gate gate;
    device.attach(gate, nullptr);
    EXPECT_TRUE(gate.asleep());
    EXPECT_TRUE(device.wake());
    EXPECT_FALSE(device.wake()) << "somebody has armed a tick";
    EXPECT_FALSE(gate.asleep());
    gate.try_admit(reads);
    EXPECT_EQ(device.tick(10 * ms, no_latency), 20 * ms);
    gate.complete(reads, 4096);
    EXPECT_EQ(device.tick(20 * ms, no_latency), 30 * ms) << "something has completed since";
    EXPECT_EQ(device.tick(30 * ms, no_latency), never);
    EXPECT_TRUE(gate.asleep());
}

// 100 reads and 100 writes, each started again when it has completed; one class is all the device gets while
// the other does not wait.
TEST(DeviceController, HalfOfTheLimitIsForTheClassThatWaits) {
    device_controller device;
    ring_gate gate;
    device.attach(gate, nullptr);
    const auto start = [&](gate_lane c) {
        if (!gate.try_admit(c))
            gate.wait(c);
    };
    const auto drain = [&] {
        for (bool any = true; any;) {
            const gate_lane first = gate.next_to_drain();
            const gate_lane second = first == reads ? writes : reads;
            any = (gate.waiting(first) != 0 && gate.try_admit_waiting(first)) ||
                  (gate.waiting(second) != 0 && gate.try_admit_waiting(second));
        }
    };
    for (int i = 0; i < 100; ++i) {
        start(reads);
        start(writes);
    }
    for (nanoseconds_t now = 0; now < 5'000 * ms; now += ms) {
        for (unsigned served = 0; served < 16; ++served) {
            const gate_lane c = gate.in_flight(reads) > gate.in_flight(writes) ? reads : writes;
            if (gate.in_flight(c) == 0)
                break;
            gate.complete(c, 4096);
            start(c);
        }
        drain();
        if (now % (10 * ms) == 0)
            device.tick(now, no_latency);
    }
    ASSERT_TRUE(device.directions_apart());
    ASSERT_NE(gate.limit(), ring_gate::unlimited);
    drain();
    EXPECT_NEAR(static_cast<double>(gate.in_flight(reads)), gate.limit() / 2.0, 1.5);
    EXPECT_NEAR(static_cast<double>(gate.in_flight(writes)), gate.limit() / 2.0, 1.5);

    while (gate.waiting(writes) != 0) // nobody waits for the other half: reads may have it
        gate.cancel_waiting(writes);
    while (gate.in_flight(writes) != 0)
        gate.complete(writes, 4096);
    drain();
    EXPECT_EQ(gate.in_flight(reads), gate.limit());
}

TEST(DeviceController, AtRestEveryGateIsOpen) {
    closed_loop world(16, 3, 64);
    world.run_until(3'000 * ms);
    ASSERT_NE(world.device.limit(), adaptive_controller::unlimited);
    world.device.rest();
    EXPECT_EQ(world.device.controller().phase(), controller_phase::passthrough);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(world.gates[i].limit(), ring_gate::unlimited);
        EXPECT_TRUE(world.gates[i].asleep());
    }
    world.run_until(6'000 * ms); // and it begins anew
    EXPECT_NE(world.device.limit(), adaptive_controller::unlimited);
}

TEST(DeviceController, AtRestAUsersBoundStays) {
    device_controller device;
    ring_gate gate;
    device.attach(gate, nullptr);
    device.set_max_in_flight(nullptr, 2);
    device.rest();
    EXPECT_EQ(device.limit(), 2u);
    EXPECT_NE(gate.limit(), ring_gate::unlimited);
}

TEST(DeviceController, ARingThatIsAbsentHasNoShare) {
    device_controller device;
    std::array<ring_gate, 2> gates;
    for (ring_gate& gate : gates)
        device.attach(gate, nullptr);
    device.set_max_in_flight(nullptr, 8);
    for (int i = 0; i < 20; ++i) {
        gates[0].wait(reads);
        gates[1].wait(reads);
    }
    device.reshare();
    EXPECT_EQ(gates[0].limit(), 4u);
    EXPECT_EQ(gates[1].limit(), 4u);
    while (gates[0].try_admit_waiting(reads)) {
    }
    device.set_present(gates[0], false);
    device.tick(10 * ms, no_latency);
    EXPECT_EQ(gates[0].limit(), 0u);
    EXPECT_EQ(gates[1].limit(), 8u) << "nor is what it left at the device withheld from others";
    EXPECT_EQ(device.load().in_flight, 4u);
    device.set_present(gates[0], true);
    device.tick(20 * ms, no_latency);
    EXPECT_GE(gates[0].limit(), 1u);
    EXPECT_LE(gates[0].limit() + gates[1].limit(), 8u);
}

// Requests that outlast many divisions of the limit, on more rings than may be served at once.
TEST(DeviceController, SharesThatMoveNeverMeanMoreThanTwiceTheLimit) {
    constexpr unsigned limit = 3;
    std::minstd_rand random(1);
    device_controller device;
    std::array<ring_gate, 8> gates;
    for (ring_gate& gate : gates)
        device.attach(gate, nullptr);
    device.set_max_in_flight(nullptr, limit);
    for (ring_gate& gate : gates)
        for (int i = 0; i < 100; ++i)
            gate.wait(reads);
    std::array<std::uint64_t, 8> completed{};
    std::deque<std::size_t> at_device;
    std::size_t most = 0;
    for (nanoseconds_t now = 0; now < 50'000 * ms; now += 10 * ms) {
        device.tick(now, no_latency);
        for (std::size_t i = 0; i < gates.size(); ++i)
            while (gates[i].try_admit_waiting(reads))
                at_device.push_back(i);
        most = std::max(most, at_device.size());
        while (!at_device.empty() && random() % 10 == 0) {
            ring_gate& gate = gates[at_device.front()];
            ++completed[at_device.front()];
            at_device.pop_front();
            gate.complete(reads, 4096);
            gate.wait(reads);
        }
    }
    EXPECT_LE(most, 2 * limit);
    for (const std::uint64_t c : completed)
        EXPECT_GT(c, 20u);
}

// One ring counts in its thread while another ticks: what ThreadSanitizer looks at.
TEST(DeviceController, TicksWhileARingCounts) {
    device_controller device;
    ring_gate gate;
    device.attach(gate, nullptr);
    std::thread ring([&] {
        for (int i = 0; i < 20'000; ++i) {
            if (gate.try_admit(reads))
                gate.complete(reads, 4096);
        }
    });
    for (nanoseconds_t now = 0; now < 2'000 * ms; now += 10 * ms)
        device.tick(now, no_latency);
    ring.join();
    EXPECT_EQ(gate.in_flight(), 0u);
}

// As storage_device does it: rings come and go, each ticks when it finds the lock free, and counts meanwhile.
TEST(DeviceController, RingsInThreadsOfTheirOwnShareTheTick) {
    constexpr unsigned limit = 4;
    device_controller device;
    std::mutex lock;
    nanoseconds_t now = 0; // guarded by lock
    const auto ring = [&](unsigned index) {
        ring_gate gate;
        {
            std::lock_guard guard(lock);
            device.attach(gate, &gate);
            device.set_max_in_flight(&gate, limit);
        }
        for (unsigned i = 0; i < 20'000; ++i) {
            const gate_lane c = (i + index) % 3 == 0 ? writes : reads;
            const bool admitted = gate.try_admit(c);
            if (!admitted)
                gate.wait(c);
            if (std::unique_lock guard(lock, std::try_to_lock); guard.owns_lock()) {
                device.set_present(gate, i % 7 != 0);
                if (i % 2 == 0)
                    device.tick(now += 10 * ms, no_latency);
                else
                    device.reshare();
            }
            if (admitted || gate.try_admit_waiting(c))
                gate.complete(c, 4096);
            else
                gate.cancel_waiting(c);
        }
        std::lock_guard guard(lock);
        device.detach(gate);
    };
    {
        std::vector<std::thread> rings;
        for (unsigned i = 0; i < 6; ++i)
            rings.emplace_back(ring, i);
        for (std::thread& r : rings)
            r.join();
    }
    const gate_load load = device.load();
    EXPECT_EQ(load.submitted, load.completed);
    EXPECT_EQ(load.in_flight + load.waiting, 0u);
    EXPECT_EQ(device.limit(), adaptive_controller::unlimited);
}

} // namespace
