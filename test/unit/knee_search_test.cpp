// knee_search on curves of throughput against depth, without noise and with.
#include "core/control/knee_search.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <random>

#include <gtest/gtest.h>

namespace {

using aura::core::controller_options;
using aura::core::knee_search;
using aura::core::rate_window;
using step = aura::core::knee_search::step;
using curve = std::function<double(unsigned)>;

curve servers(unsigned count) {
    return [count](unsigned depth) { return 1000.0 * std::min(depth, count); };
}
// Each request belongs to one server.
curve hashed(unsigned count) {
    return [count](unsigned depth) { return 1000.0 * count * depth / (depth + count - 1.0); };
}

class measured {
public:
    measured(curve c, double noise, unsigned seed = 1)
        : curve_(std::move(c))
        , noise_(noise)
        , random_(seed) {}

    double rate(unsigned depth) {
        ++sub_windows_;
        return curve_(depth) * (1 + noise_ * normal_(random_));
    }
    rate_window window(unsigned depth, int sub_windows = 12) {
        rate_window w;
        for (int i = 0; i < sub_windows; ++i)
            w.add(rate(depth));
        return w;
    }
    // Runs a search to its end; `demand` operations are there.
    void run(knee_search& search, step next, double demand) {
        for (int i = 0; next != step::finished; ++i) {
            ASSERT_LT(i, 1000) << "the search does not end";
            next = search.add(rate(search.depth()), demand);
        }
    }
    int sub_windows() const { return sub_windows_; }

private:
    curve curve_;
    double noise_;
    std::mt19937 random_;
    std::normal_distribution<double> normal_;
    int sub_windows_ = 0;
};

unsigned descended(const curve& c, unsigned depth, double noise = 0, unsigned seed = 1, unsigned guess = 0) {
    const controller_options options;
    measured device(c, noise, seed);
    knee_search search(options);
    device.run(search, search.descend(depth, device.window(depth), guess), depth);
    return search.knee();
}

TEST(KneeSearch, FindsServersExactlyWithoutNoise) {
    for (const unsigned count : {1u, 2u, 3u, 5u, 8u, 13u, 32u, 100u, 250u}) {
        const unsigned knee = descended(servers(count), 512);
        EXPECT_GE(knee, count * 0.97) << count;
        EXPECT_LE(knee, std::max(count + 0.0, count * 1.13)) << count;
    }
}

TEST(KneeSearch, FindsServersInNoise) {
    for (unsigned seed = 1; seed <= 20; ++seed) {
        const unsigned knee = descended(servers(64), 256, 0.04, seed);
        EXPECT_GE(knee, 60u) << seed;
        EXPECT_LE(knee, 76u) << seed;
    }
}

TEST(KneeSearch, OnASoftKneeKeepsTheRate) {
    for (const unsigned count : {4u, 16u, 40u}) {
        const curve c = hashed(count);
        const unsigned knee = descended(c, 512);
        EXPECT_GE(c(knee), 0.97 * c(512)) << count;
        EXPECT_LT(knee, 400u) << count;
    }
}

TEST(KneeSearch, TakesALowerDepthThatIsBetter) {
    // More than 24 at once, and the device thrashes.
    const curve thrashing = [](unsigned depth) { return depth <= 24 ? 1000.0 * depth : 12'000.0; };
    const unsigned knee = descended(thrashing, 256);
    EXPECT_GT(thrashing(knee), 15'000);
}

TEST(KneeSearch, SaysWhenTheLoadIsBelowTheKnee) {
    const controller_options options;
    measured device(servers(128), 0.01);
    knee_search search(options);
    device.run(search, search.descend(64, device.window(64)), 64);
    EXPECT_FALSE(search.lowered());
    EXPECT_EQ(search.knee(), 64u);
}

TEST(KneeSearch, TellsALoadFromADevice) {
    // An open loop: 40 in flight is what arrives, and a backlog shows what the device can do.
    const controller_options options;
    measured device(servers(64), 0.01);
    knee_search search(options);
    device.run(search, search.descend(40, device.window(40)), 500);
    EXPECT_TRUE(search.load_limited());
}

TEST(KneeSearch, ClimbsAfterCapacityHasCome) {
    const controller_options options;
    measured device(servers(96), 0.02);
    knee_search search(options);
    device.run(search, search.explore(16, device.window(16), 512, true), 512);
    EXPECT_GE(search.knee(), 93u);
    EXPECT_LE(search.knee(), 109u);
}

TEST(KneeSearch, ClimbsNoFurtherThanTheDemand) {
    const controller_options options;
    measured device(servers(96), 0.02);
    knee_search search(options);
    step next = search.explore(16, device.window(16), 40, true);
    while (next != step::finished) {
        EXPECT_LE(search.depth(), 40u);
        next = search.add(device.rate(search.depth()), 40);
    }
    EXPECT_GE(search.knee(), 38u);
}

TEST(KneeSearch, DescendsAfterCapacityHasGone) {
    const controller_options options;
    measured device(servers(8), 0.02);
    knee_search search(options);
    device.run(search, search.explore(64, device.window(64), 256, false), 256);
    EXPECT_GE(search.knee(), 8u);
    EXPECT_LE(search.knee(), 9u);
}

// A throttle takes rate and leaves the time of an operation as it is: the depth that is enough falls with the rate.
TEST(KneeSearch, LooksFirstWhereAThrottleWouldBe) {
    const controller_options options;
    measured device(servers(4), 0.01);
    knee_search search(options);
    const step next = search.explore(200, device.window(200), 512, false, 1, 4.0 / 200);
    EXPECT_EQ(search.depth(), 4u);
    device.run(search, next, 512);
    EXPECT_EQ(search.knee(), 4u);
    EXPECT_LT(device.sub_windows(), 60);
}

TEST(KneeSearch, BeginsAtTheGuess) {
    const controller_options options;
    measured device(servers(32), 0.01);
    knee_search search(options);
    const step first = search.descend(512, device.window(512), 33);
    EXPECT_EQ(search.depth(), 33u);
    device.run(search, first, 512);
    EXPECT_NEAR(search.knee(), 32, 3);
    // One that is wrong by now does no harm.
    EXPECT_NEAR(descended(servers(100), 512, 0.01, 1, 33), 100, 8);
    EXPECT_NEAR(descended(servers(10), 512, 0.01, 1, 33), 10, 1);
}

TEST(KneeSearch, NeverGoesBelowTheMinimum) {
    controller_options options;
    options.min_in_flight = 6;
    measured device(servers(1), 0.01);
    knee_search search(options);
    step next = search.descend(200, device.window(200));
    while (next != step::finished) {
        EXPECT_GE(search.depth(), 6u);
        next = search.add(device.rate(search.depth()), 200);
    }
    EXPECT_EQ(search.knee(), 6u);
}

TEST(KneeSearch, LessThanTheBestToBeginWithIsNotWornDown) {
    const controller_options options;
    measured device(hashed(16), 0);
    knee_search search(options);
    // 150 gives 0.93 of what is possible: hardly anything may be lost by going down.
    device.run(search, search.explore(150, device.window(150), 512, false, 0.975), 512);
    EXPECT_GE(search.knee(), 140u);
}

} // namespace
