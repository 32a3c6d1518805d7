// Accepting in a process that has run out of descriptors: one test body on Asio's and on ours.
#include "support/descriptor_famine.hpp"
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>
#include <vector>

namespace net = test::net;
using test::error_code;
using test::exactly_once;
using tcp = net::ip::tcp;

namespace {

template <class Library>
class AcceptWithoutDescriptors : public testing::Test {
protected:
    using socket = net::basic_stream_socket<tcp, typename Library::executor>;
    using acceptor_type = net::basic_socket_acceptor<tcp, typename Library::executor>;

    AcceptWithoutDescriptors()
        : acceptor_(ctx_, tcp::endpoint(net::ip::address_v4::loopback(), 0)) {
        for (int i = 0; i < 3; ++i)
            clients_.emplace_back(ctx_, tcp::v4());
        net::post(ctx_, [] {});
        ctx_.run(); // opens what a thread in run() needs
    }

    void SetUp() override {
        if (test::checks_need_descriptors)
            GTEST_SKIP() << "UndefinedBehaviorSanitizer needs descriptors to check calls inside Asio";
    }

    /// One more connection in the backlog; needs no new descriptor.
    void connect() { clients_.at(connected_++).connect(acceptor_.local_endpoint()); }

    void accept(int expected) {
        acceptor_.async_accept(exactly_once([this, expected](error_code ec, socket s) {
            EXPECT_EQ(ec.value(), expected);
            EXPECT_EQ(s.is_open(), !ec);
            ++ended_;
        }));
    }
    void poll() {
        ctx_.restart();
        ctx_.poll();
    }
    void run() {
        ctx_.restart();
        ctx_.run();
    }

    typename Library::context ctx_;
    acceptor_type acceptor_;
    std::vector<socket> clients_;
    std::size_t connected_ = 0;
    int ended_ = 0;
};
TYPED_TEST_SUITE(AcceptWithoutDescriptors, test::libraries, test::library_names);

TYPED_TEST(AcceptWithoutDescriptors, EachPendingAcceptLearnsOfItAndLaterOnesGetTheConnections) {
    test::descriptor_famine famine;
    for (int i = 0; i < 3; ++i)
        this->accept(EMFILE);
    this->poll();
    EXPECT_EQ(this->ended_, 0);
    famine.begin();
    this->connect();
    this->run();
    EXPECT_EQ(this->ended_, 3);
    famine.end();
    for (int i = 0; i < 3; ++i)
        this->accept(0);
    this->poll();
    this->connect();
    this->connect();
    this->run();
    EXPECT_EQ(this->ended_, 6);
}

TYPED_TEST(AcceptWithoutDescriptors, AContextThatHasNeverRunAndItsThreadsRunAllTheSame) {
    using socket_type = typename TestFixture::socket;
    using listener_type = typename TestFixture::acceptor_type;
    for (const std::size_t threads : {std::size_t{1}, std::size_t{4}}) {
        typename TypeParam::context ctx;
        listener_type acceptor(ctx, tcp::endpoint(net::ip::address_v4::loopback(), 0));
        socket_type client(ctx);
        client.connect(acceptor.local_endpoint());
        test::descriptor_famine famine;
        famine.begin();
        std::atomic<int> accepted{0};
        const auto on_accepted = [&](error_code ec, socket_type s) {
            EXPECT_FALSE(ec) << ec.message();
            EXPECT_TRUE(s.is_open());
            ++accepted;
        };
        net::post(ctx, [&] {
            famine.begin(); // what was kept for run() and not needed
            acceptor.async_accept(exactly_once([&](error_code ec, socket_type) {
                EXPECT_EQ(ec.value(), EMFILE);
                famine.end();
                if (ec)
                    acceptor.async_accept(exactly_once(on_accepted));
            }));
        });
        std::vector<std::thread> running;
        for (std::size_t i = 0; i < threads; ++i)
            running.emplace_back([&] { EXPECT_NO_THROW(ctx.run()); });
        for (auto& t : running)
            t.join();
        EXPECT_EQ(accepted, 1);
    }
}

TYPED_TEST(AcceptWithoutDescriptors, AServerThatTriesAgainRecovers) {
    test::descriptor_famine famine;
    famine.begin();
    this->connect();
    int failures = 0, successes = 0;
    typename TypeParam::steady_timer pause(this->ctx_);
    const auto accept = [&](auto again) -> void {
        this->acceptor_.async_accept([&, again](error_code ec, auto) {
            if (!ec) {
                ++successes;
                return;
            }
            EXPECT_EQ(ec.value(), EMFILE);
            if (++failures == 3)
                famine.end();
            pause.expires_after(std::chrono::milliseconds(1));
            pause.async_wait([again](error_code) { again(again); });
        });
    };
    accept(accept);
    this->run();
    EXPECT_EQ(failures, 3);
    EXPECT_EQ(successes, 1);
}

TYPED_TEST(AcceptWithoutDescriptors, SynchronousOnesSayItAndWaitsDoNotMind) {
    test::descriptor_famine famine;
    this->accept(0); // ours keeps asking the kernel afterwards
    this->connect();
    this->run();
    famine.begin();
    this->connect();
    this->acceptor_.wait(net::socket_base::wait_read);
    error_code ec;
    (void)this->acceptor_.accept(ec);
    EXPECT_EQ(ec.value(), EMFILE);
    this->acceptor_.non_blocking(true);
    this->acceptor_.wait(net::socket_base::wait_read);
    bool ready = false;
    this->acceptor_.async_wait(net::socket_base::wait_read, exactly_once([&](error_code e) {
                                   EXPECT_FALSE(e);
                                   ready = true;
                               }));
    this->run();
    EXPECT_TRUE(ready);
    famine.end();
    EXPECT_TRUE(this->acceptor_.accept().is_open());
}

} // namespace
