// io_context: what its destructor does with handlers that are still pending.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;

template <class Library>
class IoContextDestruction : public testing::Test {};
TYPED_TEST_SUITE(IoContextDestruction, test::libraries, test::library_names);

TYPED_TEST(IoContextDestruction, DestroysPostedHandlersWithoutRunningThem) {
    auto token = std::make_shared<int>();
    {
        typename TypeParam::context ctx;
        for (int i = 0; i != 10; ++i) {
            net::post(ctx, [token, never = test::never_called()]() mutable { never(); });
            net::post(net::make_strand(ctx), [token, never = test::never_called()]() mutable { never(); });
        }
        EXPECT_EQ(token.use_count(), 21);
    }
    EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(IoContextDestruction, DestroysHandlersInTheThreadOfTheDestructor) {
    std::thread::id destroyed_in;
    std::optional<typename TypeParam::context> ctx(std::in_place);
    std::thread([&] {
        net::post(*ctx, [] {});
        net::post(*ctx,
                  [guard = test::on_destruction([&] { destroyed_in = std::this_thread::get_id(); })] {});
        ctx->run_one();
    }).join();
    EXPECT_EQ(destroyed_in, std::thread::id());
    ctx.reset();
    EXPECT_EQ(destroyed_in, std::this_thread::get_id());
}

TYPED_TEST(IoContextDestruction, DestroysHandlersOfPendingWaits) {
    auto token = std::make_shared<int>();
    {
        typename TypeParam::context ctx;
        std::vector<typename TypeParam::steady_timer> timers;
        for (int i = 0; i != 10; ++i) {
            timers.emplace_back(ctx, 1h);
            timers.back().async_wait([token, never = test::never_called()](auto...) mutable { never(); });
        }
        ctx.poll(); // some have reached the reactor, one has not
        timers.front().async_wait([token, never = test::never_called()](auto...) mutable { never(); });
    }
    EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(IoContextDestruction, DestroysTimersThatTheirHandlersOwn) {
    auto token = std::make_shared<int>();
    {
        typename TypeParam::context ctx;
        for (int i = 0; i != 5; ++i) {
            auto timer = std::make_unique<typename TypeParam::steady_timer>(ctx, 1h);
            auto& reference = *timer;
            reference.async_wait([timer = std::move(timer), token,
                                  never = test::never_called()](auto...) mutable { never(); });
        }
        ctx.poll();
    }
    EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(IoContextDestruction, DestroysWaitsThatHaveExpiredButNotRun) {
    auto token = std::make_shared<int>();
    {
        typename TypeParam::context ctx;
        std::vector<typename TypeParam::steady_timer> timers;
        for (int i = 0; i != 10; ++i) {
            timers.emplace_back(ctx, std::chrono::steady_clock::now() - 1s);
            timers.back().async_wait([token](auto...) {});
        }
        EXPECT_EQ(ctx.run_one(), 1u);
        timers[9].cancel();
    }
    EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(IoContextDestruction, AHandlersDestructorMayPost) {
    auto token = std::make_shared<int>();
    {
        typename TypeParam::context ctx;
        auto post_again = [executor = ctx.get_executor(), token] {
            net::post(executor, [token, never = test::never_called()]() mutable { never(); });
        };
        net::post(ctx, [guard = test::on_destruction(post_again)] {});
    }
    EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(IoContextDestruction, AHandlersDestructorMayStartAndCancelWaits) {
    auto token = std::make_shared<int>();
    {
        typename TypeParam::context ctx;
        auto timer = std::make_shared<typename TypeParam::steady_timer>(ctx, 1h);
        auto wait = [timer, token] {
            timer->async_wait([token, never = test::never_called()](auto...) mutable { never(); });
        };
        net::post(ctx, [guard = test::on_destruction(wait)] {});
        net::post(ctx, [guard = test::on_destruction([timer] { timer->cancel(); })] {});
    }
    EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(IoContextDestruction, AHandlersDestructorMayEndAWorkGuard) {
    auto token = std::make_shared<int>();
    {
        typename TypeParam::context ctx;
        net::post(ctx, [token, work = net::make_work_guard(ctx)] {});
        net::post(ctx,
                  net::bind_executor(net::make_strand(ctx), [token, work = net::make_work_guard(ctx)] {}));
    }
    EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(IoContextDestruction, SuspendedCoroutinesAreDestroyed) {
    auto token = std::make_shared<int>();
    {
        typename TypeParam::context ctx;
        auto wait_for_ever = [&ctx](std::shared_ptr<int>) -> net::awaitable<void> {
            typename TypeParam::steady_timer timer(ctx, 1h);
            co_await timer.async_wait(net::use_awaitable);
            ADD_FAILURE() << "the wait was not to end";
        };
        net::co_spawn(ctx, wait_for_ever(token), net::detached);
        ctx.poll();
        net::co_spawn(ctx, wait_for_ever(token), net::detached); // this one has not begun
        EXPECT_EQ(token.use_count(), 3);
    }
    EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(IoContextDestruction, StopLeavesHandlersToTheDestructor) {
    auto token = std::make_shared<int>();
    {
        typename TypeParam::context ctx;
        auto work = net::make_work_guard(ctx);
        std::thread runner([&] { ctx.run(); });
        net::post(ctx, [&] {
            ctx.stop();
            net::post(ctx, [token, never = test::never_called()]() mutable { never(); });
        });
        runner.join();
        work.reset();
        EXPECT_EQ(token.use_count(), 2);
    }
    EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(IoContextDestruction, FollowsAnExceptionOutOfRun) {
    auto token = std::make_shared<int>();
    {
        typename TypeParam::context ctx;
        net::post(ctx, [] { throw 1; });
        net::post(ctx, [token, never = test::never_called()]() mutable { never(); });
        EXPECT_THROW(ctx.run(), int);
    }
    EXPECT_EQ(token.use_count(), 1);
}

TYPED_TEST(IoContextDestruction, OneContextsHandlersMayOwnAnother) {
    auto token = std::make_shared<int>();
    {
        typename TypeParam::context outer;
        auto inner = std::make_unique<typename TypeParam::context>();
        net::post(*inner, [token, work = net::make_work_guard(outer)] {});
        net::post(outer, [inner = std::move(inner)] {});
    }
    EXPECT_EQ(token.use_count(), 1);
}

} // namespace
