// rate_window: interquartile mean, its error, and what it survives.
#include "core/control/rate_window.hpp"

#include <random>

#include <gtest/gtest.h>

namespace {

using aura::core::rate_estimate;
using aura::core::rate_ratio;
using aura::core::rate_window;

rate_window of(std::initializer_list<double> rates) {
    rate_window window;
    for (const double rate : rates)
        window.add(rate);
    return window;
}

TEST(RateWindow, EmptyKnowsNothing) {
    EXPECT_EQ(rate_window{}.estimate().rate, 0);
    EXPECT_EQ(rate_window{}.scatter(), 0);
}

TEST(RateWindow, CutsOffAPauseAndTheBurstAfterIt) {
    const rate_estimate calm = of({100, 101, 99, 100, 100, 101, 99, 100}).estimate();
    const rate_estimate paused = of({100, 101, 0, 400, 100, 101, 99, 100}).estimate();
    EXPECT_NEAR(calm.rate, 100, 0.5);
    EXPECT_NEAR(paused.rate, 100, 0.5);
    EXPECT_LT(paused.error, 2);
}

TEST(RateWindow, ErrorFallsWithTheNumberOfSubWindows) {
    rate_window few;
    rate_window many;
    for (int i = 0; i < 6; ++i)
        few.add(i % 2 != 0 ? 90 : 110);
    for (int i = 0; i < 48; ++i)
        many.add(i % 2 != 0 ? 90 : 110);
    EXPECT_LT(many.estimate().error, few.estimate().error / 2);
    EXPECT_GT(many.estimate().error, 0);
}

TEST(RateWindow, ADeviceWithoutScatterIsNotSurerThanTwoPerMille) {
    EXPECT_DOUBLE_EQ(of({100, 100, 100, 100, 100, 100}).estimate().error, 0.2);
}

TEST(RateWindow, TakesAnotherWindowsScatterWhileItHasFew) {
    const rate_window one = of({100});
    EXPECT_NEAR(one.estimate(0.05).error, 6, 0.01);
    EXPECT_GT(one.estimate(0).error, 20);
}

TEST(RateWindow, KeepsTheLatest) {
    rate_window window;
    for (std::size_t i = 0; i < 3 * rate_window::capacity; ++i)
        window.add(i < 2 * rate_window::capacity ? 1 : 5);
    EXPECT_EQ(window.count(), rate_window::capacity);
    EXPECT_DOUBLE_EQ(window.estimate().rate, 5);
}

TEST(RateRatio, NeedsProofOnEitherSide) {
    const rate_ratio ratio = rate_estimate{98, 1} / rate_estimate{100, 1};
    EXPECT_NEAR(ratio.value, 0.98, 1e-9);
    EXPECT_NEAR(ratio.error, 0.014, 0.001);
    EXPECT_TRUE(ratio.above(0.95, 2));
    EXPECT_FALSE(ratio.above(0.97, 2));
    EXPECT_FALSE(ratio.below(0.99, 2));
    EXPECT_TRUE(ratio.below(1.02, 2));
}

TEST(RateRatio, WithoutARateNothingIsDecided) {
    const rate_ratio ratio = rate_estimate{0, 0} / rate_estimate{};
    EXPECT_FALSE(ratio.above(1, 1.5));
    EXPECT_FALSE(ratio.below(1, 1.5));
}

TEST(RateWindow, IndependenceTellsAWalkFromScatter) {
    std::mt19937 random(3);
    std::normal_distribution<double> normal;
    rate_window scatters;
    rate_window wanders;
    double path = 0;
    EXPECT_EQ(scatters.independence(), 2);
    for (std::size_t i = 0; i < 2 * rate_window::capacity; ++i) { // the order survives the end of the ring
        scatters.add(1000 + 50 * normal(random));
        path = 0.95 * path + 15 * normal(random);
        wanders.add(1000 + path);
    }
    EXPECT_NEAR(scatters.independence(), 2, 0.5);
    EXPECT_LT(wanders.independence(), 0.8);
}

} // namespace
