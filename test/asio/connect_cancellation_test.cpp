// Connects that are cancelled or run out of time before, while and after they are carried out: one test body
// on Asio's sockets and on ours.
#include "support/full_backlog.hpp"
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using namespace net::experimental::awaitable_operators;
using net::ip::tcp;
using test::error_code;
using test::exactly_once;
using test::never_called;

template <class Library>
class ConnectCancellation : public testing::Test {
protected:
    using socket_type = net::basic_stream_socket<tcp, typename Library::executor>;
    using acceptor_type = net::basic_socket_acceptor<tcp, typename Library::executor>;

    tcp::endpoint nobody_answers() const { return {net::ip::address_v4::loopback(), stuck_.port()}; }
    tcp::endpoint somebody_answers() { return acceptor_.local_endpoint(); }

    /// Starts a connect that stays pending, for exactly one aborted handler.
    void start() {
        const test::initiation here;
        socket_.async_connect(nobody_answers(), aborted());
    }
    auto aborted() {
        return exactly_once([this](error_code ec) {
            EXPECT_EQ(ec, net::error::operation_aborted);
            ++aborted_;
        });
    }
    void run() {
        ctx_.restart();
        ctx_.run();
    }

    /// What a cancelled connect leaves is unspecified, as far as the connection goes; but closed, the socket
    /// is as good as new.
    void expect_reusable() {
        socket_.close();
        bool connected = false;
        socket_.async_connect(somebody_answers(), exactly_once([&](error_code ec) {
                                  EXPECT_FALSE(ec) << ec.message();
                                  connected = !ec;
                              }));
        run();
        ASSERT_TRUE(connected);
        expect_connected();
    }
    void expect_connected() {
        socket_type peer = acceptor_.accept();
        EXPECT_EQ(socket_.remote_endpoint(), somebody_answers());
        EXPECT_EQ(peer.remote_endpoint(), socket_.local_endpoint());
        char c = 0;
        socket_.send(net::buffer("x", 1));
        EXPECT_EQ(peer.receive(net::buffer(&c, 1)), 1u);
        EXPECT_EQ(c, 'x');
    }

    test::full_backlog stuck_;
    typename Library::context ctx_;
    acceptor_type acceptor_{ctx_, tcp::endpoint(net::ip::address_v4::loopback(), 0)};
    socket_type socket_{ctx_};
    int aborted_ = 0;
};
TYPED_TEST_SUITE(ConnectCancellation, test::libraries, test::library_names);

TYPED_TEST(ConnectCancellation, BeforeAnybodyRuns) {
    this->start();
    this->socket_.cancel();
    this->run();
    EXPECT_EQ(this->aborted_, 1);
    EXPECT_TRUE(this->socket_.is_open());
    this->expect_reusable();
}

TYPED_TEST(ConnectCancellation, ClosedBeforeAnybodyRuns) {
    this->start();
    this->socket_.close();
    this->run();
    EXPECT_EQ(this->aborted_, 1);
    EXPECT_FALSE(this->socket_.is_open());
    this->expect_reusable();
}

TYPED_TEST(ConnectCancellation, InFlight) {
    this->start();
    EXPECT_EQ(this->ctx_.poll(), 0u);
    this->socket_.cancel();
    this->run();
    EXPECT_EQ(this->aborted_, 1);
    EXPECT_TRUE(this->socket_.is_open());
    this->expect_reusable();
}

TYPED_TEST(ConnectCancellation, ClosedInFlight) {
    this->start();
    EXPECT_EQ(this->ctx_.poll(), 0u);
    this->socket_.close();
    this->run();
    EXPECT_EQ(this->aborted_, 1);
    EXPECT_FALSE(this->socket_.is_open());
    this->expect_reusable();
}

TYPED_TEST(ConnectCancellation, InFlightOnANonBlockingSocket) {
    this->socket_.open(tcp::v4());
    this->socket_.non_blocking(true);
    this->start();
    EXPECT_EQ(this->ctx_.poll(), 0u);
    this->socket_.cancel();
    this->run();
    EXPECT_EQ(this->aborted_, 1);
    this->expect_reusable();
}

