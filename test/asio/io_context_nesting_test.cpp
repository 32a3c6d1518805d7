// io_context: exceptions out of handlers, run functions called inside handlers, two contexts in one thread.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;

struct failure : std::runtime_error {
    failure()
        : std::runtime_error("thrown by a handler") {}
};

template <class Library>
class IoContextExceptions : public testing::Test {};
TYPED_TEST_SUITE(IoContextExceptions, test::libraries, test::library_names);

TYPED_TEST(IoContextExceptions, LeaveRunAndTheNextRunContinues) {
    typename TypeParam::context ctx;
    int calls = 0;
    net::post(ctx, [] { throw failure(); });
    net::post(ctx, [&] { ++calls; });
    EXPECT_THROW(ctx.run(), failure);
    EXPECT_EQ(calls, 0);
    EXPECT_FALSE(ctx.stopped());
    EXPECT_EQ(ctx.run(), 1u); // no restart() needed
    EXPECT_EQ(calls, 1);
}

TYPED_TEST(IoContextExceptions, CountAsTheEndOfTheHandler) {
    typename TypeParam::context ctx;
    net::post(ctx, [] { throw failure(); });
    EXPECT_THROW(ctx.run(), failure);
    EXPECT_EQ(ctx.run(), 0u); // returns at all: no work is left
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextExceptions, LeaveEveryRunFunction) {
    typename TypeParam::context ctx;
    auto leaves = [&](auto function) {
        ctx.restart();
        net::post(ctx, [] { throw failure(); });
        EXPECT_THROW(function(), failure);
        EXPECT_EQ(ctx.poll(), 0u);
    };
    leaves([&] { ctx.run(); });
    leaves([&] { ctx.run_one(); });
    leaves([&] { ctx.run_for(1h); });
    leaves([&] { ctx.run_one_for(1h); });
    leaves([&] { ctx.poll(); });
    leaves([&] { ctx.poll_one(); });
}

TYPED_TEST(IoContextExceptions, KeepOtherTimersThatExpiredInTheSameTurn) {
    typename TypeParam::context ctx;
    std::vector<typename TypeParam::steady_timer> timers;
    int calls = 0;
    for (int i = 0; i != 5; ++i) {
        timers.emplace_back(ctx, std::chrono::steady_clock::now() - 1s);
        timers.back().async_wait(test::exactly_once([&](test::error_code) {
            ++calls;
            throw failure();
        }));
    }
    for (int i = 1; i != 6; ++i) {
        EXPECT_THROW(ctx.run(), failure);
        EXPECT_EQ(calls, i);
    }
    EXPECT_EQ(ctx.run(), 0u);
}

TYPED_TEST(IoContextExceptions, KeepWhatTheHandlerHadPosted) {
    typename TypeParam::context ctx;
    int calls = 0;
    net::post(ctx, [&] {
        net::post(ctx, [&] { ++calls; });
        net::defer(ctx, [&] { ++calls; });
        throw failure();
    });
    EXPECT_THROW(ctx.run(), failure);
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(calls, 2);
}

TYPED_TEST(IoContextExceptions, LeaveOnlyTheThreadThatRanTheHandler) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::atomic<int> thrown = 0;
    std::vector<std::thread> runners;
    for (int i = 0; i != 3; ++i)
        runners.emplace_back([&] {
            for (;;)
                try {
                    ctx.run();
                    return;
                } catch (const failure&) {
                    ++thrown;
                }
        });
    for (int i = 0; i != 50; ++i)
        net::post(ctx, [] { throw failure(); });
    net::post(ctx, [&] { work.reset(); });
    for (auto& runner : runners)
        runner.join();
    EXPECT_EQ(thrown, 50);
}

TYPED_TEST(IoContextExceptions, OfAnInlineDispatchLeaveRunWhenTheOuterHandlerHasReturned) {
    typename TypeParam::context ctx;
    bool went_on = false;
    net::post(ctx, [&] {
        net::dispatch(ctx, [] { throw failure(); }); // Asio keeps it: the caller is not to be unwound by it
        went_on = true;
    });
    EXPECT_THROW(ctx.run(), failure);
    EXPECT_TRUE(went_on);
    EXPECT_EQ(ctx.run(), 0u);
}

template <class Library>
class IoContextNesting : public testing::Test {};
TYPED_TEST_SUITE(IoContextNesting, test::libraries, test::library_names);

