// adaptive_controller: phases, reasons and setters, on a device that is arithmetic.
#include "core/control/adaptive_controller.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;
using phase = controller_phase;
using reason = controller_reason;

constexpr nanoseconds_t ms = 1'000'000;

// A closed loop of `depth` operations on `servers` that each serve `rate` per second, without scatter, ticked
// every 10 ms. P99 is twice the mean latency.
struct environment {
    explicit environment(const controller_options& options = {})
        : controller(options) {}

    void tick() {
        now += 10 * ms;
        const std::uint64_t limit = controller.limit();
        load.in_flight = std::min<std::uint64_t>(depth, limit);
        load.waiting = depth - load.in_flight;
        const double completions =
            rate * static_cast<double>(std::min<std::uint64_t>(load.in_flight, servers)) / 100 + rest;
        const auto completed = static_cast<std::uint64_t>(completions);
        rest = completions - static_cast<double>(completed);
        load.completed += completed;
        load.submitted = load.completed + load.in_flight;
        if (load.waiting != 0)
            load.delayed += completed;
        load.bytes += 4096 * completed;
        sampled.count += completed >> controller.sample_shift();
        if (completed != 0)
            sampled.p99 = static_cast<nanoseconds_t>(2e7 * static_cast<double>(load.in_flight) /
                                                     static_cast<double>(completed) * p99_factor);
        next = controller.tick(now, load, sampled);
        if (controller.take_latency_restart())
            sampled = {};
    }
    void run(nanoseconds_t time) {
        for (const nanoseconds_t end = now + time; now < end;)
            tick();
    }
    bool run_to(phase wanted, nanoseconds_t at_most) {
        for (const nanoseconds_t end = now + at_most; now < end && controller.phase() != wanted;)
            tick();
        return controller.phase() == wanted;
    }
    // "passthrough>baseline:queue in device ..." of all phase changes that are kept.
    std::string transcript() const {
        std::string all;
        for (std::uint64_t i = 0; i < controller.event_count(); ++i) {
            const controller_event& e = controller.event(i);
            all += std::string(all.empty() ? "" : " ") + name(e.from) + ">" + name(e.to);
        }
        return all;
    }
    reason last_reason() const { return controller.event(controller.event_count() - 1).reason; }

    adaptive_controller controller;
    std::uint64_t depth = 128;
    unsigned servers = 16;
    double rate = 1000;
    double p99_factor = 1;
    gate_load load;
    latency_sample sampled;
    nanoseconds_t now = 0;
    nanoseconds_t next = 0;
    double rest = 0;
};

