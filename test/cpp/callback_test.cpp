// callback: what callables an operation takes, where they are kept, and what becomes of what they throw.
#include "support.hpp"

#include "support/operator_new.hpp"

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace test;
using namespace std::chrono_literals;

namespace {

/// Counts those that live.
struct tracked {
    explicit tracked(int& living)
        : living_(&living) {
        ++*living_;
    }
    tracked(tracked&& other) noexcept
        : living_(other.living_) {
        ++*living_;
    }
    tracked(const tracked&) = delete;
    ~tracked() { --*living_; }
    int* living_;
};

struct moves_badly {
    moves_badly() = default;
    moves_badly(moves_badly&&) { throw std::runtime_error("cannot be moved"); } // NOLINT: on purpose
    void operator()() const {}
    char large_enough[64] = {};
};

} // namespace

TEST(CppCallback, IsCalledWithWhatItTakes) {
    aura::Engine engine;
    int calls = 0;
    aura::Request of_callback;
    const aura::Request request = engine.timeout(0ns, [&](aura::Request& r, ssize_t n) {
        of_callback = r;
        EXPECT_EQ(r.op_type(), AURA_OP_TIMEOUT);
        EXPECT_EQ(r.fd(), -1);
        EXPECT_FALSE(r.cancel());
        calls += n == 0 ? 1 : 100;
    });
    engine.timeout(0ns, [&](auto&, ssize_t n) { calls += n == 0 ? 1 : 100; });
    engine.timeout(0ns, [&](ssize_t n) { calls += n == 0 ? 1 : 100; });
    engine.timeout(0ns, [&] { ++calls; });
    engine.timeout(0ns, nullptr);
    static int of_function = 0;
    engine.timeout(0ns, [] { ++of_function; });
    const std::function<void(ssize_t)> kept = [&](ssize_t) { ++calls; };
    engine.timeout(0ns, kept);
    EXPECT_TRUE(engine.drain());
    EXPECT_EQ(calls, 5);
    EXPECT_EQ(of_function, 1);
    EXPECT_EQ(of_callback, request);
}

TEST(CppCallback, MayBeMoveOnly) {
    aura::Engine engine;
    int living = 0;
    int calls = 0;
    engine.timeout(0ns, [&calls, t = tracked(living)] { ++calls; });
    engine.timeout(0ns,
                   [&calls, t = tracked(living), large = std::array<char, 500>()] { calls += large[0] + 1; });
    EXPECT_EQ(living, 2);
    EXPECT_TRUE(engine.drain());
    EXPECT_EQ(calls, 2);
    EXPECT_EQ(living, 0);
}

TEST(CppCallback, IsDestroyedWhereTheOperationCannotBeStarted) {
    aura::Engine engine;
    int living = 0;
    const auto not_called = [] { ADD_FAILURE() << "called"; };
    char data[8];
    EXPECT_EQ(error_of([&] { engine.read(-1, data, 8, 0, [&, t = tracked(living)] { not_called(); }); }),
              EBADF);
    EXPECT_EQ(error_of([&] {
                  engine.read(-1, data, 8, 0, aura::stop_on({}, [&, t = tracked(living)] { not_called(); }));
              }),
              EBADF);
    EXPECT_EQ(error_of([&] { engine.link().fsync(-1, [&, t = tracked(living)] { not_called(); }).submit(); }),
              EBADF);
    engine.link().fsync(0, [&, t = tracked(living)] { not_called(); }); // and never submitted
    EXPECT_EQ(error_of([&] { engine.read(-1, data, 8, 0, not_called); }), EBADF);
    EXPECT_EQ(living, 0);
    EXPECT_EQ(engine.wait(), 0);
}

TEST(CppCallback, NeedsNoMemoryWhereItFitsASlot) {
    if (!AURAIO_TEST_REPLACES_NEW)
        GTEST_SKIP() << "ThreadSanitizer's operator new cannot be replaced";
    // One ring, which the first round equips: with two, a thread that changes its processor begins to use the other.
    aura::Engine engine({.ring_count = 1});
    std::array<char, 96> some{};
    int calls = 0;
    const auto round = [&] {
        for (int i = 0; i < 32; ++i) {
            engine.timeout(0ns, [&calls] { ++calls; });
            engine.timeout(0ns, [&calls, some](ssize_t) { calls += some[0] + 1; });
            engine.timeout(0ns, aura::stop_on({}, [&calls, &some] { calls += some[0] + 1; }));
        }
        EXPECT_TRUE(engine.drain());
    };
    round(); // the first fills the slots
    const std::size_t before = allocations;
    round();
    EXPECT_EQ(allocations, before);
    EXPECT_EQ(calls, 2 * 96);
}

TEST(CppCallback, TakesMemoryOfThePoolWhereItDoesNot) {
    aura::Engine engine({.ring_count = 1});
    const std::array<char, 1000> large{1};
    struct alignas(64) aligned {
        char first = 1;
    };
    int calls = 0;
    const auto round = [&] {
        for (int i = 0; i < 8; ++i) {
            engine.timeout(0ns, [&calls, large] { calls += large[0]; });
            engine.timeout(0ns, [&calls, a = aligned()] {
                EXPECT_EQ(reinterpret_cast<std::uintptr_t>(&a) % 64, 0u);
                calls += a.first;
            });
        }
        EXPECT_TRUE(engine.drain());
    };
    round();
    const std::uint64_t taken = engine.buffer_stats().allocations;
    const std::size_t before = allocations;
    round();
    EXPECT_EQ(allocations, before);
    EXPECT_EQ(engine.buffer_stats().allocations, taken + 16);
    EXPECT_EQ(engine.buffer_stats().in_use_bytes, 0u);
    EXPECT_EQ(calls, 32);
}

