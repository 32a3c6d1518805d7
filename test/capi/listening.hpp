// listening: sockets that listen, their clients, and a fixture with one and an engine.
#pragma once

#include "support.hpp"

#include <arpa/inet.h>
#include <array>
#include <netinet/in.h>
#include <sys/socket.h>

namespace test {

inline sockaddr_in loopback(unsigned short port = 0) {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_port = htons(port);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return a;
}

/// A listening socket; 0, or why there is none. As a server's: SO_REUSEADDR.
inline int listen_on(unsigned short port, int& fd) {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in a = loopback(port);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&a), sizeof a) == 0 && ::listen(fd, 64) == 0)
        return 0;
    const int error = errno;
    ::close(std::exchange(fd, -1));
    return error;
}

inline unsigned short port_of(int fd) {
    sockaddr_in a{};
    socklen_t size = sizeof a;
    EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&a), &size), 0);
    return ntohs(a.sin_port);
}

/// Whether a server can be started on the port now: 0, or the errno.
inline int start_again(unsigned short port) {
    int fd = -1;
    const int error = listen_on(port, fd);
    if (fd >= 0)
        ::close(fd);
    return error;
}

inline unique_fd connect_to(unsigned short port) {
    unique_fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in a = loopback(port);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a), 0);
    return client;
}

/// What was started has been tried, on every ring, and waits.
inline void expect_waiting(const engine_ptr& engine) {
    for (int turn = 0; turn < 16; ++turn)
        EXPECT_EQ(aura_wait(engine.get(), 0), -ETIMEDOUT);
}

struct CAccept : testing::Test {
    CAccept() {
        EXPECT_EQ(listen_on(0, fd), 0);
        port = port_of(fd);
    }
    ~CAccept() override {
        if (fd >= 0)
            ::close(fd);
    }
    aura_engine_t* e() const { return engine.get(); }
    aura_request_t* accept(ended& x) {
        return aura_accept(e(), fd, nullptr, nullptr, SOCK_CLOEXEC, ended::note, &x);
    }
    /// Accepts that wait, on rings in turn.
    template <std::size_t N>
    void wait_for_connections(std::array<ended, N>& all) {
        for (ended& x : all)
            ASSERT_NE(accept(x), nullptr);
        expect_waiting(engine);
    }
    /// The connection that was accepted is that of `client`.
    static void expect_connected(const ended& x, const unique_fd& client) {
        EXPECT_EQ(x.calls, 1);
        ASSERT_GE(x.result, 0);
        const unique_fd server(static_cast<int>(x.result));
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        ASSERT_EQ(::getpeername(server.get(), reinterpret_cast<sockaddr*>(&peer), &size), 0);
        EXPECT_EQ(ntohs(peer.sin_port), port_of(client.get()));
    }

    engine_ptr engine = make_engine(1);
    int fd = -1;
    unsigned short port = 0;
};

} // namespace test
