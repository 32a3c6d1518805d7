// io_context::stats(): what the counters say of a program whose behaviour is known.
#include "support/scratch_file.hpp"
#include "support/sleeping_threads.hpp"

#include <auraio/auraio.hpp>

#include <array>
#include <chrono>
#include <fcntl.h>
#include <functional>
#include <thread>
#include <unistd.h>
#include <vector>

#include <asio.hpp>
#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;

TEST(Stats, CountRequestsHandlersAndSystemCalls) {
    const test::scratch_file scratch(64 * 4096);
    aura::io_context context(1);
    aura::random_access_file file(context, scratch.path(), aura::random_access_file::read_only);
    std::array<char, 4096> buffer{};
    constexpr unsigned reads = 640;
    unsigned done = 0;
    std::function<void()> next = [&] {
        file.async_read_some_at(done % 64 * 4096, asio::buffer(buffer),
                                [&](aura::error_code ec, std::size_t) {
                                    EXPECT_FALSE(ec);
                                    if (++done < reads)
                                        next();
                                });
    };
    next();
    context.run();
    const aura::ring_stats s = context.stats().total();
    EXPECT_EQ(s.submitted, reads);
    EXPECT_EQ(s.completed, reads);
    EXPECT_EQ(s.in_flight, 0u);
    EXPECT_EQ(s.operations, 0);
    EXPECT_EQ(s.handlers, reads);
    EXPECT_GE(s.enters, reads / 2); // one after the other
    EXPECT_LE(s.enters, 3 * reads);
    EXPECT_GE(s.turns, reads);
    EXPECT_GE(s.read_latency.count(), reads / 64);
    EXPECT_LE(s.read_latency.count(),
              reads); // all, where the device is slow, or the machine busy with other things
    EXPECT_GT(s.read_latency.percentile(0.5), 0u);
    EXPECT_EQ(s.write_latency.count(), 0u);
}

TEST(Stats, AThresholdSubmitsInTheMiddleOfATurn) {
    const test::scratch_file scratch(8 * 4096);
    aura::io_context context(1);
    aura::random_access_file file(context, scratch.path(), aura::random_access_file::read_only);
    std::array<std::array<char, 4096>, 8> buffers{};
    for (const unsigned threshold : {0u, 1u, 4u, 0u}) {
        context.set_batch_threshold(threshold);
        std::uint64_t enters = 0;
        unsigned ended = 0;
        asio::post(context.ring_executor(0), [&] {
            const std::uint64_t before = context.stats().total().enters;
            for (std::size_t i = 0; i < buffers.size(); ++i)
                file.async_read_some_at(i * 4096, asio::buffer(buffers[i]),
                                        [&](aura::error_code ec, std::size_t) { ended += !ec; });
            enters = context.stats().total().enters - before;
        });
        context.restart();
        context.run();
        EXPECT_EQ(ended, buffers.size());
        EXPECT_EQ(enters, threshold == 0 ? 0 : buffers.size() / threshold) << threshold;
    }
}

TEST(Stats, CountHandlersOfPureTurnsAndOfTheContext) {
    aura::io_context context;
    unsigned ran = 0;
    std::function<void()> again = [&] {
        if (++ran < 1000)
            asio::post(context.ring_executor(0), again);
    };
    asio::post(context.ring_executor(0), again);
    for (int i = 0; i < 10; ++i)
        asio::post(context, [] {});
    context.run();
    EXPECT_EQ(context.stats().total().handlers, 1010u);
}

TEST(Stats, ShowAHandlerThatBlocks) {
    aura::io_context context(1);
    aura::steady_timer timer(context, 1h); // something to look after
    timer.async_wait([](aura::error_code) {});
    asio::post(context, [] {
        const auto until = std::chrono::steady_clock::now() + 60ms;
        while (std::chrono::steady_clock::now() < until) {
        }
    });
    asio::post(context, [&] { timer.cancel(); });
    context.run();
    const aura::ring_stats s = context.stats().total();
    EXPECT_GE(s.loop_delay_max, 30'000'000u); // 60 ms, less up to two ticks of 10 ms
    EXPECT_GE(s.long_turns, 1u);
}

