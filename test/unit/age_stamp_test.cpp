// age_stamp: ages at times of the test's own.
#include "auraio/core/stats/age_stamp.hpp"

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t second = 1'000'000'000;
constexpr nanoseconds_t day = 86'400 * second;
constexpr nanoseconds_t step = nanoseconds_t{1} << 24;

TEST(AgeStamp, IsNoDescriptorNorTheWantOfOne) {
    for (const nanoseconds_t now : {nanoseconds_t{0}, second, 100 * day, 208 * day, 10'000 * day}) {
        EXPECT_TRUE(age_stamp::is_one(age_stamp::of(now))) << now;
        EXPECT_LT(age_stamp::of(now), -1) << now;
    }
    EXPECT_FALSE(age_stamp::is_one(-1));
    EXPECT_FALSE(age_stamp::is_one(0));
}

TEST(AgeStamp, TellsAgesToAStep) {
    for (const nanoseconds_t began : {nanoseconds_t{0}, 12'345 * second, 207 * day, 208 * day, 5'000 * day})
        for (const nanoseconds_t age : {nanoseconds_t{0}, second / 10, second, 200 * day}) {
            const nanoseconds_t told = age_stamp::age(age_stamp::of(began), began + age);
            EXPECT_LT(told, age + step) << began;
            EXPECT_LT(age, told + step) << began;
        }
}

} // namespace
