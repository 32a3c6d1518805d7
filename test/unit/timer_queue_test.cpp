// core::timer_queue against a std::multimap, and the promises of its contract one by one.
#include "auraio/core/timer/timer_queue.hpp"

#include "support/checked_timer_queue.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace {

using aura::core::timer_node;
using aura::core::timer_queue;
using test::checked_queue;
using test::drain;
using test::later;
using test::latest;
using test::nodes;
using test::random_times;

constexpr std::uint64_t second = 1'000'000'000;
constexpr std::uint64_t hour = 3600 * second;
constexpr std::uint64_t year = 365 * 24 * hour;

static_assert(sizeof(timer_node) <= 24);
static_assert(sizeof(timer_queue) <= 12 * 1024);

std::vector<timer_node*> pop_all_due(timer_queue& queue, std::uint64_t now) {
    std::vector<timer_node*> popped;
    while (timer_node* node = queue.pop_due(now))
        popped.push_back(node);
    return popped;
}

// The order in which nodes should be popped that were inserted in the order of the container.
std::vector<timer_node*> in_deadline_order(nodes& timers) {
    std::multimap<std::uint64_t, timer_node*> by_deadline; // equal ones stay in the order of insertion
    for (timer_node& timer : timers)
        by_deadline.emplace(timer.deadline(), &timer);
    std::vector<timer_node*> sorted;
    for (const auto& [deadline, timer] : by_deadline)
        sorted.push_back(timer);
    return sorted;
}

struct model_case {
    std::size_t node_count;
    unsigned deadline_bits; // the largest distance of a deadline is 2^deadline_bits ns
    unsigned step_bits;     // the same for a step of time
    std::uint64_t start;
};

// One step of a random history: insert, remove, move time and pop some, with nodes in between.
void random_step(checked_queue& queue, random_times& random, const model_case& param, std::uint64_t& now) {
    const std::size_t id = random.below(queue.node_count());
    switch (random.below(8)) {
    case 0:
        now = later(now, random.distance(param.step_bits));
        for (std::uint64_t count = random.below(8); count != 0 && queue.pop(now); --count) {
        }
        return;
    case 1: // all that is due, and a new timer after every other one
        while (queue.pop(now)) {
            const std::size_t again = random.below(2 * queue.node_count());
            if (again < queue.node_count() && !queue.queued(again))
                queue.insert(again, later(now, 1 + random.distance(param.deadline_bits)));
            if (now == latest)
                return; // every time is due then
        }
        return;
    case 2: // an engine that sleeps until the queue says
        now = std::max(now, std::min(queue.next_deadline(), later(now, std::uint64_t{1} << param.step_bits)));
        queue.pop(now);
        return;
    default:
        if (queue.queued(id))
            queue.remove(id);
        else
            queue.insert(id, random.deadline(now, param.deadline_bits));
    }
}

class TimerQueueModel : public testing::TestWithParam<model_case> {};

TEST_P(TimerQueueModel, BehavesAsAMultimap) {
    const model_case param = GetParam();
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        random_times random(seed);
        checked_queue queue(param.node_count, param.start);
        std::uint64_t now = param.start;
        for (int step = 0; step < 3000; ++step) {
            random_step(queue, random, param, now);
            if (HasFailure())
                return;
        }
        while (queue.pop(latest)) {
        }
        ASSERT_TRUE(queue.empty());
    }
}

INSTANTIATE_TEST_SUITE_P(Magnitudes, TimerQueueModel,
                         testing::Values(model_case{3, 8, 6, 0},           // a few timers, nanoseconds
                                         model_case{40, 12, 8, 1000},      //
                                         model_case{40, 34, 30, 0},        // seconds
                                         model_case{300, 40, 32, 1 << 20}, // minutes, crowded slots
                                         model_case{40, 59, 52, 10 * hour},
                                         model_case{300, 63, 54, 1},             // centuries
                                         model_case{40, 20, 12, latest - 50000}, // up to the end of time
                                         model_case{300, 63, 58, latest / 2}));  // the top level

TEST(TimerQueue, EmptyHasNothingToWaitFor) {
    timer_queue queue;
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(queue.size(), 0u);
    EXPECT_EQ(queue.next_deadline(), timer_queue::never);
    EXPECT_EQ(queue.pop_due(0), nullptr);
    EXPECT_EQ(queue.pop_due(year), nullptr);
    EXPECT_EQ(queue.next_deadline(), timer_queue::never);
}

