// Acceptors, TCP and UNIX: one test body on Asio's and on ours.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

namespace net = test::net;
using net::ip::tcp;
using test::error_code;
using test::exactly_once;

namespace {

template <class Library>
struct type_erased {
    using type = net::any_io_executor;
};
#if AURAIO_TEST_HAS_AURA
template <>
struct type_erased<test::this_library> {
    using type = ::aura::any_io_executor;
};
#endif

template <class Library>
class Acceptor : public testing::Test {
protected:
    using executor_type = typename Library::executor;
    using acceptor_type = net::basic_socket_acceptor<tcp, executor_type>;
    using socket_type = net::basic_stream_socket<tcp, executor_type>;
    using erased_type = typename type_erased<Library>::type;

    static tcp::endpoint loopback(unsigned short port = 0) { return {net::ip::address_v4::loopback(), port}; }

    /// Connects without a context of the test's library; the kernel completes it.
    std::unique_ptr<tcp::socket> connect(const tcp::endpoint& to) {
        auto client = std::make_unique<tcp::socket>(clients_);
        client->connect(to);
        return client;
    }
    static bool is_at_end(tcp::socket& client) {
        char c;
        error_code ec;
        client.receive(net::buffer(&c, 1), 0, ec);
        return ec == net::error::eof || ec == net::error::connection_reset;
    }
    void run() {
        ctx_.restart();
        ctx_.run();
    }

