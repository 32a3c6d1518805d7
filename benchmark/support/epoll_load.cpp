// Loads over epoll: echo as a plain client does it, connections that come and go, and datagrams. The last two
// never sleep, for the reason that ring_load.cpp gives.
#include "load_generator.hpp"

#include "failure.hpp"
#include "load_pattern.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace benchmark {

namespace {

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

// One message of one client that is on its way, and what has come back of it.
struct client {
    int fd = -1;
    std::uint64_t sequence = 0;
    std::size_t received = 0;
};

// What the three kinds have in common; Kind says how a client begins a message and what follows its end.
class clients : public closed_loop {
public:
    explicit clients(const load_description& what)
        : what_(what)
        , pattern_(what.message_size)
        , clients_(what.connections)
        , scratch_(what.message_size)
        , epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
        if (epoll_ < 0)
            fail("epoll_create1", errno);
    }

    ~clients() override {
        for (const client& one : clients_)
            if (one.fd >= 0)
                ::close(one.fd);
        ::close(epoll_);
    }

protected:
    virtual void answered(std::size_t index) = 0;

    void turn() override {
        const int count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()),
                                       what_.kind == "epoll_echo" ? 10 : 0);
        if (count < 0 && errno != EINTR)
            fail("epoll_wait", errno);
        for (int i = 0; i < count; ++i)
            receive(static_cast<std::size_t>(events_[static_cast<std::size_t>(i)].data.u64));
    }

    void open(std::size_t index, int type, const sockaddr_in& from) {
        const sockaddr_in to = loopback(what_.port);
        const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
        if (fd < 0)
            fail("socket", errno);
        const int on = 1;
        if (type == SOCK_STREAM) {
            ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
        }
        if (::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0)
            fail("bind", errno);
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
            fail("connect", errno);
        epoll_event interest{};
        interest.events = EPOLLIN;
        interest.data.u64 = index;
        if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &interest) != 0)
            fail("epoll_ctl", errno);
        clients_[index].fd = fd;
    }

    void shut(std::size_t index) {
        ::close(clients_[index].fd);
        clients_[index].fd = -1;
    }

    // Never waits: a message is small beside a socket's buffer, which is empty when one is due.
    void send(std::size_t index) {
        client& one = clients_[index];
        const ssize_t sent = ::send(one.fd, pattern_.message(index, one.sequence), what_.message_size,
                                    MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent != static_cast<ssize_t>(what_.message_size))
            fail("send", sent < 0 ? errno : EMSGSIZE);
    }

    std::size_t client_count() const { return clients_.size(); }

private:
    void receive(std::size_t index) {
        client& one = clients_[index];
        const std::size_t wanted = what_.message_size - one.received;
        const ssize_t got = ::recv(one.fd, scratch_.data(), wanted, MSG_DONTWAIT);
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0)
            fail("the server has closed a connection", got < 0 ? errno : 0);
        if (std::memcmp(scratch_.data(), pattern_.message(index, one.sequence) + one.received,
                        static_cast<std::size_t>(got)) != 0)
            fail("the server has answered with other bytes");
        one.received += static_cast<std::size_t>(got);
        if (one.received < what_.message_size)
            return;
        one.received = 0;
        ++one.sequence;
        count_round_trips(1);
        answered(index);
    }

    load_description what_;
    pattern pattern_;
    std::vector<client> clients_;
    std::vector<std::byte> scratch_;
    std::array<epoll_event, 1024> events_{};
    int epoll_;
};

// Connections (or, over UDP, sockets) that live as long as the load does.
class lasting final : public clients {
public:
    lasting(const load_description& what, int type)
        : clients(what) {
        for (std::size_t i = 0; i < client_count(); ++i)
            open(i, type, loopback(0));
    }

private:
    void turn() override {
        if (!begun_) {
            begun_ = true;
            for (std::size_t i = 0; i < client_count(); ++i)
                send(i);
        }
        clients::turn();
    }

    void answered(std::size_t index) override { send(index); }

    bool begun_ = false;
};

// Connect, one message there and back, close.
class churning final : public clients {
public:
    using clients::clients;

private:
    void turn() override {
        if (!begun_) {
            begun_ = true;
            for (std::size_t i = 0; i < client_count(); ++i)
                begin(i);
        }
        clients::turn();
    }

    void answered(std::size_t index) override {
        shut(index);
        begin(index);
    }

    void begin(std::size_t index) {
        // From many addresses in turn: the ports of one would all be in TIME_WAIT within a second.
        sockaddr_in from = loopback(0);
        from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + next_address_);
        next_address_ = (next_address_ + 1) % 200;
        open(index, SOCK_STREAM, from);
        send(index);
    }

    bool begun_ = false;
    std::uint32_t next_address_ = 0;
};

} // namespace

std::unique_ptr<load_generator> make_epoll_load(const load_description& what) {
    if (what.kind == "udp")
        return std::make_unique<lasting>(what, SOCK_DGRAM);
    if (what.kind == "churn")
        return std::make_unique<churning>(what);
    return std::make_unique<lasting>(what, SOCK_STREAM);
}

} // namespace benchmark
