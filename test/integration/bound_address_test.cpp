// An address can be bound again as soon as who had it is gone: closed, destroyed in any order, or killed.
#include <auraio/auraio.hpp>

#include "support/ring_configurations.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <type_traits>
#include <unistd.h>

namespace net = aura::net;
using namespace test;
using tcp = aura::ip::tcp;
using udp = aura::ip::udp;
using stream = aura::local::stream_protocol;
using datagram = aura::local::datagram_protocol;

namespace {

template <class Endpoint>
int bind_errno(const Endpoint& where, bool listens) {
    const int fd = ::socket(where.protocol().family(), where.protocol().type() | SOCK_CLOEXEC, 0);
    const int on = 1; // a server's
    if (listens)
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const int error = ::bind(fd, where.data(), static_cast<socklen_t>(where.size())) == 0 ? 0 : errno;
    const int error2 = error == 0 && listens && ::listen(fd, 1) != 0 ? errno : error;
    ::close(fd);
    return error2;
}

/// In the abstract namespace: such an address is in use for as long as its socket is.
std::string abstract_name() {
    return std::string(1, '\0') + "auraio-bound-address-" + std::to_string(::getpid());
}
tcp::endpoint some_address(tcp) {
    return {net::ip::address_v4::loopback(), 0};
}
udp::endpoint some_address(udp) {
    return {net::ip::address_v4::loopback(), 0};
}
stream::endpoint some_address(stream) {
    return stream::endpoint(abstract_name());
}
datagram::endpoint some_address(datagram) {
    return datagram::endpoint(abstract_name());
}

template <class Protocol>
constexpr bool is_listener = std::is_same_v<Protocol, tcp> || std::is_same_v<Protocol, stream>;

/// An acceptor or a datagram socket with something pending that nothing will come of.
template <class Protocol>
class holder {
public:
    explicit holder(aura::io_context& ctx)
        : socket_(ctx, some_address(protocol())) {
        if constexpr (is_listener<Protocol>) {
            socket_.async_accept([](aura::error_code, auto) {});
            for (const auto what :
                 {net::socket_base::wait_read, net::socket_base::wait_write, net::socket_base::wait_error})
                socket_.async_wait(what, [](aura::error_code) {});
        } else {
            socket_.async_receive(net::buffer(data_), [](aura::error_code, std::size_t) {});
        }
    }
    auto address() const { return socket_.local_endpoint(); }
    void close() { socket_.close(); }

private:
    static Protocol protocol() {
        if constexpr (std::is_same_v<Protocol, tcp> || std::is_same_v<Protocol, udp>)
            return Protocol::v4();
        else
            return Protocol();
    }
    std::array<char, 16> data_{};
    std::conditional_t<is_listener<Protocol>, net::basic_socket_acceptor<Protocol, aura::any_io_executor>,
                       typename Protocol::socket>
        socket_;
};

enum class ending { object_first, close_first, in_a_handler, by_exception };

/// Everything is under way in a thread that has been in run() and left it, stopped.
template <class Protocol>
void end_and_bind_again(const ring_configuration& rings, ending how, bool thread_has_ended) {
    auto ctx = std::make_unique<aura::io_context>(rings.options());
    auto object = std::make_unique<holder<Protocol>>(*ctx);
    const auto where = object->address();
    const auto run = [&] {
        ctx->poll(); // pending in the kernel
        ctx->restart();
        net::post(*ctx, [&] {
            if (how == ending::in_a_handler)
                object.reset();
            ctx->stop();
            if (how == ending::by_exception)
                throw std::string();
        });
        try {
            ctx->run();
        } catch (const std::string&) {
        }
    };
    if (thread_has_ended)
        std::thread(run).join();
    else
        run();
    if (how == ending::close_first)
        object->close();
    object.reset();
    const auto is_free = [&] { return bind_errno(where, is_listener<Protocol>) == 0; };
    EXPECT_TRUE(at_once(is_free)) << "before the context has ended; way " << static_cast<int>(how)
                                  << ", thread has ended: " << thread_has_ended;
    ctx.reset();
    EXPECT_TRUE(at_once(is_free)) << "way " << static_cast<int>(how);
}

class BoundAddress : public testing::TestWithParam<ring_configuration> {
protected:
    template <class Protocol>
    void in_every_way() {
        for (const ending how :
             {ending::object_first, ending::close_first, ending::in_a_handler, ending::by_exception})
            for (const bool thread_has_ended : {false, true}) {
                if (thread_has_ended && GetParam().options().task_work == aura::task_run::deferred)
                    continue; // the thread that was in run() must also destroy the context
                for (int i = 0; i < 3; ++i)
                    end_and_bind_again<Protocol>(GetParam(), how, thread_has_ended);
            }
    }
};

TEST_P(BoundAddress, OfATcpListenerIsFreeAtOnce) {
    in_every_way<tcp>();
}
TEST_P(BoundAddress, OfAUdpSocketIsFreeAtOnce) {
    in_every_way<udp>();
}
TEST_P(BoundAddress, OfALocalListenerIsFreeAtOnce) {
    in_every_way<stream>();
}
TEST_P(BoundAddress, OfALocalDatagramSocketIsFreeAtOnce) {
    in_every_way<datagram>();
}

INSTANTIATE_TEST_SUITE_P(Rings, BoundAddress, testing::ValuesIn(all_rings), configuration_name);

/// A server in a process of its own, which tells its address and is killed.
template <class Prepare>
void expect_free_after_kill(Prepare prepare) {
    for (int i = 0; i < 5; ++i) {
        int tell[2];
        ASSERT_EQ(::pipe(tell), 0);
        const ::pid_t child = ::fork();
        if (child == 0) {
            ::alarm(30);
            aura::io_context ctx;
            tcp::acceptor a(ctx, tcp::endpoint(net::ip::address_v4::loopback(), 0));
            prepare(a);
            ctx.poll();
            ctx.restart();
            const unsigned short port = a.local_endpoint().port();
            net::post(ctx, [&] {
                if (::write(tell[1], &port, sizeof port) != sizeof port)
                    ::_exit(1);
            });
            auto work = net::make_work_guard(ctx);
            ctx.run();
            ::_exit(0);
        }
        unsigned short port = 0;
        ASSERT_EQ(::read(tell[0], &port, sizeof port), static_cast<ssize_t>(sizeof port));
        ::close(tell[0]);
        ::close(tell[1]);
        ::kill(child, SIGKILL);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(bind_errno(tcp::endpoint(net::ip::address_v4::loopback(), port), true), 0);
    }
}

TEST(KilledServer, LeavesItsPortWhenItWasAccepting) {
    expect_free_after_kill([](tcp::acceptor& a) { a.async_accept([](aura::error_code, tcp::socket) {}); });
}

TEST(KilledServer, LeavesItsPortWhenItWasWaitingForConnections) {
    expect_free_after_kill(
        [](tcp::acceptor& a) { a.async_wait(net::socket_base::wait_read, [](aura::error_code) {}); });
}

TEST(KilledServer, LeavesItsPortWhenItWasWaitingForSomethingElse) {
    for (const auto what : {net::socket_base::wait_write, net::socket_base::wait_error})
        expect_free_after_kill([what](tcp::acceptor& a) { a.async_wait(what, [](aura::error_code) {}); });
}

} // namespace
