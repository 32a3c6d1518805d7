// stall_report: who is told of, by what is seen of threads at times of the test's own.
#include "core/loop/stall_report.hpp"

#include <auraio/core/base/log.hpp>
#include <auraio/core/base/stall_limit.hpp>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t ms = 1'000'000;

class StallReportUnit : public testing::Test {
protected:
    void SetUp() override {
        set_log_handler([](log_level, const char*, void*) {});
        // Reports of the process are a second apart: each case begins later than the one before.
        static nanoseconds_t begin = 1'000'000 * ms;
        now_ = begin += 1'000'000 * ms;
    }
    void TearDown() override { set_log_handler(nullptr); }

    /// For how long it is told to be stuck; 0: it is not told.
    nanoseconds_t look(const stall_report::sample& s) {
        report_.begin(now_);
        report_.see(memory_, s);
        report_.choose();
        return report_.chosen().lasted;
    }
    nanoseconds_t look_after(nanoseconds_t time, const stall_report::sample& s) {
        now_ += time;
        return look(s);
    }

    stall_report report_;
    stall_report::memory memory_;
    nanoseconds_t now_ = 0;
    // ring, thread, idle, turns, handlers, handler
    const stall_report::sample busy_{1, 77, false, 5, 9, 0x40};
    const stall_report::sample idle_{1, 77, true, 5, 9, 0};
};

TEST_F(StallReportUnit, CountsFromTheFirstLookThatFoundTheHandler) {
    EXPECT_EQ(look(busy_), 0u);
    EXPECT_EQ(report_.next_look(), now_ + 100 * ms);
    EXPECT_EQ(look_after(99 * ms, busy_), 0u);
    EXPECT_EQ(look_after(1 * ms, busy_), 100 * ms);
    EXPECT_TRUE(report_.chosen().one);
    EXPECT_EQ(report_.chosen().thread, 77);
}

TEST_F(StallReportUnit, DoesNotCountTheSleepBeforeAWake) {
    EXPECT_EQ(look(idle_), 0u);
    EXPECT_EQ(report_.next_look(), never);
    EXPECT_EQ(look_after(10'000 * ms, idle_), 0u); // woken, and not come back to its loop yet
    EXPECT_EQ(look_after(1 * ms, busy_), 0u);
    EXPECT_EQ(look_after(99 * ms, busy_), 0u);
}

TEST_F(StallReportUnit, BeginsAnewWithWhateverGoesOn) {
    auto s = busy_;
    EXPECT_EQ(look(s), 0u);
    s.turns++;
    EXPECT_EQ(look_after(90 * ms, s), 0u);
    s.handlers++;
    EXPECT_EQ(look_after(90 * ms, s), 0u);
    s.handler += 64;
    EXPECT_EQ(look_after(90 * ms, s), 0u);
    EXPECT_EQ(look_after(90 * ms, s), 0u);
    EXPECT_EQ(look_after(10 * ms, s), 100 * ms);
}

TEST_F(StallReportUnit, DoesNotCallItOneHandlerWhereThereMayBeMore) {
    auto s = busy_;
    s.handler = 0;
    EXPECT_EQ(look(s), 0u);
    EXPECT_EQ(look_after(100 * ms, s), 100 * ms);
    EXPECT_FALSE(report_.chosen().one);
}

TEST_F(StallReportUnit, IsMadeAgainAfterTenTimesAsLong) {
    EXPECT_EQ(look(busy_), 0u);
    EXPECT_EQ(look_after(150 * ms, busy_), 150 * ms);
    EXPECT_EQ(report_.next_look(), now_ + 1350 * ms);
    EXPECT_EQ(look_after(1349 * ms, busy_), 0u);
    EXPECT_EQ(look_after(1 * ms, busy_), 1500 * ms);
}

TEST_F(StallReportUnit, TellsOfTheOthersLater) {
    stall_report::memory other;
    auto second = busy_;
    second.thread = 78;
    const auto look_at_both = [&] {
        report_.begin(now_);
        report_.see(memory_, busy_);
        report_.see(other, second);
        report_.choose();
        return report_.chosen();
    };
    EXPECT_EQ(look_at_both().lasted, 0u);
    now_ += 200 * ms;
    EXPECT_EQ(look_at_both().thread, 77);
    EXPECT_EQ(report_.next_look(), now_ + 1000 * ms);
    now_ += 1000 * ms;
    EXPECT_EQ(look_at_both().thread, 78);
    EXPECT_EQ(report_.chosen().lasted, 1200 * ms);
}

} // namespace