TEST(TimerQueue, NodeLeavesTheQueueWhenPoppedAndKeepsItsDeadline) {
    timer_queue queue(100);
    timer_node node;
    EXPECT_FALSE(node.queued());
    queue.insert(node, 150);
    EXPECT_TRUE(node.queued());
    EXPECT_EQ(queue.pop_due(149), nullptr) << "never early";
    EXPECT_EQ(queue.pop_due(150), &node);
    EXPECT_FALSE(node.queued());
    EXPECT_EQ(node.deadline(), 150u);
    EXPECT_TRUE(queue.empty());
}

TEST(TimerQueue, OneHourTimerNeedsNoWakeBefore) {
    for (const std::uint64_t start : {std::uint64_t{0}, 12345 * second + 678, 40 * year + 9}) {
        timer_queue queue(start);
        timer_node node;
        queue.insert(node, start + hour);
        EXPECT_EQ(queue.next_deadline(), start + hour);
        // Turns of the loop for other reasons change nothing.
        for (std::uint64_t now = start; now < start + hour; now += 7 * second) {
            ASSERT_EQ(queue.pop_due(now), nullptr);
            ASSERT_EQ(queue.next_deadline(), start + hour);
        }
        EXPECT_EQ(queue.pop_due(start + hour), &node);
    }
}

TEST(TimerQueue, CancelledNeighboursLeaveTheLastDeadlineExact) {
    timer_queue queue;
    nodes others(1000);
    timer_node node;
    for (std::size_t i = 0; i < others.size(); ++i)
        queue.insert(others[i], hour / 2 + i);
    queue.insert(node, hour);
    for (timer_node& other : others)
        queue.remove(other);
    EXPECT_EQ(queue.next_deadline(), hour);
    queue.remove(node);
}

TEST(TimerQueue, SleepTimeIsExactWithoutRemovals) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        random_times random(seed);
        checked_queue queue(200, seed);
        std::uint64_t now = seed;
        for (int step = 0; step < 2000 && now < latest; ++step) {
            const std::size_t id = random.below(queue.node_count());
            if (!queue.queued(id))
                queue.insert(id, random.deadline(now, 50));
            if (step % 3 == 0) {
                now = later(now, random.distance(44));
                queue.pop(now);
            }
            ASSERT_EQ(queue.next_deadline(), queue.earliest()) << "seed " << seed;
        }
    }
}

TEST(TimerQueue, RemovalCausesAtMostOneSpuriousWake) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        random_times random(seed);
        checked_queue queue(500, 0);
        std::size_t removed = 0;
        for (std::size_t id = 0; id < queue.node_count(); ++id)
            queue.insert(id, random.distance(60));
        for (std::size_t id = 0; id < queue.node_count(); ++id) {
            if (random.below(10) != 0) {
                queue.remove(id);
                ++removed;
            }
        }
        std::size_t spurious = 0;
        while (!queue.empty()) {
            const std::uint64_t now = queue.next_deadline();
            spurious += queue.pop(now) ? 0U : 1U;
            while (queue.pop(now)) {
            }
        }
        EXPECT_LE(spurious, removed) << "seed " << seed;
    }
}

TEST(TimerQueue, RearmedTimeoutsRarelyWakeTheLoop) {
    // 1000 connections with a 30 s time-out, each active every 100 ms, for ten minutes.
    constexpr std::size_t count = 1000;
    constexpr std::uint64_t step = second / 10 / count;
    timer_queue queue;
    nodes timers(count);
    for (std::size_t i = 0; i < count; ++i)
        queue.insert(timers[i], 30 * second + i * step);
    std::uint64_t now = count * step;
    std::size_t wakes = 0;
    for (std::size_t i = 0; now < 600 * second; ++i, now += step) {
        timer_node& timer = timers[i % count];
        queue.remove(timer);
        queue.insert(timer, now + 30 * second);
        if (queue.next_deadline() <= now) {
            ++wakes;
            ASSERT_EQ(queue.pop_due(now), nullptr);
        }
    }
    EXPECT_LE(wakes, 600u / 20) << "of " << 600 / 30 << " periods";
    drain(queue);
}

