// io_context: work guards, stop() and posts from other threads, threads that come and go.
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <latch>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

template <class Library>
class IoContextThreads : public testing::Test {};
TYPED_TEST_SUITE(IoContextThreads, test::libraries, test::library_names);

TYPED_TEST(IoContextThreads, AWorkGuardKeepsRunWaiting) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::latch ran(1);
    std::thread runner([&] { EXPECT_EQ(ctx.run(), 1u); });
    net::post(ctx, [&] { ran.count_down(); });
    ran.wait();
    EXPECT_FALSE(ctx.stopped());
    work.reset();
    runner.join();
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextThreads, WorkGuardsOfManyThreadsAllCount) {
    typename TypeParam::context ctx;
    constexpr int threads = 4;
    std::barrier all_have_one(threads);
    std::vector<std::thread> holders;
    auto first = net::make_work_guard(ctx);
    for (int i = 0; i != threads; ++i)
        holders.emplace_back([&] {
            for (int round = 0; round != 200; ++round) {
                auto work = net::make_work_guard(ctx);
                auto copy = work;
                all_have_one.arrive_and_wait();
            }
        });
    std::thread runner([&] { EXPECT_EQ(ctx.run(), 0u); });
    for (auto& holder : holders)
        holder.join();
    EXPECT_FALSE(ctx.stopped());
    first.reset();
    runner.join();
}

TYPED_TEST(IoContextThreads, StopEndsAWaitingRun) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::latch running(1);
    net::post(ctx, [&] { running.count_down(); });
    std::thread runner([&] { EXPECT_EQ(ctx.run(), 1u); });
    running.wait();
    ctx.stop();
    runner.join();
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextThreads, StopEndsEveryRunFunctionThatWaits) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    auto is_stopped_while_in = [&](auto function) {
        ctx.restart();
        std::latch entering(1);
        std::thread runner([&] {
            entering.count_down();
            EXPECT_EQ(function(), 0u);
        });
        entering.wait();
        ctx.stop();
        runner.join();
    };
    for (int round = 0; round != 20; ++round) {
        is_stopped_while_in([&] { return ctx.run(); });
        is_stopped_while_in([&] { return ctx.run_one(); });
        is_stopped_while_in([&] { return ctx.run_for(1h); });
        is_stopped_while_in([&] { return ctx.run_one_for(1h); });
        is_stopped_while_in([&] { return ctx.run_until(steady_clock::now() + 1h); });
        is_stopped_while_in([&] { return ctx.run_one_until(steady_clock::now() + 1h); });
    }
}

TYPED_TEST(IoContextThreads, StopEndsRunInAllThreads) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::vector<std::thread> runners;
    std::latch entering(4);
    for (int i = 0; i != 4; ++i)
        runners.emplace_back([&] {
            entering.count_down();
            ctx.run();
        });
    entering.wait();
    ctx.stop();
    for (auto& runner : runners)
        runner.join();
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextThreads, EndOfWorkEndsRunInAllThreads) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::vector<std::thread> runners;
    for (int i = 0; i != 4; ++i)
        runners.emplace_back([&] { ctx.run(); });
    net::post(ctx, [&] { work.reset(); });
    for (auto& runner : runners)
        runner.join();
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextThreads, ReturnCountsOfAllThreadsAddUp) {
    constexpr std::size_t posts = 10'000;
    typename TypeParam::context ctx;
    std::atomic<std::size_t> calls = 0;
    for (std::size_t i = 0; i != posts / 2; ++i)
        net::post(ctx, [&] {
            ++calls;
            net::post(ctx, [&] { ++calls; });
        });
    std::atomic<std::size_t> returned = 0;
    std::vector<std::thread> runners;
    for (int i = 0; i != 4; ++i)
        runners.emplace_back([&] { returned += ctx.run(); });
    for (auto& runner : runners)
        runner.join();
    EXPECT_EQ(calls, posts);
    EXPECT_EQ(returned, posts);
}

TYPED_TEST(IoContextThreads, TwoThreadsRunTwoPostedHandlersAtOnce) {
    typename TypeParam::context ctx;
    std::barrier meeting(2);
    std::mutex mutex;
    std::set<std::thread::id> seen;
    for (int i = 0; i != 2; ++i)
        net::post(ctx, [&] {
            meeting.arrive_and_wait();
            std::lock_guard lock(mutex);
            seen.insert(std::this_thread::get_id());
        });
    std::thread other([&] { ctx.run(); });
    ctx.run();
    other.join();
    EXPECT_EQ(seen.size(), 2u);
}

TYPED_TEST(IoContextThreads, APostedHandlerIsNotHeldUpByABusyThread) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::latch busy(1), done(1);
    std::vector<std::thread> runners;
    for (int i = 0; i != 2; ++i)
        runners.emplace_back([&] { ctx.run(); });
    net::post(ctx, [&] {
        busy.count_down();
        done.wait();
    });
    busy.wait();
    net::post(ctx, [&] { done.count_down(); });
    done.wait();
    work.reset();
    for (auto& runner : runners)
        runner.join();
}

