// core::ring_selector: each mode, and each of the two gates before a spill.
#include "core/loop/ring_selector.hpp"

#include <algorithm>
#include <numeric>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using aura::core::ring_load;
using aura::core::ring_selection;
using aura::core::ring_selector;

std::vector<unsigned> cpus(unsigned count) {
    std::vector<unsigned> ids(count);
    std::iota(ids.begin(), ids.end(), 0u);
    return ids;
}

// A selector with everything it may ask for under the test's control.
struct bench {
    explicit bench(ring_selection mode, unsigned rings, std::vector<unsigned> ids = cpus(64))
        : selector(mode, rings, ids)
        , in_flight(rings, 0) {}

    ring_selector::choice select() { return select(caller); }
    ring_selector::choice select(ring_selector::caller& c) {
        return selector.select(
            c,
            [&] {
                ++cpu_reads;
                return cpu;
            },
            [&](unsigned ring) {
                ++load_reads;
                return ring_load{in_flight.at(ring), 100};
            },
            [&] { return random(); });
    }

    ring_selector selector;
    ring_selector::caller caller;
    unsigned cpu = 0;
    std::vector<std::uint32_t> in_flight;
    std::mt19937_64 random{1};
    unsigned cpu_reads = 0;
    unsigned load_reads = 0;
};

TEST(RingSelector, CpuLocalStaysHoweverCrowdedItIs) {
    bench b(ring_selection::cpu_local, 4);
    b.cpu = 2;
    b.in_flight = {0, 0, 100, 0};
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(b.select().ring, 2u);
        EXPECT_FALSE(b.select().spilled);
    }
    EXPECT_EQ(b.load_reads, 0u);
}

TEST(RingSelector, LooksAtTheProcessorOncePer32Requests) {
    bench b(ring_selection::cpu_local, 4);
    for (unsigned i = 0; i < 320; ++i)
        b.select();
    EXPECT_EQ(b.cpu_reads, 10u);
    b.cpu = 3; // the thread migrates: noticed within 32 requests
    for (unsigned i = 0; i < ring_selector::refresh_interval; ++i)
        b.select();
    EXPECT_EQ(b.select().ring, 3u);
}

TEST(RingSelector, DealsOutTheProcessorsThatMayBeUsed) {
    const bench b(ring_selection::cpu_local, 4, {0, 2, 4, 6, 9});
    EXPECT_EQ(b.selector.ring_of_cpu(0), 0u);
    EXPECT_EQ(b.selector.ring_of_cpu(2), 1u);
    EXPECT_EQ(b.selector.ring_of_cpu(4), 2u);
    EXPECT_EQ(b.selector.ring_of_cpu(6), 3u);
    EXPECT_EQ(b.selector.ring_of_cpu(9), 0u);
    EXPECT_LT(b.selector.ring_of_cpu(5), 4u);   // hot-plugged, or the mask was changed
    EXPECT_LT(b.selector.ring_of_cpu(400), 4u); // beyond everything known
}

TEST(RingSelector, RoundRobinVisitsEveryRingInTurn) {
    bench b(ring_selection::round_robin, 3);
    const unsigned first = b.select().ring;
    for (unsigned i = 1; i < 30; ++i)
        EXPECT_EQ(b.select().ring, (first + i) % 3);
    EXPECT_EQ(b.cpu_reads, 0u);
    EXPECT_EQ(b.load_reads, 0u);
}

TEST(RingSelector, RoundRobinStartsThreadsAtDifferentRings) {
    bench b(ring_selection::round_robin, 4);
    std::vector<unsigned> first;
    for (int i = 0; i < 4; ++i) {
        ring_selector::caller c;
        first.push_back(b.select(c).ring);
    }
    std::sort(first.begin(), first.end());
    EXPECT_EQ(first, (std::vector<unsigned>{0, 1, 2, 3}));
}

TEST(RingSelector, ThreadBoundKeepsEachThreadAtOneRingAndDealsThemOutEvenly) {
    bench b(ring_selection::thread_bound, 3);
    std::vector<unsigned> users(3, 0);
    for (int t = 0; t < 9; ++t) {
        ring_selector::caller c;
        const unsigned ring = b.select(c).ring;
        ++users[ring];
        b.cpu = static_cast<unsigned>(t);
        for (int i = 0; i < 100; ++i)
            ASSERT_EQ(b.select(c).ring, ring);
    }
    EXPECT_EQ(users, (std::vector<unsigned>{3, 3, 3}));
}