TEST(CppCallback, StartsTheNextOperationInItsOwnSlot) {
    aura::Engine engine({.ring_count = 1});
    int left = 1000;
    std::size_t before = 0;
    std::array<char, 64> some{};
    struct next {
        aura::Engine& engine;
        int& left;
        std::array<char, 64> some;
        void operator()() const {
            if (--left > 0)
                engine.timeout(0ns, *this);
        }
    };
    engine.timeout(0ns, next{engine, left, some});
    engine.wait();
    before = allocations;
    EXPECT_TRUE(engine.drain());
    EXPECT_EQ(left, 0);
    EXPECT_EQ(allocations, before);
}

TEST(CppCallback, SlotsGoBackWhereOneThreadStartsAndAnotherCompletes) {
    aura::Engine engine;
    std::atomic<int> calls{0};
    std::array<char, 64> some{};
    for (int round = 0; round < 3; ++round) {
        std::thread starts([&] {
            for (int i = 0; i < 2000; ++i)
                engine.timeout(0ns, [&calls, some] { calls += some[0] + 1; });
        });
        starts.join();
        EXPECT_TRUE(engine.drain());
    }
    EXPECT_EQ(calls, 6000); // that nothing is lost is the leak checker's to say
}

TEST(CppCallback, ItsExceptionLeavesTheFunctionThatRunsIt) {
    aura::Engine engine;
    const auto throws = [] { throw std::runtime_error("of a callback"); };
    engine.timeout(0ns, throws);
    EXPECT_THROW(engine.wait(), std::runtime_error);
    engine.timeout(0ns, throws);
    EXPECT_THROW(engine.drain(), std::runtime_error);
    engine.timeout(0ns, throws);
    EXPECT_THROW(engine.run(), std::runtime_error);
    engine.timeout(0ns, throws);
    EXPECT_THROW(while (engine.poll() == 0){}, std::runtime_error);
    EXPECT_EQ(engine.wait(), 0);
    engine.timeout(0ns, [&] { engine.fsync(-1, nullptr); }); // so does an operation that cannot be started
    EXPECT_EQ(error_of([&] { engine.wait(); }), EBADF);
}

TEST(CppCallback, OfSeveralExceptionsNoneIsLost) {
    aura::Engine engine({.ring_count = 1});
    int calls = 0;
    for (int i = 0; i < 3; ++i)
        engine.timeout(0ns, [&calls, i] {
            ++calls;
            throw i;
        });
    int thrown = 0;
    for (int i = 0; i < 3; ++i) {
        try {
            engine.drain();
        } catch (int which) {
            thrown |= 1 << which;
        }
        EXPECT_EQ(calls, 3); // one does not keep the others
    }
    EXPECT_EQ(thrown, 7);
    EXPECT_TRUE(engine.drain());
}

TEST(CppCallback, ItsExceptionGoesToTheThreadInWhichItRan) {
    aura::Engine engine({.ring_count = 2});
    std::atomic<int> caught{0};
    std::atomic<int> returned{0};
    std::atomic<int> over{0};
    const auto runs = [&] {
        try {
            engine.run();
            ++returned;
        } catch (const std::thread::id& where) {
            if (where == std::this_thread::get_id())
                ++caught;
        }
        ++over;
        over.notify_one();
    };
    std::thread a(runs);
    std::thread b(runs);
    engine.timeout(1ms, [] { throw std::this_thread::get_id(); });
    over.wait(0);
    engine.stop(); // for the other one, where it has come too late to be stopped by the exception
    a.join();
    b.join();
    EXPECT_EQ(caught, 1);
    EXPECT_EQ(returned, 1);
}

TEST(CppCallback, WhatIsThrownWhileAnEngineIsDestroyedIsDropped) {
    int calls = 0;
    {
        aura::Engine engine;
        engine.timeout(1h, [&] {
            ++calls;
            throw std::runtime_error("nobody listens");
        });
    }
    EXPECT_EQ(calls, 1);
}

TEST(CppCallback, OfAnInnerEngineItThrowsThroughTheOuterOnesCallback) {
    aura::Engine outer;
    aura::Engine inner;
    int caught = 0;
    outer.timeout(0ns, [&] {
        inner.timeout(0ns, [] { throw 1; });
        try {
            inner.wait();
        } catch (int n) {
            caught = n;
        }
        throw 2;
    });
    EXPECT_THROW(outer.wait(), int);
    EXPECT_EQ(caught, 1);
}

TEST(CppCallback, OneThatCannotBeMovedLosesNoMemory) {
    aura::Engine engine;
    EXPECT_THROW(engine.timeout(0ns, moves_badly()), std::runtime_error);
    EXPECT_EQ(engine.wait(), 0);
}

#if GTEST_HAS_DEATH_TEST && !AURAIO_TEST_TSAN
TEST(CppCallbackDeathTest, ThrowingIntoCEndsTheProcess) {
    EXPECT_DEATH( // in the child, to which no engine of the parent's is any use
        {
            aura::Engine engine;
            engine.timeout(0ns, [] { throw 1; });
            aura_wait(engine.handle(), -1);
        },
        "terminate");
}
#endif