    net::io_context clients_;
    typename Library::context ctx_;
};
TYPED_TEST_SUITE(Acceptor, test::libraries, test::library_names);

TYPED_TEST(Acceptor, IsBuiltInEveryWay) {
    using acceptor = typename TestFixture::acceptor_type;
    acceptor closed(this->ctx_);
    EXPECT_FALSE(closed.is_open());
    acceptor opened(this->ctx_.get_executor(), tcp::v4());
    EXPECT_TRUE(opened.is_open());
    acceptor listening(this->ctx_, this->loopback());
    EXPECT_NE(listening.local_endpoint().port(), 0);
    const int fd = ::dup(listening.native_handle());
    acceptor assigned(this->ctx_, tcp::v4(), fd);
    EXPECT_EQ(assigned.native_handle(), fd);
    EXPECT_EQ(assigned.local_endpoint(), listening.local_endpoint());
    EXPECT_EQ(assigned.get_executor(), typename TestFixture::executor_type(this->ctx_.get_executor()));
    acceptor moved(std::move(listening));
    EXPECT_TRUE(moved.is_open());
    EXPECT_FALSE(listening.is_open()); // NOLINT(bugprone-use-after-move): promised
    closed = std::move(moved);
    EXPECT_TRUE(closed.is_open());
    net::basic_socket_acceptor<tcp, typename TestFixture::erased_type> plain(std::move(closed));
    EXPECT_TRUE(plain.is_open());
    auto client = this->connect(plain.local_endpoint());
    EXPECT_TRUE(plain.accept().is_open());
    static_assert(std::is_same_v<typename acceptor::template rebind_executor<net::any_io_executor>::other,
                                 net::basic_socket_acceptor<tcp, net::any_io_executor>>);
}

TYPED_TEST(Acceptor, IsOpenedBoundAndClosedWithItsOptions) {
    using acceptor = typename TestFixture::acceptor_type;
    acceptor a(this->ctx_);
    error_code ec;
    a.open(tcp::v4(), ec);
    EXPECT_FALSE(ec);
    a.open(tcp::v4(), ec);
    EXPECT_EQ(ec, net::error::already_open);
    a.set_option(typename acceptor::reuse_address(true));
    typename acceptor::reuse_address reuse;
    a.get_option(reuse);
    EXPECT_TRUE(reuse.value());
    a.bind(this->loopback());
    a.listen(5);
    a.non_blocking(true);
    EXPECT_TRUE(a.non_blocking());
    a.accept(ec);
    EXPECT_EQ(ec, net::error::would_block);
    a.non_blocking(false);
    a.native_non_blocking(true);
    EXPECT_TRUE(a.native_non_blocking());
    EXPECT_NE(::fcntl(a.native_handle(), F_GETFL) & O_NONBLOCK, 0);
    acceptor second(this->ctx_, tcp::v4());
    second.bind(a.local_endpoint(), ec);
    EXPECT_EQ(ec, net::error::address_in_use);
    const auto port = a.local_endpoint();
    a.close();
    EXPECT_FALSE(a.is_open());
    a.close(ec);
    EXPECT_FALSE(ec);
    acceptor again(this->ctx_, port, false); // at once, without SO_REUSEADDR: nobody was connected
    const int fd = again.release();
    EXPECT_FALSE(again.is_open());
    again.assign(tcp::v4(), fd);
    EXPECT_EQ(again.local_endpoint(), port);
}

TYPED_TEST(Acceptor, SaysWhatIsWrong) {
    using acceptor = typename TestFixture::acceptor_type;
    acceptor a(this->ctx_);
    error_code ec;
    a.listen(1, ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    a.local_endpoint(ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    a.cancel(ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    a.accept(ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    EXPECT_THROW(a.accept(), test::system_error);
    EXPECT_THROW(a.set_option(typename acceptor::reuse_address(true)), test::system_error);
    int failed = 0;
    {
        const test::initiation here;
        a.async_accept(exactly_once([&](error_code e, typename TestFixture::socket_type) {
            failed += e == net::error::bad_descriptor;
        }));
        a.async_wait(acceptor::wait_read,
                     exactly_once([&](error_code e) { failed += e == net::error::bad_descriptor; }));
    }
    a.open(tcp::v4()); // not listening
    a.accept(ec);
    EXPECT_EQ(ec, net::error::invalid_argument);
    typename TestFixture::socket_type open_already(this->ctx_, tcp::v4());
    acceptor listening(this->ctx_, this->loopback());
    listening.accept(open_already, ec);
    EXPECT_EQ(ec, net::error::already_open);
    listening.async_accept(open_already,
                           exactly_once([&](error_code e) { failed += e == net::error::already_open; }));
    this->run();
    EXPECT_EQ(failed, 3);
}

TYPED_TEST(Acceptor, AcceptsSynchronouslyInEveryWay) {
    using acceptor = typename TestFixture::acceptor_type;
    acceptor a(this->ctx_, this->loopback());
    typename TestFixture::socket_type into(this->ctx_);
    tcp::endpoint peer;
    error_code ec;
    const auto take = [&](auto accept) {
        auto client = this->connect(a.local_endpoint());
        peer = {};
        const auto accepted = accept();
        EXPECT_TRUE(accepted.is_open());
        EXPECT_EQ(accepted.remote_endpoint(), client->local_endpoint());
        return peer == client->local_endpoint();
    };
    const auto other = this->ctx_.get_executor();
    EXPECT_FALSE(take([&] { return a.accept(); }));
    EXPECT_FALSE(take([&] { return a.accept(ec); }));
    EXPECT_TRUE(take([&] { return a.accept(peer); }));
    EXPECT_TRUE(take([&] { return a.accept(peer, ec); }));
    EXPECT_FALSE(take([&] { return a.accept(other); }));
    EXPECT_TRUE(take([&] { return a.accept(other, peer); }));
    EXPECT_FALSE(take([&] { return a.accept(other, ec); }));
    EXPECT_FALSE(take([&] { return a.accept(this->clients_); }));
    EXPECT_TRUE(take([&] { return a.accept(this->clients_, peer, ec); }));
    EXPECT_FALSE(take([&] { return a.accept(into), std::move(into); }));
    EXPECT_FALSE(take([&] { return a.accept(into, ec), std::move(into); }));
    EXPECT_TRUE(take([&] { return a.accept(into, peer), std::move(into); }));
    EXPECT_TRUE(take([&] { return a.accept(into, peer, ec), std::move(into); }));
    EXPECT_FALSE(ec);
}

TYPED_TEST(Acceptor, AcceptsAsynchronouslyInEveryWay) {
    using socket = typename TestFixture::socket_type;
    typename TestFixture::acceptor_type a(this->ctx_, this->loopback());
    tcp::endpoint peer;
    const auto take = [&](auto start) {
        bool came = false;
        tcp::endpoint expected;
        const auto check = [&](error_code ec, const auto& accepted) {
            EXPECT_FALSE(ec);
            EXPECT_EQ(accepted.remote_endpoint(), expected);
            came = true;
        };
        peer = {};
        {
            const test::initiation here;
            start(check);
        }
        auto client = this->connect(a.local_endpoint());
        expected = client->local_endpoint();
        this->run();
        EXPECT_TRUE(came);
        return peer == expected;
    };
    const auto other = this->ctx_.get_executor();
    socket into(this->ctx_);
    EXPECT_FALSE(take(
        [&](auto check) { a.async_accept(exactly_once([=](error_code ec, socket s) { check(ec, s); })); }));
    EXPECT_TRUE(take([&](auto check) {
        a.async_accept(peer, exactly_once([=](error_code ec, socket s) { check(ec, s); }));
    }));
    EXPECT_FALSE(take([&](auto check) {
        a.async_accept(other, exactly_once([=](error_code ec, auto s) { check(ec, s); }));
    }));
    EXPECT_TRUE(take([&](auto check) {
        a.async_accept(other, peer, exactly_once([=](error_code ec, auto s) { check(ec, s); }));
    }));
    EXPECT_FALSE(take([&](auto check) {
        a.async_accept(this->clients_, exactly_once([=](error_code ec, tcp::socket s) { check(ec, s); }));
    }));
    EXPECT_TRUE(take([&](auto check) {
        a.async_accept(this->clients_, peer,
                       exactly_once([=](error_code ec, tcp::socket s) { check(ec, s); }));
    }));
    EXPECT_FALSE(take([&](auto check) {
        a.async_accept(into, exactly_once([&into, check](error_code ec) { check(ec, into); }));
    }));
    into.close();
    EXPECT_TRUE(take([&](auto check) {
        a.async_accept(into, peer, exactly_once([&into, check](error_code ec) { check(ec, into); }));
    }));
}

TYPED_TEST(Acceptor, ServesFuturesAndCoroutines) {
    using socket = typename TestFixture::socket_type;
    typename TestFixture::acceptor_type a(this->ctx_, this->loopback());
    auto first = this->connect(a.local_endpoint()), second = this->connect(a.local_endpoint());
    std::future<socket> future = a.async_accept(net::use_future);
    this->run();
    EXPECT_EQ(future.get().remote_endpoint(), first->local_endpoint());
#if defined(ASIO_HAS_CO_AWAIT) || defined(BOOST_ASIO_HAS_CO_AWAIT)
    bool came = false;
    net::co_spawn(
        this->ctx_,
        [&]() -> net::awaitable<void> {
            socket s = co_await a.async_accept(net::use_awaitable);
            came = s.remote_endpoint() == second->local_endpoint();
        },
        [](std::exception_ptr e) { EXPECT_FALSE(e); });
    this->run();
    EXPECT_TRUE(came);
#endif
}

TYPED_TEST(Acceptor, PendingAcceptsTakeConnectionsInTheirOrder) {
    using socket = typename TestFixture::socket_type;
    typename TestFixture::acceptor_type a(this->ctx_, this->loopback());
    std::vector<std::unique_ptr<tcp::socket>> clients;
    std::vector<tcp::endpoint> came;
    for (int i = 0; i < 5; ++i)
        a.async_accept(exactly_once([&](error_code ec, socket s) {
            ASSERT_FALSE(ec);
            came.push_back(s.remote_endpoint());
        }));
    this->ctx_.poll();
    for (int i = 0; i < 5; ++i)
        clients.push_back(this->connect(a.local_endpoint()));
    this->run();
    ASSERT_EQ(came.size(), 5u);
    for (std::size_t i = 0; i < 5; ++i)
        EXPECT_EQ(came[i], clients[i]->local_endpoint());
}

TYPED_TEST(Acceptor, WaitingTakesNothing) {
    using acceptor = typename TestFixture::acceptor_type;
    acceptor a(this->ctx_, this->loopback());
    int ready = 0;
    a.async_wait(acceptor::wait_read, exactly_once([&](error_code ec) { ready += !ec; }));
    this->ctx_.poll();
    EXPECT_EQ(ready, 0);
    auto client = this->connect(a.local_endpoint());
    this->run();
    EXPECT_EQ(ready, 1);
    a.wait(acceptor::wait_read);
    a.non_blocking(true);
    EXPECT_EQ(a.accept().remote_endpoint(), client->local_endpoint());
    error_code ec;
    a.accept(ec);
    EXPECT_EQ(ec, net::error::would_block);
}

TYPED_TEST(Acceptor, ConnectionsAreNeitherRoomToWriteNorErrors) {
    using acceptor = typename TestFixture::acceptor_type;
    acceptor a(this->ctx_, this->loopback());
    int ready = 0, aborted = 0;
    for (const auto what : {acceptor::wait_write, acceptor::wait_error})
        a.async_wait(what, exactly_once([&](error_code ec) {
                         ready += !ec;
                         aborted += ec == net::error::operation_aborted;
                     }));
    this->ctx_.poll();
    const auto client = this->connect(a.local_endpoint());
    a.async_wait(acceptor::wait_read, exactly_once([](error_code ec) { EXPECT_FALSE(ec); }));
    this->ctx_.restart();
    while (this->ctx_.run_one() == 0) {
    }
    this->ctx_.poll();
    EXPECT_EQ(ready + aborted, 0);
    a.close();
    this->run();
    EXPECT_EQ(ready, 0);
    EXPECT_EQ(aborted, 2);
}

TYPED_TEST(Acceptor, CancellingEndsWhatIsPendingAndLosesNoConnection) {
    using socket = typename TestFixture::socket_type;
    using acceptor = typename TestFixture::acceptor_type;
    acceptor a(this->ctx_, this->loopback());
    int aborted = 0;
    const auto ended = [&](error_code ec, auto&&...) { aborted += ec == net::error::operation_aborted; };
    a.async_accept(exactly_once(ended));
    a.async_accept(exactly_once(ended));
    a.async_wait(acceptor::wait_read, exactly_once(ended));
    this->ctx_.poll();
    a.cancel();
    this->run();
    EXPECT_EQ(aborted, 3);

    // Those that come while something is pending may have been taken from the backlog: the next accept has
    // them.
    std::vector<std::unique_ptr<tcp::socket>> clients;
    std::vector<tcp::endpoint> came;
    a.async_accept(exactly_once([&](error_code ec, socket s) {
        ASSERT_FALSE(ec);
        came.push_back(s.remote_endpoint());
    }));
    this->ctx_.poll();
    for (int i = 0; i < 4; ++i)
        clients.push_back(this->connect(a.local_endpoint()));
    this->run();
    a.cancel();
    came.push_back(a.accept().remote_endpoint());
    a.async_accept(exactly_once([&](error_code ec, socket s) {
        ASSERT_FALSE(ec);
        came.push_back(s.remote_endpoint());
    }));
    this->run();
    came.push_back(a.accept().remote_endpoint());
    ASSERT_EQ(came.size(), 4u);
    for (std::size_t i = 0; i < 4; ++i)
        EXPECT_EQ(came[i], clients[i]->local_endpoint());
}

TYPED_TEST(Acceptor, SlotsEndOneAcceptEach) {
    using socket = typename TestFixture::socket_type;
    typename TestFixture::acceptor_type a(this->ctx_, this->loopback());
    for (const auto type :
         {net::cancellation_type::terminal, net::cancellation_type::partial, net::cancellation_type::total}) {
        net::cancellation_signal signal;
        int aborted = 0, accepted = 0;
        a.async_accept(net::bind_cancellation_slot(
            signal.slot(), [&](error_code ec, socket) { aborted += ec == net::error::operation_aborted; }));
        a.async_accept([&](error_code ec, socket) { accepted += !ec; });
        this->ctx_.restart();
        this->ctx_.poll();
        signal.emit(type);
        auto client = this->connect(a.local_endpoint());
        this->run();
        EXPECT_EQ(aborted, 1);
        EXPECT_EQ(accepted, 1);
    }
}

TYPED_TEST(Acceptor, ClosingEndsWhatIsPendingAndFreesThePort) {
    using socket = typename TestFixture::socket_type;
    using acceptor = typename TestFixture::acceptor_type;
    for (const bool destroy : {false, true}) {
        std::optional<acceptor> a(std::in_place, this->ctx_, this->loopback());
        const auto port = a->local_endpoint();
        int aborted = 0;
        for (int i = 0; i < 3; ++i)
            a->async_accept(exactly_once([&](error_code ec, socket s) {
                EXPECT_FALSE(s.is_open());
                aborted += ec == net::error::operation_aborted;
            }));
        this->ctx_.restart();
        this->ctx_.poll();
        if (destroy)
            a.reset();
        else
            a->close();
        acceptor again(this->ctx_, port, false);
        this->run();
        EXPECT_EQ(aborted, 3);
    }
}

TYPED_TEST(Acceptor, ConnectionsNobodyAcceptedEndWithIt) {
    typename TestFixture::acceptor_type a(this->ctx_, this->loopback());
    auto waiting = this->connect(a.local_endpoint()), left = this->connect(a.local_endpoint());
    int accepted = 0;
    a.async_accept(exactly_once([&](error_code ec, auto) { accepted += !ec; }));
    this->run();
    EXPECT_EQ(accepted, 1);
    a.close();
    EXPECT_TRUE(this->is_at_end(*waiting)); // its socket was destroyed with the handler's argument
    EXPECT_TRUE(this->is_at_end(*left));
}

TYPED_TEST(Acceptor, ReleaseKeepsTheListeningSocket) {
    using acceptor = typename TestFixture::acceptor_type;
    acceptor a(this->ctx_, this->loopback());
    int aborted = 0;
    a.async_accept(
        exactly_once([&](error_code ec, auto) { aborted += ec == net::error::operation_aborted; }));
    this->ctx_.poll();
    const int fd = a.release();
    this->run();
    EXPECT_EQ(aborted, 1);
    acceptor other(this->ctx_, tcp::v4(), fd);
    auto client = this->connect(other.local_endpoint());
    EXPECT_EQ(other.accept().remote_endpoint(), client->local_endpoint());
}

TYPED_TEST(Acceptor, MovesAndConvertsWithAcceptsPending) {
    using socket = typename TestFixture::socket_type;
    using acceptor = typename TestFixture::acceptor_type;
    acceptor a(this->ctx_, this->loopback());
    int accepted = 0;
    a.async_accept(exactly_once([&](error_code ec, socket) { accepted += !ec; }));
    this->ctx_.poll();
    acceptor moved(std::move(a));
    auto client = this->connect(moved.local_endpoint());
    this->run();
    EXPECT_EQ(accepted, 1);
}

TYPED_TEST(Acceptor, DestroyedInItsOwnHandler) {
    using socket = typename TestFixture::socket_type;
    using acceptor = typename TestFixture::acceptor_type;
    auto a = std::make_unique<acceptor>(this->ctx_, this->loopback());
    const auto port = a->local_endpoint();
    int accepted = 0, aborted = 0;
    a->async_accept(exactly_once([&](error_code ec, socket) {
        accepted += !ec;
        a.reset();
    }));
    a->async_accept(
        exactly_once([&](error_code ec, socket) { aborted += ec == net::error::operation_aborted; }));
    auto client = this->connect(port);
    this->run();
    EXPECT_EQ(accepted, 1);
    EXPECT_EQ(aborted, 1);
}

TYPED_TEST(Acceptor, OfUnixSockets) {
    using protocol = net::local::stream_protocol;
    using executor = typename TestFixture::executor_type;
    const auto path = std::filesystem::path(testing::TempDir()) /
                      ("auraio_acceptor_" + std::to_string(::getpid()) + TypeParam::name);
    std::filesystem::remove(path);
    {
        net::basic_socket_acceptor<protocol, executor> a(this->ctx_, protocol::endpoint(path.string()));
        net::basic_stream_socket<protocol, executor> client(this->ctx_);
        client.connect(protocol::endpoint(path.string()));
        bool came = false;
        protocol::endpoint peer("x");
        a.async_accept(peer, exactly_once([&](error_code ec, auto s) {
                           EXPECT_FALSE(ec);
                           came = s.is_open();
                       }));
        this->run();
        EXPECT_TRUE(came);
        EXPECT_EQ(peer.path(), ""); // the client has no name
        error_code ec;
        net::basic_socket_acceptor<protocol, executor> second(this->ctx_, protocol());
        second.bind(protocol::endpoint(path.string()), ec);
        EXPECT_EQ(ec, net::error::address_in_use);
    }
    std::filesystem::remove(path);
}

} // namespace
