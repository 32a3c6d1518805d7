// basic_waitable_timer: construction, expiry, counts of cancelled waits, blocking waits, moves.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <concepts>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using std::chrono::steady_clock;
using test::error_code;

template <class Library>
class TimerInterface : public testing::Test {};
TYPED_TEST_SUITE(TimerInterface, test::libraries, test::library_names);

/// Handlers that count how their waits ended.
struct outcomes {
    int expired = 0;
    int cancelled = 0;

    auto handler() {
        return test::exactly_once([this](error_code error) {
            if (error) {
                EXPECT_EQ(error, net::error::operation_aborted);
                ++cancelled;
            } else
                ++expired;
        });
    }
};

TYPED_TEST(TimerInterface, HasAsiosTypes) {
    using timer = typename TypeParam::steady_timer;
    using stock = net::steady_timer;
    static_assert(std::same_as<typename timer::clock_type, steady_clock>);
    static_assert(std::same_as<typename timer::duration, steady_clock::duration>);
    static_assert(std::same_as<typename timer::time_point, steady_clock::time_point>);
    static_assert(std::same_as<typename timer::traits_type, net::wait_traits<steady_clock>>);
    static_assert(std::same_as<typename timer::template rebind_executor<net::any_io_executor>::other, stock>);
    static_assert(!std::copy_constructible<timer> && !std::is_copy_assignable_v<timer>);
    static_assert(std::move_constructible<timer> && std::is_move_assignable_v<timer>);
    static_assert(std::same_as<decltype(std::declval<timer&>().cancel()), std::size_t>);
}

TYPED_TEST(TimerInterface, IsBuiltOnAContextOrAnExecutor) {
    using timer = typename TypeParam::steady_timer;
    typename TypeParam::context ctx;
    const auto executor = ctx.get_executor();
    const auto due = steady_clock::now() + 1h;
    EXPECT_EQ(timer(ctx).expiry(), steady_clock::time_point());
    EXPECT_EQ(timer(executor).expiry(), steady_clock::time_point());
    EXPECT_EQ(timer(ctx, due).expiry(), due);
    EXPECT_EQ(timer(executor, due).expiry(), due);
    EXPECT_GE(timer(ctx, 1h).expiry(), due);
    EXPECT_GE(timer(executor, 1h).expiry(), due);
    EXPECT_EQ(&net::query(timer(ctx).get_executor(), net::execution::context), &ctx);
}

TYPED_TEST(TimerInterface, AWaitThatWasNeverSetEndsAtOnce) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx);
    outcomes waits;
    timer.async_wait(waits.handler());
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(waits.expired, 1);
}

TYPED_TEST(TimerInterface, ExpiresSetsTheExpiry) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx);
    const auto due = steady_clock::now() + 1h;
    EXPECT_EQ(timer.expires_at(due), 0u);
    EXPECT_EQ(timer.expiry(), due);
    EXPECT_EQ(timer.expires_after(2h), 0u);
    EXPECT_GE(timer.expiry(), due + 1h);
}

TYPED_TEST(TimerInterface, ExpiresCancelsPendingWaitsAndCountsThem) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1h);
    outcomes waits;
    for (int i = 0; i != 3; ++i)
        timer.async_wait(waits.handler());
    EXPECT_EQ(timer.expires_after(2h), 3u);
    EXPECT_EQ(timer.expires_at(steady_clock::now() - 1s), 0u);
    timer.async_wait(waits.handler());
    EXPECT_EQ(ctx.run(), 4u);
    EXPECT_EQ(waits.cancelled, 3);
    EXPECT_EQ(waits.expired, 1);
}

TYPED_TEST(TimerInterface, ExpiresAloneStartsNothing) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1h);
    timer.expires_after(1ms);
    EXPECT_EQ(ctx.run(), 0u);
}

TYPED_TEST(TimerInterface, CancelCountsBeforeRun) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1h);
    outcomes waits;
    EXPECT_EQ(timer.cancel(), 0u);
    for (int i = 0; i != 3; ++i)
        timer.async_wait(waits.handler());
    EXPECT_EQ(timer.cancel(), 3u);
    EXPECT_EQ(timer.cancel(), 0u);
    EXPECT_EQ(waits.cancelled, 0); // not inside cancel()
    EXPECT_EQ(ctx.run(), 3u);
    EXPECT_EQ(waits.cancelled, 3);
}

TYPED_TEST(TimerInterface, CancelCountsInsideAHandlerAndBetweenRuns) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1h);
    outcomes waits;
    timer.async_wait(waits.handler());
    timer.async_wait(waits.handler());
    EXPECT_EQ(ctx.poll(), 0u);
    EXPECT_EQ(timer.cancel(), 2u);
    timer.async_wait(waits.handler());
    net::post(ctx, [&] { EXPECT_EQ(timer.cancel(), 1u); });
    EXPECT_EQ(ctx.run(), 4u);
    EXPECT_EQ(waits.cancelled, 3);
}

TYPED_TEST(TimerInterface, CancelCoversExactlyWhatWasStartedBefore) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, steady_clock::now() + 5ms);
    outcomes before, after;
    timer.async_wait(before.handler());
    EXPECT_EQ(timer.cancel(), 1u);
    timer.async_wait(after.handler()); // the expiry still stands
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(before.cancelled, 1);
    EXPECT_EQ(after.expired, 1);
    EXPECT_GE(steady_clock::now(), timer.expiry());
}

