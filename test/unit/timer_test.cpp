// timer: each wait ends once, counts are exact, the memory goes when the shard has forgotten it.
#include "support/fake_backend.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <thread>
#include <vector>

using namespace aura::core;
using namespace test;

namespace {

constexpr nanoseconds_t hour = 3'600'000'000'000u;

class Timer : public testing::Test {
protected:
    Timer()
        : engine_(machine_.options())
        , home_(engine_.shard_at(0)) {}
    ~Timer() override {
        engine_.shutdown();
        EXPECT_EQ(plain_timer::alive, 0);
    }

    template <class F>
    void inside(F f) {
        home_.post(function(f));
        turn();
    }
    void turn() {
        engine_.restart();
        engine_.run(0);
    }

    fake_machine machine_;
    engine engine_;
    shard& home_;
};

TEST_F(Timer, AWaitThatIsDueFires) {
    outcome o;
    auto* t = new plain_timer(home_);
    inside([&] { t->wait(*new plain_wait(o), 1); });
    turn();
    EXPECT_EQ(o.completed, 1);
    EXPECT_EQ(o.result, 0);
    t->forget();
}

TEST_F(Timer, CountsAreExactBeforeAnybodyRuns) {
    outcome a, b, c;
    auto* t = new plain_timer(home_);
    t->wait(*new plain_wait(a), monotonic_now() + hour);
    t->wait(*new plain_wait(b), monotonic_now() + hour);
    t->wait(*new plain_wait(c), monotonic_now() + hour);
    EXPECT_EQ(t->cancel_one(), 1u);
    EXPECT_EQ(t->cancel(), 2u);
    EXPECT_EQ(t->cancel(), 0u);
    turn();
    EXPECT_EQ(a.result, -ECANCELED);
    EXPECT_EQ(b.result, -ECANCELED);
    EXPECT_EQ(c.result, -ECANCELED);
    t->forget();
    turn();
}

TEST_F(Timer, CancelledFromAnotherThreadWhileTheShardIsDriven) {
    outcome o;
    auto* t = new plain_timer(home_);
    std::size_t count = 0;
    inside([&] {
        t->wait(*new plain_wait(o), monotonic_now() + hour);
        std::thread([&] { count = t->cancel(); }).join();
        EXPECT_EQ(o.completed, 0);
    });
    turn();
    EXPECT_EQ(count, 1u);
    EXPECT_EQ(o.completed, 1);
    EXPECT_EQ(o.result, -ECANCELED);
    t->forget();
}

TEST_F(Timer, ForgottenInEveryState) {
    outcome armed, under_way, in_transit, never_run;
    (new plain_timer(home_))->forget();
    EXPECT_EQ(plain_timer::alive, 0) << "one that never waited needs nobody";

    inside([&] {
        auto* t = new plain_timer(home_);
        t->wait(*new plain_wait(armed), monotonic_now() + hour);
        t->forget();
        EXPECT_EQ(plain_timer::alive, 0);
    });
    turn();
    EXPECT_EQ(armed.result, -ECANCELED);

    auto* t = new plain_timer(home_); // its message is under way when it is forgotten
    t->wait(*new plain_wait(under_way), monotonic_now() + hour);
    t->forget();
    turn();
    EXPECT_EQ(under_way.result, -ECANCELED);
    EXPECT_EQ(plain_timer::alive, 0);

    inside([&] { // a wait claimed from afar has not arrived when the owner forgets the timer here
        auto* u = new plain_timer(home_);
        u->wait(*new plain_wait(in_transit), monotonic_now() + hour);
        std::thread([&] { EXPECT_EQ(u->cancel(), 1u); }).join();
        u->forget();
        EXPECT_EQ(plain_timer::alive, 1);
    });
    turn();
    EXPECT_EQ(in_transit.result, -ECANCELED);
    EXPECT_EQ(plain_timer::alive, 0);

    auto* v = new plain_timer(home_); // nobody ever drives it again: destroyed with the engine
    v->wait(*new plain_wait(never_run), monotonic_now() + hour);
    v->forget();
    engine_.shutdown();
    EXPECT_EQ(never_run.destroyed, 1);
}

TEST_F(Timer, ALaterDeadlineWaitsForItself) {
    outcome first, second;
    auto* t = new plain_timer(home_);
    inside([&] {
        t->wait(*new plain_wait(first), monotonic_now() + 1'000'000);
        EXPECT_EQ(t->cancel_for_rearm(), 1u);
        t->wait(*new plain_wait(second), monotonic_now() + hour);
    });
    engine_.restart();
    engine_.run(monotonic_now() +
                5'000'000); // past the first deadline, at which the queue still holds the timer
    EXPECT_EQ(first.result, -ECANCELED);
    EXPECT_EQ(second.completed, 0);
    inside([&] { EXPECT_EQ(t->cancel(), 1u); });
    turn();
    EXPECT_EQ(second.result, -ECANCELED);
    t->forget();
}

TEST_F(Timer, ASignalEndsOneWait) {
    outcome one, two;
    auto* t = new plain_timer(home_);
    auto* wait = new plain_wait(one);
    cancel_handle handle = wait->make_cancellable(home_);
    inside([&] {
        t->wait(*wait, monotonic_now() + hour);
        t->wait(*new plain_wait(two), monotonic_now() + hour);
        handle.request();
        EXPECT_EQ(t->cancel(), 1u);
        handle.request();
    });
    turn();
    EXPECT_EQ(one.result, -ECANCELED);
    EXPECT_EQ(two.result, -ECANCELED);
    t->forget();
}

// ---- many that are due in one turn: they are fired in groups ----

constexpr std::size_t many = 3 * 16 + 5; // some whole groups, and a part of one

/// Waits that note the order in which they end.
struct noted {
    std::vector<std::size_t>& order;
    std::size_t id;
};
class noting_wait final : public wait_operation {
public:
    explicit noting_wait(noted n)
        : wait_operation(&run)
        , note_(n) {}

private:
    static void run(operation& base, action what) {
        auto& self = static_cast<noting_wait&>(base);
        if (stays_pending(self, what))
            return;
        if (what == action::complete && self.result() == 0)
            self.note_.order.push_back(self.note_.id);
        delete &self;
    }
    noted note_;
};

TEST_F(Timer, ManyFireInTheOrderOfTheirDeadlines) {
    for (const std::size_t count : {std::size_t{1}, std::size_t{2}, std::size_t{15}, std::size_t{16},
                                    std::size_t{17}, std::size_t{32}, std::size_t{33}, many}) {
        std::vector<plain_timer*> timers(count);
        std::vector<std::size_t> order, expected;
        inside([&] {
            for (std::size_t i = 0; i < count; ++i) {
                timers[i] = new plain_timer(home_);
                timers[i]->wait(*new noting_wait({order, i}), 1 + i / 3); // threes that are due together
                expected.push_back(i);
            }
        });
        turn();
        EXPECT_EQ(order, expected);
        for (plain_timer* t : timers)
            t->forget();
    }
}

TEST_F(Timer, AmongManyTheOnesThatWereMovedOrCancelledStay) {
    std::vector<outcome> outcomes(many);
    std::vector<outcome> again(many);
    std::vector<plain_timer*> timers(many);
    inside([&] {
        const nanoseconds_t soon = monotonic_now() + 1'000'000;
        for (std::size_t i = 0; i < many; ++i) {
            timers[i] = new plain_timer(home_);
            timers[i]->wait(*new plain_wait(outcomes[i]), soon);
            if (i % 3 == 1) { // the queue still holds it for the first deadline
                EXPECT_EQ(timers[i]->cancel_for_rearm(), 1u);
                timers[i]->wait(*new plain_wait(again[i]), soon + hour);
            } else if (i % 3 == 2) { // and this one for none
                EXPECT_EQ(timers[i]->cancel_one(), 1u);
            }
        }
    });
    while (!std::ranges::all_of(outcomes, [](const outcome& o) { return o.completed != 0; })) {
        engine_.restart();
        engine_.run(monotonic_now() + 1'000'000);
    }
    for (std::size_t i = 0; i < many; ++i) {
        EXPECT_EQ(outcomes[i].result, i % 3 == 0 ? 0 : -ECANCELED) << i;
        EXPECT_EQ(outcomes[i].completed, 1) << i;
        EXPECT_EQ(again[i].completed, 0) << i;
    }
    inside([&] {
        for (plain_timer* t : timers)
            t->forget();
    });
    turn();
    for (std::size_t i = 1; i < many; i += 3)
        EXPECT_EQ(again[i].result, -ECANCELED) << i;
}

TEST_F(Timer, AHandlerEndsOthersThatAreDueWithIt) {
    std::vector<outcome> outcomes(many);
    std::vector<plain_timer*> timers(many);
    std::size_t claimed = 0;
    class ending_wait final : public wait_operation {
    public:
        explicit ending_wait(std::function<void()> f)
            : wait_operation(&run)
            , function_(std::move(f)) {}

    private:
        static void run(operation& base, action what) {
            auto& self = static_cast<ending_wait&>(base);
            if (stays_pending(self, what))
                return;
            const std::function<void()> f = std::move(self.function_);
            delete &self;
            if (what == action::complete)
                f();
        }
        std::function<void()> function_;
    };
    inside([&] {
        auto* first = timers[0] = new plain_timer(home_);
        first->wait(*new ending_wait([&] {
            for (std::size_t i = 1; i < many; ++i) {
                claimed += timers[i]->cancel(); // they have been claimed by expiry
                timers[i]->forget();
            }
        }),
                    1);
        for (std::size_t i = 1; i < many; ++i) {
            timers[i] = new plain_timer(home_);
            timers[i]->wait(*new plain_wait(outcomes[i]), 1);
        }
    });
    turn();
    EXPECT_EQ(claimed, 0u);
    for (std::size_t i = 1; i < many; ++i)
        EXPECT_EQ(outcomes[i].result, 0) << i;
    EXPECT_EQ(plain_timer::alive, 1);
    timers[0]->forget();
}

} // namespace