TYPED_TEST(ConnectCancellation, BySlotInEveryWay) {
    for (const auto type : {net::cancellation_type::terminal, net::cancellation_type::partial,
                            net::cancellation_type::total, net::cancellation_type::all})
        for (const bool in_flight : {false, true}) {
            const int aborted_before = this->aborted_;
            net::cancellation_signal signal;
            this->socket_.async_connect(this->nobody_answers(),
                                        net::bind_cancellation_slot(signal.slot(), this->aborted()));
            this->ctx_.restart();
            if (in_flight)
                this->ctx_.poll();
            EXPECT_EQ(this->aborted_, aborted_before);
            signal.emit(type);
            this->run();
            EXPECT_TRUE(this->socket_.is_open());
            this->expect_reusable();
            this->socket_.close();
            signal.emit(type); // nothing is left that it could mean
        }
    EXPECT_EQ(this->aborted_, 8);
}

TYPED_TEST(ConnectCancellation, DestroyedInFlight) {
    auto socket = std::make_unique<typename TestFixture::socket_type>(this->ctx_);
    socket->async_connect(this->nobody_answers(), this->aborted());
    EXPECT_EQ(this->ctx_.poll(), 0u);
    socket.reset();
    this->run();
    EXPECT_EQ(this->aborted_, 1);
}

TYPED_TEST(ConnectCancellation, TheContextIsDestroyed) {
    for (const bool in_flight : {false, true}) {
        typename TypeParam::context ctx;
        typename TestFixture::socket_type socket(ctx);
        socket.async_connect(this->nobody_answers(), never_called());
        if (in_flight) {
            EXPECT_EQ(ctx.poll(), 0u);
        }
    }
}

TYPED_TEST(ConnectCancellation, MovedInFlight) {
    this->start();
    EXPECT_EQ(this->ctx_.poll(), 0u);
    auto moved = std::move(this->socket_);
    EXPECT_FALSE(this->socket_.is_open());
    moved.cancel();
    this->run();
    EXPECT_EQ(this->aborted_, 1);
    this->expect_reusable();
}

TYPED_TEST(ConnectCancellation, ATimerClosesIt) {
    typename TypeParam::steady_timer timer(this->ctx_, 5ms);
    timer.async_wait([&](error_code) { this->socket_.close(); });
    this->start();
    this->run();
    EXPECT_EQ(this->aborted_, 1);
    this->expect_reusable();
}

TYPED_TEST(ConnectCancellation, ATimerWinsInACoroutine) {
    std::optional<std::size_t> winner;
    net::co_spawn(
        this->ctx_,
        [this, &winner]() -> net::awaitable<void> {
            typename TypeParam::steady_timer timer(co_await net::this_coro::executor, 5ms);
            const auto result =
                co_await (this->socket_.async_connect(this->nobody_answers(), net::use_awaitable) ||
                          timer.async_wait(net::use_awaitable));
            winner = result.index();
        },
        [](std::exception_ptr e) { EXPECT_FALSE(e); });
    this->run();
    EXPECT_EQ(winner, 1u);
    this->expect_reusable();
}

TYPED_TEST(ConnectCancellation, ItWinsInACoroutine) {
    std::optional<std::size_t> winner;
    net::co_spawn(
        this->ctx_,
        [this, &winner]() -> net::awaitable<void> {
            typename TypeParam::steady_timer timer(co_await net::this_coro::executor, 1h);
            const auto result =
                co_await (this->socket_.async_connect(this->somebody_answers(), net::use_awaitable) ||
                          timer.async_wait(net::use_awaitable));
            winner = result.index();
        },
        [](std::exception_ptr e) { EXPECT_FALSE(e); });
    this->run();
    EXPECT_EQ(winner, 0u);
    this->expect_connected();
}

