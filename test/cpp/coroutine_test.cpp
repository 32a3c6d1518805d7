// coroutine: operations awaited in coroutines of any type, and Task.
#include "support.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace test;
using namespace std::chrono_literals;

namespace {

aura::Task<int> number(int n) {
    co_return n;
}
aura::Task<std::unique_ptr<int>> move_only() {
    co_return std::make_unique<int>(7);
}
aura::Task<> throws() {
    throw std::runtime_error("of a task");
    co_return;
}
aura::Task<int> later(aura::Engine& engine, int n) {
    co_await engine.async_timeout(1ms);
    co_return n;
}
aura::Task<int> sum(aura::Engine& engine) {
    co_return co_await later(engine, 1) + co_await number(2) + *co_await move_only();
}

/// For what sanitizers and builds without optimisation make of a resumption: a call, and not a jump.
constexpr int depth_of_immediate_awaits() {
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&              \
    !defined(__clang__)
    return 1'000'000;
#else
    return 1000;
#endif
}

} // namespace

TEST(CppCoroutine, OfAnyTypeAwaits) {
    aura::Engine engine;
    std::string log;
    const auto reads = [&]() -> foreign_coroutine {
        co_await engine.async_timeout(0ns);
        log += "1";
        EXPECT_EQ(co_await engine.async_read(-1, &log, 1, 0).nothrow(), -EBADF);
        log += "2";
        co_await engine.async_fsync(-1);
    };
    const foreign_coroutine running = reads();
    EXPECT_EQ(log, "");
    EXPECT_EQ(error_of([&] { engine.drain(); }), EBADF); // that type lets it through
    EXPECT_EQ(log, "12");
}

TEST(CppTask, IsLazyAndReturnsItsValue) {
    aura::Engine engine;
    bool begun = false;
    const auto says = [&]() -> aura::Task<int> {
        begun = true;
        co_return 5;
    };
    aura::Task<int> task = says();
    EXPECT_FALSE(begun);
    EXPECT_FALSE(task.done());
    {
        const auto never_begun = says();
    }
    EXPECT_FALSE(begun);
    EXPECT_EQ(engine.block_on(std::move(task)), 5);
    EXPECT_FALSE(task); // NOLINT(bugprone-use-after-move): what it says
    EXPECT_EQ(engine.block_on(sum(engine)), 10);
}

TEST(CppTask, ThrowsToWhoAwaits) {
    aura::Engine engine;
    EXPECT_THROW(engine.block_on(throws()), std::runtime_error);
    const auto catches = [&]() -> aura::Task<std::string> {
        try {
            co_await throws();
        } catch (const std::runtime_error& e) {
            co_return e.what();
        }
        co_return "nothing";
    };
    EXPECT_EQ(engine.block_on(catches()), "of a task");
    const auto fails = [&]() -> aura::Task<> { co_await engine.async_openat(-1, "/does/not/exist", 0); };
    try {
        engine.block_on(fails());
        ADD_FAILURE() << "nothing was thrown";
    } catch (const aura::Error& e) {
        EXPECT_EQ(e.code(), std::errc::no_such_file_or_directory);
        EXPECT_EQ(std::string(e.what()).substr(0, 8), "openat: ");
    }
}

TEST(CppTask, GoesOnWithoutAFrameOfStackForEachAwait) {
    aura::Engine engine;
    const auto loops = []() -> aura::Task<int> {
        int total = 0;
        for (int i = 0; i < depth_of_immediate_awaits(); ++i)
            total += co_await number(1);
        co_return total;
    };
    EXPECT_EQ(engine.block_on(loops()), depth_of_immediate_awaits());
}

TEST(CppTask, SeveralRunAtOnce) {
    aura::Engine engine;
    const auto both = [&]() -> aura::Task<int> {
        aura::Task<int> a = later(engine, 1);
        aura::Task<int> b = later(engine, 2);
        aura::Task<int> c = number(4);
        a.start();
        b.start();
        c.start();
        EXPECT_TRUE(c.done());
        c.start(); // nothing
        co_return co_await a + co_await b + co_await c;
    };
    EXPECT_EQ(engine.block_on(both()), 7);
    aura::Task<int> alone = later(engine, 8);
    alone.start();
    EXPECT_TRUE(engine.drain());
    EXPECT_TRUE(alone.done());
    EXPECT_EQ(alone.get(), 8);
}

