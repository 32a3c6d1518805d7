// messages: datagrams with their addresses, and the readiness of descriptors.
#include "support.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

using namespace test;

namespace {

struct CMessages : testing::TestWithParam<aura_ring_select_t> {
    aura_engine_t* e() const { return engine.get(); }
    engine_ptr engine = make_engine(2, GetParam());
    ended done;
};

INSTANTIATE_TEST_SUITE_P(Modes, CMessages,
                         testing::Values(AURA_SELECT_ADAPTIVE, AURA_SELECT_CPU_LOCAL, AURA_SELECT_ROUND_ROBIN,
                                         AURA_SELECT_THREAD_LOCAL));

/// A datagram socket at a port of the kernel's choice.
struct datagram_socket {
    datagram_socket() {
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
        socklen_t size = sizeof address;
        EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    }
    unique_fd fd{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    sockaddr_in address{};
};

/// A header with one buffer and an address, at a fixed place.
struct message {
    message(void* data, std::size_t size, sockaddr_in& peer) {
        part = {data, size};
        header.msg_name = &peer;
        header.msg_namelen = sizeof peer;
        header.msg_iov = &part;
        header.msg_iovlen = 1;
    }
    message(const message&) = delete;
    iovec part{};
    msghdr header{};
};

} // namespace

TEST_P(CMessages, DatagramsHaveAddresses) {
    const datagram_socket server;
    datagram_socket client;
    sockaddr_in to = server.address, from{};
    std::array<char, 8> request{'p', 'i', 'n', 'g'}, received{};
    message in(received.data(), received.size(), from), out(request.data(), 4, to);
    ended got, sent;
    aura_request_t* const r = aura_recvmsg(e(), server.fd.get(), &in.header, 0, ended::note, &got);
    EXPECT_EQ(aura_request_op_type(r), AURA_OP_RECVMSG);
    EXPECT_EQ(aura_poll(e()), 0); // it waits
    ASSERT_TRUE(aura_sendmsg(e(), client.fd.get(), &out.header, 0, ended::note, &sent));
    EXPECT_EQ(finish(engine, sent), 4);
    EXPECT_EQ(finish(engine, got), 4);
    EXPECT_EQ(std::memcmp(received.data(), "ping", 4), 0);
    EXPECT_EQ(in.header.msg_namelen, sizeof from);
    EXPECT_EQ(from.sin_port, client.address.sin_port);
    EXPECT_EQ(in.header.msg_flags & MSG_TRUNC, 0);
}

TEST_P(CMessages, ADatagramThatIsTooLongIsCutAndSaysSo) {
    const datagram_socket server, client;
    sockaddr_in from{};
    char two[2];
    message in(two, sizeof two, from);
    ASSERT_EQ(::sendto(client.fd.get(), "abcdef", 6, 0, reinterpret_cast<const sockaddr*>(&server.address),
                       sizeof server.address),
              6);
    ASSERT_TRUE(aura_recvmsg(e(), server.fd.get(), &in.header, 0, ended::note, &done));
    EXPECT_EQ(finish(engine, done), 2);
    EXPECT_NE(in.header.msg_flags & MSG_TRUNC, 0);
}

TEST_P(CMessages, CanBeCancelled) {
    const datagram_socket server;
    sockaddr_in from{};
    char data[8];
    message in(data, sizeof data, from);
    aura_request_t* const r = aura_recvmsg(e(), server.fd.get(), &in.header, 0, ended::note, &done);
    EXPECT_EQ(aura_poll(e()), 0);
    EXPECT_EQ(aura_cancel(e(), r), 0);
    EXPECT_EQ(finish(engine, done), -ECANCELED);
}

TEST_P(CMessages, ReadinessIsWaitedFor) {
    const pipe_ends pipe;
    ended writable, again;
    aura_request_t* const r = aura_poll_fd(e(), pipe.read_end, POLLIN, ended::note, &done);
    EXPECT_EQ(aura_request_op_type(r), AURA_OP_POLL);
    ASSERT_TRUE(aura_poll_fd(e(), pipe.write_end, POLLOUT, ended::note, &writable));
    EXPECT_EQ(finish(engine, writable), POLLOUT);
    EXPECT_EQ(done.calls, 0);
    ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
    EXPECT_EQ(finish(engine, done), POLLIN);
    ASSERT_TRUE(aura_poll_fd(e(), pipe.read_end, POLLIN, ended::note, &again)); // nothing was taken
    EXPECT_EQ(finish(engine, again), POLLIN);
}

TEST_P(CMessages, ReadinessOfAListeningSocketTakesNoConnection) {
    const unique_fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(listener.get(), generic, size), 0);
    ASSERT_EQ(::listen(listener.get(), 4), 0);
    ASSERT_EQ(::getsockname(listener.get(), generic, &size), 0);
    ASSERT_TRUE(aura_poll_fd(e(), listener.get(), POLLIN, ended::note, &done));
    EXPECT_EQ(aura_poll(e()), 0);
    const unique_fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client.get(), generic, size), 0);
    EXPECT_EQ(finish(engine, done), POLLIN);
    const unique_fd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    EXPECT_GE(accepted.get(), 0);
}

TEST_P(CMessages, AHangUpIsToldUnasked) {
    pipe_ends pipe;
    ASSERT_TRUE(aura_poll_fd(e(), pipe.read_end, POLLIN, ended::note, &done));
    EXPECT_EQ(aura_poll(e()), 0);
    ::close(std::exchange(pipe.write_end, -1));
    EXPECT_EQ(finish(engine, done), POLLHUP);
}

TEST_P(CMessages, APollCanBeCancelled) {
    const pipe_ends pipe;
    aura_request_t* const r = aura_poll_fd(e(), pipe.read_end, POLLIN, ended::note, &done);
    EXPECT_EQ(aura_poll(e()), 0);
    EXPECT_EQ(aura_cancel(e(), r), 0);
    EXPECT_EQ(finish(engine, done), -ECANCELED);
}

TEST_P(CMessages, RefuseWhatMakesNoSense) {
    msghdr header{};
    const auto refuses = [](int error, const aura_request_t* r) {
        EXPECT_EQ(r, nullptr);
        EXPECT_EQ(errno, error);
        errno = 0;
    };
    refuses(EBADF, aura_recvmsg(e(), -1, &header, 0, nullptr, nullptr));
    refuses(EBADF, aura_sendmsg(e(), AURA_FIXED_FILE | 0, &header, 0, nullptr, nullptr));
    refuses(EBADF, aura_poll_fd(e(), -1, POLLIN, nullptr, nullptr));
    refuses(EINVAL, aura_recvmsg(e(), 0, nullptr, 0, nullptr, nullptr));
    refuses(EINVAL, aura_sendmsg(e(), 0, nullptr, 0, nullptr, nullptr));
    refuses(EINVAL, aura_poll_fd(e(), 0, 1u << 16, nullptr, nullptr));
    refuses(EINVAL, aura_poll_fd(nullptr, 0, POLLIN, nullptr, nullptr));
    EXPECT_EQ(aura_drain(e(), 0), 0);
}
