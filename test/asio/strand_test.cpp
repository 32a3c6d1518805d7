// strand: over the context and over its executor, alone and with several threads.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;

template <class Library>
class Strand : public testing::Test {};
TYPED_TEST_SUITE(Strand, test::libraries, test::library_names);

template <class Context>
void run_in_threads(Context& ctx, int threads) {
    std::vector<std::thread> runners;
    for (int i = 0; i != threads; ++i)
        runners.emplace_back([&] { ctx.run(); });
    for (auto& runner : runners)
        runner.join();
}

/// Counts without synchronisation, so that ThreadSanitizer sees what `overlapped` may miss.
struct exclusive {
    int calls = 0;
    std::atomic<int> inside = 0;
    std::atomic<bool> overlapped = false;

    void enter() {
        if (++inside != 1)
            overlapped = true;
        ++calls;
        --inside;
    }
};

TYPED_TEST(Strand, HasAsiosType) {
    typename TypeParam::context ctx;
    static_assert(std::is_same_v<decltype(net::make_strand(ctx)), net::strand<typename TypeParam::executor>>);
    static_assert(std::is_same_v<decltype(net::make_strand(ctx.get_executor())),
                                 net::strand<typename TypeParam::executor>>);
}

TYPED_TEST(Strand, HandlersKeepTheirOrder) {
    typename TypeParam::context ctx;
    auto strand = net::make_strand(ctx);
    std::vector<int> order;
    for (int i = 0; i != 1'000; ++i)
        net::post(strand, [&order, i] { order.push_back(i); });
    run_in_threads(ctx, 4);
    ASSERT_EQ(order.size(), 1'000u);
    for (int i = 0; i != 1'000; ++i)
        EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TYPED_TEST(Strand, HandlersNeverOverlap) {
    constexpr int posters = 3, posts = 2'000;
    typename TypeParam::context ctx;
    auto work = net::make_work_guard(ctx);
    auto strand = net::make_strand(ctx);
    exclusive shared;
    std::vector<std::thread> runners, threads;
    for (int i = 0; i != 3; ++i)
        runners.emplace_back([&] { ctx.run(); });
    for (int i = 0; i != posters; ++i)
        threads.emplace_back([&] {
            for (int j = 0; j != posts; ++j)
                net::post(strand, [&] { shared.enter(); });
        });
    for (auto& thread : threads)
        thread.join();
    work.reset();
    for (auto& runner : runners)
        runner.join();
    EXPECT_EQ(shared.calls, posters * posts);
    EXPECT_FALSE(shared.overlapped);
}

TYPED_TEST(Strand, SerialisesPostsTimersAndDispatches) {
    typename TypeParam::context ctx;
    auto strand = net::make_strand(ctx);
    exclusive shared;
    std::vector<typename TypeParam::steady_timer> timers;
    for (int i = 0; i != 100; ++i) {
        timers.emplace_back(ctx, std::chrono::microseconds(20 * i));
        timers.back().async_wait(net::bind_executor(strand, [&](test::error_code) { shared.enter(); }));
        net::post(strand, [&] { shared.enter(); });
        net::post(ctx, [&] { net::dispatch(strand, [&] { shared.enter(); }); });
    }
    run_in_threads(ctx, 4);
    EXPECT_EQ(shared.calls, 300);
    EXPECT_FALSE(shared.overlapped);
}

TYPED_TEST(Strand, DispatchInsideIsInlineAndOutsideIsNot) {
    typename TypeParam::context ctx;
    auto strand = net::make_strand(ctx);
    auto other = net::make_strand(ctx);
    bool inline_ran = false;
    net::post(strand, [&] {
        EXPECT_TRUE(strand.running_in_this_thread());
        EXPECT_FALSE(other.running_in_this_thread());
        EXPECT_TRUE(ctx.get_executor().running_in_this_thread());
        net::dispatch(strand, [&] { inline_ran = true; });
        EXPECT_TRUE(inline_ran);
        net::dispatch(ctx, [&] { inline_ran = false; });
        EXPECT_FALSE(inline_ran);
    });
    ctx.run();
    EXPECT_FALSE(strand.running_in_this_thread());
}

TYPED_TEST(Strand, DispatchFromTheContextRunsAtOnceIfTheStrandIsFree) {
    typename TypeParam::context ctx;
    net::strand<typename TypeParam::executor> strand(ctx.get_executor());
    bool ran = false;
    net::post(ctx, [&] {
        net::dispatch(strand, [&] { ran = true; });
        EXPECT_TRUE(ran);
    });
    ctx.run();
}

TYPED_TEST(Strand, GoesOnAfterAnException) {
    typename TypeParam::context ctx;
    auto strand = net::make_strand(ctx);
    int calls = 0;
    net::post(strand, [&] { ++calls; });
    net::post(strand, [] { throw std::runtime_error("thrown in a strand"); });
    net::post(strand, [&] { ++calls; });
    EXPECT_THROW(ctx.run(), std::runtime_error);
    EXPECT_EQ(calls, 1);
    ctx.run();
    EXPECT_EQ(calls, 2);
    EXPECT_TRUE(ctx.stopped());
}

TYPED_TEST(Strand, MayDieBeforeItsHandlersRun) {
    typename TypeParam::context ctx;
    int calls = 0;
    {
        auto strand = net::make_strand(ctx);
        for (int i = 0; i != 3; ++i)
            net::post(strand, [&] { ++calls; });
    }
    ctx.run();
    EXPECT_EQ(calls, 3);
}

TYPED_TEST(Strand, OverATypeErasedExecutor) {
    typename TypeParam::context ctx;
    auto strand = net::make_strand(net::any_io_executor(ctx.get_executor()));
    exclusive shared;
    for (int i = 0; i != 1'000; ++i)
        net::post(strand, [&] { shared.enter(); });
    run_in_threads(ctx, 3);
    EXPECT_EQ(shared.calls, 1'000);
    EXPECT_FALSE(shared.overlapped);
}

TYPED_TEST(Strand, TimersMayBeBuiltOnOne) {
    typename TypeParam::context ctx;
    using strand_type = net::strand<typename TypeParam::executor>;
    strand_type strand(ctx.get_executor());
    net::basic_waitable_timer<std::chrono::steady_clock, net::wait_traits<std::chrono::steady_clock>,
                              strand_type>
        timer(strand, 1ms);
    static_assert(std::is_same_v<std::remove_cvref_t<decltype(timer.get_executor())>, strand_type>);
    bool fired = false;
    timer.async_wait(test::exactly_once([&](test::error_code error) {
        EXPECT_FALSE(error);
        EXPECT_TRUE(strand.running_in_this_thread());
        fired = true;
    }));
    run_in_threads(ctx, 2);
    EXPECT_TRUE(fired);
}

} // namespace
