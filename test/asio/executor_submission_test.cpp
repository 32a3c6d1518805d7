// executor: post, dispatch and defer; inline or not, in which order, in which thread.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace net = test::net;
namespace execution = test::net::execution;

template <class Library>
class Submission : public testing::Test {};
TYPED_TEST_SUITE(Submission, test::libraries, test::library_names);

TYPED_TEST(Submission, OutsideOfRunNothingIsInline) {
    typename TypeParam::context ctx;
    int calls = 0;
    auto count = [&] { ++calls; };
    net::post(ctx, count);
    net::dispatch(ctx, count);
    net::defer(ctx, count);
    test::execute_on(ctx.get_executor(), count);
    EXPECT_EQ(calls, 0);
    EXPECT_EQ(ctx.run(), 4u);
    EXPECT_EQ(calls, 4);
}

TYPED_TEST(Submission, InsideAHandlerOnlyDispatchIsInline) {
    typename TypeParam::context ctx;
    bool posted = false, deferred = false, dispatched = false, executed = false, executed_later = false;
    net::post(ctx, [&] {
        net::post(ctx, [&] { posted = true; });
        net::defer(ctx, [&] { deferred = true; });
        net::dispatch(ctx, [&] { dispatched = true; });
        test::execute_on(ctx.get_executor(), [&] { executed = true; });
        test::execute_on(net::require(ctx.get_executor(), execution::blocking.never),
                         [&] { executed_later = true; });
        EXPECT_FALSE(posted);
        EXPECT_FALSE(deferred);
        EXPECT_TRUE(dispatched);
        EXPECT_TRUE(executed);
        EXPECT_FALSE(executed_later);
    });
    EXPECT_EQ(ctx.run(), 4u);
    EXPECT_TRUE(posted && deferred && executed_later);
}

TYPED_TEST(Submission, DispatchNestsInline) {
    typename TypeParam::context ctx;
    std::vector<int> order;
    net::dispatch(ctx, [&] {
        net::dispatch(ctx, [&] {
            net::dispatch(ctx, [&] { order.push_back(1); });
            order.push_back(2);
        });
        order.push_back(3);
    });
    EXPECT_EQ(ctx.run(), 1u); // an inline call is part of the handler it is in
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TYPED_TEST(Submission, RunningInThisThreadTellsWhetherDispatchIsInline) {
    typename TypeParam::context ctx, other;
    const auto executor = ctx.get_executor();
    EXPECT_FALSE(executor.running_in_this_thread());
    net::post(ctx, [&] {
        EXPECT_TRUE(executor.running_in_this_thread());
        EXPECT_FALSE(other.get_executor().running_in_this_thread());
        std::thread([&] { EXPECT_FALSE(executor.running_in_this_thread()); }).join();
    });
    ctx.run();
    EXPECT_FALSE(executor.running_in_this_thread());
}

TYPED_TEST(Submission, PostKeepsItsOrderInsideAHandler) {
    typename TypeParam::context ctx;
    std::vector<int> order;
    net::post(ctx, [&] {
        for (int i = 0; i != 5; ++i)
            net::post(ctx, [&order, i] { order.push_back(i); });
    });
    ctx.run();
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
}

TYPED_TEST(Submission, DeferKeepsItsOrderInsideAHandler) {
    typename TypeParam::context ctx;
    std::vector<int> order;
    net::post(ctx, [&] {
        for (int i = 0; i != 5; ++i)
            net::defer(ctx, [&order, i] { order.push_back(i); });
    });
    ctx.run();
    EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4}));
}

/// Submits itself until `done`.
template <class Context, class Submit>
struct resubmit {
    Context& ctx;
    bool& done;
    Submit submit;

    void operator()() {
        if (!done)
            submit(ctx, *this);
    }
};

TYPED_TEST(Submission, AnEndlessChainStarvesNoOtherWork) {
    typename TypeParam::context ctx;
    auto defer = [](auto& c, auto f) { net::defer(c, std::move(f)); };
    auto post = [](auto& c, auto f) { net::post(c, std::move(f)); };
    bool done = false;
    auto end = [&] { done = true; };
    // The chain begins before the work that is to end it exists.
    net::post(ctx, resubmit<typename TypeParam::context, decltype(defer)>{ctx, done, defer});
    EXPECT_EQ(ctx.run_one(), 1u);
    net::post(ctx, end);
    ctx.run();
    EXPECT_TRUE(done);

    ctx.restart();
    done = false;
    net::post(ctx, resubmit<typename TypeParam::context, decltype(post)>{ctx, done, post});
    net::post(ctx, [&] { net::defer(ctx, end); });
    ctx.run();
    EXPECT_TRUE(done);
}

TYPED_TEST(Submission, WorkOfAnotherThreadInterruptsAnEndlessChain) {
    typename TypeParam::context ctx;
    auto defer = [](auto& c, auto f) { net::defer(c, std::move(f)); };
    bool done = false;
    net::post(ctx, resubmit<typename TypeParam::context, decltype(defer)>{ctx, done, defer});
    std::promise<void> running;
    net::post(ctx, [&] { running.set_value(); });
    std::thread runner([&] { ctx.run(); });
    running.get_future().wait();
    net::post(ctx, [&] { done = true; });
    runner.join();
    EXPECT_TRUE(done);
}

