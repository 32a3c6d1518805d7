// Timers on clocks that are set: they fire in the order of their own clock, whatever it did while they
// waited.
#include "support/handlers.hpp"
#include "support/libraries.hpp"
#include "support/settable_clock.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using test::error_code;

using set_clock = test::settable_clock;
using often = test::looked_at_every<1>;
/// So rarely that a test which has to wait for it fails.
using rarely = test::looked_at_every<3'600'000>;

template <class Library>
class TimerJump : public testing::Test {
protected:
    using timer_type = typename Library::template waitable_timer<set_clock, often>;
    using rare_timer = typename Library::template waitable_timer<set_clock, rarely>;

    TimerJump() { set_clock::set(1s); }

    /// Writes down who fired, in capitals who was aborted.
    auto note(char name) {
        return [this, name](error_code error) {
            order_ += error ? static_cast<char>(name - 'a' + 'A') : name;
            EXPECT_TRUE(!error || error == net::error::operation_aborted) << error.message();
        };
    }

    typename Library::context ctx_;
    std::string order_;
};
TYPED_TEST_SUITE(TimerJump, test::libraries, test::library_names);

TYPED_TEST(TimerJump, OverSeveralDeadlinesFiresThemInTheirOrder) {
    typename TestFixture::timer_type a(this->ctx_, 400ms), b(this->ctx_, 100ms), c(this->ctx_, 300ms),
        d(this->ctx_, 200ms), e(this->ctx_, 1s);
    for (auto [timer, name] : {std::pair{&a, 'a'}, {&b, 'b'}, {&c, 'c'}, {&d, 'd'}, {&e, 'e'}})
        timer->async_wait(this->note(name));
    EXPECT_EQ(this->ctx_.run_for(5ms), 0u) << "it stands still";
    set_clock::jump(500ms);
    while (this->order_.size() != 4 && this->ctx_.run_one_for(5s) != 0) {
    }
    EXPECT_EQ(e.cancel(), 1u);
    EXPECT_EQ(this->ctx_.run_for(5s), 1u);
    EXPECT_EQ(this->order_, "bdcaE");
}

TYPED_TEST(TimerJump, BackwardsFiresNothing) {
    typename TestFixture::timer_type a(this->ctx_, 20ms), b(this->ctx_, 10ms);
    a.async_wait(this->note('a'));
    b.async_wait(this->note('b'));
    set_clock::jump(-500ms);
    EXPECT_EQ(this->ctx_.run_for(30ms), 0u);
    set_clock::jump(519ms);
    EXPECT_EQ(this->ctx_.run_one_for(5s), 1u);
    EXPECT_EQ(this->ctx_.run_for(5ms), 0u);
    set_clock::jump(1ms);
    EXPECT_EQ(this->ctx_.run_for(5s), 1u);
    EXPECT_EQ(this->order_, "ba");
}

TYPED_TEST(TimerJump, IsSeenWhenAnotherTimerFires) {
    typename TestFixture::rare_timer a(this->ctx_, 2s), b(this->ctx_, 1s), c(this->ctx_, 1h);
    a.async_wait(this->note('a'));
    b.async_wait(this->note('b'));
    c.async_wait(this->note('c'));
    typename TypeParam::steady_timer tick(this->ctx_, 1ms);
    tick.async_wait([&](error_code) {
        set_clock::jump(5s);
        tick.expires_after(1ms);
        tick.async_wait([&](error_code) {
            // Of what the same wake made ready, which clock's comes first is not said.
            net::post(this->ctx_, [&] { c.cancel(); });
        });
    });
    this->ctx_.run_for(5s);
    EXPECT_EQ(this->order_, "baC");
}

TYPED_TEST(TimerJump, TwoClocksAreTwoOrders) {
    typename TestFixture::timer_type a(this->ctx_, 2s), b(this->ctx_, 1s);
    typename TypeParam::system_timer c(this->ctx_, 1h), d(this->ctx_, 3ms);
    a.async_wait(this->note('a'));
    b.async_wait(this->note('b'));
    c.async_wait(this->note('c'));
    d.async_wait([&](error_code error) {
        EXPECT_FALSE(error);
        set_clock::jump(2s);
    });
    while (this->order_.size() != 2 && this->ctx_.run_one_for(5s) != 0) {
    }
    EXPECT_EQ(c.cancel(), 1u);
    this->ctx_.run_for(5s);
    EXPECT_EQ(this->order_, "baC");
}