TEST(RingSelector, AdaptiveIsLocalAndLooksAtNothingElseBelow75Percent) {
    bench b(ring_selection::adaptive, 4);
    b.cpu = 1;
    b.in_flight = {0, 74, 0, 0};
    for (int i = 0; i < 50; ++i)
        EXPECT_EQ(b.select().ring, 1u);
    EXPECT_EQ(b.load_reads, 50u);
    EXPECT_EQ(b.selector.spills(1), 0u);
}

TEST(RingSelector, AdaptiveSpillsAnOutlierToALighterRing) {
    bench b(ring_selection::adaptive, 4);
    b.cpu = 1;
    b.in_flight = {10, 75, 20, 30};
    for (int i = 0; i < 200; ++i) {
        const auto c = b.select();
        EXPECT_TRUE(c.spilled);
        EXPECT_NE(c.ring, 1u);
        EXPECT_NE(c.ring, 3u); // the heaviest of the others is never the lighter of two
    }
    EXPECT_EQ(b.selector.spills(1), 200u);
    EXPECT_EQ(b.selector.spills(0), 0u);
}

TEST(RingSelector, AdaptiveStaysWhenTheOthersAreAsCrowded) {
    bench b(ring_selection::adaptive, 4);
    b.in_flight = {80, 40, 40, 40}; // exactly twice the average of the others
    EXPECT_FALSE(b.select().spilled);
    b.in_flight = {81, 40, 40, 40};
    EXPECT_TRUE(b.select().spilled);
    EXPECT_EQ(b.selector.spills(0), 1u);
}

TEST(RingSelector, AdaptiveNeverSpillsToARingThatIsNoLighter) {
    bench b(ring_selection::adaptive, 40);
    b.in_flight[0] = 90; // more than twice the average of the others, of which a third are as full
    for (unsigned i = 1; i < 40; ++i)
        b.in_flight[i] = i <= 13 ? 90 : 0;
    unsigned stayed = 0;
    for (int i = 0; i < 1000; ++i) {
        const auto c = b.select();
        ASSERT_EQ(b.in_flight[c.ring], c.spilled ? 0u : 90u);
        stayed += !c.spilled;
    }
    EXPECT_GT(stayed, 0u); // both of the two picked were full
    EXPECT_EQ(b.selector.spills(0), 1000 - stayed);
}

TEST(RingSelector, AdaptiveSpillsBetweenTwoRings) {
    bench b(ring_selection::adaptive, 2);
    b.in_flight = {75, 37};
    EXPECT_EQ(b.select().ring, 1u);
    b.in_flight = {75, 38};
    EXPECT_EQ(b.select().ring, 0u);
}

TEST(RingSelector, AdaptiveWithOneRingHasNoChoice) {
    bench b(ring_selection::adaptive, 1);
    b.in_flight = {100};
    EXPECT_EQ(b.select().ring, 0u);
    EXPECT_EQ(b.load_reads, 0u);
}

// Two different rings are compared, never the local one, and each is as likely as any other.
TEST(RingSelector, AdaptivePicksEveryOtherRingEquallyOften) {
    bench b(ring_selection::adaptive, 5);
    b.cpu = 2;
    b.in_flight = {0, 0, 80, 0, 0};
    std::vector<int> chosen(5, 0);
    for (int i = 0; i < 40'000; ++i)
        ++chosen[b.select().ring];
    EXPECT_EQ(chosen[2], 0);
    for (const unsigned ring : {0u, 1u, 3u, 4u})
        EXPECT_NEAR(chosen[ring], 10'000, 500);
}

// One thread keeps submitting from one processor while all rings complete at the same speed: the spill keeps
// its ring from filling up although it offers more than one ring can complete.
TEST(RingSelector, AdaptiveKeepsAnOverloadedRingFromFillingUp) {
    bench b(ring_selection::adaptive, 4);
    for (int step = 0; step < 20'000; ++step) {
        ++b.in_flight[b.select().ring];
        if (step % 2 == 0) // each ring completes one request where two are offered to all of them
            for (std::uint32_t& n : b.in_flight)
                n -= n != 0;
        ASSERT_LT(b.in_flight[0], 90u) << step;
    }
    EXPECT_GT(b.selector.spills(0), 5'000u);
}

TEST(RingSelector, MayBeAskedByManyThreads) {
    ring_selector selector(ring_selection::adaptive, 4, cpus(4));
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t < 4; ++t)
        threads.emplace_back([&selector, t] {
            ring_selector::caller c;
            std::mt19937_64 random(t);
            for (int i = 0; i < 10'000; ++i)
                selector.select(
                    c, [&] { return 0u; }, [](unsigned ring) { return ring_load{ring == 0 ? 90u : 0u, 100}; },
                    random);
        });
    threads.clear();
    EXPECT_EQ(selector.spills(0), 40'000u);
}

} // namespace
