// Signal sets: one test body on Asio's and on ours, both together, and what only ours promises.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#if AURAIO_TEST_HAS_AURA
#include <auraio/signal_set.hpp>
#endif

#include <gtest/gtest.h>

#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace net = test::net;
using test::error_code;
using test::exactly_once;

namespace {

template <class Library>
using set_of = net::basic_signal_set<typename Library::executor>;

/// What the process does with a signal by default, and is it our tests' turn: each leaves it as it was.
bool is_default(int signal) {
    struct sigaction now{};
    EXPECT_EQ(::sigaction(signal, nullptr, &now), 0);
    return now.sa_handler == SIG_DFL;
}

template <class Library>
class SignalSet : public testing::Test {
protected:
    void run() {
        ctx_.restart();
        ctx_.run();
    }
    void poll() {
        ctx_.restart();
        ctx_.poll();
    }
    /// Waits, and notes what came.
    void wait(set_of<Library>& set) {
        test::initiation inside;
        set.async_wait(exactly_once([this](error_code ec, int signal) { note(ec, signal); }));
    }
    void note(error_code ec, int signal) {
        log_ += signal == SIGUSR1 ? '1' : signal == SIGUSR2 ? '2' : signal == 0 ? '0' : '?';
        log_ += !ec ? ' ' : ec == net::error::operation_aborted ? '!' : '?';
    }

