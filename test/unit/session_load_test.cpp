// session_load: when a ring sends connections to another one, and how many.
#include "core/loop/session_load.hpp"

#include <gtest/gtest.h>

using aura::core::session_load;

namespace {

constexpr std::uint64_t ms = 1'000'000;

/// A ring whose thread is always in handlers, `per_turn` of them in a turn, each of which takes `time`.
class busy_ring {
public:
    busy_ring(std::uint64_t time, std::uint64_t per_turn)
        : time_(time)
        , per_turn_(per_turn) {}

    /// What the ring shows after so long. `share`: of the processor, in percent.
    session_load::sample after(std::uint64_t elapsed, std::uint64_t share = 100) {
        seen_.now += elapsed;
        seen_.busy += elapsed;
        seen_.processor += elapsed * share / 100;
        seen_.handlers += elapsed * share / 100 / time_;
        seen_.turns = seen_.handlers / per_turn_;
        return seen_;
    }

private:
    const std::uint64_t time_;
    const std::uint64_t per_turn_;
    session_load::sample seen_{1000 * ms, 0, 1, 0, 0, 1};
};

TEST(SessionLoad, LooksWhenTimeHasPassed) {
    session_load load;
    busy_ring ring(100'000, 4);
    const auto first = ring.after(0);
    (void)load.look(first);
    EXPECT_FALSE(load.is_due(first.now + session_load::distance - 1));
    EXPECT_TRUE(load.is_due(first.now + session_load::distance));
}

TEST(SessionLoad, HalfOfThoseThatAreReadyMayLeave) {
    session_load load;
    busy_ring ring(100'000, 8);
    (void)load.look(ring.after(0));
    EXPECT_EQ(load.look(ring.after(12 * ms)), 4u);
    EXPECT_TRUE(load.has_left());
    EXPECT_TRUE(load.has_left());
    EXPECT_TRUE(load.has_left());
    EXPECT_FALSE(load.has_left());
    EXPECT_FALSE(load.may_leave(2000 * ms, 0));
}

TEST(SessionLoad, OneWhoseHandlersAreShortKeepsAll) {
    session_load load;
    busy_ring ring(session_load::long_handler / 2, 64);
    (void)load.look(ring.after(0));
    EXPECT_EQ(load.look(ring.after(12 * ms)), 0u);
}

TEST(SessionLoad, OneWhoseHandlersComeOneByOneKeepsAll) {
    session_load load;
    busy_ring ring(100'000, 1);
    (void)load.look(ring.after(0));
    EXPECT_EQ(load.look(ring.after(12 * ms)), 0u);
}

TEST(SessionLoad, WaitingForAProcessorIsNoTimeOfHandlers) {
    session_load load;
    busy_ring ring(100'000, 8);
    (void)load.look(ring.after(0));
    EXPECT_EQ(load.look(ring.after(12 * ms, 40)), 0u);
    EXPECT_EQ(load.look(ring.after(12 * ms, 60)), 4u);
}

TEST(SessionLoad, WithoutTheProcessorsTimeThatOfHandlersCounts) {
    session_load load;
    busy_ring ring(100'000, 8);
    auto first = ring.after(0), second = ring.after(12 * ms);
    first.processor = second.processor = 0;
    (void)load.look(first);
    EXPECT_EQ(load.look(second), 4u);
}

TEST(SessionLoad, AnIdleRingKeepsAll) {
    session_load load;
    busy_ring ring(100'000, 8);
    (void)load.look(ring.after(0));
    auto s = ring.after(12 * ms);
    s.busy = 0;
    EXPECT_EQ(load.look(s), 0u);
}

TEST(SessionLoad, WhatAnotherThreadDidIsNotCompared) {
    session_load load;
    busy_ring ring(100'000, 8);
    (void)load.look(ring.after(0));
    auto s = ring.after(12 * ms);
    s.thread = 2;
    EXPECT_EQ(load.look(s), 0u);
}

TEST(SessionLoad, WhatLiesFarBackIsNotCompared) {
    session_load load;
    busy_ring ring(100'000, 8);
    (void)load.look(ring.after(0));
    EXPECT_EQ(load.look(ring.after(200 * ms)), 0u);
    EXPECT_EQ(load.look(ring.after(12 * ms)), 4u);
}

TEST(SessionLoad, WhoHasMovedRests) {
    session_load load;
    busy_ring ring(100'000, 8);
    (void)load.look(ring.after(0));
    (void)load.look(ring.after(12 * ms));
    EXPECT_TRUE(load.may_leave(1012 * ms, 0));
    EXPECT_FALSE(load.may_leave(1012 * ms, 1012 * ms - session_load::rest + 1));
    EXPECT_TRUE(load.may_leave(1012 * ms, 1012 * ms - session_load::rest));
}

} // namespace