TYPED_TEST(TimerInterface, CancelOneTakesTheOldest) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1h);
    std::vector<int> cancelled;
    EXPECT_EQ(timer.cancel_one(), 0u);
    for (int i = 0; i != 4; ++i)
        timer.async_wait([&cancelled, i](error_code error) {
            EXPECT_EQ(error, net::error::operation_aborted);
            cancelled.push_back(i);
        });
    EXPECT_EQ(timer.cancel_one(), 1u);
    EXPECT_EQ(timer.cancel_one(), 1u);
    EXPECT_EQ(ctx.poll(), 2u);
    EXPECT_EQ(cancelled, (std::vector{0, 1}));
    EXPECT_EQ(timer.cancel(), 2u);
    EXPECT_EQ(timer.cancel_one(), 0u);
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(cancelled, (std::vector{0, 1, 2, 3}));
}

TYPED_TEST(TimerInterface, CancelAfterExpiryFindsNothing) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, steady_clock::now() - 1s);
    outcomes waits;
    timer.async_wait(waits.handler());
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(timer.cancel(), 0u);
    EXPECT_EQ(timer.expires_after(1h), 0u);
    EXPECT_EQ(waits.expired, 1);
}

TYPED_TEST(TimerInterface, WaitBlocksUntilTheExpiry) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 3ms);
    timer.wait();
    EXPECT_GE(steady_clock::now(), timer.expiry());
    timer.expires_after(3ms);
    error_code error = net::error::fault;
    timer.wait(error);
    EXPECT_FALSE(error);
    EXPECT_GE(steady_clock::now(), timer.expiry());
    timer.wait(); // has expired already
}

TYPED_TEST(TimerInterface, WaitDoesNotEndAsynchronousWaits) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1ms);
    outcomes waits;
    timer.async_wait(waits.handler());
    timer.wait();
    EXPECT_EQ(waits.expired, 0);
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(waits.expired, 1);
}

TYPED_TEST(TimerInterface, MovesWithItsPendingWaits) {
    using timer = typename TypeParam::steady_timer;
    typename TypeParam::context ctx;
    outcomes waits;
    timer first(ctx, 1h);
    first.async_wait(waits.handler());
    const auto due = first.expiry();
    timer second(std::move(first));
    EXPECT_EQ(second.expiry(), due);
    second.async_wait(waits.handler());
    EXPECT_EQ(second.cancel(), 2u);
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(waits.cancelled, 2);
}

TYPED_TEST(TimerInterface, MoveAssignmentCancelsTheTargetsWaits) {
    using timer = typename TypeParam::steady_timer;
    typename TypeParam::context ctx;
    outcomes targets, sources;
    timer target(ctx, 1h), source(ctx, 1ms);
    target.async_wait(targets.handler());
    source.async_wait(sources.handler());
    target = std::move(source);
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(targets.cancelled, 1);
    EXPECT_EQ(sources.expired, 1);
}

TYPED_TEST(TimerInterface, AMovedFromTimerMayBeAssignedAndDestroyed) {
    using timer = typename TypeParam::steady_timer;
    typename TypeParam::context ctx;
    timer first(ctx, 1h);
    timer second(std::move(first));
    first = timer(ctx, 1ms);
    outcomes waits;
    first.async_wait(waits.handler());
    {
        timer third(std::move(second));
    }
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(waits.expired, 1);
}

TYPED_TEST(TimerInterface, MovesBetweenContexts) {
    using timer = typename TypeParam::steady_timer;
    typename TypeParam::context first_ctx, second_ctx;
    outcomes firsts, seconds;
    timer first(first_ctx, 1h), second(second_ctx, 1ms);
    first.async_wait(firsts.handler());
    second.async_wait(seconds.handler());
    first = std::move(second); // stays a timer of the second context
    EXPECT_EQ(&net::query(first.get_executor(), net::execution::context), &second_ctx);
    EXPECT_EQ(first_ctx.run(), 1u);
    EXPECT_EQ(firsts.cancelled, 1);
    EXPECT_EQ(second_ctx.run(), 1u);
    EXPECT_EQ(seconds.expired, 1);
}

TYPED_TEST(TimerInterface, MovesToATypeErasedExecutor) {
    typename TypeParam::context ctx;
    outcomes waits;
    typename TypeParam::template waitable_timer<steady_clock> typed(ctx, 1ms);
    net::steady_timer erased(std::move(typed));
    EXPECT_EQ(&net::query(erased.get_executor(), net::execution::context), &ctx);
    erased.async_wait(waits.handler());
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(waits.expired, 1);
    EXPECT_GE(steady_clock::now(), erased.expiry());
}

/// Members that Asio keeps for old programs, where it does.
template <class Timer>
concept has_older_members = requires(Timer& timer, error_code& error) {
    timer.expires_at();
    timer.expires_from_now();
    timer.expires_from_now(typename Timer::duration());
    timer.cancel(error);
    timer.cancel_one(error);
};

TYPED_TEST(TimerInterface, OlderMembersAreThereWhereAsioHasThem) {
    using timer_type = typename TypeParam::steady_timer;
    static_assert(has_older_members<timer_type> || !has_older_members<net::steady_timer>);
    if constexpr (has_older_members<timer_type>) {
        typename TypeParam::context ctx;
        timer_type timer(ctx, 1h);
        EXPECT_EQ(timer.expires_at(), timer.expiry());
        EXPECT_GT(timer.expires_from_now(), 59min);
        outcomes waits;
        for (int i = 0; i != 3; ++i)
            timer.async_wait(waits.handler());
        error_code error = net::error::fault;
        EXPECT_EQ(timer.cancel_one(error), 1u);
        EXPECT_FALSE(error);
        EXPECT_EQ(timer.cancel(error), 2u);
        EXPECT_EQ(timer.expires_from_now(1h, error), 0u);
        EXPECT_EQ(timer.expires_at(steady_clock::now(), error), 0u);
        ctx.run();
        EXPECT_EQ(waits.cancelled, 3);
    } else {
        GTEST_SKIP() << "this version of Asio has no timers with expires_from_now()";
    }
}

} // namespace
