// co_spawn and awaitables on the context, and work that hops between contexts, pools and the system executor.
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;

template <class Library>
class Coroutine : public testing::Test {};
TYPED_TEST_SUITE(Coroutine, test::libraries, test::library_names);

net::awaitable<int> twice(int n) {
    co_await net::post(co_await net::this_coro::executor, net::use_awaitable);
    co_return 2 * n;
}

net::awaitable<void> fail() {
    co_await net::post(co_await net::this_coro::executor, net::use_awaitable);
    throw std::runtime_error("thrown by a coroutine");
}

TYPED_TEST(Coroutine, ReturnsItsValueThroughTheToken) {
    typename TypeParam::context ctx;
    int result = 0;
    net::co_spawn(ctx, twice(21), [&](std::exception_ptr error, int value) {
        EXPECT_FALSE(error);
        result = value;
    });
    std::future<int> future = net::co_spawn(ctx, twice(4), net::use_future);
    ctx.run();
    EXPECT_EQ(result, 42);
    EXPECT_EQ(future.get(), 8);
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(Coroutine, PassesItsExceptionToTheToken) {
    typename TypeParam::context ctx;
    std::exception_ptr error;
    net::co_spawn(ctx, fail(), [&](std::exception_ptr e) { error = e; });
    std::future<void> future = net::co_spawn(ctx, fail(), net::use_future);
    ctx.run();
    ASSERT_TRUE(error);
    EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
    EXPECT_THROW(future.get(), std::runtime_error);
}

TYPED_TEST(Coroutine, RunsOnTheExecutorItWasGiven) {
    typename TypeParam::context ctx;
    auto main = [&]() -> net::awaitable<void> {
        EXPECT_TRUE(ctx.get_executor().running_in_this_thread());
        EXPECT_EQ(co_await net::this_coro::executor, net::any_io_executor(ctx.get_executor()));
        EXPECT_EQ(co_await twice(co_await twice(1)), 4);
    };
    auto done = net::co_spawn(ctx, main, net::use_future);
    ctx.run();
    done.get();
}

TYPED_TEST(Coroutine, RunsOnAnExecutorOfTheContextsOwnType) {
    using executor = typename TypeParam::executor;
    typename TypeParam::context ctx;
    auto main = [&]() -> net::awaitable<int, executor> {
        EXPECT_EQ(co_await net::this_coro::executor, ctx.get_executor());
        co_await net::post(net::use_awaitable_t<executor>());
        typename TypeParam::steady_timer timer(ctx, 1ms);
        co_await timer.async_wait(net::use_awaitable_t<executor>());
        co_return 3;
    };
    auto result = net::co_spawn(ctx.get_executor(), main, net::use_future);
    ctx.run();
    EXPECT_EQ(result.get(), 3);
}

TYPED_TEST(Coroutine, ManyRunInManyThreads) {
    constexpr int coroutines = 200, rounds = 20;
    typename TypeParam::context ctx;
    std::atomic<int> finished = 0;
    auto main = [&]() -> net::awaitable<void> {
        for (int i = 0; i != rounds; ++i)
            co_await net::post(ctx, net::use_awaitable);
        ++finished;
    };
    for (int i = 0; i != coroutines; ++i)
        net::co_spawn(ctx, main, net::detached);
    std::vector<std::thread> runners;
    for (int i = 0; i != 4; ++i)
        runners.emplace_back([&] { ctx.run(); });
    for (auto& runner : runners)
        runner.join();
    EXPECT_EQ(finished, coroutines);
}

TYPED_TEST(Coroutine, OnAStrandNeverOverlaps) {
    typename TypeParam::context ctx;
    auto strand = net::make_strand(ctx);
    int unsynchronised = 0;
    auto main = [&]() -> net::awaitable<void> {
        for (int i = 0; i != 100; ++i) {
            ++unsynchronised;
            co_await net::post(strand, net::use_awaitable);
        }
    };
    for (int i = 0; i != 10; ++i)
        net::co_spawn(strand, main, net::detached);
    std::vector<std::thread> runners;
    for (int i = 0; i != 3; ++i)
        runners.emplace_back([&] { ctx.run(); });
    for (auto& runner : runners)
        runner.join();
    EXPECT_EQ(unsynchronised, 1'000);
}

TYPED_TEST(Coroutine, HopsBetweenContextsAndPools) {
    typename TypeParam::context ctx, other;
    net::thread_pool pool(1);
    auto work = net::make_work_guard(other);
    std::thread other_runner([&] { other.run(); });
    auto main = [&]() -> net::awaitable<void> {
        const auto home = std::this_thread::get_id();
        co_await net::post(net::bind_executor(pool, net::use_awaitable));
        EXPECT_TRUE(pool.get_executor().running_in_this_thread());
        EXPECT_NE(std::this_thread::get_id(), home);
        co_await net::post(net::bind_executor(other, net::use_awaitable));
        EXPECT_TRUE(other.get_executor().running_in_this_thread());
        EXPECT_EQ(std::this_thread::get_id(), other_runner.get_id());
        co_await net::post(net::bind_executor(ctx, net::use_awaitable));
        EXPECT_EQ(std::this_thread::get_id(), home);
    };
    auto done = net::co_spawn(ctx, main, net::use_future);
    ctx.run(); // does not end while the coroutine is elsewhere
    done.get();
    work.reset();
    other_runner.join();
    pool.join();
}

TYPED_TEST(Coroutine, OnAPoolAwaitsTimersOfTheContext) {
    typename TypeParam::context ctx;
    net::thread_pool pool(2);
    auto work = net::make_work_guard(ctx);
    std::thread runner([&] { ctx.run(); });
    auto main = [&]() -> net::awaitable<void> {
        typename TypeParam::steady_timer timer(ctx);
        for (int i = 0; i != 10; ++i) {
            timer.expires_after(100us);
            co_await timer.async_wait(net::use_awaitable);
            EXPECT_TRUE(pool.get_executor().running_in_this_thread());
        }
    };
    auto done = net::co_spawn(pool, main, net::use_future);
    done.get();
    work.reset();
    runner.join();
    pool.join();
}

template <class Library>
class Interplay : public testing::Test {};
TYPED_TEST_SUITE(Interplay, test::libraries, test::library_names);

TYPED_TEST(Interplay, HandlersHopBetweenTwoContexts) {
    constexpr int hops = 1'000;
    typename TypeParam::context first, second;
    auto first_work = net::make_work_guard(first);
    auto second_work = net::make_work_guard(second);
    int left = hops; // only ever touched by the handler that holds the ball
    struct ball {
        typename TypeParam::context& here;
        typename TypeParam::context& there;
        int& left;
        void operator()() {
            EXPECT_TRUE(here.get_executor().running_in_this_thread());
            if (--left == 0) {
                here.stop();
                there.stop();
            } else
                net::post(there, ball{there, here, left});
        }
    };
    net::post(first, ball{first, second, left});
    std::thread runner([&] { second.run(); });
    first.run();
    runner.join();
    EXPECT_EQ(left, 0);
}

TYPED_TEST(Interplay, AStrandOverAPoolTakesHandlersOfTheContext) {
    typename TypeParam::context ctx;
    net::thread_pool pool(3);
    auto strand = net::make_strand(pool);
    int unsynchronised = 0;
    std::vector<typename TypeParam::steady_timer> timers;
    for (int i = 0; i != 100; ++i) {
        timers.emplace_back(ctx, 0ms);
        timers.back().async_wait(net::bind_executor(strand, [&](test::error_code) { ++unsynchronised; }));
        net::post(ctx, net::bind_executor(strand, [&] { ++unsynchronised; }));
    }
    ctx.run();
    pool.join();
    EXPECT_EQ(unsynchronised, 200);
}

TYPED_TEST(Interplay, ThePoolPostsToTheContext) {
    typename TypeParam::context ctx;
    net::thread_pool pool(3);
    auto work = net::make_work_guard(ctx);
    std::atomic<int> left = 300;
    for (int i = 0; i != 300; ++i)
        net::post(pool, [&] {
            net::post(ctx, [&] {
                EXPECT_TRUE(ctx.get_executor().running_in_this_thread());
                if (--left == 0)
                    work.reset();
            });
        });
    ctx.run();
    pool.join();
    EXPECT_EQ(left, 0);
}

TYPED_TEST(Interplay, TheSystemExecutorAndTheContextPassWork) {
    typename TypeParam::context ctx;
    bool ran = false;
    net::post(net::system_executor(), net::bind_executor(ctx, [&] {
                  EXPECT_TRUE(ctx.get_executor().running_in_this_thread());
                  ran = true;
              }));
    ctx.run(); // the bound handler counts as work from the start
    EXPECT_TRUE(ran);

    std::promise<std::thread::id> elsewhere;
    ctx.restart();
    net::post(ctx, net::bind_executor(net::system_executor(),
                                      [&] { elsewhere.set_value(std::this_thread::get_id()); }));
    ctx.run();
    elsewhere.get_future().wait();
}

} // namespace