TYPED_TEST(IoContextNesting, PollInsideAHandlerRunsWhatIsReady) {
    typename TypeParam::context ctx;
    std::vector<int> order;
    net::post(ctx, [&] {
        net::post(ctx, [&] { order.push_back(3); });
        order.push_back(1);
        EXPECT_EQ(ctx.poll(), 2u);
        order.push_back(4);
    });
    net::post(ctx, [&] { order.push_back(2); });
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

TYPED_TEST(IoContextNesting, PollInsideTheOnlyHandlerDoesNotStop) {
    typename TypeParam::context ctx;
    int calls = 0;
    net::post(ctx, [&] {
        EXPECT_EQ(ctx.poll(), 0u);
        EXPECT_EQ(ctx.poll_one(), 0u);
        EXPECT_EQ(ctx.run_for(1ms), 0u);
        EXPECT_EQ(ctx.run_one_for(1ms), 0u);
        EXPECT_FALSE(ctx.stopped()); // the handler itself is work
        net::post(ctx, [&] { ++calls; });
    });
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(calls, 1);
}

TYPED_TEST(IoContextNesting, RunOneInsideAHandlerRunsTheNext) {
    typename TypeParam::context ctx;
    std::vector<int> order;
    net::post(ctx, [&] {
        EXPECT_EQ(ctx.run_one(), 1u);
        order.push_back(2);
    });
    net::post(ctx, [&] { order.push_back(1); });
    net::post(ctx, [&] { order.push_back(3); });
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TYPED_TEST(IoContextNesting, RunOneInsideAHandlerWaitsForATimer) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx);
    bool fired = false;
    net::post(ctx, [&] {
        timer.expires_after(2ms);
        timer.async_wait([&](test::error_code) { fired = true; });
        EXPECT_EQ(ctx.run_one(), 1u);
        EXPECT_TRUE(fired);
    });
    EXPECT_EQ(ctx.run(), 1u);
}

TYPED_TEST(IoContextNesting, RunInsideAHandlerEndsByStop) {
    typename TypeParam::context ctx;
    int calls = 0;
    net::post(ctx, [&] { EXPECT_EQ(ctx.run(), 2u); });
    net::post(ctx, [&] { ++calls; });
    net::post(ctx, [&] { ctx.stop(); });
    net::post(ctx, [&] { ++calls; });
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(ctx.stopped());
    ctx.restart();
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(calls, 2);
}

TYPED_TEST(IoContextNesting, CallsNestSeveralDeep) {
    typename TypeParam::context ctx;
    int depth = 0, deepest = 0;
    for (int i = 0; i != 8; ++i)
        net::post(ctx, [&] {
            deepest = std::max(deepest, ++depth);
            ctx.poll();
            --depth;
        });
    ctx.run();
    EXPECT_EQ(deepest, 8);
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextNesting, AnExceptionPassesThroughNestedCalls) {
    typename TypeParam::context ctx;
    int calls = 0;
    net::post(ctx, [&] { EXPECT_THROW(ctx.poll(), failure); });
    net::post(ctx, [] { throw failure(); });
    net::post(ctx, [&] { ++calls; });
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(calls, 1);

    ctx.restart();
    net::post(ctx, [&] { ctx.run_one(); });
    net::post(ctx, [] { throw failure(); });
    net::post(ctx, [&] { ++calls; });
    EXPECT_THROW(ctx.run(), failure);
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(calls, 2);
}

TYPED_TEST(IoContextNesting, TwoContextsInOneThread) {
    typename TypeParam::context outer, inner;
    std::vector<int> order;
    net::post(outer, [&] {
        net::post(inner, [&] {
            EXPECT_TRUE(inner.get_executor().running_in_this_thread());
            EXPECT_TRUE(outer.get_executor().running_in_this_thread());
            net::dispatch(outer, [&] { order.push_back(1); }); // inline: this thread runs both
            net::post(outer, [&] { order.push_back(4); });
            order.push_back(2);
        });
        EXPECT_EQ(inner.run(), 1u);
        EXPECT_TRUE(inner.stopped());
        EXPECT_FALSE(inner.get_executor().running_in_this_thread());
        EXPECT_TRUE(outer.get_executor().running_in_this_thread());
        order.push_back(3);
    });
    EXPECT_EQ(outer.run(), 2u);
    EXPECT_EQ(order, (std::vector{1, 2, 3, 4}));
}

TYPED_TEST(IoContextNesting, TimersOfTwoContextsInOneThread) {
    typename TypeParam::context outer, inner;
    typename TypeParam::steady_timer outer_timer(outer, 5ms), inner_timer(inner, 1ms);
    int fired = 0;
    outer_timer.async_wait([&](test::error_code) {
        EXPECT_EQ(inner.run(), 1u);
        EXPECT_EQ(++fired, 2);
    });
    inner_timer.async_wait([&](test::error_code) { EXPECT_EQ(++fired, 1); });
    EXPECT_EQ(outer.run(), 1u);
    EXPECT_EQ(fired, 2);
}

} // namespace
