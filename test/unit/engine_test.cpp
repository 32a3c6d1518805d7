// engine: work, shards and threads, without a kernel.
#include "core/base/usable_cpus.hpp"
#include "support/fake_backend.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <cstdlib>
#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace aura::core;
using namespace test;

namespace {

TEST(Engine, RunsUntilThereIsNoWork) {
    fake_machine machine;
    engine e(machine.options());
    EXPECT_EQ(e.run(never), 0u);
    EXPECT_TRUE(e.stopped());
    e.restart();
    int ran = 0;
    for (int i = 0; i < 3; ++i)
        e.shard_at(0).post(function([&] { ++ran; }));
    EXPECT_EQ(e.run_one(never), 1u);
    EXPECT_EQ(e.run(never), 2u);
    EXPECT_EQ(ran, 3);
    EXPECT_TRUE(e.stopped());
}

TEST(Engine, WorkKeepsItRunningUntilTheDeadline) {
    fake_machine machine;
    engine e(machine.options());
    e.work_started();
    EXPECT_EQ(e.run(0), 0u);
    EXPECT_FALSE(e.stopped());
    EXPECT_EQ(e.run(monotonic_now() + 1'000'000), 0u);
    EXPECT_FALSE(e.stopped());
    e.work_finished();
    EXPECT_TRUE(e.stopped());
}

TEST(Engine, AnExceptionKeepsTheRestAndTheCount) {
    fake_machine machine;
    engine e(machine.options());
    int ran = 0;
    e.shard_at(0).post(function([] { throw std::runtime_error("handler"); }));
    e.post_shared(function([] { throw 1; }));
    e.shard_at(0).post(function([&] { ++ran; }));
    int exceptions = 0;
    for (bool again = true; again;) {
        try {
            e.run(never);
            again = false;
        } catch (...) {
            ++exceptions;
        }
    }
    EXPECT_EQ(exceptions, 2);
    EXPECT_EQ(ran, 1);
    EXPECT_TRUE(e.stopped());
}

TEST(Engine, SharedWorkIsTakenByAnyIdleThread) {
    fake_machine machine;
    engine e(machine.options());
    e.work_started();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] { e.run(never); });
    std::barrier meet(3); // only three threads at once can pass
    std::latch done(3);
    for (int i = 0; i < 3; ++i)
        e.post_shared(function([&] {
            meet.arrive_and_wait();
            done.count_down();
        }));
    done.wait();
    e.work_finished();
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(e.shard_count(), 3u);
}

TEST(Engine, OneShardForAHintOfOne) {
    fake_machine machine;
    auto options = machine.options();
    options.concurrency_hint = 1;
    engine e(options);
    e.work_started();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i)
        threads.emplace_back([&] { e.run(never); });
    std::latch done(10);
    for (int i = 0; i < 10; ++i)
        e.post_shared(function([&] { done.count_down(); }));
    done.wait();
    e.work_finished();
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(e.shard_count(), 1u);
}

/// Arrives at a shard and starts a wait there, as what another thread starts does.
class starts_a_wait final : public operation {
public:
    starts_a_wait(timer& t, wait_operation& w, nanoseconds_t deadline)
        : operation(&run)
        , timer_(t)
        , wait_(w)
        , deadline_(deadline) {
        set_message(true);
    }

private:
    static void run(operation& base, action) {
        auto& self = static_cast<starts_a_wait&>(base);
        self.timer_.wait(self.wait_, self.deadline_);
        delete &self;
    }
    timer& timer_;
    wait_operation& wait_;
    nanoseconds_t deadline_;
};

TEST(Engine, AStewardSleepsForWhatArrivesWhileItGoesToSleep) {
    fake_machine machine;
    engine e(machine.options());
    shard& orphan = e.shard_at(1); // no thread enters for it
    outcome waited;
    auto* t = new plain_timer(orphan);
    const nanoseconds_t deadline = monotonic_now() + 50'000'000u;
    int visits = 0;
    machine.on_detach = [&](fake_backend& b) {
        // The steward has visited the orphan, found nothing, and lets go of it.
        if (machine.backends.size() == 2 && &b == machine.backends[1] && visits++ == 0)
            orphan.send(*new starts_a_wait(*t, *new plain_wait(waited), deadline));
    };
    machine.on_wait = [&](fake_backend& b, nanoseconds_t until) {
        EXPECT_EQ(&b, machine.backends[0]);
        EXPECT_TRUE(orphan.sleeping()) << "its next message would wake nobody";
        EXPECT_LE(until, deadline);
    };
    e.work_started();
    const nanoseconds_t patience = deadline + 5'000'000'000u;
    while (waited.completed == 0 && monotonic_now() < patience)
        e.run_one(patience);
    EXPECT_EQ(waited.result, 0);
    EXPECT_GE(visits, 1);
    machine.on_wait = nullptr;
    machine.on_detach = nullptr;
    t->forget();
    e.work_finished();
}