TYPED_TEST(TimerJump, CountsStayExact) {
    typename TestFixture::timer_type a(this->ctx_, 10ms), b(this->ctx_, 20ms), c(this->ctx_, 30ms);
    a.async_wait(this->note('a'));
    a.async_wait(this->note('b'));
    b.async_wait(this->note('c'));
    b.async_wait(this->note('d'));
    c.async_wait(this->note('e'));
    EXPECT_EQ(a.cancel_one(), 1u);
    EXPECT_EQ(a.cancel_one(), 1u); // the first of the queue is without waits
    EXPECT_EQ(b.cancel_one(), 1u);
    EXPECT_EQ(b.cancel_one() + b.cancel_one(), 1u);
    EXPECT_EQ(c.expires_after(5ms), 1u);
    this->ctx_.run_for(5s);
    EXPECT_EQ(this->order_, "ABCDE");
    this->ctx_.restart();
    this->order_.clear();
    b.async_wait(this->note('b'));
    c.async_wait(this->note('c')); // before b now
    set_clock::jump(1s);
    this->ctx_.run_for(5s);
    EXPECT_EQ(this->order_, "cb");
    EXPECT_EQ(b.cancel() + c.cancel(), 0u);
}

TYPED_TEST(TimerJump, WhoIsSetAnewTakesItsNewPlace) {
    typename TestFixture::timer_type a(this->ctx_, 10ms), b(this->ctx_, 20ms), c(this->ctx_, 30ms);
    for (auto [timer, name] : {std::pair{&a, 'a'}, {&b, 'b'}, {&c, 'c'}})
        timer->async_wait(this->note(name));
    net::post(this->ctx_, [&] {
        EXPECT_EQ(a.expires_after(40ms), 1u);
        a.async_wait(this->note('a'));
        EXPECT_EQ(c.expires_after(5ms), 1u);
        c.async_wait(this->note('c'));
        net::post(this->ctx_, [] { set_clock::jump(1s); });
    });
    this->ctx_.run_for(5s);
    EXPECT_EQ(this->order_, "ACcba");
}

TYPED_TEST(TimerJump, MovedAndDestroyedTimersLeaveTheOrderWhole) {
    auto a = std::make_unique<typename TestFixture::timer_type>(this->ctx_, 10ms); // the first
    auto b = std::make_unique<typename TestFixture::timer_type>(this->ctx_, 30ms);
    typename TestFixture::timer_type c(this->ctx_, 20ms), d(this->ctx_, 40ms), e(this->ctx_, 25ms);
    for (auto [timer, name] : {std::pair{a.get(), 'a'}, {b.get(), 'b'}, {&c, 'c'}, {&d, 'd'}, {&e, 'e'}})
        timer->async_wait(this->note(name));
    EXPECT_EQ(this->ctx_.run_for(5ms), 0u);
    a.reset();
    typename TestFixture::timer_type moved(std::move(*b));
    b.reset();
    d = std::move(e); // what d waited for is aborted
    set_clock::jump(1s);
    this->ctx_.restart();
    this->ctx_.run_for(5s);
    EXPECT_EQ(this->order_, "ADceb");
}

TYPED_TEST(TimerJump, WithTimersSetAndCancelledByAnotherThread) {
    auto work = net::make_work_guard(this->ctx_);
    std::thread runner([&] { this->ctx_.run(); });
    for (int round = 0; round < 50; ++round) {
        typename TestFixture::timer_type a(this->ctx_, 10ms), b(this->ctx_, 20ms), c(this->ctx_, 30ms),
            d(this->ctx_, 40ms);
        std::promise<void> armed, aborted, last;
        for (auto [timer, name] : {std::pair{&a, 'a'}, {&c, 'c'}})
            timer->async_wait(this->note(name));
        b.async_wait([&](error_code error) {
            EXPECT_EQ(error, net::error::operation_aborted);
            aborted.set_value();
        });
        d.async_wait([&](error_code error) {
            EXPECT_FALSE(error);
            last.set_value();
        });
        if (round % 2 == 0) { // the ring knows of them, or not yet
            net::post(this->ctx_, [&] { armed.set_value(); });
            armed.get_future().wait();
        }
        EXPECT_EQ(a.expires_after(35ms), 1u);
        a.async_wait(this->note('a'));
        EXPECT_EQ(b.cancel(), 1u);
        aborted.get_future().wait(); // and the ring knows of all that was done before
        set_clock::jump(1s);
        last.get_future().wait();
        EXPECT_EQ(this->order_, "Aca");
        this->order_.clear();
    }
    work.reset();
    runner.join();
}

