// nested runs: a handler that runs its own context serves every ring that this thread serves, its own and
// those whose thread has left.
#include <auraio/auraio.hpp>

#include "support/ring_configurations.hpp"

#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;

namespace {

class NestedRun : public testing::TestWithParam<ring_configuration> {};
INSTANTIATE_TEST_SUITE_P(Flags, NestedRun, testing::ValuesIn(adoptable_rings), configuration_name);

/// Each way to run a context until a condition holds.
void run_until(aura::io_context& ctx, int how, const bool& done) {
    while (!done)
        switch (how) {
        case 0:
            ctx.run_one();
            break;
        case 1:
            ctx.poll();
            break;
        case 2:
            ctx.poll_one();
            break;
        case 3:
            ctx.run_for(5ms);
            break;
        default:
            ctx.run_one_for(1s);
            break;
        }
}
constexpr int ways = 5;

TEST_P(NestedRun, ServesATimerOfARingWithoutAThread) {
    for (int how = 0; how < ways; ++how) {
        SCOPED_TRACE(how);
        aura::io_context ctx(GetParam().options());
        aura::steady_timer timer(ctx.ring_executor(1), 10ms);
        bool fired = false, done = false;
        timer.async_wait([&](aura::error_code ec) { fired = !ec; });
        net::post(ctx, [&] {
            run_until(ctx, how, fired);
            done = true;
        });
        ctx.run_for(20s);
        EXPECT_TRUE(done);
    }
}

TEST_P(NestedRun, FromARingWithoutAThreadServesThatRingAndTheOthers) {
    for (int how = 0; how < ways; ++how) {
        SCOPED_TRACE(how);
        aura::io_context ctx(GetParam().options());
        int ends[2];
        ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        aura::stream_file reader(ctx.ring_executor(1), ends[0]);
        aura::steady_timer own(ctx.ring_executor(1), 5ms), home(ctx.ring_executor(0), 5ms),
            third(ctx.ring_executor(2), 5ms);
        int count = 0;
        bool all = false, done = false;
        const auto one_more = [&](aura::error_code ec, auto...) {
            EXPECT_FALSE(ec);
            all = ++count == 4;
        };
        char letter[1];
        net::post(ctx.ring_executor(1), [&] {
            own.async_wait(one_more);
            home.async_wait(one_more);
            third.async_wait([&](aura::error_code ec) {
                EXPECT_EQ(::write(ends[1], "x", 1), 1);
                one_more(ec);
            });
            reader.async_read_some(net::buffer(letter), one_more);
            run_until(ctx, how, all);
            done = true;
        });
        ctx.run_for(20s);
        EXPECT_TRUE(done);
        EXPECT_EQ(count, 4);
        ::close(ends[1]);
    }
}

/// The token of a ring stays with the thread that has a handler of it on its stack, however deep.
TEST_P(NestedRun, NoOtherThreadRunsAHandlerOfTheRingMeanwhile) {
    aura::io_context ctx(GetParam().options());
    auto guard = net::make_work_guard(ctx);
    const auto ring = ctx.ring_executor(1);
    std::atomic<int> entered{0}, wrong{0}, finished{0};
    const auto where = std::make_shared<std::thread::id>();
    std::atomic<bool> in_nested{false}, others_came{false};
    net::post(ring, [&] {
        *where = std::this_thread::get_id();
        in_nested = true;
        in_nested.notify_all();
        for (int i = 0; i < 32; ++i)
            net::post(ring, [&] {
                wrong += std::this_thread::get_id() != *where;
                ++entered;
            });
        others_came.wait(false);
        while (entered < 32)
            ctx.run_one();
        ++finished;
    });
    std::thread first([&] { ctx.run(); });
    in_nested.wait(false);
    std::thread second([&] { ctx.run(); }), third([&] {
        net::post(ctx, [&] {
            others_came = true;
            others_came.notify_all();
        });
        ctx.run();
    });
    while (finished == 0)
        std::this_thread::yield();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(entered, 32);
    guard.reset();
    first.join();
    second.join();
    third.join();
}

TEST_P(NestedRun, AnExceptionFromWithinLeavesTheRingsInOrder) {
    aura::io_context ctx(GetParam().options());
    const auto ring = ctx.ring_executor(1);
    int later = 0;
    net::post(ring, [&] {
        net::post(ring, [] { throw std::runtime_error("expected"); });
        net::post(ring, [&] { ++later; });
        for (;;)
            ctx.run_one();
    });
    EXPECT_THROW(ctx.run_for(20s), std::runtime_error);
    ctx.run_for(20s);
    EXPECT_EQ(later, 1);
    bool elsewhere = false;
    net::post(ring, [&] { elsewhere = true; });
    std::thread([&] {
        ctx.restart();
        ctx.run_for(20s);
    }).join();
    EXPECT_TRUE(elsewhere);
}

} // namespace