/// Between messages from other threads a driver may look for the next one before it sleeps.
TEST(Engine, WhoLooksForAMessageSeesThatARequestIsOver) {
    if (!several_cpus_usable())
        GTEST_SKIP() << "needs two processors: with one nobody looks";
    fake_machine machine;
    engine e(machine.options());
    shard& home = e.shard_at(0);
    descriptor* d = descriptor::create(home, -1);
    outcome o;
    bool slept = false;
    machine.on_look = [&](fake_backend& b) {
        if (!b.submitted.empty())
            b.complete(*b.submitted.front(), 0);
    };
    machine.on_wait = [&](fake_backend& b, nanoseconds_t) {
        slept = true;
        if (!b.submitted.empty())
            b.complete(*b.submitted.front(), -EIO);
    };
    std::thread([&] { home.post(function([&] { d->start(*new plain_io(o)); })); }).join();
    e.run(never);
    EXPECT_EQ(o.completed, 1);
    EXPECT_EQ(o.result, 0);
    EXPECT_FALSE(slept);
    machine.on_look = nullptr;
    machine.on_wait = nullptr;
    d->close_and_forget();
}

/// Each call of run_one() begins anew, and knows what came before it.
TEST(Engine, WhoHasHadNoMessageSinceLooksForNone) {
    fake_machine machine;
    engine e(machine.options());
    int looks = 0;
    e.work_started();
    std::thread([&] { e.shard_at(0).post(function([] {})); }).join();
    EXPECT_EQ(e.run_one(never), 1u);
    machine.on_look = [&](fake_backend&) { ++looks; };
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(e.run_one(monotonic_now() + 1'000'000), 0u);
    EXPECT_EQ(looks, 0);
    machine.on_look = nullptr;
    e.work_finished();
}

TEST(Engine, ANestedRunServesTheSameShard) {
    fake_machine machine;
    engine e(machine.options());
    std::vector<int> order;
    e.shard_at(0).post(function([&] {
        order.push_back(1);
        e.shard_at(0).post(function([&] { order.push_back(2); }));
        EXPECT_EQ(e.run_one(never), 1u);
        order.push_back(3);
    }));
    EXPECT_EQ(e.run(never), 1u); // as Asio: each run counts what it ran itself
    EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

TEST(Engine, ShutdownDestroysWhatDestructorsQueue) {
    fake_machine machine;
    int ran = 0, destroyed = 0;
    struct posts_when_destroyed {
        engine* e;
        int* ran;
        int* destroyed;
        int depth;
        posts_when_destroyed(engine& en, int& r, int& d, int n)
            : e(&en)
            , ran(&r)
            , destroyed(&d)
            , depth(n) {}
        posts_when_destroyed(posts_when_destroyed&& o) noexcept
            : e(std::exchange(o.e, nullptr))
            , ran(o.ran)
            , destroyed(o.destroyed)
            , depth(o.depth) {}
        ~posts_when_destroyed() {
            if (!e)
                return;
            ++*destroyed;
            if (depth > 0)
                e->shard_at(0).post(function(posts_when_destroyed(*e, *ran, *destroyed, depth - 1)));
        }
        void operator()() { ++*ran; }
    };
    {
        engine e(machine.options());
        e.shard_at(0).post(function(posts_when_destroyed(e, ran, destroyed, 5)));
    }
    EXPECT_EQ(ran, 0);
    EXPECT_EQ(destroyed, 6);
    EXPECT_TRUE(machine.backends.empty());
}

TEST(EngineOptions, TheEnvironmentIsReadAndRefusedByName) {
    ::setenv("AURAIO_SQ_ENTRIES", "64", 1);
    ::setenv("AURAIO_TASK_RUN", "immediate", 1);
    const engine_options o = options_from_environment();
    EXPECT_EQ(o.sq_entries, 64u);
    EXPECT_EQ(o.task_work, task_run::immediate);
    ::unsetenv("AURAIO_SQ_ENTRIES");
    ::setenv("AURAIO_TASK_RUN", "sometimes", 1);
    try {
        options_from_environment();
        ADD_FAILURE() << "accepted";
    } catch (const engine_error& e) {
        EXPECT_EQ(e.error(), EINVAL);
        const std::string what = e.what();
        EXPECT_NE(what.find("AURAIO_TASK_RUN"), std::string::npos) << what;
        EXPECT_NE(what.find("cooperative"), std::string::npos) << what;
    }
    ::unsetenv("AURAIO_TASK_RUN");
}

} // namespace
