// core::clock_queues against a std::multimap, over clocks that the test sets as it likes.
#include "auraio/core/timer/clock_queue.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace {

using aura::core::clock_heap;
using aura::core::clock_kind;
using aura::core::clock_node;
using aura::core::clock_queues;
using aura::core::timer_node;
using aura::core::timer_queue;

constexpr std::uint64_t longest_nap = 300;

/// A timer on clock number `Id`, whose time is an integer; looked at again after 300 ns at the latest.
struct timer : timer_node, clock_node {
    timer(const clock_kind& kind, int at)
        : clock_node(kind)
        , clock(&kind)
        , set_to(at)
        , queued_for(at) {}
    bool is_queued() const { return clock_node::queued(); }
    bool in_wheel() const { return timer_node::queued(); }

    const clock_kind* clock;
    int set_to;
    int queued_for;

    static timer& of(clock_node& n) { return static_cast<timer&>(n); }
    static const timer& of(const clock_node& n) { return static_cast<const timer&>(n); }
};

template <int Id>
struct test_clock {
    static inline int now = 0;
    static inline int readings = 0;

    static bool earlier(const clock_node& a, const clock_node& b) {
        return timer::of(a).queued_for < timer::of(b).queued_for;
    }
    static bool moved(const clock_node& n) { return timer::of(n).set_to != timer::of(n).queued_for; }
    static void renew(clock_node& n) { timer::of(n).queued_for = timer::of(n).set_to; }
    static std::uint64_t take_due(clock_heap& heap) {
        const int reading = now;
        ++readings;
        while (clock_node* first = heap.first()) {
            if (const int left = timer::of(*first).queued_for - reading; left > 0)
                return std::min(static_cast<std::uint64_t>(left), longest_nap);
            heap.take_first();
        }
        return timer_queue::never;
    }
    static timer_node& in_wheel(clock_node& n) { return timer::of(n); }
    static constexpr clock_kind kind{&earlier, &moved, &renew, &take_due, &in_wheel};
};
using first_clock = test_clock<1>;
using second_clock = test_clock<2>;

class ClockQueues : public testing::Test {
protected:
    ClockQueues() {
        first_clock::now = second_clock::now = 0;
        first_clock::readings = second_clock::readings = 0;
    }
    ~ClockQueues() override {
        for (timer& t : timers_)
            if (t.is_queued())
                queues_.remove(t);
        EXPECT_TRUE(queues_.empty());
        EXPECT_TRUE(wheel_.empty());
    }

    timer& add(const clock_kind& kind, int at, std::uint64_t look_at = longest_nap) {
        timer& t = timers_.emplace_back(kind, at);
        queues_.insert(t, look_at);
        return t;
    }

    /// As a shard does when it wakes: nothing unless the wheel gives something back.
    std::vector<timer*> fire(std::uint64_t now) {
        bool any = false;
        while (wheel_.pop_due(now) != nullptr)
            any = true;
        return any ? look(now) : std::vector<timer*>();
    }
    std::vector<timer*> look(std::uint64_t now) {
        std::vector<timer*> fired;
        queues_.look(now, [&](clock_node& n) {
            EXPECT_FALSE(n.queued());
            fired.push_back(&timer::of(n));
        });
        return fired;
    }

    timer_queue wheel_;
    clock_queues queues_{wheel_};
    std::deque<timer> timers_;
};

using list = std::vector<timer*>;