TEST(CppTask, WhenAllWaitsForAllAlsoWhenOneFails) {
    aura::Engine engine;
    int over = 0;
    const auto ends = [&](std::chrono::nanoseconds time, bool fails) -> aura::Task<> {
        co_await engine.async_timeout(time);
        ++over;
        if (fails)
            throw over;
    };
    std::vector<aura::Task<>> tasks;
    tasks.push_back(ends(3ms, false));
    tasks.push_back(ends(0ns, true));
    tasks.push_back(ends(1ms, true));
    EXPECT_THROW(engine.block_on(aura::when_all(std::move(tasks))), int);
    EXPECT_EQ(over, 3);

    std::vector<aura::Task<int>> numbers;
    for (int i = 0; i < 3; ++i)
        numbers.push_back(later(engine, i));
    EXPECT_EQ(engine.block_on(aura::when_all(std::move(numbers))), (std::vector<int>{0, 1, 2}));
}

TEST(CppTask, GoesOnAloneWhenItsObjectIsDestroyed) {
    int ended = 0;
    const auto waits = [](aura::Engine& e, std::chrono::nanoseconds time, int& count) -> aura::Task<> {
        const std::shared_ptr<int> at_the_end(&count, [](int* n) { ++*n; });
        co_await e.async_timeout(time);
        throw std::runtime_error("nobody awaits");
    };
    {
        aura::Engine engine;
        waits(engine, 0ns, ended).detach();
        EXPECT_THROW(engine.drain(), std::runtime_error); // as a callback's
        EXPECT_EQ(ended, 1);
        {
            aura::Task<> task = waits(engine, 1h, ended);
            task.start();
        }
        const auto awaits = [&](aura::Engine& e) -> aura::Task<> { co_await waits(e, 1h, ended); };
        awaits(engine).detach(); // one within the other
        EXPECT_EQ(ended, 1);
    }
    EXPECT_EQ(ended, 3); // the engine's end was theirs
}

TEST(CppTask, ThatThrowsAtOnceThrowsWhereItIsDetached) {
    const auto throws = []() -> aura::Task<int> {
        throw std::runtime_error("at once");
        co_return 1;
    };
    EXPECT_THROW(throws().detach(), std::runtime_error);
}

TEST(CppTask, MayBeEndedByAnotherThread) {
    aura::Engine engine({.ring_count = 2});
    std::thread other([&] { engine.run(); });
    for (int i = 0; i < 50; ++i) {
        const auto reads = [&]() -> aura::Task<int> {
            co_await engine.async_timeout(100us);
            co_await engine.async_timeout(0ns);
            co_return i;
        };
        EXPECT_EQ(engine.block_on(reads()), i);
    }
    engine.stop();
    other.join();
}

TEST(CppTask, MayWaitForWhatIsNoOperation) {
    aura::Engine engine;
    std::coroutine_handle<> waiting;
    std::atomic<bool> waits{false};
    struct event {
        std::coroutine_handle<>& waiting;
        std::atomic<bool>& waits;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) const noexcept {
            waiting = h;
            waits = true;
            waits.notify_one();
        }
        void await_resume() const noexcept {}
    };
    const auto awaits = [&]() -> aura::Task<int> {
        co_await event{waiting, waits};
        co_return 3;
    };
    std::thread other([&] {
        waits.wait(false);
        waiting.resume();
    });
    EXPECT_EQ(engine.block_on(awaits()), 3);
    other.join();
}

TEST(CppTask, IsDoneWhenBlockOnThrowsWhatACallbackThrew) {
    aura::Engine engine;
    bool over = false;
    const auto waits = [&](bool fails) -> aura::Task<int> {
        co_await engine.async_timeout(1ms);
        over = true;
        if (fails)
            throw std::runtime_error("of the task");
        co_return 1;
    };
    engine.timeout(0ns, [] { throw 1; });
    EXPECT_THROW(engine.block_on(waits(false)), int);
    EXPECT_TRUE(std::exchange(over, false)); // what it refers to was there until its end
    engine.timeout(0ns, [] { throw 1; });
    EXPECT_THROW(engine.block_on(waits(true)), int);
    EXPECT_TRUE(over);
    EXPECT_THROW(engine.wait(), std::runtime_error); // neither is lost
    EXPECT_EQ(engine.wait(), 0);
}
