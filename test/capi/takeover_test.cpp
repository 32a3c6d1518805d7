// takeover: a callback that takes long holds up no other, and what belongs together stays in order.
#include "support.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <vector>

using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr auto patience = 30s;

engine_ptr make_engine_that_takes_over(int after) {
    aura_options_t options;
    aura_options_init(&options);
    options.ring_count = 2;
    options.takeover_after = after;
    return engine_ptr(aura_create_with_options(&options));
}

/// An operation whose callback is a function object. Must outlive it.
struct callable {
    std::function<void(ssize_t)> f;
    static void call(aura_request_t*, ssize_t result, void* self) { static_cast<callable*>(self)->f(result); }
};

/// Something that has ended, and somebody who waits for it.
struct event {
    std::promise<ssize_t> promise;
    std::future<ssize_t> future = promise.get_future();
    static void happen(aura_request_t*, ssize_t result, void* self) {
        static_cast<event*>(self)->promise.set_value(result);
    }
    bool comes() { return future.wait_for(patience) == std::future_status::ready; }
};

/// Threads in aura_run(), until the end of the scope.
class runners {
public:
    explicit runners(aura_engine_t* engine, int count = 2)
        : engine_(engine) {
        for (int i = 0; i != count; ++i)
            threads_.emplace_back([this] {
                EXPECT_EQ(aura_run(engine_), 0);
                ++left_;
            });
    }
    ~runners() {
        while (left_ != static_cast<int>(threads_.size())) { // one may not be in aura_run() yet
            aura_stop(engine_);
            std::this_thread::yield();
        }
        for (std::thread& t : threads_)
            t.join();
    }

private:
    aura_engine_t* engine_;
    std::atomic<int> left_{0};
    std::vector<std::thread> threads_;
};

struct CTakeover : testing::Test {
    engine_ptr engine = make_engine_that_takes_over(200);
    aura_engine_t* e() const { return engine.get(); }

    /// Runs `f` in a callback, while two threads are in aura_run().
    template <class F>
    void in_a_callback(F f) {
        std::promise<void> over;
        callable c{[&](ssize_t) {
            f();
            over.set_value();
        }};
        const runners threads(e());
        ASSERT_NE(aura_timeout(e(), 0, callable::call, &c), nullptr);
        over.get_future().wait();
    }

    /// In a callback: until its ring is another thread's.
    void lose_ring() {
        event other;
        ASSERT_NE(aura_timeout(e(), 0, event::happen, &other), nullptr);
        ASSERT_TRUE(other.comes());
    }

    aura_stats_t stats() {
        aura_stats_t s;
        s.struct_size = sizeof s;
        EXPECT_EQ(aura_get_stats(e(), &s), 0);
        return s;
    }
};

TEST_F(CTakeover, ACallbackIsGivenWhatItWaitsFor) {
    in_a_callback([&] {
        pipe_ends pipe;
        char c = 0;
        event timeout, received, followed;
        ASSERT_NE(aura_timeout(e(), 1'000'000, event::happen, &timeout), nullptr);
        EXPECT_TRUE(timeout.comes());
        ASSERT_NE(aura_read(e(), pipe.read_end, aura_buf(&c), 1, -1, event::happen, &received), nullptr);
        ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
        EXPECT_TRUE(received.comes());
        EXPECT_EQ(c, 'x');
        const std::array<aura_op_t, 2> chain{
            aura_op_write(pipe.write_end, aura_buf("y"), 1, -1, nullptr, nullptr),
            aura_op_read(pipe.read_end, aura_buf(&c), 1, -1, event::happen, &followed)};
        ASSERT_NE(aura_submit_linked(e(), chain.data(), chain.size(), nullptr), nullptr);
        EXPECT_TRUE(followed.comes());
        EXPECT_EQ(c, 'y');
    });
    EXPECT_GE(stats().takeovers, 1u);
    EXPECT_LE(stats().takeovers_computing, stats().takeovers);
}

TEST_F(CTakeover, FromACallbackThatHasDestroyedAnotherEngine) {
    ended pending;
    in_a_callback([&] {
        engine_ptr another = make_engine_that_takes_over(0);
        ASSERT_NE(aura_timeout(another.get(), 3'600'000'000'000, ended::note, &pending), nullptr);
        another.reset();
        lose_ring();
    });
    EXPECT_EQ(pending.calls, 1);
}

