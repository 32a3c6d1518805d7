// system_times: a sum over threads that come and go, which never falls.
#include <auraio/core/stats/system_times.hpp>

#include <gtest/gtest.h>

namespace {

struct looks {
    aura::core::system_times times;
    aura::core::nanoseconds_t at(int thread, aura::core::nanoseconds_t now) {
        return times.look(thread, [&](int) { return now; });
    }
};

TEST(SystemTimes, GrowByWhatTheThreadSpendsBetweenTwoLooks) {
    looks l;
    EXPECT_EQ(l.at(7, 1000), 0u);
    EXPECT_EQ(l.at(7, 1030), 30u);
    EXPECT_EQ(l.times.sum(), 30u) << "nobody drives it";
    EXPECT_EQ(l.at(7, 1050), 50u);
}

TEST(SystemTimes, NeitherFallNorJumpWhenTheThreadIsAnother) {
    looks l;
    l.at(7, 1000);
    EXPECT_EQ(l.at(7, 1100), 100u);
    EXPECT_EQ(l.at(8, 5), 100u);
    EXPECT_EQ(l.at(8, 10), 105u);
    EXPECT_EQ(l.at(7, 90'000), 105u);
    EXPECT_EQ(l.at(7, 90'001), 106u);
}

TEST(SystemTimes, CountFromTheBeginningOfAThreadThatHasTheNumberOfAnother) {
    looks l;
    l.at(7, 1000);
    EXPECT_EQ(l.at(7, 10), 0u);
    EXPECT_EQ(l.at(7, 15), 5u);
}

TEST(SystemTimes, CountNothingTwiceWhenAReadingFallsByALittle) {
    looks l;
    l.at(7, 1000);
    EXPECT_EQ(l.at(7, 1100), 100u);
    EXPECT_EQ(l.at(7, 1096), 100u);
    EXPECT_EQ(l.at(7, 1100), 100u);
    EXPECT_EQ(l.at(7, 1101), 101u);
}

TEST(SystemTimes, KeepTheSumInAChildAndForgetTheThread) {
    looks l;
    l.at(7, 1000);
    l.at(7, 1100);
    l.times.sever();
    EXPECT_EQ(l.at(7, 5000), 100u);
    EXPECT_EQ(l.at(7, 5001), 101u);
}

} // namespace