TEST(Stats, CountWakesAndMayBeReadWhileTheRingRuns) {
    aura::io_context context(1);
    auto work = asio::make_work_guard(context);
    test::running_threads runner(context, 1);
    while (context.stats().total().wakes_received < 5) {
        EXPECT_TRUE(runner.await_sleep()); // a moment after each
        asio::post(context, [] {});
    }
    work.reset();
    runner.join();
    const aura::ring_stats s = context.stats().total();
    EXPECT_GE(s.wakes_received, 5u);
    EXPECT_EQ(s.wakes_sent, 0u); // nobody in run() has sent any
    EXPECT_FALSE(context.stats().rings[0].driven);
}

TEST(Stats, MeasureOneHandlerInSixtyOne) {
    aura::io_context context(1);
    unsigned ran = 0;
    std::function<void()> again = [&] {
        if (++ran < 640)
            asio::post(context, again);
    };
    asio::post(context, again);
    context.run();
    const aura::ring_stats s = context.stats().total();
    ASSERT_EQ(s.handlers, 640u);
    EXPECT_EQ(s.queue_delay.count(), 10u);
    EXPECT_EQ(s.handler_time.count(), 10u);
}

TEST(Stats, ShowWhatHandlersTakeAndWhatWaitsForThem) {
    aura::io_context context(1);
    const auto compute = [] {
        const auto end = std::chrono::steady_clock::now() + 1ms;
        while (std::chrono::steady_clock::now() < end)
            ;
    };
    for (int i = 0; i < 64; ++i) // one turn
        asio::post(context, compute);
    context.run();
    const aura::ring_stats s = context.stats().total();
    ASSERT_EQ(s.handler_time.count(), 1u);
    EXPECT_GE(s.handler_time.max(), 1'000'000u);
    EXPECT_GE(s.queue_delay.max(), 60'000'000u) << "it is the 61st";
    EXPECT_GE(s.busy_time, 40'000'000u) << "64 ms, by a clock that may be two steps of 10 behind";
}

TEST(Stats, MeasureAlsoWhatAnyThreadMayRun) {
    aura::io_context context(2); // its queue is for all threads
    for (int i = 0; i < 122; ++i)
        asio::post(context, [] {});
    context.run();
    EXPECT_EQ(context.stats().total().handler_time.count(), 2u);
}

TEST(Stats, ShowWaitingAsIdleWhileItLasts) {
    aura::io_context context(1);
    auto work = asio::make_work_guard(context);
    std::jthread runner([&] { context.run(); });
    std::uint64_t idle = 0;
    while (idle < 50'000'000) { // nothing ends the wait meanwhile
        const std::uint64_t now = context.stats().total().idle_time;
        ASSERT_GE(now, idle);
        idle = now;
        std::this_thread::yield();
    }
    work.reset();
    runner.join();
    EXPECT_GE(context.stats().total().idle_time, idle);
}

TEST(Stats, ShowTheTimeInTheKernel) {
    aura::io_context context(1);
    std::uint64_t spent = 0;
    asio::post(context, [&] {
        const std::uint64_t before = context.stats().total().system_time;
        const int zeros = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
        std::vector<char> memory(1 << 20);
        const auto give_up = std::chrono::steady_clock::now() + 60s;
        while (spent < 20'000'000 && std::chrono::steady_clock::now() < give_up &&
               ::read(zeros, memory.data(), memory.size()) > 0)
            spent = context.stats().total().system_time - before;
        ::close(zeros);
    });
    context.run();
    EXPECT_GE(spent, 20'000'000u);
    const std::uint64_t sum = context.stats().total().system_time;
    EXPECT_GE(sum, spent) << "nobody drives it any more";
    context.restart();
    asio::post(context, [] {});
    std::thread([&] { context.run(); }).join();
    EXPECT_GE(context.stats().total().system_time, sum) << "another has";
}

} // namespace
