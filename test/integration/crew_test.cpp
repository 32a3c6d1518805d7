// crew: where one thread drives all rings, the others are there as soon as they are needed.
#include <auraio/auraio.hpp>

#include "support/crew_control.hpp"
#include "support/sanitizers.hpp"
#include "support/time_limit.hpp"

#include <asio/dispatch.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace net = aura::net;
using aura::core::crew_control;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 30s;

aura::io_context_options options() {
    aura::io_context_options o = aura::options_from_environment();
    o.takeover_after = 200;
    o.pack_rings = true;
    return o;
}

/// Four threads in run(), of which one drives.
class Crew : public testing::Test {
protected:
    static constexpr unsigned threads = 4;

    aura::io_context ctx{options()};
    aura::core::engine& engine = *aura::detail::find_engine(ctx);
    net::executor_work_guard<aura::io_context::executor_type> work = net::make_work_guard(ctx);

    std::promise<void> outer, inner, begun, blocked; // outlive the threads

    void SetUp() override {
        for (unsigned i = 0; i != threads; ++i)
            runners_.emplace_back([this] { ctx.run(); });
        while (crew_control::in_reserve(engine) != threads - 1)
            limit();
    }
    void TearDown() override {
        work.reset();
        join();
        EXPECT_EQ(crew_control::in_reserve(engine), 0u);
        EXPECT_EQ(engine.driver_count(), 0u);
    }
    void join() {
        for (auto& r : runners_)
            if (r.joinable())
                r.join();
    }
    void limit() {
        crew_control::limit_to_one(engine, true);
        std::this_thread::yield();
    }

private:
    const test::time_limit limit_{ctx};
    std::vector<std::thread> runners_;
};

TEST_F(Crew, ThoseInReserveReturnWhenTheWorkEnds) {
    work.reset();
    join();
}

TEST_F(Crew, ThoseInReserveReturnWhenTheContextIsStopped) {
    ctx.stop();
    join();
}

TEST_F(Crew, AllDriveAgainWhenTheLimitIsLifted) {
    crew_control::limit_to_one(engine, false);
    while (engine.driver_count() != threads) // within the limit of time
        std::this_thread::yield();
}

TEST_F(Crew, EachThreadHasItsTurnAgainAndAgain) {
    std::map<std::thread::id, int> turns;
    std::thread::id last;
    std::function<void()> go_on = [&] {
        if (const auto here = std::this_thread::get_id(); here != std::exchange(last, here))
            ++turns[here];
        if (std::count_if(turns.begin(), turns.end(), [](const auto& t) { return t.second >= 5; }) == threads)
            outer.set_value();
        else
            net::post(ctx.get_executor(), go_on);
    };
    net::post(ctx, go_on);
    auto over = outer.get_future();
    while (over.wait_for(100us) != std::future_status::ready)
        crew_control::end_turn(engine);
}

TEST_F(Crew, AHandlerThatBlocksIsGivenWhatItWaitsFor) {
    net::post(ctx, [&] {
        net::post(ctx, [&] { inner.set_value(); });
        EXPECT_EQ(inner.get_future().wait_for(patience), std::future_status::ready);
        outer.set_value();
    });
    outer.get_future().wait();
}

/// It keeps its ring, for its executor promises that.
TEST_F(Crew, AHandlerOfARingIsGivenWhatItWaitsForFromAnother) {
    net::post(ctx.ring_executor(0), [&] {
        net::post(ctx.ring_executor(1), [&] { inner.set_value(); });
        EXPECT_EQ(inner.get_future().wait_for(patience), std::future_status::ready);
        outer.set_value();
    });
    outer.get_future().wait();
}

/// Of a handler that keeps no ring, which dispatches one that does: to its own, and to one that its thread drives for a
/// thread in reserve.
TEST_F(Crew, WhatIsDispatchedToARingIsGivenWhatItWaitsForFromAnother) {
    for (unsigned to = 0; to != threads; ++to) {
        inner = std::promise<void>();
        outer = std::promise<void>();
        while (crew_control::in_reserve(engine) != threads - 1)
            limit();
        net::post(ctx.spread_executor(), [&, to] {
            net::dispatch(ctx.ring_executor(to), [&, to] {
                net::post(ctx.ring_executor((to + 1) % threads), [&] { inner.set_value(); });
                EXPECT_EQ(inner.get_future().wait_for(patience), std::future_status::ready);
                outer.set_value();
            });
        });
        outer.get_future().wait();
    }
}

TEST_F(Crew, ThoseInReserveAreInTheStatistics) {
    while (ctx.stats().reserve_threads != threads - 1) // within the limit of time
        limit();
}

TEST_F(Crew, AHandlerOfARingThatIsMadeThenIsGivenWhatItWaitsFor) {
    net::post(ctx.ring_executor(threads + 2), [&] {
        net::post(ctx.ring_executor(1), [&] { inner.set_value(); });
        EXPECT_EQ(inner.get_future().wait_for(patience), std::future_status::ready);
        outer.set_value();
    });
    outer.get_future().wait();
}