    typename Library::context ctx_;
    std::string log_;
};
TYPED_TEST_SUITE(SignalSet, test::libraries, test::library_names);

TYPED_TEST(SignalSet, EndsAWaitWithTheSignal) {
    set_of<TypeParam> set(this->ctx_, SIGUSR1, SIGUSR2);
    this->wait(set);
    this->poll();
    EXPECT_EQ(this->log_, "");
    std::raise(SIGUSR2);
    this->run();
    EXPECT_EQ(this->log_, "2 ");
    this->wait(set);
    std::raise(SIGUSR1);
    this->run();
    EXPECT_EQ(this->log_, "2 1 ");
}

TYPED_TEST(SignalSet, CountsWhatComesBeforeAWait) {
    set_of<TypeParam> set(this->ctx_, SIGUSR2, SIGUSR1);
    std::raise(SIGUSR2);
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    // Asio hears of signals when its reactor runs; a timer gives it the occasion.
    typename TypeParam::steady_timer soon(this->ctx_, std::chrono::milliseconds(1));
    soon.async_wait([](error_code) {});
    this->run();
    for (int i = 0; i < 3; ++i) {
        this->wait(set);
        this->run();
    }
    EXPECT_EQ(this->log_, "1 2 2 ") << "the smallest number first";
    this->wait(set);
    this->poll();
    EXPECT_EQ(this->log_, "1 2 2 ");
    set.cancel();
    this->run();
    EXPECT_EQ(this->log_, "1 2 2 0!");
}

TYPED_TEST(SignalSet, OneSignalEndsAllWaitsOfAllSets) {
    set_of<TypeParam> one(this->ctx_, SIGUSR1), two(this->ctx_, SIGUSR1), other(this->ctx_, SIGUSR2);
    this->wait(one);
    this->wait(one);
    this->wait(two);
    this->wait(other);
    std::raise(SIGUSR1);
    for (int i = 0; i < 3; ++i) {
        this->ctx_.restart();
        this->ctx_.run_one();
    }
    this->poll();
    EXPECT_EQ(this->log_, "1 1 1 ");
    other.cancel();
    this->run();
    EXPECT_EQ(this->log_, "1 1 1 0!");
}

TYPED_TEST(SignalSet, TwoContextsHearTheSameSignal) {
    typename TypeParam::context second;
    set_of<TypeParam> here(this->ctx_, SIGUSR1), there(second, SIGUSR1);
    this->wait(here);
    this->wait(there);
    this->ctx_.poll();
    second.poll();
    std::raise(SIGUSR1);
    this->run();
    second.restart();
    second.run();
    EXPECT_EQ(this->log_, "1 1 ");
}

TYPED_TEST(SignalSet, AddRemoveAndClear) {
    EXPECT_TRUE(is_default(SIGUSR1));
    set_of<TypeParam> set(this->ctx_);
    error_code ec;
    for (const int signal : {-1, 100, 1000}) { // 100 is none, though core's table has room for it
        set.add(signal, ec);
        EXPECT_EQ(ec, net::error::invalid_argument);
    }
    set.add(SIGKILL, ec);
    EXPECT_EQ(ec, net::error::invalid_argument);
    EXPECT_THROW(set.add(SIGKILL), test::system_error);
    set.remove(1000, ec);
    EXPECT_EQ(ec, net::error::invalid_argument);
    set.remove(SIGUSR1, ec);
    EXPECT_FALSE(ec) << "not there is no error";
    set.add(SIGUSR1);
    set.add(SIGUSR1);
    EXPECT_FALSE(is_default(SIGUSR1));
    {
        set_of<TypeParam> second(this->ctx_, SIGUSR1);
        set.remove(SIGUSR1);
        EXPECT_FALSE(is_default(SIGUSR1));
        set.add(SIGUSR1);
    }
    EXPECT_FALSE(is_default(SIGUSR1));
    set.add(SIGUSR2);
    this->wait(set);
    set.clear();
    EXPECT_TRUE(is_default(SIGUSR1));
    EXPECT_TRUE(is_default(SIGUSR2));
    this->poll();
    EXPECT_EQ(this->log_, "") << "clear() ends no wait";
    set.add(SIGUSR1);
    std::raise(SIGUSR1);
    this->run();
    EXPECT_EQ(this->log_, "1 ");
}

TYPED_TEST(SignalSet, WhatWasMissedGoesWithTheSignal) {
    set_of<TypeParam> set(this->ctx_, SIGUSR1, SIGUSR2);
    std::raise(SIGUSR1);
    std::raise(SIGUSR2);
    typename TypeParam::steady_timer soon(this->ctx_, std::chrono::milliseconds(1));
    soon.async_wait([](error_code) {});
    this->run();
    set.remove(SIGUSR1);
    this->wait(set);
    this->run();
    EXPECT_EQ(this->log_, "2 ");
}

TYPED_TEST(SignalSet, DestructionAbortsAndAHandlerMayDestroyIt) {
    auto set = std::make_unique<set_of<TypeParam>>(this->ctx_, SIGUSR1);
    this->wait(*set);
    this->wait(*set);
    this->poll();
    set.reset();
    EXPECT_TRUE(is_default(SIGUSR1));
    this->run();
    EXPECT_EQ(this->log_, "0!0!");
    set = std::make_unique<set_of<TypeParam>>(this->ctx_, SIGUSR1);
    set->async_wait(exactly_once([&](error_code ec, int signal) {
        this->note(ec, signal);
        set.reset();
    }));
    std::raise(SIGUSR1);
    this->run();
    EXPECT_EQ(this->log_, "0!0!1 ");
}

TYPED_TEST(SignalSet, OneWaitIsCancelledByItsSlot) {
    set_of<TypeParam> set(this->ctx_, SIGUSR1);
    net::cancellation_signal cancel;
    const auto log = [this](error_code ec, int signal) { this->note(ec, signal); };
    set.async_wait(net::bind_cancellation_slot(cancel.slot(), log));
    this->wait(set);
    this->poll();
    cancel.emit(net::cancellation_type::partial);
    this->poll();
    EXPECT_EQ(this->log_, "0!");
    std::raise(SIGUSR1);
    this->run();
    EXPECT_EQ(this->log_, "0!1 ");
    cancel.emit(net::cancellation_type::partial); // finds nothing
}

TYPED_TEST(SignalSet, TheContextMayGoFirst) {
    int destroyed = 0;
    {
        auto ctx = std::make_unique<typename TypeParam::context>();
        auto set = std::make_shared<set_of<TypeParam>>(*ctx, SIGUSR1);
        set->async_wait([set, count = test::on_destruction([&] { ++destroyed; })](error_code, int) {});
        set.reset(); // its own handler holds it
        ctx->poll();
        ctx.reset();
    }
    EXPECT_EQ(destroyed, 1);
    EXPECT_TRUE(is_default(SIGUSR1));
}

TYPED_TEST(SignalSet, SignalsWhileThreadsRun) {
    set_of<TypeParam> set(this->ctx_, SIGUSR1);
    int caught = 0;
    const auto wait = [&](auto& again) -> void {
        set.async_wait([&](error_code ec, int) {
            ASSERT_FALSE(ec);
            if (++caught < 100) {
                again(again);
                ::kill(::getpid(), SIGUSR1);
            }
        });
    };
    wait(wait);
    ::kill(::getpid(), SIGUSR1);
    std::thread second([&] { this->ctx_.run(); });
    this->ctx_.run();
    second.join();
    EXPECT_EQ(caught, 100);
}

TYPED_TEST(SignalSet, EachProcessHearsItsOwnAfterAFork) {
    set_of<TypeParam> set(this->ctx_, SIGUSR1, SIGUSR2);
    this->wait(set);
    this->ctx_.poll(); // under way
    this->ctx_.notify_fork(net::execution_context::fork_prepare);
    const ::pid_t child = ::fork();
    if (child == 0) {
        this->ctx_.notify_fork(net::execution_context::fork_child);
        std::raise(SIGUSR2);
        this->run();
        ::_exit(this->log_ == "2 " ? 0 : 1);
    }
    this->ctx_.notify_fork(net::execution_context::fork_parent);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child: " << status;
    this->poll();
    EXPECT_EQ(this->log_, "") << "the child's";
    std::raise(SIGUSR1);
    this->run();
    EXPECT_EQ(this->log_, "1 ");
}

TYPED_TEST(SignalSet, WithACoroutine) {
    set_of<TypeParam> set(this->ctx_, SIGUSR1);
    int got = 0;
    net::co_spawn(
        this->ctx_, [&]() -> net::awaitable<void> { got = co_await set.async_wait(net::use_awaitable); },
        net::detached);
    this->poll();
    std::raise(SIGUSR1);
    this->run();
    EXPECT_EQ(got, SIGUSR1);
}

#if defined(AURAIO_HAS_SIGNAL_FLAGS)
TYPED_TEST(SignalSet, FlagsMustAgree) {
    using flags = typename set_of<TypeParam>::flags;
    set_of<TypeParam> one(this->ctx_), two(this->ctx_);
    error_code ec;
    one.add(SIGUSR1, flags::restart);
    struct sigaction now{};
    ::sigaction(SIGUSR1, nullptr, &now);
    EXPECT_NE(now.sa_flags & SA_RESTART, 0);
    two.add(SIGUSR1, flags::none, ec);
    EXPECT_EQ(ec, net::error::invalid_argument);
    two.add(SIGUSR1);
    two.add(SIGUSR2);
    one.add(SIGUSR2, flags::restart);
    ::sigaction(SIGUSR2, nullptr, &now);
    EXPECT_NE(now.sa_flags & SA_RESTART, 0);
}
#endif

#if AURAIO_TEST_HAS_AURA
/// Both kinds of sets in one program, in either order.
class MixedSignalSets : public testing::TestWithParam<bool> {
protected:
    template <class Set, class Context>
    void wait(Set& set, Context&, int& count) {
        set.async_wait([&count](error_code ec, int signal) { count += !ec && signal == SIGUSR1; });
    }
    void raise_and_run() {
        std::raise(SIGUSR1);
        for (auto run : {0, 1}) {
            if (run == 0 && native_waits_) {
                native_.restart();
                native_.run();
            } else if (run == 1 && stock_waits_) {
                stock_.restart();
                stock_.run();
            }
        }
    }

