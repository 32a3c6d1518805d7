// What an acceptor takes from its backlog, and when: one test body on Asio's and on ours.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace net = test::net;
using net::ip::tcp;
using test::error_code;
using test::exactly_once;

namespace {

/// A plain descriptor, outside of either library, that is connected by the kernel alone.
class client {
public:
    explicit client(const tcp::endpoint& to)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        EXPECT_EQ(::connect(fd_, to.data(), static_cast<socklen_t>(to.size())), 0);
    }
    client(client&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)) {}
    ~client() {
        if (fd_ >= 0)
            ::close(fd_);
    }

    tcp::endpoint address() const {
        tcp::endpoint e;
        auto size = static_cast<socklen_t>(e.capacity());
        EXPECT_EQ(::getsockname(fd_, e.data(), &size), 0);
        return e;
    }
    /// The connection is gone when this returns.
    void reset() {
        const linger at_once{1, 0};
        EXPECT_EQ(::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
        ::close(std::exchange(fd_, -1));
    }
    bool is_connected() const {
        char c;
        return ::recv(fd_, &c, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN;
    }

private:
    int fd_;
};

template <class Library>
class AcceptorBacklog : public testing::Test {
protected:
    using acceptor_type = net::basic_socket_acceptor<tcp, typename Library::executor>;
    using socket_type = net::basic_stream_socket<tcp, typename Library::executor>;

    tcp::endpoint where() const { return acceptor_.local_endpoint(); }
    void run() {
        ctx_.restart();
        ctx_.run();
    }
    /// How many connections wait in the backlog of an open file.
    std::size_t count_waiting(int fd) {
        net::basic_socket_acceptor<tcp, net::io_context::executor_type> next(others_, tcp::v4(), fd);
        next.non_blocking(true);
        error_code ec;
        for (;;) {
            held_.push_back(next.accept(ec));
            if (ec)
                return held_.size() - 1;
        }
    }

    typename Library::context ctx_;
    acceptor_type acceptor_{ctx_, tcp::endpoint(net::ip::address_v4::loopback(), 0)};
    net::io_context others_;
    std::vector<net::basic_stream_socket<tcp, net::io_context::executor_type>> held_;
};
TYPED_TEST_SUITE(AcceptorBacklog, test::libraries, test::library_names);

TYPED_TEST(AcceptorBacklog, NothingIsTakenThatNobodyHasAskedFor) {
    std::vector<client> clients;
    std::vector<typename TestFixture::socket_type> accepted;
    for (int i = 0; i < 3; ++i)
        this->acceptor_.async_accept(exactly_once([&](error_code ec, typename TestFixture::socket_type s) {
            EXPECT_FALSE(ec);
            accepted.push_back(std::move(s));
            while (clients.size() < 40) // they come while a handler is busy
                clients.emplace_back(this->where());
        }));
    this->ctx_.poll();
    clients.emplace_back(this->where());
    this->run();
    EXPECT_EQ(accepted.size(), 3u);
    this->ctx_.restart();
    this->ctx_.poll();
    EXPECT_EQ(this->count_waiting(::dup(this->acceptor_.native_handle())), 37u);
}

TYPED_TEST(AcceptorBacklog, ReleasingLeavesWhatWaitsToTheNextOwner) {
    std::vector<client> clients;
    for (int i = 0; i < 5; ++i)
        clients.emplace_back(this->where());
    bool first = false;
    std::vector<typename TestFixture::socket_type> accepted;
    this->acceptor_.async_accept(exactly_once([&](error_code ec, typename TestFixture::socket_type s) {
        first = !ec;
        accepted.push_back(std::move(s));
    }));
    this->run();
    EXPECT_TRUE(first);
    EXPECT_EQ(this->count_waiting(this->acceptor_.release()), 4u);
    for (const client& c : clients)
        EXPECT_TRUE(c.is_connected());
}

TYPED_TEST(AcceptorBacklog, AClientThatHasGoneAgainIsAcceptedWithItsAddress) {
    auto& a = this->acceptor_;
    using socket = typename TestFixture::socket_type;
    tcp::endpoint peer;
    socket into(this->ctx_);
    int forms = 0;
    const auto take = [&](auto accept) {
        client c(this->where());
        const tcp::endpoint address = c.address();
        c.reset();
        peer = {};
        accept();
        EXPECT_EQ(peer, address) << "form " << forms;
        ++forms;
        into = socket(this->ctx_);
    };
    error_code ec;
    take([&] { EXPECT_TRUE(a.accept(peer).is_open()); });
    take([&] { a.accept(into, peer); });
    take([&] { EXPECT_TRUE(a.accept(this->others_, peer, ec).is_open()); });
    const auto check = [](error_code e, auto&&...) { EXPECT_FALSE(e) << e.message(); };
    take([&] {
        a.async_accept(peer, exactly_once([&](error_code e, socket) { check(e); }));
        this->run();
    });
    take([&] {
        a.async_accept(into, peer, exactly_once([&](error_code e) { check(e); }));
        this->run();
    });
    take([&] {
        a.async_accept(this->others_, peer, exactly_once([&](error_code e, tcp::socket) { check(e); }));
        this->run();
    });
    EXPECT_FALSE(ec);
    EXPECT_EQ(forms, 6);
}

} // namespace
