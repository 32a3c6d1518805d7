// sockets: recv, send, accept, connect.
#include "support.hpp"

#include "support/older_kernel.hpp"
#include "support/other_process.hpp"
#include "support/rejecting_network.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <netinet/in.h>
#include <numeric>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

using namespace test;

namespace {

struct CSockets : testing::Test {
    engine_ptr engine = make_engine();
    aura_engine_t* e() const { return engine.get(); }
};

struct listener {
    explicit listener(int extra_flags = 0)
        : fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | extra_flags, 0)) {
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(fd.get(), generic(), sizeof address), 0);
        EXPECT_EQ(::listen(fd.get(), 16), 0);
        socklen_t size = sizeof address;
        EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    }
    const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&address); }
    unique_fd fd;
    sockaddr_in address{};
};

struct socket_pair {
    explicit socket_pair(int extra_flags = 0) {
        int fds[2] = {-1, -1};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | extra_flags, 0, fds), 0);
        a = fds[0];
        b = fds[1];
    }
    ~socket_pair() {
        ::close(a);
        ::close(b);
    }
    socket_pair(const socket_pair&) = delete;
    int a, b;
};

} // namespace

TEST_F(CSockets, SendAndReceive) {
    const socket_pair pair;
    ended sent, received;
    char data[8] = {};
    ASSERT_NE(aura_recv(e(), pair.b, data, sizeof data, 0, ended::note, &received), nullptr);
    EXPECT_EQ(aura_poll(e()), 0);
    ASSERT_NE(aura_send(e(), pair.a, "hello", 5, MSG_NOSIGNAL, ended::note, &sent), nullptr);
    EXPECT_EQ(finish(engine, received), 5);
    EXPECT_EQ(aura_drain(e(), -1) >= 0, true);
    EXPECT_EQ(sent.result, 5);
    EXPECT_EQ(std::string(data, 5), "hello");
}

TEST_F(CSockets, ReceiveOnANonBlockingSocketWaits) {
    const socket_pair pair(SOCK_NONBLOCK);
    ended received;
    char data[8] = {};
    ASSERT_NE(aura_recv(e(), pair.b, data, sizeof data, 0, ended::note, &received), nullptr);
    EXPECT_EQ(aura_wait(e(), 0), -ETIMEDOUT);
    ASSERT_EQ(::send(pair.a, "x", 1, 0), 1);
    EXPECT_EQ(finish(engine, received), 1);
}

TEST_F(CSockets, ReceivePeeks) {
    const socket_pair pair;
    ASSERT_EQ(::send(pair.a, "peek", 4, 0), 4);
    ended looked, taken;
    char data[8] = {};
    ASSERT_NE(aura_recv(e(), pair.b, data, 4, MSG_PEEK, ended::note, &looked), nullptr);
    EXPECT_EQ(finish(engine, looked), 4);
    ASSERT_NE(aura_recv(e(), pair.b, data, 4, 0, ended::note, &taken), nullptr);
    EXPECT_EQ(finish(engine, taken), 4);
}

TEST(CSocketsOnEpoll, APeekForAllEndsWithTheStream) {
    in_another_process([] {
        ASSERT_EQ(::setenv("AURAIO_BACKEND", "epoll", 1), 0);
        const engine_ptr engine = make_engine(1);
        const socket_pair pair;
        char data[8] = {};
        ended peeked, again;
        const auto peek = [&](ended& x) {
            EXPECT_NE(
                aura_recv(engine.get(), pair.b, data, sizeof data, MSG_PEEK | MSG_WAITALL, ended::note, &x),
                nullptr);
        };
        peek(peeked);
        EXPECT_EQ(aura_poll(engine.get()), 0);
        ASSERT_EQ(::send(pair.a, "hel", 3, MSG_NOSIGNAL), 3);
        for (int i = 0; i < 20; ++i)
            EXPECT_EQ(aura_poll(engine.get()), 0) << "there may be more";
        ASSERT_EQ(::send(pair.a, "lo", 2, MSG_NOSIGNAL), 2);
        ASSERT_EQ(::shutdown(pair.a, SHUT_WR), 0);
        EXPECT_EQ(finish(engine, peeked), 5);
        EXPECT_STREQ(data, "hello");
        peek(again); // by now all that will ever be told has been told
        EXPECT_EQ(finish(engine, again), 5);
    });
}