TEST_F(ClockQueues, AJumpFiresInTheOrderOfTheClock) {
    timer& late = add(first_clock::kind, 100);
    timer& early = add(first_clock::kind, 50);
    timer& later = add(first_clock::kind, 1'000);
    EXPECT_EQ(fire(longest_nap - 1), list()); // not even looked at
    EXPECT_EQ(first_clock::readings, 0);
    first_clock::now = 150;
    EXPECT_EQ(fire(longest_nap), (list{&early, &late}));
    EXPECT_EQ(first_clock::readings, 1);
    EXPECT_EQ(wheel_.next_deadline(), 2 * longest_nap);
    first_clock::now = 900;
    EXPECT_EQ(fire(2 * longest_nap), list());
    EXPECT_EQ(wheel_.next_deadline(), 2 * longest_nap + 100) << "it is due before it has to be looked at";
    first_clock::now = 1'000;
    EXPECT_EQ(fire(2 * longest_nap + 100), (list{&later}));
    EXPECT_EQ(wheel_.next_deadline(), timer_queue::never);
}

TEST_F(ClockQueues, EqualTimesFireInTheOrderOfArming) {
    list expected;
    for (int i = 0; i < 100; ++i)
        expected.push_back(&add(first_clock::kind, 7));
    // One is taken out and put in again: it is the last then.
    queues_.remove(*expected[40]);
    queues_.insert(*expected[40], longest_nap);
    std::rotate(expected.begin() + 40, expected.begin() + 41, expected.end());
    first_clock::now = 7;
    EXPECT_EQ(fire(longest_nap), expected);
}

TEST_F(ClockQueues, AClockThatIsSetBackFiresNothing) {
    timer& t = add(first_clock::kind, 10, 10);
    first_clock::now = -1'000;
    EXPECT_EQ(fire(10), list());
    EXPECT_EQ(wheel_.next_deadline(), 10 + longest_nap);
    first_clock::now = 10;
    EXPECT_EQ(fire(10 + longest_nap), (list{&t}));
}

TEST_F(ClockQueues, OnlyTheFirstOfAClockIsInTheWheel) {
    timer& b = add(first_clock::kind, 20, 200);
    timer& a = add(first_clock::kind, 10, 100);
    timer& c = add(first_clock::kind, 30, 250);
    timer& other = add(second_clock::kind, 5, 150);
    EXPECT_EQ(wheel_.size(), 2u);
    EXPECT_TRUE(a.in_wheel());
    EXPECT_EQ(a.deadline(), 100u);
    queues_.remove(a); // set and cancelled: the clock is not read
    EXPECT_TRUE(b.in_wheel());
    EXPECT_EQ(b.deadline(), 100u) << "one look too early, which costs less than reading the clock here";
    queues_.remove(b);
    EXPECT_TRUE(c.in_wheel());
    EXPECT_EQ(fire(149), list());
    EXPECT_EQ(first_clock::readings, 1);
    EXPECT_EQ(c.deadline(), 149u + 30u);
    queues_.remove(other);
    queues_.remove(c);
    EXPECT_TRUE(wheel_.empty());
}

TEST_F(ClockQueues, WhoeverIsArmedAfterAJumpIsNotKeptWaiting) {
    add(first_clock::kind, 1'000); // the clock is set beyond this one, and nobody knows yet
    first_clock::now = 5'000;
    timer& soon = add(first_clock::kind, 5'001, 1);
    EXPECT_EQ(wheel_.next_deadline(), 1u);
    first_clock::now = 5'001;
    EXPECT_EQ(fire(1).back(), &soon);
    timer& again = add(first_clock::kind, 9'000, longest_nap);
    queues_.look_by(again, 30); // a second wait of a timer that stays where it is
    EXPECT_EQ(wheel_.next_deadline(), 30u);
    queues_.look_by(again, 40);
    EXPECT_EQ(wheel_.next_deadline(), 30u);
}

TEST_F(ClockQueues, AnyWakeLooksAtEveryClock) {
    timer& a = add(first_clock::kind, 1'000);
    timer& b = add(second_clock::kind, 1'000);
    timer& c = add(second_clock::kind, 500);
    timer& pending = add(first_clock::kind, 5'000);
    first_clock::now = second_clock::now = 2'000;
    EXPECT_EQ(look(17), (list{&a, &c, &b}));
    EXPECT_TRUE(pending.in_wheel());
    EXPECT_EQ(pending.deadline(), 17 + longest_nap);
}

TEST_F(ClockQueues, WhatFiresMayQueueAndRemove) {
    timer& removed = add(first_clock::kind, 900);
    timer& again = add(first_clock::kind, 1);
    timer& last = add(second_clock::kind, 2);
    first_clock::now = second_clock::now = 10;
    list fired;
    queues_.look(50, [&](clock_node& n) {
        fired.push_back(&timer::of(n));
        if (&n == &again) {
            again.set_to = again.queued_for = 20;
            queues_.insert(again, 60);
            queues_.remove(removed);
        }
    });
    EXPECT_EQ(fired, (list{&again, &last}));
    EXPECT_TRUE(again.in_wheel());
    EXPECT_EQ(wheel_.next_deadline(), 60u);
}

TEST_F(ClockQueues, NothingIsReadAndNothingFiredWithoutTimers) {
    EXPECT_EQ(look(5), list());
    EXPECT_EQ(first_clock::readings + second_clock::readings, 0);
}

/// Random histories of two clocks that go on, stand still and jump both ways.
TEST_F(ClockQueues, AgreesWithAMultimap) {
    std::mt19937 random(4711); // NOLINT(cert-msc51-cpp): the same every time
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    std::array<std::multimap<int, timer*>, 2> model; // equal ones stay in the order of insertion
    const auto forget = [&](std::size_t clock, timer& t) {
        auto [from, to] = model[clock].equal_range(t.queued_for);
        model[clock].erase(std::find_if(from, to, [&](const auto& entry) { return entry.second == &t; }));
    };
    constexpr std::size_t per_clock = 40;
    for (std::size_t i = 0; i < 2 * per_clock; ++i)
        timers_.emplace_back(i < per_clock ? first_clock::kind : second_clock::kind, 0);
    std::uint64_t now = 0;
    for (int step = 0; step < 20'000; ++step) {
        const auto index = static_cast<std::size_t>(below(2 * per_clock));
        const std::size_t clock = index / per_clock;
        int& clock_now = clock == 0 ? first_clock::now : second_clock::now;
        timer& t = timers_[index];
        if (below(6) == 0) {
            clock_now += below(4) == 0 ? below(401) - 200 : below(20);
            now += static_cast<std::uint64_t>(below(100));
            list expected;
            for (std::size_t c = 0; c < 2; ++c) {
                const auto end = model[c].upper_bound(c == 0 ? first_clock::now : second_clock::now);
                std::transform(model[c].begin(), end, std::back_inserter(expected),
                               [](const auto& entry) { return entry.second; });
                model[c].erase(model[c].begin(), end);
            }
            const list fired = look(now);
            list sorted; // which clock comes first is not promised
            for (const clock_kind* kind : {&first_clock::kind, &second_clock::kind})
                std::copy_if(fired.begin(), fired.end(), std::back_inserter(sorted),
                             [&](const timer* f) { return f->clock == kind; });
            ASSERT_EQ(sorted, expected);
        } else if (t.is_queued()) {
            queues_.remove(t);
            forget(clock, t);
        } else {
            t.set_to = t.queued_for = clock_now + below(60) - 5;
            queues_.insert(t, now + static_cast<std::uint64_t>(below(60)));
            model[clock].emplace(t.queued_for, &t);
        }
        ASSERT_EQ(wheel_.size(), std::size_t{!model[0].empty()} + std::size_t{!model[1].empty()});
    }
}

} // namespace
