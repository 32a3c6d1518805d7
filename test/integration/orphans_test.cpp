// Rings without a thread of their own where several threads run: whoever is idle serves them.
#include <auraio/auraio.hpp>

#include "support/counter.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace std::chrono_literals;
using test::counter;

namespace {

/// Two threads in run(), on rings 0 and 1; of the others each has neither.
class Orphans : public testing::Test {
protected:
    static constexpr unsigned first = 2;
    static constexpr int count = 4;

    /// No handler is needed for that: of one that waits for the other thread this one might take the ring over, and
    /// who has lost one may come back to any.
    Orphans() {
        for (std::thread& t : threads)
            t = std::thread([this] { ctx.run(); });
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (!both_have_rings() && std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
        EXPECT_TRUE(both_have_rings());
    }
    ~Orphans() override {
        work.reset();
        for (std::thread& t : threads)
            t.join();
    }

    bool both_have_rings() {
        const auto rings = ctx.stats().rings;
        return rings.size() == 2 && rings[0].driven && rings[1].driven;
    }
    aura::executor orphan(int i) { return ctx.ring_executor(first + static_cast<unsigned>(i)); }

    /// A function and a timer on each orphan but `except`.
    void start_on_orphans(counter& ran, int except = -1) {
        for (int i = 0; i < count; ++i)
            if (i != except) {
                net::post(orphan(i), [&] { ran.add(); });
                timers.emplace_back(std::make_unique<aura::steady_timer>(orphan(i), 2ms))
                    ->async_wait([&](aura::error_code ec) {
                        EXPECT_FALSE(ec);
                        ran.add();
                    });
            }
    }

    aura::io_context ctx;
    net::executor_work_guard<aura::executor> work = net::make_work_guard(ctx);
    std::vector<std::unique_ptr<aura::steady_timer>> timers;
    std::array<std::thread, 2> threads;
};

TEST_F(Orphans, WaitForNoHandlerOfAnother) {
    for (int stuck = 0; stuck < count; ++stuck) {
        counter ran, entered, over;
        net::post(orphan(stuck), [&] {
            entered.add();
            EXPECT_TRUE(ran.await(2 * (count - 1)));
            over.add();
        });
        EXPECT_TRUE(entered.await(1));
        start_on_orphans(ran, stuck);
        EXPECT_TRUE(over.await(1));
    }
}

TEST(OrphansOfOneThread, WaitForNoHandlerOnceAnotherHasCome) {
    aura::io_context ctx;
    const auto work = net::make_work_guard(ctx);
    counter ran, entered, over;
    net::post(ctx.ring_executor(1), [&] {
        entered.add();
        EXPECT_TRUE(ran.await(2));
        over.add();
    });
    (void)ctx.ring_executor(3);
    std::thread first([&] { ctx.run(); });
    EXPECT_TRUE(entered.await(1));
    std::thread second([&] { ctx.run(); }); // serves the ring that it takes, and the other one
    for (unsigned i : {2u, 3u})
        net::post(ctx.ring_executor(i), [&] { ran.add(); });
    EXPECT_TRUE(over.await(1));
    ctx.stop();
    first.join();
    second.join();
}

TEST_F(Orphans, WaitForNoHandlerOfARingWithAThread) {
    for (unsigned stuck = 0; stuck < 2; ++stuck) {
        counter ran, entered, over;
        net::post(ctx.ring_executor(stuck), [&] {
            entered.add();
            EXPECT_TRUE(ran.await(2 * count));
            over.add();
        });
        EXPECT_TRUE(entered.await(1));
        start_on_orphans(ran);
        EXPECT_TRUE(over.await(1));
    }
}

TEST_F(Orphans, WaitForNoWorkOfTheContext) {
    for (int round = 0; round < 4; ++round) { // whichever thread looks after them takes it once
        counter ran, over;
        start_on_orphans(ran);
        net::post(ctx, [&] {
            EXPECT_TRUE(ran.await(2 * count));
            over.add();
        });
        EXPECT_TRUE(over.await(1));
    }
}

TEST_F(Orphans, WaitForNoHandlerThatHasRunALoop) {
    for (int round = 0; round < 100; ++round) {
        counter ran, over;
        start_on_orphans(ran);
        net::post(ctx.ring_executor(static_cast<unsigned>(round % 2)), [&] {
            ctx.poll(); // may look after orphans meanwhile
            EXPECT_TRUE(ran.await(2 * count));
            over.add();
        });
        EXPECT_TRUE(over.await(1));
    }
}

TEST_F(Orphans, WhatHasBecomeReadyTogetherIsNotHeldTogether) {
    // All of it is there before anybody looks: both threads are in these.
    counter entered, go, ran, over;
    for (unsigned i = 0; i < 2; ++i)
        net::post(ctx.ring_executor(i), [&] {
            entered.add();
            EXPECT_TRUE(go.await(1));
        });
    EXPECT_TRUE(entered.await(2));
    net::post(orphan(0), [&] {
        EXPECT_TRUE(ran.await(2 * (count - 1)));
        over.add();
    });
    start_on_orphans(ran, 0);
    go.add();
    EXPECT_TRUE(over.await(1));
}

TEST_F(Orphans, AHandlerThatRunsTheContextServesItsOwn) {
    counter over;
    for (int i = 0; i < count; ++i)
        net::post(orphan(i), [&, i] {
            bool fired = false; // plain: only this ring touches it
            aura::steady_timer timer(orphan(i), 1ms);
            timer.async_wait([&](aura::error_code) { fired = true; });
            const auto end = std::chrono::steady_clock::now() + 10s;
            while (!fired && std::chrono::steady_clock::now() < end)
                ctx.run_one_for(10ms);
            EXPECT_TRUE(fired);
            over.add();
        });
    EXPECT_TRUE(over.await(count));
}

TEST_F(Orphans, StayStrandsWhileThreadsComeAndGo) {
    constexpr int rounds = 300;
    struct strand_state {
        int inside = 0, ran = 0; // plain: the ring guards them
    };
    std::array<strand_state, count + first> states;
    counter over;
    struct chain {
        aura::io_context& ctx;
        std::array<strand_state, count + first>& states;
        counter& over;
        unsigned ring;
        int left;
        void operator()() {
            strand_state& s = states[ring];
            EXPECT_EQ(++s.inside, 1);
            ++s.ran;
            --s.inside;
            if (left == 0)
                return over.add();
            ring = (ring + 1) % static_cast<unsigned>(states.size());
            --left;
            net::post(ctx.ring_executor(ring), *this);
        }
    };
    std::atomic<bool> enough{false};
    std::array<std::thread, 2> visitors;
    for (std::thread& t : visitors)
        t = std::thread([&] {
            while (!enough)
                ctx.run_one_for(1ms);
        });
    for (unsigned i = 0; i < states.size(); ++i)
        net::post(ctx.ring_executor(i), chain{ctx, states, over, i, rounds});
    EXPECT_TRUE(over.await(static_cast<int>(states.size())));
    enough = true;
    for (std::thread& t : visitors)
        t.join();
}

} // namespace
