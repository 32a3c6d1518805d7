// More completions at once than the completion queue holds: none is lost, and the statistics say it.
#include <auraio/auraio.hpp>

#include "support/ring_configurations.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace net = aura::net;
using namespace test;
using stream = aura::local::stream_protocol;

namespace {

constexpr unsigned queue_size = 16;
constexpr unsigned burst = 10 * queue_size;

class CompletionOverflow : public testing::TestWithParam<ring_configuration> {
protected:
    static aura::io_context_options small_queues() {
        aura::io_context_options o = GetParam().options();
        o.sq_entries = 8;
        o.cq_entries = queue_size;
        return o;
    }

    CompletionOverflow() {
        for (unsigned i = 0; i < burst; ++i) {
            near_.emplace_back(ring_);
            far_.emplace_back(ring_);
            net::local::connect_pair(near_.back(), far_.back());
        }
    }

    aura::io_context ctx_{small_queues()};
    const aura::executor ring_ = ctx_.ring_executor(0);
    std::vector<stream::socket> near_, far_;
    std::array<unsigned char, burst> received_{};
    unsigned completed_ = 0;
};

TEST_P(CompletionOverflow, NothingIsLostOfABurstTenTimesTheQueue) {
    for (unsigned round = 1; round <= 5; ++round) {
        completed_ = 0;
        received_ = {};
        for (unsigned i = 0; i < burst; ++i)
            near_[i].async_receive(net::buffer(&received_[i], 1), [&, i](aura::error_code ec, std::size_t n) {
                EXPECT_FALSE(ec) << ec.message();
                EXPECT_EQ(n, 1u);
                EXPECT_EQ(received_[i], static_cast<unsigned char>(i + round));
                ++completed_;
            });
        ctx_.restart();
        ctx_.poll(); // all are the kernel's now
        ASSERT_EQ(completed_, 0u);
        for (unsigned i = 0; i < burst; ++i) {
            const auto byte = static_cast<unsigned char>(i + round);
            far_[i].send(net::buffer(&byte, 1));
        }
        ctx_.restart();
        ctx_.run();
        EXPECT_EQ(completed_, burst);
    }
    const aura::ring_stats s = ctx_.stats().total();
    EXPECT_EQ(s.submitted, 5 * burst);
    EXPECT_EQ(s.completed, 5 * burst);
    if (GetParam().has_rings()) { // else there is no queue that could overflow
        EXPECT_GE(s.cq_overflows, 1u);
    }
}

TEST_P(CompletionOverflow, CancellingThemAllAtOnceLosesNothingEither) {
    for (unsigned i = 0; i < burst; ++i)
        near_[i].async_receive(net::buffer(&received_[i], 1), [&](aura::error_code ec, std::size_t) {
            EXPECT_EQ(ec, net::error::operation_aborted);
            ++completed_;
        });
    ctx_.poll();
    for (auto& s : near_)
        s.cancel();
    ctx_.restart();
    ctx_.run();
    EXPECT_EQ(completed_, burst);
}

INSTANTIATE_TEST_SUITE_P(Rings, CompletionOverflow, testing::ValuesIn(all_rings), configuration_name);

} // namespace
