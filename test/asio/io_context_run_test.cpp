// io_context: what each of the run functions runs, returns and leaves behind.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <concepts>
#include <utility>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

template <class Library>
class IoContextRun : public testing::Test {};
TYPED_TEST_SUITE(IoContextRun, test::libraries, test::library_names);

/// Posts `count` handlers that each add one to `calls`.
template <class Context>
void post_calls(Context& ctx, int count, int& calls) {
    for (int i = 0; i != count; ++i)
        net::post(ctx, [&calls] { ++calls; });
}

TYPED_TEST(IoContextRun, HasTheTypesOfAsio) {
    using context = typename TypeParam::context;
    static_assert(std::derived_from<context, net::execution_context>);
    static_assert(std::same_as<typename context::executor_type, typename TypeParam::executor>);
    static_assert(std::same_as<decltype(std::declval<context&>().run()), typename context::count_type>);
    static_assert(std::same_as<typename context::count_type, std::size_t>);
    static_assert(std::constructible_from<context, int>);
    static_assert(!std::copy_constructible<context> && !std::move_constructible<context>);
}

TYPED_TEST(IoContextRun, WithoutWorkReturnsZeroAndStops) {
    typename TypeParam::context ctx;
    EXPECT_FALSE(ctx.stopped());
    EXPECT_EQ(ctx.run(), 0u);
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextRun, EveryRunFunctionStopsAContextWithoutWork) {
    typename TypeParam::context ctx;
    auto stops = [&ctx](auto function) {
        ctx.restart();
        EXPECT_FALSE(ctx.stopped());
        EXPECT_EQ(function(ctx), 0u);
        EXPECT_TRUE(ctx.stopped());
    };
    stops([](auto& c) { return c.run(); });
    stops([](auto& c) { return c.run_one(); });
    stops([](auto& c) { return c.run_for(1h); });
    stops([](auto& c) { return c.run_until(steady_clock::now() + 1h); });
    stops([](auto& c) { return c.run_one_for(1h); });
    stops([](auto& c) { return c.run_one_until(steady_clock::now() + 1h); });
    stops([](auto& c) { return c.poll(); });
    stops([](auto& c) { return c.poll_one(); });
}

TYPED_TEST(IoContextRun, RunReturnsTheNumberOfHandlers) {
    typename TypeParam::context ctx;
    int calls = 0;
    post_calls(ctx, 5, calls);
    EXPECT_EQ(ctx.run(), 5u);
    EXPECT_EQ(calls, 5);
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextRun, RunCountsHandlersThatHandlersPost) {
    typename TypeParam::context ctx;
    int calls = 0;
    net::post(ctx, [&] {
        post_calls(ctx, 2, calls);
        net::post(ctx, [&] { post_calls(ctx, 1, calls); });
    });
    EXPECT_EQ(ctx.run(), 5u);
    EXPECT_EQ(calls, 3);
}