TYPED_TEST(IoContextThreads, ManyThreadsPostWhileOneRuns) {
    constexpr int posters = 4, posts = 2'000;
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::atomic<int> calls = 0;
    std::size_t returned = 0;
    std::thread runner([&] { returned = ctx.run(); });
    std::vector<std::thread> threads;
    for (int i = 0; i != posters; ++i)
        threads.emplace_back([&] {
            for (int j = 0; j != posts; ++j)
                net::post(ctx, [&] { ++calls; });
        });
    for (auto& thread : threads)
        thread.join();
    work.reset();
    runner.join();
    EXPECT_EQ(calls, posters * posts);
    EXPECT_EQ(returned, static_cast<std::size_t>(posters * posts));
}

TYPED_TEST(IoContextThreads, HandlersPostedByOneThreadRunInOrderInOneThread) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::thread runner([&] { ctx.run(); });
    int next = 0;
    bool in_order = true;
    for (int i = 0; i != 10'000; ++i)
        net::post(ctx, [&, i] { in_order = in_order && next++ == i; });
    work.reset();
    runner.join();
    EXPECT_TRUE(in_order);
    EXPECT_EQ(next, 10'000);
}

TYPED_TEST(IoContextThreads, ThreadsComeAndGoWhileOthersPost) {
    constexpr int posts = 6'000;
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::atomic<bool> posted_all = false;
    std::atomic<int> calls = 0;
    std::atomic<std::size_t> returned = 0;
    auto run_until_done = [&](auto function) {
        return std::thread([&, function] {
            while (!posted_all || calls != posts)
                returned += function();
        });
    };
    std::vector<std::thread> visitors;
    visitors.push_back(run_until_done([&] { return ctx.poll(); }));
    visitors.push_back(run_until_done([&] { return ctx.run_for(1ms); }));
    visitors.push_back(run_until_done([&] { return ctx.run_one_for(1ms); }));
    visitors.push_back(run_until_done([&] { return ctx.poll_one(); }));
    std::vector<std::thread> posters;
    for (int i = 0; i != 2; ++i)
        posters.emplace_back([&] {
            for (int j = 0; j != posts / 2; ++j)
                net::post(ctx, [&] { ++calls; });
        });
    for (auto& poster : posters)
        poster.join();
    posted_all = true;
    for (auto& visitor : visitors)
        visitor.join();
    EXPECT_EQ(calls, posts);
    EXPECT_EQ(returned, static_cast<std::size_t>(posts));
    work.reset();
    EXPECT_EQ(ctx.run(), 0u);
}

TYPED_TEST(IoContextThreads, TimersFireThoughThreadsComeAndGo) {
    constexpr int timers = 200;
    typename TypeParam::context ctx;
    std::atomic<int> fired = 0;
    std::vector<typename TypeParam::steady_timer> all;
    for (int i = 0; i != timers; ++i) {
        all.emplace_back(ctx, std::chrono::microseconds(100 * i));
        all.back().async_wait([&](test::error_code error) {
            EXPECT_FALSE(error);
            ++fired;
        });
    }
    std::vector<std::thread> visitors;
    for (int i = 0; i != 3; ++i)
        visitors.emplace_back([&] {
            while (fired != timers)
                ctx.run_for(500us);
        });
    for (auto& visitor : visitors)
        visitor.join();
    EXPECT_EQ(fired, timers);
}

TYPED_TEST(IoContextThreads, AThreadThatEndsLeavesItsTimersToTheNext) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 10ms);
    bool fired = false;
    std::thread([&] {
        net::post(ctx, [&] { timer.async_wait([&](test::error_code error) { fired = !error; }); });
        EXPECT_EQ(ctx.run_one(), 1u);
    }).join();
    EXPECT_FALSE(fired);
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_TRUE(fired);
}

TYPED_TEST(IoContextThreads, RunWaitsForTheHandlerOfAnotherThread) {
    typename TypeParam::context ctx;
    std::latch inside(1), leave(1);
    std::atomic<bool> finished = false;
    net::post(ctx, [&] {
        inside.count_down();
        leave.wait();
        finished = true;
    });
    std::thread runner([&] { ctx.run(); });
    inside.wait();
    std::thread second([&] {
        ctx.run();
        EXPECT_TRUE(finished); // the handler is work until it has returned
    });
    EXPECT_EQ(ctx.poll(), 0u);
    EXPECT_FALSE(ctx.stopped());
    leave.count_down();
    runner.join();
    second.join();
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextThreads, StopAndRestartFromManyThreadsLoseNothing) {
    constexpr int posts = 2'000;
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    std::atomic<int> calls = 0;
    std::atomic<bool> done = false;
    std::vector<std::thread> runners;
    for (int i = 0; i != 2; ++i)
        runners.emplace_back([&] {
            while (!done) {
                ctx.run_for(1ms);
                ctx.restart();
            }
        });
    std::thread stopper([&] {
        while (!done)
            ctx.stop();
    });
    for (int i = 0; i != posts; ++i)
        net::post(ctx, [&] {
            if (++calls == posts)
                done = true;
        });
    for (auto& runner : runners)
        runner.join();
    stopper.join();
    EXPECT_EQ(calls, posts);
}

} // namespace
