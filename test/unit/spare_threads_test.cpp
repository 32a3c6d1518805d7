// Threads in run() for which no ring can be made, on backends of which there are only so many.
#include "support/counter.hpp"
#include "support/fake_backend.hpp"

#include <auraio/core/base/log.hpp>
#include <auraio/core/base/stall_limit.hpp>
#include <auraio/core/report/engine_stats.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace aura::core;
using test::counter;
using test::fake_machine;
using test::function;

namespace {

/// Waits for what another thread is about to do.
template <class Condition>
[[nodiscard]] bool comes_true(Condition c) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!c()) {
        if (std::chrono::steady_clock::now() > give_up)
            return false;
        std::this_thread::yield();
    }
    return true;
}

/// A machine that has rings for so many; afterwards the process is out of descriptors.
class SpareThreads : public testing::Test {
protected:
    SpareThreads() {
        engine_options options;
        options.make_backend = [](const engine_options&, void* argument) -> std::unique_ptr<backend> {
            auto& self = *static_cast<SpareThreads*>(argument);
            ++self.attempts_;
            if (self.rings_.fetch_sub(1) <= 0) {
                ++self.rings_;
                throw engine_error(EMFILE, "no ring");
            }
            return std::make_unique<test::fake_backend>(self.machine_);
        };
        options.make_backend_argument = this;
        engine_.emplace(options);
        engine_->work_started();
    }
    ~SpareThreads() override {
        if (testing::Test::HasFailure()) { // of an assertion, which has left threads that wait
            release();
            engine_->stop();
        }
        for (auto& t : threads_)
            t.join();
    }

    template <class F>
    void start(F f) {
        threads_.emplace_back(std::move(f));
    }
    /// A thread with the only ring, inside a handler until release() is called.
    void occupy_the_ring() {
        engine_->shard_at(0).post(function([this] {
            occupied_.add();
            EXPECT_TRUE(released_.await(1));
        }));
        start([this] { EXPECT_EQ(engine_->run_one(never), 1u); });
        EXPECT_TRUE(occupied_.await(1));
    }
    void release() { released_.add(); }
    bool has_spare() {
        return comes_true([&] { return engine_->spare_count() == 1; });
    }
    void finish() { engine_->work_finished(); }

    fake_machine machine_;
    std::atomic<int> rings_{1};
    std::atomic<int> attempts_{0};
    counter occupied_, released_;
    std::optional<engine> engine_;
    std::vector<std::thread> threads_;
};

TEST_F(SpareThreads, WaitAndTakeOverFromOneThatLeaves) {
    occupy_the_ring();
    std::atomic<bool> ran{false};
    start([&] { EXPECT_EQ(engine_->run(never), 1u); });
    ASSERT_TRUE(has_spare());
    EXPECT_EQ(engine_->stats().spare_threads, 1u);
    EXPECT_GE(engine_->stats().ring_shortages, 1u);
    EXPECT_EQ(engine_->shard_count(), 1u);
    engine_->shard_at(0).post(function([&] {
        ran = true;
        EXPECT_EQ(engine_->current_shard(), &engine_->shard_at(0));
    }));
    release();
    EXPECT_TRUE(comes_true([&] { return ran.load(); }));
    EXPECT_EQ(engine_->spare_count(), 0u);
    finish();
}

TEST_F(SpareThreads, AreHeardOfOnce) {
    std::vector<std::string> said;
    set_stall_report(0); // of the handler that occupies the ring
    set_log_handler(
        [](log_level level, const char* text, void* to) {
            EXPECT_EQ(level, log_level::warning);
            static_cast<std::vector<std::string>*>(to)->emplace_back(text);
        },
        &said);
    occupy_the_ring();
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(engine_->run_one(monotonic_now() + 1'000'000), 0u);
    release();
    finish();
    set_log_handler(nullptr);
    set_stall_report(100);
    ASSERT_EQ(said.size(), 1u);
    EXPECT_NE(said[0].find("RLIMIT_NOFILE"), std::string::npos) << said[0];
    EXPECT_GE(engine_->stats().ring_shortages, 1u);
}

TEST_F(SpareThreads, RunWhatIsInTheSharedQueueMeanwhile) {
    occupy_the_ring();
    counter both;
    start([&] { EXPECT_EQ(engine_->run(never), 2u); });
    ASSERT_TRUE(has_spare());
    for (int i = 0; i < 2; ++i)
        engine_->post_shared(function([&] {
            EXPECT_TRUE(engine_->running_in_this_thread());
            EXPECT_EQ(engine_->current_shard(), nullptr);
            both.add();
        }));
    EXPECT_TRUE(both.await(2));
    finish();
    release();
}

TEST_F(SpareThreads, ReturnWhenTheirTimeIsOver) {
    occupy_the_ring();
    EXPECT_EQ(engine_->run_one(0), 0u);
    EXPECT_EQ(engine_->run(0), 0u);
    const nanoseconds_t soon = monotonic_now() + 20'000'000;
    EXPECT_EQ(engine_->run(soon), 0u);
    EXPECT_GE(monotonic_now(), soon);
    EXPECT_EQ(engine_->run_one(monotonic_now() + 1'000'000), 0u);
    bool ran = false;
    engine_->post_shared(function([&] { ran = true; }));
    EXPECT_EQ(engine_->run(0), 1u);
    EXPECT_TRUE(ran);
    EXPECT_EQ(engine_->spare_count(), 0u);
    finish();
    release();
}