TEST_F(CSockets, APeekForAllFillsAHundredBuffers) {
    const socket_pair pair;
    std::array<char, 100> data{};
    std::array<iovec, 100> buffers;
    for (std::size_t i = 0; i < buffers.size(); ++i)
        buffers[i] = {&data[i], 1};
    msghdr message{};
    message.msg_iov = buffers.data();
    message.msg_iovlen = buffers.size();
    std::string sent(100, 0);
    std::iota(sent.begin(), sent.end(), ' ');
    ASSERT_EQ(::send(pair.a, sent.data(), 100, MSG_NOSIGNAL), 100);
    ended peeked;
    ASSERT_NE(aura_recvmsg(e(), pair.b, &message, MSG_PEEK | MSG_WAITALL, ended::note, &peeked), nullptr);
    EXPECT_EQ(finish(engine, peeked), 100);
    EXPECT_EQ(std::string(data.data(), data.size()), sent);
}

/// The part that has come is not given a second time for the one that has not.
TEST_F(CSockets, APeekForAllNeverRepeatsWhatItHas) {
    const std::string sent = "0123456789";
    for (const bool with_header : {false, true}) {
        const socket_pair pair;
        std::array<char, 10> data{};
        iovec buffer{data.data(), data.size()};
        msghdr message{};
        message.msg_iov = &buffer;
        message.msg_iovlen = 1;
        constexpr int flags = MSG_PEEK | MSG_WAITALL;
        ASSERT_EQ(::send(pair.a, sent.data(), 7, MSG_NOSIGNAL), 7);
        ended peeked;
        if (with_header)
            ASSERT_NE(aura_recvmsg(e(), pair.b, &message, flags, ended::note, &peeked), nullptr);
        else
            ASSERT_NE(aura_recv(e(), pair.b, data.data(), data.size(), flags, ended::note, &peeked), nullptr);
        aura_poll(e());
        ASSERT_EQ(::send(pair.a, sent.data() + 7, 3, MSG_NOSIGNAL), 3);
        const auto result = static_cast<std::size_t>(finish(engine, peeked));
        ASSERT_TRUE(result == 7 || result == 10) << result; // a ring, epoll
        EXPECT_EQ(std::string(data.data(), result), sent.substr(0, result));
    }
}

TEST_F(CSockets, NoDescriptorIsNeverReady) {
    ended polled;
    if (aura_poll_fd(e(), -1, POLLIN, ended::note, &polled))
        EXPECT_EQ(finish(engine, polled), -EBADF);
    else
        EXPECT_EQ(errno, EBADF);
}

TEST(CSocketsOnEpoll, WhoWaitsIsToldWhenTheNumberCannotBeWatchedAnyMore) {
    in_another_process([] {
        ASSERT_EQ(::setenv("AURAIO_BACKEND", "epoll", 1), 0);
        const engine_ptr engine = make_engine(1);
        const socket_pair pair;
        char data[8];
        ended first, second;
        ASSERT_NE(aura_recv(engine.get(), pair.b, data, sizeof data, 0, ended::note, &first), nullptr);
        EXPECT_EQ(aura_poll(engine.get()), 0);
        if (!older_kernel::refuse(__NR_epoll_ctl, ENOSPC, true)) // as with too many watches
            exit_skipping("seccomp filters are not allowed here");
        ASSERT_NE(aura_recv(engine.get(), pair.b, data, sizeof data, 0, ended::note, &second), nullptr);
        EXPECT_EQ(finish(engine, second), -ENOSPC);
        EXPECT_EQ(first.calls, 1);
        EXPECT_EQ(first.result, -ENOSPC) << "else it would take what another file has, or wait for ever";
    });
}

