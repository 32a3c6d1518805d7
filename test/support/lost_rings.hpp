// Handlers that lose their ring while they run: what the tests of takeover have in common.
#pragma once

#include "support/libraries.hpp"

#include <auraio/core/base/thread_mark.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace test {

using namespace std::chrono_literals;

constexpr auto patience = 30s;

template <class Library>
std::unique_ptr<typename Library::context> make_context() {
    return std::make_unique<typename Library::context>();
}
template <>
inline std::unique_ptr<aura::io_context> make_context<this_library>() {
    aura::io_context_options o = aura::options_from_environment();
    o.takeover_after = 200;
    return std::make_unique<aura::io_context>(o);
}

/// Threads in run(), until the end of the scope.
template <class Context>
class runners {
public:
    runners(Context& ctx, int count)
        : ctx_(ctx)
        , work_(net::make_work_guard(ctx)) {
        for (int i = 0; i != count; ++i)
            threads_.emplace_back([this] { ctx_.run(); });
    }
    ~runners() {
        ctx_.stop();
        for (auto& t : threads_)
            t.join();
    }

private:
    Context& ctx_;
    net::executor_work_guard<typename Context::executor_type> work_;
    std::vector<std::thread> threads_;
};

/// In a handler: until its ring is another thread's, which it may be from before.
inline void lose_ring() {
    const aura::core::thread_mark& mark = aura::core::this_thread_mark();
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!mark.is_lost() && std::chrono::steady_clock::now() < end)
        std::this_thread::yield();
    EXPECT_TRUE(mark.is_lost());
}

/// How often a thread has gone on without its ring: others have taken it, or it has given it up before a handler that
/// was expected to take long.
inline std::uint64_t rings_left(const aura::io_context& ctx) {
    std::uint64_t sum = ctx.takeovers();
    for (const auto& ring : ctx.stats().rings)
        sum += ring.handed_over;
    return sum;
}

/// Runs the context until a timer of it has fired.
inline bool timer_fires(aura::io_context& ctx) {
    std::atomic<bool> fired{false};
    aura::steady_timer timer(ctx, 1ms);
    timer.async_wait([&](error_code) { fired = true; });
    const auto end = std::chrono::steady_clock::now() + patience;
    while (!fired && std::chrono::steady_clock::now() < end)
        ctx.run_one_for(10ms);
    return fired;
}

/// A context that takes over after a moment.
class takeover_fixture : public testing::Test {
protected:
    std::unique_ptr<aura::io_context> ctx = make_context<this_library>();

    template <class F>
    void in_a_handler_that_has_lost(F f) {
        std::promise<void> over; // until the threads have ended: set_value() may go on when the waiter does
        runners<aura::io_context> threads(*ctx, 2);
        net::post(*ctx, [&] {
            lose_ring();
            f();
            over.set_value();
        });
        over.get_future().wait();
    }
};

} // namespace test