TEST_F(SpareThreads, ReturnWhenTheEngineStops) {
    occupy_the_ring();
    std::atomic<bool> returned{false};
    start([&] {
        EXPECT_EQ(engine_->run(never), 0u);
        returned = true;
    });
    ASSERT_TRUE(has_spare());
    engine_->stop();
    EXPECT_TRUE(comes_true([&] { return returned.load(); }));
    release();
}

TEST_F(SpareThreads, ReturnWhenWorkEnds) {
    occupy_the_ring();
    std::atomic<bool> returned{false};
    start([&] {
        EXPECT_EQ(engine_->run(never), 1u);
        returned = true;
    });
    ASSERT_TRUE(has_spare());
    engine_->post_shared(function([&] { finish(); }));
    release();
    EXPECT_TRUE(comes_true([&] { return returned.load(); }));
}

TEST_F(SpareThreads, GetARingWhenOneCanBeMadeAgain) {
    occupy_the_ring();
    start([&] { engine_->run(never); });
    ASSERT_TRUE(has_spare());
    rings_ = 1;
    EXPECT_TRUE(comes_true([&] { return engine_->driver_count() == 2; }));
    EXPECT_TRUE(comes_true([&] { return engine_->spare_count() == 0; }));
    EXPECT_EQ(engine_->shard_count(), 2u);
    finish();
    release();
}

TEST_F(SpareThreads, AskForARingRarely) {
    occupy_the_ring();
    start([&] { engine_->run(never); });
    ASSERT_TRUE(has_spare());
    const int before = attempts_;
    const nanoseconds_t began = monotonic_now();
    for (int i = 0; i < 1000; ++i) // each of them wakes it
        engine_->post_shared(function([] {}));
    EXPECT_TRUE(comes_true([&] { return monotonic_now() - began >= 60'000'000; }));
    // 10 ms, 20 ms, 40 ms and so on after each other: what a slow machine takes is time in which more fit.
    const auto fit = 3 + static_cast<int>((monotonic_now() - began) / 20'000'000);
    EXPECT_LE(attempts_ - before, fit);
    finish();
    release();
}

TEST_F(SpareThreads, LetAnExceptionOutOfRun) {
    occupy_the_ring();
    int ran = 0;
    engine_->post_shared(function([] { throw std::runtime_error("mine"); }));
    engine_->post_shared(function([&] {
        try {
            throw std::runtime_error("kept");
        } catch (...) {
            engine_->capture_exception();
        }
    }));
    engine_->post_shared(function([&] { ++ran; }));
    EXPECT_THROW(engine_->run(0), std::runtime_error);
    EXPECT_THROW(engine_->run(0), std::runtime_error);
    EXPECT_EQ(engine_->run(0), 1u);
    EXPECT_EQ(ran, 1);
    finish();
    release();
}

TEST_F(SpareThreads, TakeOverInsideAHandlerThatRunsTheEngineAgain) {
    occupy_the_ring();
    int ran = 0;
    engine_->shard_at(0).post(function([&] { ++ran; }));
    engine_->post_shared(function([&] {
        release();
        EXPECT_EQ(engine_->run_one(never), 1u);
        EXPECT_EQ(ran, 1);
        EXPECT_TRUE(engine_->shard_at(0).is_current());
        engine_->shard_at(0).post(function([&] { ++ran; }));
    }));
    // As this thread's run() is the spare's: the first handler, and the one left on the ring it has by then.
    EXPECT_EQ(engine_->run_one(never), 1u);
    EXPECT_EQ(engine_->driver_count(), 0u);
    EXPECT_EQ(engine_->run_one(never), 1u);
    EXPECT_EQ(ran, 2);
    finish();
}

TEST_F(SpareThreads, TheFirstThreadGetsAnErrorAndNothingIsLost) {
    rings_ = 0;
    int ran = 0;
    engine_->shard_at(0).post(function([&] { ++ran; }));
    engine_->post_shared(function([&] { ++ran; }));
    for (int i = 0; i < 2; ++i)
        try {
            engine_->run(never);
            ADD_FAILURE() << "ran without a ring";
        } catch (const engine_error& e) {
            EXPECT_EQ(e.error(), EMFILE);
        }
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(engine_->driver_count(), 0u);
    rings_ = 1;
    finish();
    EXPECT_EQ(engine_->run(never), 2u);
    EXPECT_EQ(ran, 2);
}

TEST_F(SpareThreads, AShardWithoutARingDoesNotDisturbTheOthers) {
    bool far = false;
    int near = 0;
    engine_->shard_at(1).post(function([&] { far = true; }));
    engine_->shard_at(0).post(function([&] { ++near; }));
    EXPECT_EQ(engine_->run(monotonic_now() + 30'000'000), 1u); // the steward asks for a ring meanwhile
    EXPECT_EQ(near, 1);
    EXPECT_FALSE(far);
    rings_ = 1;
    EXPECT_EQ(engine_->run_one(never), 1u);
    EXPECT_TRUE(far);
    finish();
}

TEST_F(SpareThreads, ManyThreadsShareOneRing) {
    std::atomic<int> ran{0};
    counter all;
    for (int i = 0; i < 4; ++i)
        start([&] { engine_->run(never); });
    for (int i = 0; i < 4; ++i)
        engine_->post_shared(
            function([&] { EXPECT_TRUE(all.meet(4)); })); // only four threads at once can pass
    EXPECT_TRUE(all.await(4));
    for (int i = 0; i < 100; ++i) {
        engine_->post_shared(function([&] { ++ran; }));
        engine_->shard_at(0).post(function([&] { ++ran; }));
    }
    EXPECT_TRUE(comes_true([&] { return ran == 200; }));
    EXPECT_EQ(engine_->shard_count(), 1u);
    finish();
}

} // namespace
