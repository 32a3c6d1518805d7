// stop: operations that a std::stop_token cancels.
#include "support.hpp"

#include <chrono>
#include <stop_token>
#include <thread>
#include <vector>

using namespace test;
using namespace std::chrono_literals;

TEST(CppStop, CancelsWhatIsPending) {
    aura::Engine engine;
    std::stop_source source;
    ssize_t result = 0;
    engine.timeout(1h, aura::stop_on(source.get_token(), [&](ssize_t n) { result = n; }));
    EXPECT_EQ(engine.wait(1), 0);
    source.request_stop();
    EXPECT_EQ(engine.wait(), 1);
    EXPECT_EQ(result, -ECANCELED);
}

TEST(CppStop, CancelsAtOnceWhereItWasAskedForBefore) {
    aura::Engine engine;
    std::stop_source source;
    source.request_stop();
    ssize_t result = 0;
    engine.timeout(1h, aura::stop_on(source.get_token(), [&](aura::Request&, ssize_t n) { result = n; }));
    EXPECT_TRUE(engine.drain());
    EXPECT_EQ(result, -ECANCELED);
}

TEST(CppStop, AfterTheEndItDoesNothing) {
    aura::Engine engine;
    std::stop_source source;
    int calls = 0;
    engine.timeout(0ns, aura::stop_on(source.get_token(), [&] { ++calls; }));
    EXPECT_TRUE(engine.drain());
    source.request_stop();
    engine.timeout(0ns, aura::stop_on(std::stop_token(), [&] { ++calls; })); // one that never stops
    EXPECT_TRUE(engine.drain());
    EXPECT_EQ(calls, 2);
}

TEST(CppStop, MayComeFromTheCallbackItself) {
    aura::Engine engine;
    std::stop_source source;
    int calls = 0;
    engine.timeout(0ns, aura::stop_on(source.get_token(), [&] {
                       ++calls;
                       source.request_stop();
                   }));
    engine.timeout(1h, aura::stop_on(source.get_token(), [&] { ++calls; }));
    EXPECT_TRUE(engine.drain());
    EXPECT_EQ(calls, 2);
}

TEST(CppStop, CancelsWhatIsAwaited) {
    aura::Engine engine;
    std::stop_source source;
    const auto waits = [&]() -> aura::Task<ssize_t> {
        co_return co_await engine.async_timeout(1h).nothrow().stop_on(source.get_token());
    };
    const auto throws = [&]() -> aura::Task<bool> {
        try {
            co_await engine.async_timeout(1h).stop_on(source.get_token());
        } catch (const aura::Error& e) {
            co_return e.cancelled();
        }
        co_return false;
    };
    aura::Task<bool> other = throws();
    other.start();
    engine.timeout(1ms, [&] { source.request_stop(); });
    EXPECT_EQ(engine.block_on(waits()), -ECANCELED);
    EXPECT_TRUE(engine.block_on(std::move(other)));
    EXPECT_EQ(engine.block_on(waits()), -ECANCELED); // it was asked for before
    const auto refused = [&]() -> aura::Task<ssize_t> {
        co_return co_await engine.async_fsync(-1).nothrow().stop_on(source.get_token());
    };
    EXPECT_EQ(engine.block_on(refused()), -EBADF);
}

// Starting, ending and stopping meet in every order: each ends once.
TEST(CppStop, RacesWithTheEndAndWithTheStart) {
    std::vector<foreign_coroutine> coroutines;
    aura::Engine engine({.ring_count = 2});
    std::thread runs([&] { engine.run(); });
    std::atomic<int> ended{0};
    std::atomic<int> awaited{0};
    int count = 0;
    const auto waits = [](aura::Engine& e, std::stop_token token,
                          std::atomic<int>& over) -> foreign_coroutine {
        co_await e.async_timeout(20us).nothrow().stop_on(token);
        ++over;
    };
    for (int i = 0; i < 300; ++i) {
        std::stop_source source;
        std::thread stops([&] { source.request_stop(); });
        for (int k = 0; k < 4; ++k) {
            engine.timeout(std::chrono::microseconds(10 * k),
                           aura::stop_on(source.get_token(), [&] { ++ended; }));
            coroutines.push_back(waits(engine, source.get_token(), awaited));
            ++count;
        }
        stops.join();
    }
    engine.stop();
    runs.join();
    EXPECT_TRUE(engine.drain(20s));
    EXPECT_EQ(ended, count);
    EXPECT_EQ(awaited, count);
}
