// io_context::stats(): what the counters say of a program whose behaviour is known.
#include "support/scratch_file.hpp"

#include <auraio/auraio.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <thread>

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
    std::jthread runner([&] { context.run(); });
    while (context.stats().total().wakes_received < 5) // the ring falls asleep between some of these
        asio::post(context, [] {});
    work.reset();
    runner.join();
    const aura::ring_stats s = context.stats().total();
    EXPECT_GE(s.wakes_received, 5u);
    EXPECT_EQ(s.wakes_sent, 0u); // nobody in run() has sent any
    EXPECT_FALSE(context.stats().rings[0].driven);
}

} // namespace