/// What is inside another handler nobody can take.
TEST_F(Crew, AHandlerInsideAHandlerIsGivenWhatItWaitsFor) {
    const auto begin = [&] {
        for (unsigned i = 0; i != threads; ++i)
            net::post(ctx.ring_executor(i), [&, i] {
                if (i == 1)
                    inner.set_value();
            });
        EXPECT_EQ(inner.get_future().wait_for(patience), std::future_status::ready);
        outer.set_value();
    };
    net::post(ctx.ring_executor(0), [&] {
        net::post(ctx.ring_executor(0), begin);
        ctx.run_one();
    });
    outer.get_future().wait();
}

/// Nobody can take what its thread drives while that is in the loop of another context.
TEST_F(Crew, AHandlerThatRunsAnotherContextIsGivenWhatItWaitsFor) {
    const aura::executor here = ctx.spread_executor();
    const unsigned ring = here.query(aura::detail::ring_t{}).shard->index();
    net::post(here, [&, ring] {
        for (unsigned i = 0; i != threads; ++i)
            net::post(ctx.ring_executor(i), [this, i, ring] {
                if (i == (ring + 1) % threads) // not the one that the thread keeps
                    inner.set_value();
            });
        aura::io_context other;
        net::post(other, [&] {
            EXPECT_EQ(inner.get_future().wait_for(patience), std::future_status::ready);
            outer.set_value();
        });
        other.run();
    });
    outer.get_future().wait();
}

/// As one whose thread is in a handler of another context: what it drives it cannot lose.
TEST_F(Crew, AThreadOfAnotherContextIsGivenWhatItWaitsFor) {
    aura::io_context other;
    auto released = inner.get_future().share();
    std::atomic<bool> over{false};
    net::post(other, [&] {
        const auto me = std::this_thread::get_id();
        std::function<void()> here = [&, me] {
            if (std::this_thread::get_id() != me) {
                net::post(ctx, here);
                return;
            }
            const std::uint64_t taken = ctx.takeovers();
            net::post(ctx, [&] { // another one does so, and can lose
                begun.set_value();
                (void)released.wait_for(patience);
                blocked.set_value();
            });
            begun.get_future().wait();
            while (ctx.takeovers() == taken) // within the limit of time
                std::this_thread::yield();
            net::post(ctx, [&] { inner.set_value(); });
            EXPECT_EQ(released.wait_for(patience), std::future_status::ready);
            over = true;
        };
        net::post(ctx, here);
        while (!over)
            ctx.run_one();
    });
    std::thread visitor([&] { other.run(); });
    while (!over)
        limit();
    blocked.get_future().wait();
    visitor.join();
}

TEST_F(Crew, AVisitOfAThreadOfAnotherContextLeavesNothingBehind) {
    aura::io_context other;
    net::post(other, [&] {
        for (int i = 0; i != 10; ++i) {
            limit();
            ctx.poll();
        }
    });
    other.run();
}

/// From a handler of the one that drives.
template <class Executor>
void fork_in_a_handler(aura::io_context& ctx, const Executor& ex, std::promise<void>& over,
                       bool announced = false) {
    net::post(ex, [&, announced] {
        if (announced)
            ctx.notify_fork(net::execution_context::fork_prepare);
        const pid_t child = ::fork();
        if (announced)
            ctx.notify_fork(child == 0 ? net::execution_context::fork_child
                                       : net::execution_context::fork_parent);
        if (child == 0) {
            ::alarm(30);
            std::atomic<bool> fired{false};
            aura::steady_timer timer(ctx, 1ms);
            timer.async_wait([&](auto) { fired = true; });
            std::thread second([&] { ctx.run_for(1s); });
            while (!fired)
                ctx.run_one_for(10ms);
            ctx.stop();
            second.join();
            ::_exit(0);
        }
        int status = -1;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
        over.set_value();
    });
    over.get_future().wait();
}

TEST_F(Crew, AChildForkedInAHandlerGoesOnWithThreadsOfItsOwn) {
    if (AURAIO_TEST_TSAN)
        GTEST_SKIP() << "ThreadSanitizer does not follow a process of several threads into its child";
    fork_in_a_handler(ctx, ctx.get_executor(), outer);
}

TEST_F(Crew, AForkThatIsAnnouncedInAHandlerLeavesBothGoingOn) {
    if (AURAIO_TEST_TSAN)
        GTEST_SKIP() << "ThreadSanitizer does not follow a process of several threads into its child";
    fork_in_a_handler(ctx, ctx.get_executor(), outer, true);
    std::promise<void> after;
    net::post(ctx, [&] { after.set_value(); });
    after.get_future().wait();
}

TEST_F(Crew, AChildForkedInAHandlerOfARingGoesOnWithThreadsOfItsOwn) {
    if (AURAIO_TEST_TSAN)
        GTEST_SKIP() << "ThreadSanitizer does not follow a process of several threads into its child";
    fork_in_a_handler(ctx, ctx.ring_executor(1), outer);
}

} // namespace
