// What an Asio server on epoll is measured against: the echo loop one would write by hand.
//
// Level-triggered, one recv and one send per event: with one message on its way per connection, a second recv
// would only say that there is nothing, and an edge-triggered loop needs it.
#include "support/failure.hpp"
#include "support/served_load.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace benchmark;

class echo_server {
public:
    explicit echo_server(const served_socket& socket)
        : socket_(socket)
        , buffer_(socket.message_size)
        , epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_ < 0)
            fail("epoll_create1", errno);
        const int flags = 1;
        ::ioctl(socket.fd, FIONBIO, &flags);
        watch(socket.fd);
    }

    [[noreturn]] void run() {
        std::array<epoll_event, 1024> events;
        for (;;) {
            const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            if (count < 0) {
                if (errno == EINTR)
                    continue;
                fail("epoll_wait", errno);
            }
            server_counters::add(socket_.counters.enters, 1);
            server_counters::add(socket_.counters.completions, static_cast<unsigned>(count));
            for (int i = 0; i < count; ++i)
                handle(events[static_cast<std::size_t>(i)].data.fd);
        }
    }

private:
    void watch(int fd) {
        epoll_event interest{};
        interest.events = EPOLLIN;
        interest.data.fd = fd;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &interest) != 0)
            fail("epoll_ctl", errno);
    }

    void handle(int fd) {
        if (fd != socket_.fd)
            echo(fd);
        else if (socket_.datagrams)
            answer();
        else
            accept();
    }

    void accept() {
        const int fd = ::accept4(socket_.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == ECONNABORTED)
                return;
            fail("accept4", errno);
        }
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(fd);
    }

    void echo(int fd) {
        const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
        if (got < 0 && errno == EAGAIN)
            return;
        // Never short here: the socket's buffer is empty, and larger than a message.
        if (got <= 0 || ::send(fd, buffer_.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got)
            ::close(fd);
    }

    void answer() {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        auto* const address = reinterpret_cast<sockaddr*>(&from);
        const ssize_t got = ::recvfrom(socket_.fd, buffer_.data(), buffer_.size(), 0, address, &size);
        if (got < 0)
            return;
        if (::sendto(socket_.fd, buffer_.data(), static_cast<std::size_t>(got), 0, address, size) != got)
            fail("sendto", errno);
    }

    const served_socket socket_;
    std::vector<std::byte> buffer_;
    int epoll_;
};

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "raw_epoll");
    return run_under_load(args, [](const served_socket& socket) { echo_server(socket).run(); });
}
