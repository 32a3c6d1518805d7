// Out of descriptors, the multishot accept neither spins nor loses a connection.
#include <auraio/auraio.hpp>

#include "support/descriptor_famine.hpp"
#include "support/ring_configurations.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <vector>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;
using tcp = aura::ip::tcp;

namespace {

class AcceptFamine : public testing::TestWithParam<ring_configuration> {
protected:
    AcceptFamine()
        : acceptor_(ctx_.ring_executor(0), tcp::endpoint(net::ip::address_v4::loopback(), 0)) {
        for (int i = 0; i < 4; ++i)
            clients_.emplace_back(ctx_.ring_executor(0), tcp::v4());
    }

    /// One more connection in the backlog; needs no new descriptor.
    void connect() { clients_.at(connected_++).connect(acceptor_.local_endpoint()); }

    void accept() {
        acceptor_.async_accept([this](aura::error_code ec, tcp::socket s) {
            if (ec) {
                EXPECT_EQ(ec.value(), EMFILE);
            }
            ++(ec ? failed_ : accepted_);
            sockets_.push_back(std::move(s));
        });
    }
    void run() {
        ctx_.restart();
        ctx_.run();
    }

    /// What the ring does while nothing changes for 200 ms.
    void expect_rest() {
        const aura::ring_stats before = ctx_.stats().total();
        aura::steady_timer timer(ctx_.ring_executor(0), 200ms);
        timer.async_wait([](aura::error_code) {});
        run();
        const aura::ring_stats after = ctx_.stats().total();
        EXPECT_LE(after.turns - before.turns, 20u);
        EXPECT_LE(after.enters - before.enters, 20u);
        EXPECT_LE(after.submitted - before.submitted, 10u);
    }

    aura::io_context ctx_{GetParam().options()};
    tcp::acceptor acceptor_;
    std::vector<tcp::socket> clients_;
    std::vector<tcp::socket> sockets_;
    std::size_t connected_ = 0;
    int accepted_ = 0;
    int failed_ = 0;
};

TEST_P(AcceptFamine, TheRequestThatNobodyWaitsForRestsUntilSomebodyAsks) {
    test::descriptor_famine famine;
    accept();
    connect();
    run();
    ASSERT_EQ(accepted_, 1);
    famine.begin();
    for (int i = 0; i < 3; ++i)
        connect();
    expect_rest();
    famine.end();
    expect_rest();
    for (int i = 0; i < 3; ++i)
        accept();
    run();
    EXPECT_EQ(accepted_, 4);
    EXPECT_EQ(failed_, 0);
}

TEST_P(AcceptFamine, PendingAcceptsAreToldOnceAndTheRingRests) {
    test::descriptor_famine famine;
    accept();
    accept();
    ctx_.poll();
    famine.begin();
    for (int i = 0; i < 4; ++i)
        connect();
    expect_rest();
    EXPECT_EQ(failed_, 2);
    expect_rest();
    famine.end();
    for (int i = 0; i < 4; ++i)
        accept();
    run();
    EXPECT_EQ(accepted_, 4);
    EXPECT_EQ(failed_, 2);
}

INSTANTIATE_TEST_SUITE_P(Rings, AcceptFamine, testing::ValuesIn(all_rings), configuration_name);

} // namespace
