// worker_pool: how many threads there are and when, whose work they do, and what a child of fork has of it.
#include "core/base/worker_pool.hpp"

#include "support/sanitizers.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <pthread.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace aura::core;

namespace {

/// Functions as work.
class functions final : work_source {
public:
    explicit functions(unsigned threads, work_kind kind = work_kind::storage)
        : work_source(kind, threads) {
        enlist();
    }
    ~functions() {
        {
            worker_pool::lock lock = take_lock();
            ended_.wait(lock, [this] { return waiting_.empty() && running_ == 0; });
        }
        delist();
    }

    void add(std::function<void()> f) {
        worker_pool::lock lock = take_lock_to_offer();
        waiting_.push_back(std::move(f));
        offer(lock);
    }
    void take_back_last() {
        worker_pool::lock lock = take_lock();
        waiting_.pop_back();
        withdraw(lock);
    }
    void take_back_all() {
        worker_pool::lock lock = take_lock();
        waiting_.clear();
        withdraw_all(lock);
    }
    int visits() {
        const worker_pool::lock lock = take_lock();
        return visits_;
    }
    bool idle() {
        const worker_pool::lock lock = take_lock();
        return waiting_.empty() && running_ == 0;
    }
    int forgotten = 0;

private:
    void work(worker_pool::lock& lock) noexcept override {
        ++visits_;
        if (waiting_.empty())
            return;
        const auto f = std::move(waiting_.front());
        waiting_.pop_front();
        ++running_;
        lock.unlock();
        f();
        lock.lock();
        --running_;
        ended_.notify_all();
    }
    void forget() noexcept override {
        waiting_.clear();
        running_ = 0;
        ++forgotten;
    }