TYPED_TEST(ConnectCancellation, OfARangeOfEndpointsStopsThere) {
    const std::array<tcp::endpoint, 2> range{this->nobody_answers(), this->somebody_answers()};
    net::cancellation_signal signal;
    net::async_connect(
        this->socket_, range,
        net::bind_cancellation_slot(signal.slot(), exactly_once([this](error_code ec, const tcp::endpoint&) {
                                        EXPECT_EQ(ec, net::error::operation_aborted);
                                        ++this->aborted_;
                                    })));
    EXPECT_EQ(this->ctx_.poll(), 0u);
    signal.emit(net::cancellation_type::terminal);
    this->run();
    EXPECT_EQ(this->aborted_, 1);
    this->expect_reusable();
}

TYPED_TEST(ConnectCancellation, CancelAfter) {
#if AURAIO_TEST_ASIO_VERSION >= 103100
    this->socket_.async_connect(this->nobody_answers(), net::cancel_after(5ms, this->aborted()));
    this->run();
    EXPECT_EQ(this->aborted_, 1);
    this->expect_reusable();
    bool connected = false;
    this->socket_.close();
    this->socket_.async_connect(this->somebody_answers(),
                                net::cancel_after(1h, exactly_once([&](error_code ec) {
                                                      EXPECT_FALSE(ec) << ec.message();
                                                      connected = true;
                                                  })));
    this->run();
    EXPECT_TRUE(connected);
    this->expect_connected();
#else
    GTEST_SKIP() << "this Asio has no cancel_after";
#endif
}

TYPED_TEST(ConnectCancellation, AfterCompletionItMeansNothing) {
    net::cancellation_signal signal;
    bool connected = false;
    this->socket_.async_connect(this->somebody_answers(),
                                net::bind_cancellation_slot(signal.slot(), exactly_once([&](error_code ec) {
                                                                EXPECT_FALSE(ec) << ec.message();
                                                                connected = true;
                                                                this->socket_.cancel();
                                                                signal.emit(net::cancellation_type::all);
                                                            })));
    this->run();
    EXPECT_TRUE(connected);
    this->socket_.cancel();
    signal.emit(net::cancellation_type::all);
    this->expect_connected();
}

/// Asio says operation_aborted, or not, by whether its reactor has been told; so do we, by ours.
TYPED_TEST(ConnectCancellation, BetweenCompletionAndHandler) {
    std::vector<error_code> results;
    for (int i = 0; i < 50; ++i) {
        typename TestFixture::socket_type socket(this->ctx_);
        socket.async_connect(this->somebody_answers(),
                             exactly_once([&](error_code ec) { results.push_back(ec); }));
        const auto cancel = [&] { socket.cancel(); };
        if (i % 2 == 0)
            net::post(this->ctx_, cancel); // before the turn that begins it on a ring
        else
            net::post(this->ctx_, [&] { net::post(this->ctx_, cancel); });
        this->run();
        ASSERT_EQ(results.size(), static_cast<std::size_t>(i) + 1);
        if (!results.back()) {
            EXPECT_EQ(socket.remote_endpoint(), this->somebody_answers());
        } else {
            EXPECT_EQ(results.back(), net::error::operation_aborted);
        }
        this->acceptor_.non_blocking(true);
        error_code none;
        while (this->acceptor_.accept(none).is_open()) {
        }
    }
}

TYPED_TEST(ConnectCancellation, RacesWithCompletionInAnotherThread) {
    auto work = net::make_work_guard(this->ctx_);
    std::thread thread([this] { this->ctx_.run(); });
    for (int i = 0; i < 300; ++i) {
        typename TestFixture::socket_type socket(this->ctx_);
        std::promise<error_code> result;
        socket.async_connect(this->somebody_answers(),
                             exactly_once([&](error_code ec) { result.set_value(ec); }));
        for (int spins = i % 30 * 100; spins > 0; --spins)
            std::atomic_signal_fence(std::memory_order_seq_cst);
        if (i % 3 == 0)
            socket.close();
        else
            socket.cancel();
        const error_code ec = result.get_future().get();
        if (!ec && i % 3 != 0) {
            EXPECT_EQ(socket.remote_endpoint(), this->somebody_answers());
        }
        if (ec) {
            EXPECT_EQ(ec, net::error::operation_aborted) << ec.message();
        }
        socket.close();
    }
    work.reset();
    thread.join();
}

} // namespace