TEST_F(CTakeover, OfThreadsThatWaitAndDrain) {
    std::atomic<int> left{2};
    event other;
    callable c{[&](ssize_t) {
        ASSERT_NE(aura_timeout(e(), 0, event::happen, &other), nullptr);
        EXPECT_TRUE(other.comes());
        left = 0;
    }};
    ASSERT_NE(aura_timeout(e(), 0, callable::call, &c), nullptr);
    std::thread waits([&] {
        while (left != 0)
            if (aura_wait(e(), 20) < 0 && errno != ETIMEDOUT)
                break;
    });
    EXPECT_GE(aura_drain(e(), 60'000), 0);
    waits.join();
    EXPECT_EQ(left, 0);
}

TEST_F(CTakeover, WhatACallbackDoesAfterItsLossComesAbout) {
    constexpr int many = 200; // more than the slots that a ring has at hand
    std::array<ended, many> all;
    ended cancelled;
    pipe_ends pipe;
    char c = 0;
    in_a_callback([&] {
        lose_ring();
        for (ended& one : all)
            ASSERT_NE(aura_timeout(e(), 0, ended::note, &one), nullptr);
        aura_request_t* const r = aura_read(e(), pipe.read_end, aura_buf(&c), 1, -1, ended::note, &cancelled);
        ASSERT_NE(r, nullptr);
        EXPECT_EQ(aura_cancel(e(), r), 0);
        EXPECT_EQ(aura_wait(e(), 0), -EDEADLK);
        EXPECT_EQ(aura_flush(e()), 0);
    });
    for (const ended& one : all)
        EXPECT_EQ(finish(engine, one), 0);
    EXPECT_EQ(finish(engine, cancelled), -ECANCELED);
}

TEST_F(CTakeover, AnEngineIsNotDestroyedWhileACallbackHasLostItsRing) {
    std::promise<void> lost, let_go;
    callable c{[&](ssize_t) {
        lose_ring();
        lost.set_value();
        let_go.get_future().wait();
    }};
    std::atomic<int> returned{0};
    const auto run = [&] {
        EXPECT_EQ(aura_run(e()), 0);
        ++returned;
    };
    std::thread one(run), other(run);
    ASSERT_NE(aura_timeout(e(), 0, callable::call, &c), nullptr);
    lost.get_future().wait();
    aura_stop(e());
    while (returned == 0)
        std::this_thread::yield();
    EXPECT_EQ(aura_destroy(e()), -EBUSY);
    let_go.set_value();
    one.join();
    other.join();
}

/// Spins for so long.
void compute(std::chrono::microseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    while (std::chrono::steady_clock::now() < end) {
    }
}

/// The callbacks of one chain, which may not meet.
struct chain_of_three {
    std::atomic<int> inside{0};
    std::atomic<int> next{0};
    std::atomic<bool> right{true};
    struct link {
        chain_of_three* chain;
        int place;
    };
    std::array<link, 3> links{link{this, 0}, link{this, 1}, link{this, 2}};
    std::atomic<int>* ended = nullptr;

    static void called(aura_request_t*, ssize_t result, void* data) {
        const auto& [chain, place] = *static_cast<link*>(data);
        if (chain->inside.fetch_add(1) != 0 || chain->next.load() != place || result != 1)
            chain->right = false;
        compute(20us);
        chain->next.fetch_add(1);
        chain->inside.fetch_sub(1);
        chain->ended->fetch_add(1);
    }
};

TEST_F(CTakeover, CallbacksOfAChainKeepTheirOrder) {
    engine = make_engine_that_takes_over(1);
    constexpr int many = 100;
    std::vector<std::unique_ptr<chain_of_three>> chains;
    std::atomic<int> ended{0};
    const scratch_file content(3);
    const unique_fd file(::open(content.path().c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_GE(file.get(), 0);
    std::array<char, 3> data{};
    {
        const runners threads(e());
        for (int i = 0; i < many; ++i) {
            chains.push_back(std::make_unique<chain_of_three>());
            chain_of_three& c = *chains.back();
            c.ended = &ended;
            std::array<aura_op_t, 3> operations;
            for (std::size_t k = 0; k < 3; ++k)
                operations[k] = aura_op_read(file.get(), aura_buf(&data[k]), 1, static_cast<off_t>(k),
                                             chain_of_three::called, &c.links[k]);
            ASSERT_NE(aura_submit_linked(e(), operations.data(), 3, nullptr), nullptr);
        }
        const auto end = std::chrono::steady_clock::now() + patience;
        while (ended != 3 * many && std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
    }
    EXPECT_EQ(ended, 3 * many);
    for (const auto& c : chains)
        EXPECT_TRUE(c->right);
}

TEST_F(CTakeover, IsNotToBeHadWhereCallbacksOfARingRunOneByOne) {
    engine = make_engine_that_takes_over(-1);
    constexpr int many = 10;
    std::atomic<int> ended{0};
    callable c{[&](ssize_t) {
        compute(3ms);
        ++ended;
    }};
    {
        const runners threads(e());
        for (int i = 0; i < many; ++i)
            ASSERT_NE(aura_timeout(e(), 0, callable::call, &c), nullptr);
        const auto end = std::chrono::steady_clock::now() + patience;
        while (ended != many && std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
    }
    EXPECT_EQ(ended, many);
    EXPECT_EQ(stats().takeovers, 0u);
}

} // namespace