TEST(AdaptiveController, WalksThroughItsPhases) {
    environment env;
    env.run(10'000 * ms);
    EXPECT_EQ(env.transcript(), "passthrough>baseline baseline>probing probing>settling settling>steady "
                                "steady>converged");
    EXPECT_EQ(env.controller.event(0).reason, reason::queue_in_device);
    EXPECT_EQ(env.controller.event(2).reason, reason::knee_found);
    EXPECT_NEAR(env.controller.limit(), 16, 2);
    EXPECT_NEAR(env.controller.rate(), 16'000, 1000);
    EXPECT_EQ(env.controller.sample_shift(), 3u);
}

TEST(AdaptiveController, StaysOutOfTheWayOfShortQueues) {
    environment env;
    env.depth = 64;
    env.rate = 50'000; // 80 us each at this depth
    env.run(5'000 * ms);
    EXPECT_EQ(env.controller.phase(), phase::passthrough);
    EXPECT_EQ(env.controller.event_count(), 0u);
    EXPECT_EQ(env.controller.sample_shift(), 6u);
}

TEST(AdaptiveController, OneOperationAtATimeIsNoQueueHoweverLongItTakes) {
    environment env;
    env.depth = 1;
    env.rate = 100;
    env.run(20'000 * ms);
    EXPECT_EQ(env.controller.event_count(), 0u);
}

TEST(AdaptiveController, ALoadBelowTheKneeIsLookedAtOnce) {
    environment env;
    env.depth = 24;
    env.servers = 64;
    env.run(30'000 * ms);
    EXPECT_EQ(env.controller.phase(), phase::passthrough);
    EXPECT_EQ(env.transcript(),
              "passthrough>baseline baseline>probing probing>settling settling>passthrough");
    EXPECT_EQ(env.controller.event(2).reason, reason::no_knee_below_load);
    env.depth = 40; // a larger load is another one
    env.run(1'000 * ms);
    EXPECT_GT(env.controller.event_count(), 4u);
}

TEST(AdaptiveController, OpensWhenDemandIsGone) {
    environment env;
    ASSERT_TRUE(env.run_to(phase::converged, 10'000 * ms));
    env.depth = 4;
    env.run(120 * ms);
    EXPECT_EQ(env.controller.phase(), phase::passthrough);
    EXPECT_EQ(env.last_reason(), reason::gate_not_binding);
    EXPECT_EQ(env.controller.limit(), adaptive_controller::unlimited);
}

TEST(AdaptiveController, NeedsNoTicksWhenIdle) {
    environment env;
    env.run(1'000 * ms);
    env.depth = 0;
    env.run(500 * ms);
    EXPECT_EQ(env.next, never);
    EXPECT_EQ(env.controller.phase(), phase::passthrough);
    env.now += 3'600'000 * ms; // an hour asleep is in no window
    env.depth = 128;
    env.run(5'000 * ms);
    EXPECT_NEAR(env.controller.limit(), 16, 2);
}

TEST(AdaptiveController, FollowsLostAndRegainedCapacity) {
    environment env;
    ASSERT_TRUE(env.run_to(phase::converged, 10'000 * ms));
    env.servers = 6;
    env.run(2'000 * ms);
    EXPECT_NEAR(env.controller.limit(), 6, 1);
    env.servers = 32;
    env.run(4'500 * ms);
    EXPECT_NEAR(env.controller.limit(), 32, 4);
}

TEST(AdaptiveController, KeepsTheUsersCeiling) {
    controller_options options;
    options.max_p99 = 1'200'000; // the knee gives 2 ms: it takes 0.6 of the depth
    environment env(options);
    env.rate = 1000;
    env.servers = 16;
    env.run(20'000 * ms);
    // Below the knee latency does not fall with depth in this model: as little as the minimum allows.
    EXPECT_LT(env.controller.limit(), 16u);
    env.controller.set_max_p99(3 * ms);
    env.run(30'000 * ms);
    EXPECT_GE(env.controller.limit(), 15u);
    EXPECT_LE(env.controller.limit(), 26u);
}

TEST(AdaptiveController, ACeilingEngagesWhereDepthAloneWouldNot) {
    controller_options options;
    options.max_p99 = 100'000;
    environment env(options);
    env.depth = 12;
    env.servers = 4;
    env.rate = 40'000; // 75 us each: no queue worth a gate, but a P99 of 150 us
    env.run(5'000 * ms);
    EXPECT_LT(env.controller.limit(), 12u);
}

TEST(AdaptiveController, BacksOffWhenLatencyLeavesItsGuard) {
    environment env;
    ASSERT_TRUE(env.run_to(phase::converged, 10'000 * ms));
    env.run(1'000 * ms);
    env.p99_factor = 50; // the rate does not change
    ASSERT_TRUE(env.run_to(phase::backoff, 2'000 * ms));
    EXPECT_EQ(env.last_reason(), reason::latency_above_guard);
    EXPECT_NEAR(env.controller.limit(), 13, 2);
    ASSERT_TRUE(env.run_to(phase::settling, 50 * ms));
    ASSERT_TRUE(env.run_to(phase::probing, 1'000 * ms));
    EXPECT_EQ(env.last_reason(), reason::search_again);
    ASSERT_TRUE(env.run_to(phase::settling, 3'000 * ms));
    EXPECT_NEAR(env.controller.limit(), 16, 3);
}

TEST(AdaptiveController, HasAMinimum) {
    controller_options options;
    options.min_in_flight = 8;
    environment env(options);
    env.servers = 1;
    env.run(10'000 * ms);
    EXPECT_EQ(env.controller.limit(), 8u);
}

TEST(AdaptiveController, CanBeSwitchedOffAndOn) {
    environment env;
    ASSERT_TRUE(env.run_to(phase::converged, 10'000 * ms));
    env.controller.set_enabled(false);
    env.tick();
    EXPECT_EQ(env.controller.limit(), adaptive_controller::unlimited);
    EXPECT_EQ(env.last_reason(), reason::switched_off);
    env.run(3'000 * ms);
    EXPECT_EQ(env.controller.limit(), adaptive_controller::unlimited);
    env.controller.set_enabled(true);
    env.run(3'000 * ms);
    EXPECT_NEAR(env.controller.limit(), 16, 2);
}

TEST(AdaptiveController, KeepsTheLatestPhaseChanges) {
    environment env;
    for (int i = 0; i < 30; ++i) {
        env.depth = 128;
        env.run(1'500 * ms);
        env.depth = 2;
        env.run(300 * ms);
    }
    ASSERT_GT(env.controller.event_count(), adaptive_controller::trace_capacity);
    nanoseconds_t last = 0;
    for (std::uint64_t i = env.controller.event_count() - adaptive_controller::trace_capacity;
         i < env.controller.event_count(); ++i) {
        EXPECT_GE(env.controller.event(i).time, last);
        last = env.controller.event(i).time;
    }
}

TEST(AdaptiveController, EveryPhaseAndReasonHasAName) {
    for (int i = 0; i <= static_cast<int>(phase::converged); ++i)
        EXPECT_STRNE(name(static_cast<phase>(i)), "?");
    for (int i = 0; i <= static_cast<int>(reason::switched_off); ++i)
        EXPECT_STRNE(name(static_cast<reason>(i)), "?");
}

} // namespace
