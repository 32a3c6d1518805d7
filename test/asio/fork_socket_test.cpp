// fork with open connections and a listening socket: one test body on Asio's sockets and on ours.
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using net::ip::tcp;
using test::error_code;

/// A plain descriptor, outside of either library.
class plain_client {
public:
    explicit plain_client(const tcp::endpoint& to)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        EXPECT_EQ(::connect(fd_, to.data(), static_cast<socklen_t>(to.size())), 0);
    }
    plain_client(plain_client&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)) {}
    ~plain_client() { close(); }

    void close() {
        if (fd_ >= 0)
            ::close(std::exchange(fd_, -1));
    }
    void send(const std::string& text) const {
        EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
    }
    bool sees_something(int milliseconds = 10'000) const {
        pollfd p{fd_, POLLIN, 0};
        return ::poll(&p, 1, milliseconds) == 1;
    }
    /// What comes next; empty: the end, or nothing for a long time.
    std::string receive() const {
        char data[16];
        const ssize_t n = sees_something() ? ::recv(fd_, data, sizeof data, 0) : -1;
        EXPECT_GE(n, 0) << "nothing came";
        return std::string(data, static_cast<std::size_t>(n > 0 ? n : 0));
    }

private:
    int fd_;
};

/// The other process. It ends when the test has said so and its function is done.
class child_process {
public:
    template <class Context, class Body>
    child_process(Context& ctx, Body body) {
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk_), 0);
        ctx.notify_fork(net::execution_context::fork_prepare);
        id_ = ::fork();
        if (id_ == 0) {
            ::alarm(30); // never outlives a test that has failed
            ::close(talk_[0]);
            ctx.notify_fork(net::execution_context::fork_child);
            body(*this);
            ::_exit(testing::Test::HasFailure() ? 1 : 0);
        }
        ::close(talk_[1]);
        ctx.notify_fork(net::execution_context::fork_parent);
    }
    child_process(const child_process&) = delete;
    ~child_process() {
        int status = -1;
        EXPECT_EQ(::waitpid(id_, &status, 0), id_);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child: " << status;
        ::close(talk_[0]);
    }

    // Each lets the other process go on from its wait().
    void tell_child() { EXPECT_EQ(::write(talk_[0], "x", 1), 1); }
    void tell_parent() { EXPECT_EQ(::write(talk_[1], "x", 1), 1); }
    void wait_for_child() { wait(talk_[0]); }
    void wait_for_parent() { wait(talk_[1]); }

private:
    static void wait(int fd) {
        char c;
        EXPECT_EQ(::read(fd, &c, 1), 1);
    }

    int talk_[2];
    ::pid_t id_ = -1;
};

template <class Library>
class ForkSocket : public testing::Test {
protected:
    using socket_type = net::basic_stream_socket<tcp, typename Library::executor>;
    using acceptor_type = net::basic_socket_acceptor<tcp, typename Library::executor>;

    void run() {
        ctx_.restart();
        ctx_.run();
    }
    tcp::endpoint where() const { return acceptor_.local_endpoint(); }

    /// Accepts asynchronously, and answers with a letter.
    void serve(const std::string& letter) {
        std::optional<socket_type> s;
        acceptor_.async_accept([&](error_code ec, socket_type accepted) {
            EXPECT_FALSE(ec) << ec.message();
            s.emplace(std::move(accepted));
        });
        run();
        ASSERT_TRUE(s && s->is_open());
        EXPECT_EQ(s->send(net::buffer(letter)), letter.size());
    }

    typename Library::context ctx_;
    acceptor_type acceptor_{ctx_, tcp::endpoint(net::ip::address_v4::loopback(), 0)};
};
TYPED_TEST_SUITE(ForkSocket, test::libraries, test::library_names);

TYPED_TEST(ForkSocket, APendingReceiveCompletesInBothProcesses) {
    plain_client peer(this->where());
    auto socket = this->acceptor_.accept();
    char letter[1];
    bool received = false;
    socket.async_receive(net::buffer(letter), [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec) << ec.message();
        received = n == 1;
    });
    this->ctx_.poll(); // it is under way
    const auto finish = [&] {
        this->run();
        EXPECT_TRUE(received);
    };
    child_process child(this->ctx_, [&](child_process& self) {
        self.wait_for_parent();
        finish();
        EXPECT_EQ(socket.send(net::buffer("c", 1)), 1u);
        self.tell_parent();
        self.wait_for_parent(); // holds the connection until then
    });
    peer.send("a"); // only one can have it
    peer.send("b");
    child.tell_child();
    finish();
    child.wait_for_child();
    EXPECT_EQ(peer.receive(), "c");
    socket.close(); // gives up this process's copy, not the connection
    EXPECT_FALSE(peer.sees_something(0));
    child.tell_child();
    EXPECT_EQ(peer.receive(), "");
}

