// Timers: per-operation cancellation, through slots and through the operations that are composed of them.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using namespace net::experimental::awaitable_operators;
using std::chrono::steady_clock;
using test::error_code;

template <class Library>
class TimerCancellation : public testing::Test {};
TYPED_TEST_SUITE(TimerCancellation, test::libraries, test::library_names);

TYPED_TEST(TimerCancellation, EveryTypeOfSignalEndsAWait) {
    typename TypeParam::context ctx;
    for (auto type : {net::cancellation_type::terminal, net::cancellation_type::partial,
                      net::cancellation_type::total, net::cancellation_type::all}) {
        typename TypeParam::steady_timer timer(ctx, 1h);
        net::cancellation_signal signal;
        bool aborted = false;
        timer.async_wait(net::bind_cancellation_slot(signal.slot(), test::exactly_once([&](error_code error) {
                                                         aborted = error == net::error::operation_aborted;
                                                     })));
        signal.emit(type);
        EXPECT_FALSE(aborted); // not inside emit()
        EXPECT_EQ(ctx.run(), 1u);
        EXPECT_TRUE(aborted);
        ctx.restart();
    }
}

TYPED_TEST(TimerCancellation, ASignalWithoutTypeChangesNothing) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1ms);
    net::cancellation_signal signal;
    bool expired = false;
    timer.async_wait(net::bind_cancellation_slot(signal.slot(), [&](error_code error) { expired = !error; }));
    signal.emit(net::cancellation_type::none);
    ctx.run();
    EXPECT_TRUE(expired);
}

TYPED_TEST(TimerCancellation, ASignalEndsOnlyItsOwnWait) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1h);
    std::array<net::cancellation_signal, 5> signals;
    std::array<error_code, 5> results;
    for (std::size_t i = 0; i != 5; ++i)
        timer.async_wait(net::bind_cancellation_slot(
            signals[i].slot(), [&results, i](error_code error) { results[i] = error; }));
    net::post(ctx, [&] { signals[3].emit(net::cancellation_type::all); });
    signals[1].emit(net::cancellation_type::all);
    for (int ran = 0; ran != 3; ++ran)
        EXPECT_EQ(ctx.run_one(), 1u);
    for (std::size_t i = 0; i != 5; ++i)
        EXPECT_EQ(results[i] == net::error::operation_aborted, i == 1 || i == 3) << i;
    EXPECT_EQ(timer.cancel(), 3u);
    EXPECT_EQ(ctx.run(), 3u);
}

TYPED_TEST(TimerCancellation, AWaitThatASignalEndedIsNotCountedAgain) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1h);
    net::cancellation_signal signal;
    timer.async_wait(net::bind_cancellation_slot(signal.slot(), [](error_code) {}));
    timer.async_wait([](error_code) {});
    signal.emit(net::cancellation_type::all);
    EXPECT_EQ(timer.cancel(), 1u);
    EXPECT_EQ(ctx.run(), 2u);
}

TYPED_TEST(TimerCancellation, ASignalAfterTheEndHasNoEffect) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 0ms);
    net::cancellation_signal signal;
    timer.async_wait(net::bind_cancellation_slot(signal.slot(), [&](error_code error) {
        EXPECT_FALSE(error);
        signal.emit(net::cancellation_type::all);
    }));
    EXPECT_EQ(ctx.run(), 1u);
    signal.emit(net::cancellation_type::all);
    ctx.restart();
    // Another operation in the slot, perhaps at the same address, is not hit by the first one's end.
    timer.async_wait(
        net::bind_cancellation_slot(signal.slot(), [](error_code error) { EXPECT_FALSE(error); }));
    EXPECT_EQ(ctx.run(), 1u);
}

// Ours alone: Asio 1.22 looks for the wait in the timer, which is gone.
TEST(TimerCancellationOfOurs, ASignalMayOutliveTheTimer) {
    test::this_library::context ctx;
    net::cancellation_signal signal;
    {
        test::this_library::steady_timer timer(ctx, 1h);
        timer.async_wait(net::bind_cancellation_slot(signal.slot(), test::exactly_once([](error_code error) {
                                                         EXPECT_EQ(error, net::error::operation_aborted);
                                                     })));
    }
    signal.emit(net::cancellation_type::all);
    EXPECT_EQ(ctx.run(), 1u);
    signal.emit(net::cancellation_type::all);
}