TEST(TimerQueue, EqualDeadlinesAreFirstInFirstOut) {
    // Started at different times, hence placed on different levels at first.
    for (const std::uint64_t deadline : {std::uint64_t{64}, second, hour + 1, year + 12345, latest - 1}) {
        timer_queue queue;
        nodes timers(60);
        std::size_t next = 0;
        for (; next < 20; ++next)
            queue.insert(timers[next], deadline);
        for (std::uint64_t divisor = 1 << 20; next < timers.size(); ++next, divisor = divisor / 2 + 1) {
            EXPECT_EQ(queue.pop_due(deadline - 1 - deadline / divisor / 2), nullptr);
            queue.insert(timers[next], deadline);
        }
        for (timer_node& expected : timers)
            ASSERT_EQ(queue.pop_due(deadline), &expected);
    }
}

TEST(TimerQueue, EqualDeadlinesStayInOrderWhenOneOfThemHasBeenPopped) {
    timer_queue queue;
    nodes timers(4);
    queue.insert(timers[0], hour);
    queue.insert(timers[1], hour);
    ASSERT_EQ(queue.pop_due(2 * hour), &timers[0]);
    queue.insert(timers[2], hour);
    queue.insert(timers[3], hour - 1);
    EXPECT_EQ(pop_all_due(queue, 2 * hour), (std::vector{&timers[3], &timers[1], &timers[2]}));
}

TEST(TimerQueue, LateTimersComeFirstInDeadlineOrder) {
    timer_queue queue(hour);
    nodes timers(7);
    queue.insert(timers[0], hour);
    queue.insert(timers[1], 5);
    queue.insert(timers[2], 3);
    queue.insert(timers[3], 5);
    queue.insert(timers[4], 0);
    queue.insert(timers[5], 3);
    queue.insert(timers[6], hour - 1);
    EXPECT_EQ(queue.next_deadline(), 0u);
    queue.remove(timers[1]);
    for (const unsigned expected : {4U, 2U, 5U, 3U, 6U, 0U}) {
        EXPECT_EQ(queue.next_deadline(), timers[expected].deadline());
        EXPECT_EQ(queue.pop_due(hour), &timers[expected]);
    }
}

TEST(TimerQueue, ManyLateTimersInRandomOrderAreSorted) {
    constexpr std::size_t count = 100'000;
    std::mt19937_64 engine(7);
    timer_queue queue(year);
    nodes timers(count);
    for (timer_node& timer : timers)
        queue.insert(timer, engine() % (count / 4));
    const std::vector<timer_node*> expected = in_deadline_order(timers);
    EXPECT_EQ(pop_all_due(queue, year), expected);
}

TEST(TimerQueue, PoppedNodeMayBeInsertedAgainAtOnce) {
    timer_queue queue;
    timer_node tick;
    timer_node end;
    queue.insert(tick, 10);
    queue.insert(end, 1000);
    // A periodic timer that catches up: it falls due again and again within one call for time 1000.
    for (std::uint64_t deadline = 10; deadline <= 1000; deadline += 10) {
        if (deadline == 1000) {
            ASSERT_EQ(queue.pop_due(1000), &end) << "queued before the tick of the same time";
        }
        ASSERT_EQ(queue.pop_due(1000), &tick);
        queue.insert(tick, deadline + 10);
    }
    EXPECT_EQ(queue.pop_due(1000), nullptr);
    EXPECT_EQ(queue.next_deadline(), 1010u);
    queue.remove(tick);
}

TEST(TimerQueue, NodesDueMayBeRemovedBetweenTwoPops) {
    timer_queue queue;
    nodes timers(100);
    for (std::size_t i = 0; i < timers.size(); ++i)
        queue.insert(timers[i], second + i % 10);
    std::vector<timer_node*> popped;
    while (timer_node* node = queue.pop_due(hour)) {
        popped.push_back(node);
        for (timer_node& other : timers) {
            if (other.queued() && other.deadline() == node->deadline())
                queue.remove(other);
        }
    }
    ASSERT_EQ(popped.size(), 10u);
    for (std::size_t i = 0; i < popped.size(); ++i)
        EXPECT_EQ(popped[i], &timers[i]);
}

TEST(TimerQueue, EveryDeadlineIsLegal) {
    timer_queue queue;
    nodes timers(4);
    queue.insert(timers[0], latest);
    queue.insert(timers[1], latest - 1);
    queue.insert(timers[2], 0);
    EXPECT_EQ(queue.pop_due(0), &timers[2]);
    EXPECT_EQ(queue.next_deadline(), latest - 1);
    EXPECT_EQ(queue.pop_due(latest - 2), nullptr);
    queue.insert(timers[3], 0);
    EXPECT_EQ(queue.pop_due(latest - 2), &timers[3]);
    EXPECT_EQ(queue.pop_due(latest - 1), &timers[1]);
    EXPECT_EQ(queue.pop_due(latest - 1), nullptr);
    EXPECT_EQ(queue.next_deadline(), timer_queue::never);
    EXPECT_EQ(queue.size(), 1u);
    EXPECT_EQ(queue.pop_due(latest), &timers[0]);
}