TEST_F(CSockets, EndAndBrokenPipe) {
    socket_pair pair;
    ::shutdown(pair.a, SHUT_WR);
    ended received, sent;
    char data[8];
    ASSERT_NE(aura_recv(e(), pair.b, data, sizeof data, 0, ended::note, &received), nullptr);
    EXPECT_EQ(finish(engine, received), 0);
    ::shutdown(pair.b, SHUT_RDWR);
    ASSERT_NE(aura_send(e(), pair.b, "x", 1, MSG_NOSIGNAL, ended::note, &sent), nullptr);
    EXPECT_EQ(finish(engine, sent), -EPIPE);
}

TEST_F(CSockets, ConnectAndAccept) {
    for (const int flags : {0, int{SOCK_NONBLOCK}}) {
        const listener l(flags);
        const unique_fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0));
        ended accepted, connected;
        sockaddr_in peer{};
        socklen_t peer_size = sizeof peer;
        ASSERT_NE(aura_accept(e(), l.fd.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size,
                              SOCK_CLOEXEC | SOCK_NONBLOCK, ended::note, &accepted),
                  nullptr);
        EXPECT_EQ(aura_wait(e(), 0), -ETIMEDOUT);
        ASSERT_NE(aura_connect(e(), client.get(), l.generic(), sizeof l.address, ended::note, &connected),
                  nullptr);
        const int fd = static_cast<int>(finish(engine, accepted));
        ASSERT_GE(fd, 0);
        const unique_fd server(fd);
        EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
        EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
        EXPECT_GE(aura_drain(e(), -1), 0);
        EXPECT_EQ(connected.result, 0);
        sockaddr_in own{};
        socklen_t own_size = sizeof own;
        ASSERT_EQ(::getsockname(client.get(), reinterpret_cast<sockaddr*>(&own), &own_size), 0);
        EXPECT_EQ(peer.sin_port, own.sin_port);
        EXPECT_EQ(peer_size, sizeof peer);
    }
}

TEST_F(CSockets, SeveralAcceptsAtOnce) {
    const listener l;
    ended accepted[3];
    for (ended& x : accepted)
        ASSERT_NE(aura_accept(e(), l.fd.get(), nullptr, nullptr, SOCK_CLOEXEC, ended::note, &x), nullptr);
    EXPECT_EQ(aura_poll(e()), 0);
    std::vector<unique_fd> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::connect(clients.back().get(), l.generic(), sizeof l.address), 0);
    }
    EXPECT_EQ(aura_drain(e(), -1), 3);
    for (const ended& x : accepted) {
        EXPECT_GE(x.result, 0);
        ::close(static_cast<int>(x.result));
    }
}

TEST_F(CSockets, ConnectionRefused) {
    sockaddr_in nobody{};
    {
        const listener l;
        nobody = l.address;
    }
    const unique_fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ended connected;
    ASSERT_NE(aura_connect(e(), client.get(), reinterpret_cast<const sockaddr*>(&nobody), sizeof nobody,
                           ended::note, &connected),
              nullptr);
    EXPECT_EQ(finish(engine, connected), -ECONNREFUSED);
}

TEST_F(CSockets, CanBeCancelled) {
    const listener l;
    const socket_pair pair;
    ended accepted, received;
    char data[1];
    aura_request_t* a = aura_accept(e(), l.fd.get(), nullptr, nullptr, 0, ended::note, &accepted);
    aura_request_t* r = aura_recv(e(), pair.a, data, 1, 0, ended::note, &received);
    EXPECT_EQ(aura_poll(e()), 0);
    EXPECT_EQ(aura_cancel(e(), a), 0);
    EXPECT_EQ(aura_cancel(e(), r), 0);
    EXPECT_EQ(aura_drain(e(), -1), 2);
    EXPECT_EQ(accepted.result, -ECANCELED);
    EXPECT_EQ(received.result, -ECANCELED);
}