// Ours alone: Asio 1.22 looks for the wait in the timer that was moved from, and never ends it.
TEST(TimerCancellationOfOurs, ASignalFollowsAMovedTimer) {
    test::this_library::context ctx;
    net::cancellation_signal signal;
    test::this_library::steady_timer first(ctx, 1h);
    bool aborted = false;
    first.async_wait(net::bind_cancellation_slot(
        signal.slot(), [&](error_code error) { aborted = error == net::error::operation_aborted; }));
    test::this_library::steady_timer second(std::move(first));
    signal.emit(net::cancellation_type::all);
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_TRUE(aborted);
    EXPECT_EQ(second.cancel(), 0u);
}

TYPED_TEST(TimerCancellation, ASignalFromAStrandEndsAWaitInIt) {
    typename TypeParam::context ctx;
    auto strand = net::make_strand(ctx);
    net::cancellation_signal signal;
    typename TypeParam::steady_timer timer(ctx, 1h);
    std::latch done(1);
    auto work = net::make_work_guard(ctx);
    std::vector<std::thread> runners;
    for (int i = 0; i != 2; ++i)
        runners.emplace_back([&] { ctx.run(); });
    net::post(strand, [&] {
        timer.async_wait(
            net::bind_cancellation_slot(signal.slot(), net::bind_executor(strand, [&](error_code error) {
                                            EXPECT_EQ(error, net::error::operation_aborted);
                                            done.count_down();
                                        })));
    });
    net::post(strand, [&] { signal.emit(net::cancellation_type::all); });
    done.wait();
    work.reset();
    for (auto& runner : runners)
        runner.join();
}

TYPED_TEST(TimerCancellation, TheFirstOfTwoAwaitedWaitsEndsTheOther) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer slow(ctx, 1h), fast(ctx, 1ms);
    auto main = [&]() -> net::awaitable<std::size_t> {
        auto winner = co_await (slow.async_wait(net::use_awaitable) || fast.async_wait(net::use_awaitable));
        co_return winner.index();
    };
    auto result = net::co_spawn(ctx, main, net::use_future);
    ctx.run();
    EXPECT_EQ(result.get(), 1u);
    EXPECT_EQ(slow.cancel(), 0u);
}

TYPED_TEST(TimerCancellation, BothOfTwoAwaitedWaitsEnd) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer first(ctx, 2ms), second(ctx, 1ms);
    auto main = [&]() -> net::awaitable<void> {
        co_await (first.async_wait(net::use_awaitable) && second.async_wait(net::use_awaitable));
        EXPECT_GE(steady_clock::now(), first.expiry());
        EXPECT_GE(steady_clock::now(), second.expiry());
    };
    auto result = net::co_spawn(ctx, main, net::use_future);
    ctx.run();
    result.get();
}

TYPED_TEST(TimerCancellation, ACoroutineIsCancelledThroughTheSlotOfItsToken) {
    typename TypeParam::context ctx;
    net::cancellation_signal signal;
    auto main = [&]() -> net::awaitable<void> {
        typename TypeParam::steady_timer timer(ctx, 1h);
        auto [error] = co_await timer.async_wait(test::as_tuple(net::use_awaitable));
        EXPECT_EQ(error, net::error::operation_aborted);
        auto state = co_await net::this_coro::cancellation_state;
        EXPECT_EQ(state.cancelled(), net::cancellation_type::terminal);
    };
    bool ended = false;
    net::co_spawn(ctx, main,
                  net::bind_cancellation_slot(signal.slot(), [&](std::exception_ptr) { ended = true; }));
    net::post(ctx, [&] { signal.emit(net::cancellation_type::terminal); });
    ctx.run();
    EXPECT_TRUE(ended);
}

