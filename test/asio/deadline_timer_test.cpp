// deadline_timer: timers for times of Boost.DateTime, native as the others are; aura's here, and asio's own
// where this is built in adopt mode.
#include <support/flavour.hpp>

#include <auraio/auraio.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <utility>
#include <vector>

#if defined(AURAIO_HAS_DEADLINE_TIMER)

namespace {

using test::error_code;
#if defined(AURAIO_ADOPT)
namespace net = test::net;
#else
namespace net = aura;
#endif
namespace pt = boost::posix_time;
using typed_timer = net::deadline_timer::rebind_executor<aura::executor>::other;

struct DeadlineTimer : ::testing::Test {
    aura::io_context ctx;
    void TearDown() override {
        ctx.run();
        EXPECT_FALSE(ctx.stock_scheduler_active());
    }
};

TEST_F(DeadlineTimer, FiresInOrderAndNotEarly) {
    std::vector<int> fired;
    const auto started = net::deadline_timer::traits_type::now();
    net::deadline_timer late(ctx, pt::milliseconds(30)), soon(ctx, started + pt::milliseconds(10));
    typed_timer between(ctx, pt::milliseconds(20));
    const auto expect = [&](auto& timer, int id) {
        timer.async_wait([&, id](error_code ec) {
            EXPECT_FALSE(ec) << ec.message();
            EXPECT_GE(net::deadline_timer::traits_type::now(), timer.expires_at());
            fired.push_back(id);
        });
    };
    expect(late, 3);
    expect(soon, 1);
    expect(between, 2);
    ctx.run();
    EXPECT_EQ(fired, (std::vector<int>{1, 2, 3}));
}

TEST_F(DeadlineTimer, CountsWhatItCancels) {
    net::deadline_timer timer(ctx, pt::hours(1));
    int aborted = 0;
    const auto count = [&](error_code ec) { aborted += ec == test::net::error::operation_aborted; };
    for (int i = 0; i < 4; ++i)
        timer.async_wait(count);
    error_code ec;
    EXPECT_EQ(timer.cancel_one(), 1u);
    EXPECT_EQ(timer.cancel_one(ec), 1u);
    EXPECT_EQ(timer.expires_from_now(pt::hours(2)), 2u);
    EXPECT_GT(timer.expires_from_now(), pt::hours(1));
    EXPECT_EQ(timer.cancel(ec), 0u);
    timer.async_wait(count);
    EXPECT_EQ(timer.expires_at(timer.expires_at(), ec), 1u);
    ctx.run();
    EXPECT_EQ(aborted, 5);
}

TEST_F(DeadlineTimer, SpecialTimes) {
    // A timer that was never set waits for ever, as Asio's does: its time is none, which is not before now.
    net::deadline_timer unset(ctx), past(ctx, pt::ptime(pt::neg_infin)), never(ctx, pt::ptime(pt::pos_infin));
    int fired = 0, aborted = 0;
    const auto abort = [&](error_code ec) { aborted += ec == test::net::error::operation_aborted; };
    past.async_wait([&](error_code ec) {
        fired += !ec;
        never.cancel();
        unset.cancel();
    });
    never.async_wait(abort);
    unset.async_wait(abort);
    ctx.run();
    EXPECT_EQ(fired, 1);
    EXPECT_EQ(aborted, 2);
    past.wait();
}

TEST_F(DeadlineTimer, MovesWithItsWaits) {
    int fired = 0;
    net::deadline_timer timer(ctx, pt::milliseconds(1));
    timer.async_wait([&](error_code ec) { fired += !ec; });
    net::deadline_timer moved(std::move(timer));
    net::deadline_timer assigned(ctx);
    assigned = std::move(moved);
    ctx.run();
    EXPECT_EQ(fired, 1);
    net::deadline_timer blocking(ctx, pt::milliseconds(2));
    blocking.wait();
    EXPECT_LE(blocking.expires_from_now(), pt::milliseconds(0));
}

#if defined(AURAIO_ADOPT)
TEST(StockDeadlineTimer, StaysAsiosOnItsContext) {
    test::net::io_context ctx;
    net::deadline_timer timer(ctx, pt::milliseconds(1));
    EXPECT_FALSE(timer.impl_.is_native());
    int fired = 0;
    timer.async_wait([&](error_code ec) { fired += !ec; });
    ctx.run();
    EXPECT_EQ(fired, 1);
}
#endif

/// Traits of a user's: milliseconds of a clock that is not Boost.DateTime's.
struct tick_traits {
    using time_type = long;
    using duration_type = pt::time_duration;
    static time_type now() {
        return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::milliseconds(1);
    }
    static time_type add(time_type t, duration_type d) { return t + d.total_milliseconds(); }
    static duration_type subtract(time_type a, time_type b) { return pt::milliseconds(a - b); }
    static bool less_than(time_type a, time_type b) { return a < b; }
    static pt::time_duration to_posix_duration(duration_type d) { return d; }
};

TEST_F(DeadlineTimer, TakesTraitsOfUsers) {
    net::basic_deadline_timer<long, tick_traits> timer(ctx, tick_traits::now() + 5);
    bool fired = false;
    timer.async_wait([&](error_code ec) {
        fired = !ec;
        EXPECT_GE(tick_traits::now(), timer.expires_at());
    });
    ctx.run();
    EXPECT_TRUE(fired);
}

/// The same, of a clock that the test sets.
struct set_traits : tick_traits {
    static inline long current = 0;
    static time_type now() { return current; }
    static pt::time_duration to_posix_duration(duration_type) { return pt::milliseconds(1); }
};

TEST_F(DeadlineTimer, FiresInTheOrderOfAClockThatIsSet) {
    using timer = net::basic_deadline_timer<long, set_traits>;
    set_traits::current = 0;
    timer late(ctx, 100L), early(ctx, 50L), cancelled(ctx, 10L);
    std::vector<int> fired;
    late.async_wait([&](error_code) { fired.push_back(2); });
    early.async_wait([&](error_code) { fired.push_back(1); });
    cancelled.async_wait([&](error_code) { fired.push_back(0); });
    EXPECT_EQ(ctx.run_for(std::chrono::milliseconds(5)), 0u);
    EXPECT_EQ(cancelled.cancel(), 1u);
    set_traits::current = 1'000;
    ctx.run_for(std::chrono::seconds(5));
    EXPECT_EQ(fired, (std::vector<int>{0, 1, 2}));
}

TEST_F(DeadlineTimer, NoTimeAtAllKeepsNobodyWaiting) {
    net::deadline_timer unset(ctx), never(ctx, pt::ptime(pt::pos_infin)), soon(ctx, pt::milliseconds(2)),
        past(ctx, pt::ptime(pt::neg_infin));
    std::vector<int> order;
    const auto note = [&](int id) { return [&order, id](error_code ec) { order.push_back(ec ? -id : id); }; };
    unset.async_wait(note(1));
    never.async_wait(note(2));
    soon.async_wait(note(3));
    past.async_wait(note(4));
    while (order.size() != 2 && ctx.run_one_for(std::chrono::seconds(5)) != 0) {
    }
    EXPECT_EQ(never.cancel() + unset.cancel(), 2u);
    ctx.run();
    EXPECT_EQ(order, (std::vector<int>{4, 3, -2, -1}));
}

} // namespace
#else
TEST(DeadlineTimer, NeedsDateTime) {
    GTEST_SKIP() << "this Asio does not know Boost.DateTime";
}
#endif