TEST_F(CSockets, RefuseWhatMakesNoSense) {
    char data[1];
    sockaddr_in address{};
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    const auto refuses = [](int error, aura_request_t* r) {
        EXPECT_EQ(r, nullptr);
        EXPECT_EQ(errno, error);
        errno = 0;
    };
    refuses(EBADF, aura_recv(e(), -1, data, 1, 0, nullptr, nullptr));
    refuses(EBADF, aura_send(e(), -1, data, 1, 0, nullptr, nullptr));
    refuses(EBADF, aura_accept(e(), -1, nullptr, nullptr, 0, nullptr, nullptr));
    refuses(EBADF, aura_connect(e(), -1, generic, size, nullptr, nullptr));
    refuses(EINVAL, aura_recv(e(), 0, nullptr, 1, 0, nullptr, nullptr));
    refuses(EINVAL, aura_send(e(), 0, nullptr, 1, 0, nullptr, nullptr));
    refuses(EINVAL, aura_accept(e(), 0, generic, nullptr, 0, nullptr, nullptr));
    refuses(EINVAL, aura_accept(e(), 0, nullptr, &size, 0, nullptr, nullptr));
    refuses(EINVAL, aura_connect(e(), 0, nullptr, size, nullptr, nullptr));
    refuses(EINVAL, aura_recv(nullptr, 0, data, 1, 0, nullptr, nullptr));
    refuses(EINVAL, aura_timeout(nullptr, 0, nullptr, nullptr));
    EXPECT_EQ(aura_drain(e(), -1), 0);
}

/// The queue of the receiver is full; what is sent meanwhile arrives whole.
static void expect_whole_message(const engine_ptr& engine, int type) {
    int fds[2] = {-1, -1};
    ASSERT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
    const unique_fd a(fds[0]), b(fds[1]);
    while (::send(a.get(), "x", 1, MSG_DONTWAIT) == 1) {
    }
    ended sent;
    ASSERT_NE(aura_send(engine.get(), a.get(), "abcde", 5, 0, ended::note, &sent), nullptr);
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(aura_poll(engine.get()), 0);
    std::string others;
    const auto drain = [&] {
        char memory[16];
        for (ssize_t n; (n = ::recv(b.get(), memory, sizeof memory, MSG_DONTWAIT)) >= 0;)
            if (n != 1)
                others += std::string(memory, static_cast<std::size_t>(n)) + ".";
    };
    drain();
    EXPECT_EQ(finish(engine, sent), 5);
    drain();
    EXPECT_EQ(others, "abcde.");
}

TEST_F(CSockets, AFullReceiverGetsMessagesWhole) {
    expect_whole_message(engine, SOCK_DGRAM);
    expect_whole_message(engine, SOCK_SEQPACKET);
}

/// An ICMP message refuses it at once: the kernel says success, and the socket holds the error.
TEST_F(CSockets, AConnectThatAFirewallRejectsIsRefused) {
    std::string skipped;
    const std::string wrong = test::in_rejecting_network(
        []() -> std::string {
            const engine_ptr fresh = make_engine(1);
            const unique_fd s(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
            sockaddr_in address{};
            address.sin_family = AF_INET;
            address.sin_port = htons(test::rejected_port);
            address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            ended connected;
            if (!aura_connect(fresh.get(), s.get(), reinterpret_cast<const sockaddr*>(&address),
                              sizeof address, ended::note, &connected))
                return "not started";
            const ssize_t result = finish(fresh, connected);
            return result == -ECONNREFUSED ? "" : "not refused: " + std::to_string(result);
        },
        skipped);
    if (!skipped.empty())
        GTEST_SKIP() << skipped;
    EXPECT_EQ(wrong, "");
}