TYPED_TEST(TimerCancellation, AParallelGroupWaitsForOne) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer slow(ctx, 1h), fast(ctx, 1ms), slower(ctx, 2h);
    bool called = false;
    net::experimental::make_parallel_group(slow.async_wait(test::deferred), fast.async_wait(test::deferred),
                                           slower.async_wait(test::deferred))
        .async_wait(net::experimental::wait_for_one(),
                    test::exactly_once([&](std::array<std::size_t, 3> order, error_code first,
                                           error_code second, error_code third) {
                        EXPECT_EQ(order[0], 1u);
                        EXPECT_EQ(first, net::error::operation_aborted);
                        EXPECT_FALSE(second);
                        EXPECT_EQ(third, net::error::operation_aborted);
                        called = true;
                    }));
    ctx.run();
    EXPECT_TRUE(called);
}

TYPED_TEST(TimerCancellation, AParallelGroupWaitsForAll) {
    typename TypeParam::context ctx;
    const auto now = std::chrono::steady_clock::now();
    typename TypeParam::steady_timer first(ctx, now + 2ms), second(ctx, now + 1ms);
    bool called = false;
    net::experimental::make_parallel_group(first.async_wait(test::deferred),
                                           second.async_wait(test::deferred))
        .async_wait(net::experimental::wait_for_all(),
                    test::exactly_once([&](std::array<std::size_t, 2> order, error_code e1, error_code e2) {
                        EXPECT_EQ(order, (std::array<std::size_t, 2>{1, 0}));
                        EXPECT_FALSE(e1);
                        EXPECT_FALSE(e2);
                        called = true;
                    }));
    ctx.run();
    EXPECT_TRUE(called);
}

TYPED_TEST(TimerCancellation, AParallelGroupIsCancelledAsAWhole) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer first(ctx, 1h), second(ctx, 1h);
    net::cancellation_signal signal;
    int aborted = 0;
    net::experimental::make_parallel_group(first.async_wait(test::deferred),
                                           second.async_wait(test::deferred))
        .async_wait(net::experimental::wait_for_all(),
                    net::bind_cancellation_slot(
                        signal.slot(), [&](std::array<std::size_t, 2>, error_code e1, error_code e2) {
                            aborted =
                                (e1 == net::error::operation_aborted) + (e2 == net::error::operation_aborted);
                        }));
    net::post(ctx, [&] { signal.emit(net::cancellation_type::terminal); });
    ctx.run();
    EXPECT_EQ(aborted, 2);
}

#if AURAIO_TEST_ASIO_VERSION >= 103300
TYPED_TEST(TimerCancellation, CancelAfterEndsAWait) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1h);
    bool aborted = false;
    timer.async_wait(
        net::cancel_after(1ms, [&](error_code error) { aborted = error == net::error::operation_aborted; }));
    ctx.run();
    EXPECT_TRUE(aborted);
}

TYPED_TEST(TimerCancellation, CancelAfterLeavesAWaitThatEndsBefore) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1ms);
    bool expired = false;
    timer.async_wait(net::cancel_after(1h, [&](error_code error) { expired = !error; }));
    ctx.run();
    EXPECT_TRUE(expired);
}

TYPED_TEST(TimerCancellation, CancelAtAndAfterWorkInCoroutinesAndWithATimerOfTheCallers) {
    typename TypeParam::context ctx;
    auto main = [&]() -> net::awaitable<void> {
        typename TypeParam::steady_timer timer(ctx, 1h), limit(ctx);
        auto [first] = co_await timer.async_wait(net::cancel_after(1ms, net::as_tuple));
        EXPECT_EQ(first, net::error::operation_aborted);
        auto [second] = co_await timer.async_wait(net::cancel_at(steady_clock::now() + 1ms, net::as_tuple));
        EXPECT_EQ(second, net::error::operation_aborted);
        auto [third] = co_await timer.async_wait(net::cancel_after(limit, 1ms, net::as_tuple));
        EXPECT_EQ(third, net::error::operation_aborted);
    };
    auto result = net::co_spawn(ctx, main, net::use_future);
    ctx.run();
    result.get();
}
#endif

} // namespace