TYPED_TEST(TimerJump, EndsWithTheContextWhilePending) {
    auto held = std::make_shared<int>(0);
    {
        typename TypeParam::context ctx;
        std::optional<typename TestFixture::timer_type> timers[20];
        int i = 0;
        for (auto& timer : timers) {
            timer.emplace(ctx, set_clock::duration(1 + (i++ * 7) % 20));
            timer->async_wait([held](error_code) { ADD_FAILURE(); });
        }
        EXPECT_EQ(ctx.poll(), 0u);
        EXPECT_EQ(held.use_count(), 21);
        timers[3].reset();
        EXPECT_EQ(timers[4]->cancel(), 1u);
    }
    EXPECT_EQ(held.use_count(), 1);
}

TYPED_TEST(TimerJump, OfTheChildsClockConcernsTheChild) {
    typename TestFixture::timer_type a(this->ctx_, 2s), b(this->ctx_, 1s);
    a.async_wait(this->note('a'));
    b.async_wait(this->note('b'));
    EXPECT_EQ(this->ctx_.poll(), 0u);
    this->ctx_.notify_fork(net::execution_context::fork_prepare);
    const ::pid_t child = ::fork();
    if (child == 0) {
        this->ctx_.notify_fork(net::execution_context::fork_child);
        set_clock::jump(5s);
        this->ctx_.run_for(5s);
        ::_exit(this->order_ == "ba" ? 0 : 1);
    }
    ASSERT_GT(child, 0);
    this->ctx_.notify_fork(net::execution_context::fork_parent);
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    EXPECT_EQ(this->ctx_.run_for(5ms), 0u);
    EXPECT_EQ(this->order_, "");
    set_clock::jump(5s);
    this->ctx_.run_for(5s);
    EXPECT_EQ(this->order_, "ba");
}

#if AURAIO_TEST_HAS_AURA
using own_timer = test::this_library::waitable_timer<set_clock, rarely>;

TEST(TimerJumpOfOurs, EqualTimesFireInTheOrderOfArming) { // Asio's heap does not keep it
    aura::io_context ctx;
    set_clock::set(0ms);
    std::string order;
    own_timer a(ctx, 10ms), b(ctx, 10ms), c(ctx, 10ms), d(ctx, 10ms);
    const auto note = [&](char name) { return [&order, name](error_code) { order += name; }; };
    for (auto [timer, name] : {std::pair{&b, 'b'}, {&a, 'a'}, {&d, 'd'}, {&c, 'c'}, {&b, 'B'}})
        timer->async_wait(note(name));
    set_clock::jump(10ms);
    typename test::this_library::steady_timer tick(ctx, 1ms);
    tick.async_wait([](error_code) {});
    ctx.run_for(5s);
    EXPECT_EQ(order, "bBadc");
}

/// Asio's waits for up to five minutes here: the timer is not the first of its clock, so that nobody looks.
TEST(TimerJumpOfOurs, WhoIsArmedAfterItIsNotKeptWaiting) {
    aura::io_context ctx;
    set_clock::set(0ms);
    std::string order;
    own_timer passed(ctx, 1h);
    passed.async_wait([&](error_code) { order += 'p'; });
    EXPECT_EQ(ctx.poll(), 0u);
    set_clock::jump(2h);
    own_timer soon(ctx, 0ms);
    soon.async_wait([&](error_code) { order += 's'; });
    ctx.run_for(5s);
    EXPECT_EQ(order, "ps");
}

/// What is left of the time is nothing in the wait traits' eyes, which round down.
using rounds_to_nothing = test::looked_at_every<0>;

TEST(TimerJumpOfOurs, TheClockAloneSaysThatTheTimeHasCome) {
    aura::io_context ctx;
    set_clock::set(0ms);
    test::this_library::waitable_timer<set_clock, rounds_to_nothing> timer(ctx, 1ms);
    bool fired = false;
    timer.async_wait([&](error_code) { fired = true; });
    EXPECT_EQ(ctx.run_for(2ms), 0u);
    EXPECT_FALSE(fired);
    set_clock::jump(1ms);
    EXPECT_EQ(ctx.run_for(5s), 1u);
    EXPECT_TRUE(fired);
}
#endif

} // namespace