TYPED_TEST(IoContextRun, HandlersRunInTheOrderOfPosting) {
    typename TypeParam::context ctx;
    std::vector<int> order;
    for (int i = 0; i != 100; ++i)
        net::post(ctx, [&order, i] { order.push_back(i); });
    ctx.run();
    ASSERT_EQ(order.size(), 100u);
    for (int i = 0; i != 100; ++i)
        EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TYPED_TEST(IoContextRun, AStoppedContextRunsNothingUntilRestarted) {
    typename TypeParam::context ctx;
    int calls = 0;
    ctx.run();
    post_calls(ctx, 2, calls);
    EXPECT_EQ(ctx.run(), 0u);
    EXPECT_EQ(ctx.run_one(), 0u);
    EXPECT_EQ(ctx.run_for(1h), 0u);
    EXPECT_EQ(ctx.run_one_for(1h), 0u);
    EXPECT_EQ(ctx.poll(), 0u);
    EXPECT_EQ(ctx.poll_one(), 0u);
    EXPECT_EQ(calls, 0);
    ctx.restart();
    EXPECT_FALSE(ctx.stopped());
    EXPECT_EQ(ctx.run(), 2u);
}

TYPED_TEST(IoContextRun, StopInsideAHandlerLeavesTheRestForLater) {
    typename TypeParam::context ctx;
    int calls = 0;
    post_calls(ctx, 1, calls);
    net::post(ctx, [&] { ctx.stop(); });
    post_calls(ctx, 2, calls);
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(ctx.stopped());
    ctx.restart();
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(calls, 3);
}

TYPED_TEST(IoContextRun, StopBeforeRunKeepsHandlersUntilRestarted) {
    typename TypeParam::context ctx;
    int calls = 0;
    post_calls(ctx, 1, calls);
    ctx.stop();
    EXPECT_TRUE(ctx.stopped());
    EXPECT_EQ(ctx.run(), 0u);
    ctx.restart();
    EXPECT_EQ(ctx.run(), 1u);
}

TYPED_TEST(IoContextRun, RestartInsideAHandlerUndoesStop) {
    typename TypeParam::context ctx;
    int calls = 0;
    net::post(ctx, [&] {
        ctx.stop();
        ctx.restart();
        post_calls(ctx, 1, calls);
    });
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(calls, 1);
}

TYPED_TEST(IoContextRun, RunOneRunsOne) {
    typename TypeParam::context ctx;
    int calls = 0;
    post_calls(ctx, 3, calls);
    EXPECT_EQ(ctx.run_one(), 1u);
    EXPECT_EQ(calls, 1);
    EXPECT_FALSE(ctx.stopped());
    EXPECT_EQ(ctx.run_one_for(1h), 1u);
    EXPECT_EQ(ctx.run_one_until(steady_clock::now() + 1h), 1u);
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(ctx.run_one(), 0u);
}

TYPED_TEST(IoContextRun, RunOneWaitsForAHandler) {
    typename TypeParam::context ctx;
    const auto begin = steady_clock::now();
    typename TypeParam::steady_timer timer(ctx, 5ms);
    timer.async_wait(test::exactly_once([](test::error_code error) { EXPECT_FALSE(error); }));
    EXPECT_EQ(ctx.run_one(), 1u);
    EXPECT_GE(steady_clock::now() - begin, 5ms);
}

TYPED_TEST(IoContextRun, RunOneRunsOnlyOneOfTheTimersThatExpiredTogether) {
    typename TypeParam::context ctx;
    int calls = 0;
    std::vector<typename TypeParam::steady_timer> timers;
    const auto due = steady_clock::now() - 1s;
    for (int i = 0; i != 4; ++i) {
        timers.emplace_back(ctx, due);
        timers.back().async_wait([&](test::error_code) { ++calls; });
    }
    for (int i = 1; i != 5; ++i) {
        EXPECT_EQ(ctx.run_one(), 1u);
        EXPECT_EQ(calls, i);
    }
}

TYPED_TEST(IoContextRun, PollRunsWhatIsReadyAndDoesNotWait) {
    typename TypeParam::context ctx;
    int calls = 0;
    typename TypeParam::steady_timer timer(ctx, 1h);
    timer.async_wait([](test::error_code) {});
    post_calls(ctx, 3, calls);
    EXPECT_EQ(ctx.poll(), 3u);
    EXPECT_FALSE(ctx.stopped());
    EXPECT_EQ(ctx.poll(), 0u);
    EXPECT_EQ(ctx.poll_one(), 0u);
    EXPECT_FALSE(ctx.stopped());
}

TYPED_TEST(IoContextRun, PollRunsHandlersPostedByTheHandlersItRuns) {
    typename TypeParam::context ctx;
    int calls = 0;
    net::post(ctx, [&] { net::post(ctx, [&] { post_calls(ctx, 1, calls); }); });
    EXPECT_EQ(ctx.poll(), 3u);
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextRun, PollRunsTimersThatHaveExpired) {
    typename TypeParam::context ctx;
    int calls = 0;
    typename TypeParam::steady_timer timer(ctx, steady_clock::now() - 1s);
    timer.async_wait([&](test::error_code) { ++calls; });
    EXPECT_EQ(ctx.poll(), 1u);
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextRun, PollOneRunsOne) {
    typename TypeParam::context ctx;
    int calls = 0;
    post_calls(ctx, 2, calls);
    EXPECT_EQ(ctx.poll_one(), 1u);
    EXPECT_EQ(calls, 1);
    EXPECT_FALSE(ctx.stopped());
    EXPECT_EQ(ctx.poll_one(), 1u);
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(ctx.poll_one(), 0u);
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextRun, RunForReturnsWhenItsTimeIsOver) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    const auto begin = steady_clock::now();
    EXPECT_EQ(ctx.run_for(20ms), 0u);
    EXPECT_GE(steady_clock::now() - begin, 20ms);
    EXPECT_FALSE(ctx.stopped());
    EXPECT_EQ(ctx.run_one_for(5ms), 0u);
    EXPECT_EQ(ctx.run_until(steady_clock::now() + 5ms), 0u);
    EXPECT_EQ(ctx.run_one_until(steady_clock::now() + 5ms), 0u);
    EXPECT_FALSE(ctx.stopped());
}

