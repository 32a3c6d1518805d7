// A server with several threads some of whose handlers block or compute for long: what that costs everybody else.
#include "support/contender.hpp"
#include "support/measurement.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using namespace benchmark;
using tcp = io::ip::tcp;
using clock_type = std::chrono::steady_clock;
using std::chrono::microseconds;

// What a client asks of the server, which has no idea who is who.
struct request {
    std::uint32_t block_us;   // sleeps in the handler, as a synchronous call to a database does
    std::uint32_t compute_us; // works in it
};

// ---- the server: as one writes it on Asio, connections spread by the library ----

class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket socket)
        : socket_(std::move(socket)) {
        socket_.set_option(tcp::no_delay(true));
    }

    void read() {
        net::async_read(socket_, net::buffer(&request_, sizeof request_),
                        [self = shared_from_this()](const error_code& error, std::size_t) {
                            if (!error)
                                self->answer();
                        });
    }

private:
    void answer() {
        if (request_.block_us != 0)
            std::this_thread::sleep_for(microseconds(request_.block_us));
        const auto end = clock_type::now() + microseconds(request_.compute_us);
        while (request_.compute_us != 0 && clock_type::now() < end) {
        }
        net::async_write(socket_, net::buffer(&request_, sizeof request_),
                         [self = shared_from_this()](const error_code& error, std::size_t) {
                             if (!error)
                                 self->read();
                         });
    }

    tcp::socket socket_;
    request request_{};
};

void accept_next(tcp::acceptor& acceptor) {
    acceptor.async_accept([&](const error_code& error, tcp::socket socket) {
        if (error)
            return;
        std::make_shared<session>(std::move(socket))->read();
        accept_next(acceptor);
    });
}

// ---- the clients: a process of their own, one message at a time for each connection ----

struct load {
    std::uint64_t connections;
    std::uint64_t blocking; // so many of them ask for `block_us`
    request common;
    request blocked;
    std::chrono::milliseconds warm;
    std::chrono::milliseconds measure;
};

// Of those that ask for nothing special, while it was measured.
struct outcome {
    std::uint64_t messages;
    double p50_us;
    double p90_us;
    double p99_us;
};

struct connection {
    int fd;
    request what;
    bool counted;
    clock_type::time_point sent;

    void send() {
        sent = clock_type::now();
        if (::write(fd, &what, sizeof what) != static_cast<ssize_t>(sizeof what))
            fail("write", errno);
    }
};

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
        fail("connect", errno);
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

outcome put_under_load(std::uint16_t port, const load& l) {
    const int set = ::epoll_create1(EPOLL_CLOEXEC);
    std::vector<connection> all;
    for (std::uint64_t i = 0; i < l.connections; ++i) {
        const bool special = i < l.blocking;
        all.push_back({connect_to(port), special ? l.blocked : l.common, !special, {}});
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        if (::epoll_ctl(set, EPOLL_CTL_ADD, all.back().fd, &event) != 0)
            fail("epoll_ctl", errno);
    }
    for (connection& c : all)
        c.send();
    const auto begin = clock_type::now() + l.warm;
    const auto end = begin + l.measure;
    std::vector<double> latencies;
    latencies.reserve(1 << 20);
    for (auto now = clock_type::now(); now < end;) {
        std::array<epoll_event, 64> events;
        const int count = ::epoll_wait(set, events.data(), static_cast<int>(events.size()), 10);
        now = clock_type::now();
        for (int i = 0; i < count; ++i) {
            connection& c = all[events[static_cast<std::size_t>(i)].data.u64];
            request answer{};
            if (::read(c.fd, &answer, sizeof answer) != static_cast<ssize_t>(sizeof answer))
                fail("read", errno);
            if (c.counted && now >= begin)
                latencies.push_back(std::chrono::duration<double, std::micro>(now - c.sent).count());
            c.send();
        }
    }
    return {latencies.size(), quantile(latencies, 0.5), quantile(latencies, 0.9), quantile(latencies, 0.99)};
}

load read_load(arguments& args) {
    load l{};
    l.connections = args.number("depth", 64);
    l.blocking = args.number("blocking", 0);
    l.common.compute_us = static_cast<std::uint32_t>(args.number("work_us", 0));
    // What the special ones do, by sleeping or by computing.
    l.blocked.block_us = static_cast<std::uint32_t>(args.number("block_us", 20'000));
    l.blocked.compute_us = static_cast<std::uint32_t>(args.number("heavy_us", 0));
    l.warm = std::chrono::milliseconds(args.number("warm_ms", 100));
    l.measure = std::chrono::milliseconds(args.number("measure_ms", 500));
    return l;
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    const load l = read_load(args);
    const auto threads = args.number("threads", 4);
    args.reject_unknown();

    int from_server[2], to_parent[2];
    if (::pipe(from_server) != 0 || ::pipe(to_parent) != 0)
        fail("pipe", errno);
    const pid_t clients = ::fork(); // before there are threads
    if (clients < 0)
        fail("fork", errno);
    if (clients == 0) {
        std::uint16_t port = 0;
        if (::read(from_server[0], &port, sizeof port) != static_cast<ssize_t>(sizeof port))
            return 1;
        const outcome seen = put_under_load(port, l);
        return ::write(to_parent[1], &seen, sizeof seen) == static_cast<ssize_t>(sizeof seen) ? 0 : 1;
    }
    ::close(to_parent[1]);

    const auto context = make_context("none");
    tcp::acceptor acceptor(*context, {net::ip::address_v4::loopback(), 0});
    accept_next(acceptor);
    std::vector<std::thread> running;
    for (std::uint64_t i = 0; i < threads; ++i)
        running.emplace_back([&] { context->run(); });
    const usage begin = usage_now();
    const std::uint16_t port = acceptor.local_endpoint().port();
    if (::write(from_server[1], &port, sizeof port) != static_cast<ssize_t>(sizeof port))
        fail("write", errno);
    outcome seen{};
    if (::read(to_parent[0], &seen, sizeof seen) != static_cast<ssize_t>(sizeof seen))
        fail("the clients have failed");
    usage end = usage_now();
    // What was counted took that long; connecting and warming up are in the CPU time, and in everybody's.
    end.wall = begin.wall + l.measure;
    context->stop();
    for (std::thread& t : running)
        t.join();
    (void)::waitpid(clients, nullptr, 0);
    print_result(args, l.connections, begin, end, seen.messages,
                 {{"p50_us", seen.p50_us}, {"p90_us", seen.p90_us}, {"p99_us", seen.p99_us}});
}