TEST(TimerQueue, DeadlinesAroundTheBorderOfEachLevel) {
    for (unsigned shift = 6; shift < 64; shift += 6) {
        const std::uint64_t border = std::uint64_t{1} << shift;
        timer_queue queue(border - 2);
        nodes timers(6);
        queue.insert(timers[5], border + border / 2);
        queue.insert(timers[4], border + 1);
        queue.insert(timers[3], border);
        queue.insert(timers[2], border - 1);
        queue.insert(timers[1], border - 2);
        queue.insert(timers[0], border - 3);
        for (std::size_t i = 0; i < timers.size(); ++i) {
            ASSERT_EQ(queue.next_deadline(), timers[i].deadline()) << "shift " << shift;
            ASSERT_EQ(queue.pop_due(timers[i].deadline()), &timers[i]) << "shift " << shift;
        }
    }
}

TEST(TimerQueue, TimeThatRunsBackwardsFindsLess) {
    timer_queue queue;
    nodes timers(3);
    queue.insert(timers[0], 100);
    queue.insert(timers[1], 300);
    EXPECT_EQ(queue.pop_due(200), &timers[0]);
    EXPECT_EQ(queue.pop_due(200), nullptr);
    queue.insert(timers[2], 50);
    EXPECT_EQ(queue.pop_due(40), nullptr);
    EXPECT_EQ(queue.pop_due(60), &timers[2]);
    EXPECT_EQ(queue.pop_due(60), nullptr);
    EXPECT_EQ(queue.pop_due(300), &timers[1]);
}

TEST(TimerQueue, TimeThatRunsBackwardsLeavesTheSlotsInPlace) {
    timer_queue queue(hour);
    nodes timers(3);
    queue.insert(timers[0], hour + 100);
    EXPECT_EQ(queue.pop_due(1), nullptr);
    queue.remove(timers[0]);
    EXPECT_EQ(queue.next_deadline(), timer_queue::never);
    // The same among late timers: the answer for a time that has passed is made exact.
    queue.insert(timers[0], 50);
    queue.insert(timers[1], 60);
    queue.insert(timers[2], 70);
    queue.remove(timers[0]);
    EXPECT_EQ(queue.pop_due(55), nullptr);
    EXPECT_EQ(queue.next_deadline(), 60u);
    EXPECT_EQ(pop_all_due(queue, 70), (std::vector{&timers[1], &timers[2]}));
}

TEST(TimerQueue, SlotsAreAsFineAsTheDistanceFromTheClock) {
    for (const bool far_timer_queued : {false, true}) {
        timer_queue queue; // at time zero, where an hour lies in one slot
        timer_node far;
        if (far_timer_queued)
            queue.insert(far, year);
        EXPECT_EQ(queue.pop_due(hour), nullptr);
        nodes timers(3);
        for (std::size_t i = 0; i < timers.size(); ++i)
            queue.insert(timers[i], hour + (2 * i + 2) * second);
        queue.remove(timers[0]);
        EXPECT_EQ(queue.next_deadline(), timers[1].deadline()) << "left behind in a slot shared without need";
        drain(queue);
    }
}

TEST(TimerQueue, JumpOfYearsFindsAllTimersInOrder) {
    constexpr std::size_t count = 100'000;
    std::mt19937_64 engine(11);
    timer_queue queue(year);
    nodes timers(count);
    for (timer_node& timer : timers)
        queue.insert(timer, year + engine() % (30 * year));
    const std::vector<timer_node*> expected = in_deadline_order(timers);
    const auto first_half = std::find_if(expected.begin(), expected.end(),
                                         [](timer_node* timer) { return timer->deadline() > 15 * year; });
    std::vector<timer_node*> popped = pop_all_due(queue, 15 * year);
    EXPECT_EQ(popped, std::vector<timer_node*>(expected.begin(), first_half));
    EXPECT_EQ(queue.next_deadline(), (*first_half)->deadline());
    popped = pop_all_due(queue, 40 * year);
    EXPECT_EQ(popped, std::vector<timer_node*>(first_half, expected.end()));
    EXPECT_TRUE(queue.empty());
}

} // namespace
