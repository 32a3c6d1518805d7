// core::ring_counters and the sums over rings.
#include "auraio/core/report/engine_stats.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace {

using aura::core::engine_stats;
using aura::core::ring_counters;
using aura::core::ring_stats;

TEST(RingCounters, AreReadAsTheyWereWritten) {
    const auto c = std::make_unique<ring_counters>();
    ring_counters::bump(c->submitted, 5);
    ring_counters::bump(c->completed, 3);
    ring_counters::bump(c->handlers);
    c->wakes_received.fetch_add(7);
    c->read_latency.record(40);
    ring_stats s;
    s.index = 4;
    c->read(s);
    EXPECT_EQ(s.index, 4u);
    EXPECT_EQ(s.submitted, 5u);
    EXPECT_EQ(s.completed, 3u);
    EXPECT_EQ(s.in_flight, 2u);
    EXPECT_EQ(s.handlers, 1u);
    EXPECT_EQ(s.wakes_received, 7u);
    EXPECT_EQ(s.read_latency.count(), 1u);
    EXPECT_EQ(s.write_latency.count(), 0u);
}

TEST(EngineStats, TotalAddsRingsAndKeepsTheLongestDelay) {
    engine_stats s;
    s.rings.resize(3);
    for (unsigned i = 0; i < 3; ++i) {
        s.rings[i].index = i;
        s.rings[i].turns = 10;
        s.rings[i].loop_delay_max = i * 100;
    }
    const ring_stats total = s.total();
    EXPECT_EQ(total.turns, 30u);
    EXPECT_EQ(total.loop_delay_max, 200u);
}

} // namespace
