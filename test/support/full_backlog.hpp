// full_backlog: a listening socket that answers no further connection attempt: they stay pending.
#pragma once

#include <gtest/gtest.h>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test {

/// Linux drops the first packet of a connection when the queue of those not accepted yet is full, and the
/// client goes on trying for minutes.
class full_backlog {
public:
    full_backlog() {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::bind(listener_, address(), size), 0);
        EXPECT_EQ(::listen(listener_, 0), 0); // room for one
        EXPECT_EQ(::getsockname(listener_, address(), &size), 0);
        filler_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        EXPECT_EQ(::connect(filler_, address(), size), 0);
        pollfd queued{listener_, POLLIN, 0};
        EXPECT_EQ(::poll(&queued, 1, 10'000), 1);
    }
    ~full_backlog() {
        ::close(filler_);
        ::close(listener_);
    }
    full_backlog(const full_backlog&) = delete;

    unsigned short port() const noexcept { return ntohs(address_.sin_port); }

private:
    sockaddr* address() noexcept { return reinterpret_cast<sockaddr*>(&address_); }

    sockaddr_in address_{};
    int listener_;
    int filler_;
};

} // namespace test