    aura::io_context native_;
    net::io_context stock_;
    bool native_waits_ = true;
    bool stock_waits_ = true;
};
INSTANTIATE_TEST_SUITE_P(, MixedSignalSets, testing::Bool(),
                         [](const auto& order) { return order.param ? "NativeFirst" : "StockFirst"; });

TEST_P(MixedSignalSets, BothHearAndNeitherUndoesTheOther) {
    std::optional<aura::signal_set> ours;
    std::optional<net::signal_set> asios;
    if (GetParam()) {
        ours.emplace(native_, SIGUSR1);
        asios.emplace(stock_, SIGUSR1);
    } else {
        asios.emplace(stock_, SIGUSR1);
        ours.emplace(native_, SIGUSR1);
    }
    int heard = 0, heard_stock = 0;
    wait(*ours, native_, heard);
    wait(*asios, stock_, heard_stock);
    raise_and_run();
    EXPECT_EQ(heard, 1);
    EXPECT_EQ(heard_stock, 1);

    asios.reset(); // ours goes on
    wait(*ours, native_, heard);
    stock_waits_ = false;
    raise_and_run();
    EXPECT_EQ(heard, 2);

    asios.emplace(stock_, SIGUSR1);
    ours.reset(); // Asio's goes on
    native_waits_ = false;
    stock_waits_ = true;
    wait(*asios, stock_, heard_stock);
    raise_and_run();
    EXPECT_EQ(heard_stock, 2);
    asios.reset();
    EXPECT_TRUE(is_default(SIGUSR1));
}

#if defined(AURAIO_HAS_STOCK_SIGNALS)
TEST(RingSignalSet, LeavesAsiosPipeAloneUnlessASetOfAsiosHasTheSignal) {
    net::io_context elsewhere; // never run: what its pipe gets stays there
    net::signal_set stock(elsewhere, SIGUSR2);
    aura::io_context ctx;
    aura::signal_set ours(ctx, SIGUSR1, SIGUSR2);
    const auto in_asios_pipe = [] {
        int bytes = -1;
        EXPECT_EQ(::ioctl(net::detail::get_signal_state()->read_descriptor_, FIONREAD, &bytes), 0);
        return bytes / static_cast<int>(sizeof(int));
    };
    std::raise(SIGUSR1);
    EXPECT_EQ(in_asios_pipe(), 0);
    std::raise(SIGUSR2);
    EXPECT_EQ(in_asios_pipe(), 1);
    ours.remove(SIGUSR2);
    std::raise(SIGUSR2);
    EXPECT_EQ(in_asios_pipe(), 2);
}
#endif

TEST(RingSignalSet, StartsNoThreadAndConvertsFromAnyExecutor) {
    aura::io_context ctx;
    aura::signal_set set(net::strand<net::any_io_executor>(ctx.get_executor()), SIGUSR1, SIGUSR2);
    int heard = 0;
    set.async_wait([&](error_code ec, int) { heard += !ec; });
    ctx.poll();
    std::raise(SIGUSR1);
    ctx.restart();
    ctx.run();
    EXPECT_EQ(heard, 1);
    EXPECT_FALSE(ctx.stock_reactor_active());
}

TEST(RingSignalSet, AnotherThreadStartsAndCancels) {
    aura::io_context ctx;
    aura::signal_set set(ctx, SIGUSR1);
    auto work = net::make_work_guard(ctx);
    std::thread runner([&] { ctx.run(); });
    for (int i = 0; i < 200; ++i) {
        auto result = set.async_wait(net::use_future);
        set.cancel();
        EXPECT_THROW(result.get(), test::system_error);
        result = set.async_wait(net::use_future);
        ::kill(::getpid(), SIGUSR1);
        EXPECT_EQ(result.get(), SIGUSR1);
    }
    work.reset();
    runner.join();
}
#endif

} // namespace