    std::deque<std::function<void()>> waiting_;
    unsigned running_ = 0;
    int visits_ = 0;
    std::condition_variable ended_;
};

/// Work that tells that it has begun, and lasts until it is let go.
class held_work {
public:
    std::function<void()> one() {
        return [this] {
            std::unique_lock lock(mutex_);
            ++inside_;
            most_ = std::max(most_, inside_);
            changed_.notify_all();
            changed_.wait(lock, [this] { return open_; });
            --inside_;
        };
    }
    void wait_for(unsigned inside) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return inside_ == inside; });
    }
    void let_go() {
        const std::lock_guard guard(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    unsigned most() {
        const std::lock_guard guard(mutex_);
        return most_;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    unsigned inside_ = 0, most_ = 0;
    bool open_ = false;
};

void do_in(functions& source, std::function<void()> f) {
    const auto done = std::make_shared<std::promise<void>>(); // which the one who keeps it may still be in
    auto ended = done->get_future();
    source.add([done, f = std::move(f)] {
        f();
        done->set_value();
    });
    ended.get();
}

/// Those of tests before, and of this one.
void wait_until_all_have_ended() {
    while (worker_pool::threads() != 0)
        std::this_thread::yield();
}

struct WorkerPool : testing::Test {
    WorkerPool() {
        held_work all; // calls those that wait with more patience
        worker_pool::set_patience(1);
        functions some(8);
        const unsigned before = worker_pool::threads();
        for (unsigned i = 0; i < before; ++i)
            some.add(all.one());
        all.let_go();
        while (!some.idle())
            std::this_thread::yield();
        wait_until_all_have_ended();
        worker_pool::set_patience(worker_pool::default_patience);
    }
    ~WorkerPool() override { worker_pool::set_patience(worker_pool::default_patience); }
};

TEST_F(WorkerPool, ThreadsComeOnDemandAndNoMoreThanTheBound) {
    held_work work;
    functions source(2);
    EXPECT_EQ(worker_pool::threads(), 0u);
    do_in(source, [] {});
    EXPECT_EQ(worker_pool::threads(), 1u);
    for (int i = 0; i < 5; ++i)
        source.add(work.one());
    work.wait_for(2);
    EXPECT_EQ(worker_pool::threads(), 2u);
    work.let_go();
    do_in(source, [] {});
    EXPECT_LE(work.most(), 2u);
}

TEST_F(WorkerPool, TheLargestBoundCounts) {
    held_work work;
    functions one(1);
    {
        functions three(3);
        for (int i = 0; i < 3; ++i)
            one.add(work.one());
        work.wait_for(3);
    }
    work.let_go();
}

TEST_F(WorkerPool, IdleThreadsEnd) {
    held_work work;
    worker_pool::set_patience(1'000'000);
    functions source(3);
    for (int i = 0; i < 3; ++i)
        source.add(work.one());
    work.wait_for(3);
    EXPECT_EQ(worker_pool::threads(), 3u);
    work.let_go();
    wait_until_all_have_ended();
    bool done = false;
    do_in(source, [&] { done = true; }); // and come again
    EXPECT_TRUE(done);
}

TEST_F(WorkerPool, WhatIsTakenBackIsNotDone) {
    held_work work;
    functions source(1);
    source.add(work.one());
    work.wait_for(1);
    bool done = false;
    source.add([&] { done = true; });
    source.take_back_last();
    work.let_go();
    do_in(source, [] {});
    EXPECT_FALSE(done);
}

TEST_F(WorkerPool, NobodyComesForWhatIsAllTakenBack) {
    held_work work;
    functions source(1), other(1);
    source.add(work.one());
    work.wait_for(1);
    for (int i = 0; i < 3; ++i)
        source.add([] {});
    source.take_back_all();
    source.take_back_all();
    work.let_go();
    do_in(other, [] {}); // by the same thread, behind what was waiting
    EXPECT_EQ(source.visits(), 1);
    do_in(source, [] {});
    EXPECT_EQ(source.visits(), 2);
}

/// A bound that has become smaller than the threads there are allows no more, as a kernel that refuses them.
TEST_F(WorkerPool, WhereNoThreadCanBeHadACallerAtWorkKeepsNobodyWaiting) {
    held_work work, slow;
    functions storage(1);
    {
        functions three(3);
        for (int i = 0; i < 3; ++i)
            storage.add(work.one());
        work.wait_for(3);
    }
    functions first(1, work_kind::look_ups), second(1, work_kind::look_ups);
    std::thread caller([&] { first.add(slow.one()); });
    slow.wait_for(1);
    std::thread::id where;
    do_in(second, [&] { where = std::this_thread::get_id(); });
    EXPECT_EQ(where, std::this_thread::get_id());
    slow.let_go();
    caller.join();
    work.let_go();
}

TEST_F(WorkerPool, SlowLookUpsHoldUpNoFile) {
    held_work slow;
    functions look_ups(2, work_kind::look_ups), storage(2);
    for (int i = 0; i < 6; ++i)
        look_ups.add(slow.one());
    slow.wait_for(2);
    for (int i = 0; i < 10; ++i)
        do_in(storage, [] {});
    EXPECT_EQ(slow.most(), 2u);
    slow.let_go();
}

TEST_F(WorkerPool, SourcesOfOneKindTakeTurns) {
    held_work work;
    functions first(1), second(1);
    first.add(work.one());
    work.wait_for(1);
    std::vector<int> order; // by one thread
    for (int i = 0; i < 2; ++i) {
        first.add([&] { order.push_back(1); });
    }
    second.add([&] { order.push_back(2); });
    work.let_go();
    do_in(first, [] {});
    EXPECT_EQ(order, (std::vector<int>{1, 2, 1}));
}

TEST_F(WorkerPool, ItsThreadsTakeNoSignals) {
    functions source(1);
    sigset_t mask;
    ::sigemptyset(&mask);
    do_in(source, [&] { ::pthread_sigmask(SIG_SETMASK, nullptr, &mask); });
    for (const int signal : {SIGINT, SIGTERM, SIGCHLD, SIGUSR1, SIGPIPE, SIGHUP})
        EXPECT_EQ(::sigismember(&mask, signal), 1) << signal;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(::sigismember(&mask, SIGTERM), 0) << "nor does it change the mask of who asks";
}

TEST_F(WorkerPool, AChildOfForkHasNoneAndNoWorkOfTheParents) {
    held_work work;
    functions source(1);
    source.add(work.one());
    work.wait_for(1);
    int done = 0;
    source.add([&] { ++done; }); // waits
    const pid_t child = ::fork();
    if (child == 0) {
        if (worker_pool::threads() != 0 || source.forgotten != 1)
            ::_exit(1);
        if (AURAIO_TEST_TSAN) // allows no thread there
            ::_exit(0);
        int here = 0;
        do_in(source, [&] { ++here; });
        ::_exit(here == 1 && done == 0 && worker_pool::threads() == 1 ? 0 : 2);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    work.let_go();
    do_in(source, [] {});
    EXPECT_EQ(done, 1) << "the parent's goes on";
    EXPECT_EQ(source.forgotten, 0);
}

TEST_F(WorkerPool, TheProcessMayEndWhileTheyAreAtWork) {
    if (AURAIO_TEST_TSAN)
        GTEST_SKIP() << "allows no thread in a child of fork";
    const pid_t child = ::fork();
    if (child == 0) {
        auto* const source = new functions(2); // as a context that is never destroyed
        auto* const work = new held_work;
        source->add(work->one());
        work->wait_for(1);
        std::exit(0);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
}

TEST(WorkerPoolDefault, IsTheKernelsForWorkersOfARing) {
    EXPECT_GE(worker_pool::default_threads(), 16u);
    EXPECT_LE(worker_pool::default_threads(), 256u);
}

} // namespace
