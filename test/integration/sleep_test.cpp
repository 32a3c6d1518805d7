// Threads with nothing to do sleep, and wake in time: deadlines that move, that another thread has set, and
// what must not keep a loop turning meanwhile.
#include <auraio/auraio.hpp>

#include "support/ring_configurations.hpp"
#include "support/scratch_file.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <latch>
#include <optional>
#include <semaphore>
#include <thread>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

namespace {

// Later than any of these tests ends by itself.
constexpr auto far = 1h;
// A machine that is busy with other things is late, but not by this much.
constexpr auto patience = 20s;

class Sleep : public testing::TestWithParam<ring_configuration> {};
class SleepOfSeveral : public testing::TestWithParam<ring_configuration> {};
INSTANTIATE_TEST_SUITE_P(Flags, Sleep, testing::ValuesIn(all_rings), configuration_name);
INSTANTIATE_TEST_SUITE_P(Flags, SleepOfSeveral, testing::ValuesIn(adoptable_rings), configuration_name);

/// Runs until `timer`, which expires last, has fired; no earlier than it was due.
void run_until_fired(aura::io_context& ctx, aura::steady_timer& timer) {
    bool fired = false;
    timer.async_wait([&](aura::error_code ec) {
        EXPECT_FALSE(ec);
        fired = true;
        ctx.stop();
    });
    ctx.run_for(patience);
    ctx.restart();
    EXPECT_TRUE(fired);
    EXPECT_GE(steady_clock::now(), timer.expiry());
}

TEST_P(Sleep, AnEarlierDeadlineFollowsALaterOne) {
    aura::io_context ctx(GetParam().options());
    aura::steady_timer last(ctx, far);
    last.async_wait([](aura::error_code) {});
    for (const auto delay : {40ms, 20ms, 5ms, 2ms, 1ms, 0ms}) {
        aura::steady_timer timer(ctx, delay);
        run_until_fired(ctx, timer);
    }
    last.cancel();
}

TEST_P(Sleep, ADeadlineIsMovedWhileTheThreadWouldSleep) {
    aura::io_context ctx(GetParam().options());
    aura::steady_timer timer(ctx, far);
    // Each wait for the short one is preceded by one for the far one, and followed by another.
    for (int i = 0; i < 20; ++i) {
        timer.expires_after(far);
        timer.async_wait([](aura::error_code ec) { EXPECT_EQ(ec, net::error::operation_aborted); });
        ctx.run_for(1ms);
        ctx.restart();
        timer.expires_after(3ms);
        run_until_fired(ctx, timer);
    }
}

TEST_P(Sleep, ATickDoesNotKeepTheLoopTurning) {
    aura::io_context ctx(GetParam().options());
    const scratch_file scratch(4096);
    aura::random_access_file file(ctx, scratch.path(), aura::file_base::read_only);
    std::array<char, 4096> buffer;
    std::uint64_t before = 0;
    file.async_read_some_at(0, net::buffer(buffer), [&](aura::error_code ec, std::size_t) {
        EXPECT_FALSE(ec);
        before =
            ctx.stats().total().turns; // from here on the device is looked after every 10 ms, for a while
    });
    aura::steady_timer timer(ctx, 300ms);
    run_until_fired(ctx, timer);
    // A few for each of 30 ticks at most; a loop that spins has thousands.
    EXPECT_LE(ctx.stats().total().turns - before, 300u);
}

TEST_P(SleepOfSeveral, ADeadlineOutlivesTheThreadThatWaitedForIt) {
    for (std::chrono::milliseconds delay = 200ms; delay < patience; delay *= 2) {
        aura::io_context ctx(GetParam().options());
        aura::steady_timer timer(ctx, delay);
        bool fired = false;
        timer.async_wait([&](aura::error_code) { fired = true; });
        std::thread([&] { ctx.run_for(20ms); }).join();
        const bool fired_there = fired;
        ctx.restart();
        ctx.run_for(patience);
        EXPECT_TRUE(fired);
        EXPECT_GE(steady_clock::now(), timer.expiry());
        if (!fired_there)
            return;
    } // the machine was so busy that the thread ran when the timer was due: once more, with more time
    FAIL() << "it always fires in the thread that waits for less long";
}

TEST_P(SleepOfSeveral, ADeadlineFiresWhileTheThreadThatWaitedForItIsElsewhere) {
    aura::io_context ctx(GetParam().options());
    aura::steady_timer timer(ctx, 200ms);
    bool fired = false;
    timer.async_wait([&](aura::error_code) { fired = true; });
    std::latch left(1);
    std::binary_semaphore over(0);
    std::thread elsewhere([&] {
        ctx.run_for(20ms);
        left.count_down();
        over.acquire();
    });
    left.wait();
    ctx.restart();
    ctx.run_for(patience);
    EXPECT_TRUE(fired);
    over.release();
    elsewhere.join();
}

// A ring whose thread has left is watched by another's: what remains in it must not show for ever.
TEST_P(SleepOfSeveral, AnOrphansWakeDoesNotKeepItsStewardTurning) {
    aura::io_context ctx(GetParam().options());
    auto work = std::make_optional(net::make_work_guard(ctx));
    std::optional<aura::steady_timer> orphaned;
    const auto on_orphan = [&](auto f) {
        std::latch done(1);
        net::post(ctx.ring_executor(1), [&] {
            f();
            done.count_down();
        });
        done.wait();
    };
    {
        std::array<std::thread, 2> threads;
        for (auto& t : threads)
            t = std::thread([&] { ctx.run(); });
        const auto both_have_rings = [&] { // before there is one that the first would look after
            const auto rings = ctx.stats().rings;
            return rings.size() == 2 && rings[0].driven && rings[1].driven;
        };
        while (!both_have_rings())
            std::this_thread::yield();
        orphaned.emplace(ctx.ring_executor(1));
        on_orphan([&] {
            orphaned->expires_after(100ms);
            orphaned->async_wait([](aura::error_code) {});
        });
        on_orphan([] {}); // between the two it has slept
        ctx.stop();
        for (auto& t : threads)
            t.join();
    }
    ctx.restart();
    aura::steady_timer timer(ctx.ring_executor(0), 400ms);
    timer.async_wait([&](aura::error_code) { work.reset(); });
    const std::uint64_t before = ctx.stats().total().turns;
    ctx.run_for(patience);
    EXPECT_FALSE(work);
    EXPECT_LE(ctx.stats().total().turns - before, 100u);
}

} // namespace