TYPED_TEST(ForkSocket, CancelledInOneProcessItCompletesInTheOther) {
    plain_client peer(this->where());
    auto socket = this->acceptor_.accept();
    char letter[1];
    error_code result;
    std::size_t size = 0;
    socket.async_receive(net::buffer(letter), [&](error_code ec, std::size_t n) {
        result = ec;
        size = n;
    });
    this->ctx_.poll();
    child_process child(this->ctx_, [&](child_process& self) {
        socket.close();
        this->run();
        EXPECT_EQ(result, net::error::operation_aborted);
        self.tell_parent();
    });
    child.wait_for_child();
    peer.send("a");
    this->run();
    EXPECT_FALSE(result) << result.message();
    EXPECT_EQ(size, 1u);
    EXPECT_EQ(socket.send(net::buffer("p", 1)), 1u);
    EXPECT_EQ(peer.receive(), "p");
}

TYPED_TEST(ForkSocket, AConnectUnderWayGoesOn) {
    typename TestFixture::socket_type socket(this->ctx_);
    bool connected = false;
    socket.async_connect(this->where(), [&](error_code ec) { connected = !ec; });
    const auto finish = [&] {
        this->run();
        EXPECT_TRUE(connected);
        EXPECT_EQ(socket.remote_endpoint(), this->where());
    };
    child_process child(this->ctx_, [&](child_process&) { finish(); });
    finish();
}

TYPED_TEST(ForkSocket, AProcessThatIsBusyLeavesConnectionsToAnIdleOne) {
    this->acceptor_.async_accept([](error_code, auto) {});
    this->ctx_.poll(); // pending in both
    child_process child(this->ctx_, [&](child_process& self) {
        net::post(this->ctx_, [&] {
            self.tell_parent();
            self.wait_for_parent(); // a handler that takes long
        });
        this->ctx_.restart();
        this->ctx_.run_one();
    });
    child.wait_for_child();
    std::vector<plain_client> clients;
    clients.emplace_back(this->where());
    this->run();
    for (int i = 0; i < 5; ++i) {
        clients.emplace_back(this->where());
        this->serve("p");
        EXPECT_EQ(clients.back().receive(), "p");
    }
    child.tell_child();
}

TYPED_TEST(ForkSocket, TheParentGoesOnAcceptingWhenTheChildClosesItsAcceptor) {
    std::vector<plain_client> clients;
    clients.emplace_back(this->where());
    this->serve("1");
    int accepted = 0;
    this->acceptor_.async_accept([&](error_code ec, auto) { accepted += !ec; });
    this->ctx_.poll(); // it waits
    child_process child(this->ctx_, [&](child_process& self) {
        this->acceptor_.close();
        this->run();
        self.tell_parent();
        self.wait_for_parent();
    });
    child.wait_for_child();
    clients.emplace_back(this->where());
    this->run();
    EXPECT_EQ(accepted, 1);
    child.tell_child();
}

/// Connections that a ring has accepted unasked are not the child's, not even as a descriptor that keeps
/// them open.
TYPED_TEST(ForkSocket, ConnectionsInTheBacklogAreServedByTheParentAndEndWhenItEndsThem) {
    std::vector<plain_client> clients;
    clients.emplace_back(this->where());
    this->serve("1");
    EXPECT_EQ(clients.back().receive(), "1");
    for (int i = 0; i < 4; ++i)
        clients.emplace_back(this->where());
    child_process child(this->ctx_, [&](child_process& self) {
        this->acceptor_.close();
        for (auto& c : clients)
            c.close();
        self.tell_parent();
        self.wait_for_parent();
    });
    child.wait_for_child();
    for (std::size_t i = 1; i < clients.size(); ++i) {
        this->serve("p");
        EXPECT_EQ(clients[i].receive(), "p");
        EXPECT_EQ(clients[i].receive(), ""); // and the child is still there
    }
    child.tell_child();
}

TYPED_TEST(ForkSocket, TheChildMayTakeOverTheListeningSocket) {
    std::vector<plain_client> clients;
    clients.emplace_back(this->where());
    this->serve("1");
    error_code result;
    int accepted = 0;
    this->acceptor_.async_accept([&](error_code ec, typename TestFixture::socket_type s) {
        result = ec;
        accepted += s.is_open();
        if (s.is_open())
            s.send(net::buffer("c", 1));
    });
    this->ctx_.poll(); // pending in both
    const tcp::endpoint where = this->where();
    child_process child(this->ctx_, [&](child_process&) {
        this->run();
        EXPECT_EQ(accepted, 1);
        this->serve("d");
    });
    this->acceptor_.close();
    this->run();
    EXPECT_EQ(result, net::error::operation_aborted);
    plain_client third(where);
    EXPECT_EQ(third.receive(), "c");
    plain_client fourth(where);
    EXPECT_EQ(fourth.receive(), "d");
}

} // namespace
