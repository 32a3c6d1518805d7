// first thread: a process that has driven a ring makes its first thread after that.
#include <auraio/auraio.hpp>

#include "support/other_process.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>
#include <unistd.h>

namespace {

namespace net = aura::net;

constexpr unsigned patience = 30; // seconds

/// Drives the ring and sleeps in it, which arms its bell.
void drive(aura::io_context& ctx) {
    aura::steady_timer timer(ctx, std::chrono::milliseconds(1));
    timer.async_wait([](aura::error_code) {});
    ctx.run();
}

TEST(FirstThread, DoesNotKeepTheContextFromBeingDestroyed) {
    test::in_another_process([] {
        ::alarm(patience);
        {
            aura::io_context ctx(1);
            drive(ctx);
            std::thread([] {}).join();
        }
        ::alarm(0);
    });
}

TEST(FirstThread, WakesTheRingThatWasDrivenBefore) {
    test::in_another_process([] {
        ::alarm(patience);
        aura::io_context ctx;
        drive(ctx);
        auto work = net::make_work_guard(ctx);
        std::thread other([&] { net::post(ctx, [&] { work.reset(); }); });
        ctx.restart();
        ctx.run();
        other.join();
        ::alarm(0);
    });
}

} // namespace