TYPED_TEST(IoContextRun, RunForRunsMoreThanOneHandler) {
    typename TypeParam::context ctx;
    int calls = 0;
    auto work = net::make_work_guard(ctx);
    typename TypeParam::steady_timer timer(ctx, 10ms);
    timer.async_wait([&](test::error_code) {
        post_calls(ctx, 1, calls);
        work.reset();
    });
    post_calls(ctx, 3, calls);
    EXPECT_EQ(ctx.run_for(1h), 5u);
    EXPECT_EQ(calls, 4);
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(IoContextRun, ATimeThatIsOverRunsNothing) {
    typename TypeParam::context ctx;
    int calls = 0;
    post_calls(ctx, 1, calls);
    EXPECT_EQ(ctx.run_for(0s), 0u);
    EXPECT_EQ(ctx.run_one_for(0s), 0u);
    EXPECT_EQ(ctx.run_until(steady_clock::now() - 1s), 0u);
    EXPECT_EQ(ctx.run_one_until(steady_clock::now() - 1s), 0u);
    EXPECT_FALSE(ctx.stopped());
    EXPECT_EQ(ctx.run(), 1u);
}

TYPED_TEST(IoContextRun, RunForReturnsThoughHandlersNeverEnd) {
    typename TypeParam::context ctx;
    bool stop = false;
    struct repost {
        typename TypeParam::context& context;
        bool& stop;
        void operator()() {
            if (!stop)
                net::post(context, *this);
        }
    };
    net::post(ctx, repost{ctx, stop});
    const auto begin = steady_clock::now();
    EXPECT_GT(ctx.run_for(50ms), 0u); // time enough for one, however late this thread is run
    EXPECT_GE(steady_clock::now() - begin, 50ms);
    EXPECT_FALSE(ctx.stopped());
    stop = true;
    EXPECT_EQ(ctx.run(), 1u);
}

TYPED_TEST(IoContextRun, RunUntilTakesTheSystemClockToo) {
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    EXPECT_EQ(ctx.run_until(std::chrono::system_clock::now() + 5ms), 0u);
    EXPECT_EQ(ctx.run_one_until(std::chrono::system_clock::now() + 5ms), 0u);
    EXPECT_FALSE(ctx.stopped());
}

TYPED_TEST(IoContextRun, AHandlerThatRepostsItselfDoesNotStarveTimers) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 5ms);
    bool fired = false;
    timer.async_wait([&](test::error_code) { fired = true; });
    struct repost {
        typename TypeParam::context& context;
        bool& fired;
        void operator()() {
            if (!fired)
                net::post(context, *this);
        }
    };
    net::post(ctx, repost{ctx, fired});
    ctx.run();
    EXPECT_TRUE(fired);
}

TYPED_TEST(IoContextRun, ATimerThatRearmsItselfAtOnceDoesNotStarvePosts) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, steady_clock::now() - 1s);
    int posts = 0;
    struct rearm {
        typename TypeParam::steady_timer& timer;
        int& posts;
        void operator()(test::error_code) {
            if (posts == 3)
                return;
            timer.expires_at(steady_clock::now() - 1s);
            timer.async_wait(*this);
        }
    };
    timer.async_wait(rearm{timer, posts});
    struct chain {
        typename TypeParam::context& context;
        int& posts;
        void operator()() {
            if (++posts != 3)
                net::post(context, *this);
        }
    };
    net::post(ctx, chain{ctx, posts});
    ctx.run();
    EXPECT_EQ(posts, 3);
}

TYPED_TEST(IoContextRun, AConcurrencyHintChangesNothingForOneThread) {
    for (int hint : {1, 2, 64}) {
        typename TypeParam::context ctx(hint);
        int calls = 0;
        net::post(ctx, [&] { post_calls(ctx, 1, calls); });
        EXPECT_EQ(ctx.run(), 2u) << "hint " << hint;
        EXPECT_EQ(calls, 1);
        EXPECT_TRUE(ctx.stopped());
    }
}

} // namespace