TYPED_TEST(Submission, FunctionsMayBeMoveOnly) {
    typename TypeParam::context ctx;
    int sum = 0;
    auto add = [&sum](int n) { return [&sum, p = std::make_unique<int>(n)] { sum += *p; }; };
    net::post(ctx, add(1));
    net::dispatch(ctx, add(2));
    net::defer(ctx, add(4));
    net::post(net::make_strand(ctx), add(8));
    net::post(ctx, [&] { net::dispatch(ctx, add(16)); });
    ctx.run();
    EXPECT_EQ(sum, 31);
}

TYPED_TEST(Submission, FunctionsAreDestroyedInTheThreadThatRanThem) {
    typename TypeParam::context ctx;
    bool destroyed = false;
    net::post(ctx, [guard = test::on_destruction([&] {
                        destroyed = true;
                        EXPECT_TRUE(ctx.get_executor().running_in_this_thread());
                    })] {});
    ctx.run();
    EXPECT_TRUE(destroyed);
}

TYPED_TEST(Submission, APostedHandlerRunsOnItsAssociatedExecutor) {
    typename TypeParam::context first, second;
    bool ran = false;
    net::post(first, net::bind_executor(second, [&] {
                  EXPECT_TRUE(second.get_executor().running_in_this_thread());
                  ran = true;
              }));
    auto in_second = std::async(std::launch::async, [&] {
        auto work = net::make_work_guard(second);
        return second.run_one();
    });
    EXPECT_EQ(first.run(), 1u); // only passes it on
    EXPECT_EQ(in_second.get(), 1u);
    EXPECT_TRUE(ran);
}

TYPED_TEST(Submission, AnAssociatedExecutorIsKeptBusyMeanwhile) {
    typename TypeParam::context first, second;
    net::post(first, net::bind_executor(second, [] {}));
    EXPECT_EQ(second.poll(), 0u);
    EXPECT_FALSE(second.stopped()); // it will get work
    EXPECT_EQ(first.run(), 1u);
    EXPECT_EQ(second.run(), 1u);
}

TYPED_TEST(Submission, PostWithUseFutureGivesTheResult) {
    typename TypeParam::context ctx;
    std::future<void> done = net::post(ctx, net::use_future);
    std::future<int> answer = net::post(ctx, net::use_future([] { return 42; }));
    std::future<int> thrown = net::post(ctx, net::use_future([]() -> int { throw 7; }));
    EXPECT_EQ(ctx.run(), 3u);
    done.get();
    EXPECT_EQ(answer.get(), 42);
    EXPECT_THROW(thrown.get(), int);
}

TYPED_TEST(Submission, PostWithDeferredDoesNothingUntilCalled) {
    typename TypeParam::context ctx;
    auto operation = net::post(ctx, test::deferred);
    EXPECT_EQ(ctx.run(), 0u);
    ctx.restart();
    bool ran = false;
    std::move(operation)(test::exactly_once([&] { ran = true; }));
    EXPECT_FALSE(ran);
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_TRUE(ran);
}

TYPED_TEST(Submission, DetachedIsTakenByEachFunction) {
    typename TypeParam::context ctx;
    net::post(ctx, net::detached);
    net::dispatch(ctx, net::detached);
    net::defer(ctx, net::detached);
    EXPECT_EQ(ctx.run(), 3u);
}

TYPED_TEST(Submission, WorksThroughATypeErasedExecutor) {
    typename TypeParam::context ctx;
    const net::any_io_executor any = ctx.get_executor();
    std::vector<int> order;
    net::post(any, [&] {
        net::dispatch(any, [&] { order.push_back(1); });
        net::post(any, [&] { order.push_back(3); });
        order.push_back(2);
    });
    EXPECT_EQ(ctx.run(), 2u);
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TYPED_TEST(Submission, AWorkGuardKnowsItsExecutor) {
    typename TypeParam::context ctx;
    net::executor_work_guard<typename TypeParam::executor> work(ctx.get_executor());
    EXPECT_TRUE(work.owns_work());
    EXPECT_EQ(work.get_executor(), ctx.get_executor());
    auto copy = work;
    auto moved = std::move(work);
    EXPECT_FALSE(work.owns_work());
    moved.reset();
    EXPECT_FALSE(moved.owns_work());
    EXPECT_EQ(ctx.poll(), 0u);
    EXPECT_FALSE(ctx.stopped());
    copy.reset();
    copy.reset();
    EXPECT_EQ(ctx.poll(), 0u);
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(Submission, AWorkGuardMayBeMadeOfAnyExecutor) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx);
    auto of_timer = net::make_work_guard(timer.get_executor());
    auto of_strand = net::make_work_guard(net::make_strand(ctx));
    auto of_any = net::make_work_guard(net::any_io_executor(ctx.get_executor()));
    of_timer.reset();
    ctx.poll();
    EXPECT_FALSE(ctx.stopped());
    of_strand.reset();
    ctx.poll();
    EXPECT_FALSE(ctx.stopped());
    of_any.reset();
    ctx.poll();
    EXPECT_TRUE(ctx.stopped());
}

} // namespace
