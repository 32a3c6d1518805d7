// takeover_statistics: what a ring's figures say of a takeover.
#include "support/lost_rings.hpp"
#include "support/system_calls_shown.hpp"

#include <auraio/core/report/engine_stats.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <functional>
#include <future>
#include <memory>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using test::patience;
using test::runners;

class TakeoverStatistics : public test::takeover_fixture {
protected:
    /// Three handlers that are ready at the same time on one ring. The first calls `wait` until the others have run.
    void run_three(const std::function<void(const std::atomic<int>&)>& wait) {
        std::array<std::unique_ptr<aura::steady_timer>, 3> timers;
        std::atomic<int> ran{0};
        std::promise<void> over;
        const auto handler = [&](test::error_code) {
            if (ran++ != 0)
                return;
            wait(ran);
            over.set_value();
        };
        {
            const runners<aura::io_context> threads(*ctx, 2);
            net::post(ctx->ring_executor(0), [&] { // keeps its ring, so that they start together
                for (auto& timer : timers) {
                    timer = std::make_unique<aura::steady_timer>(*ctx, 0ms);
                    timer->async_wait(handler);
                }
            });
            over.get_future().wait();
        }
        EXPECT_EQ(ran, 3);
    }
    aura::core::ring_stats total() { return ctx->stats().total(); }
};

TEST_F(TakeoverStatistics, SayThatTheThreadWasComputingAndHowManyHandlersWaited) {
    run_three([](const std::atomic<int>& ran) {
        const auto end = std::chrono::steady_clock::now() + patience;
        while (ran != 3 && std::chrono::steady_clock::now() < end) {
        }
    });
    EXPECT_GE(total().takeovers, 1u);
    if (test::shows_system_calls()) { // else nobody counts as computing
        EXPECT_GE(total().takeovers_computing, 1u);
    }
    EXPECT_LE(total().takeovers_computing, total().takeovers);
    EXPECT_GE(total().stranded, 2u);
}

} // namespace
