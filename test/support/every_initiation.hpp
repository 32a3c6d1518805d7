// every_initiation: calls each initiating function of each object, prepared so that every operation
// completes.
#pragma once

#include "support/flavour.hpp"
#include "support/scratch_file.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace test {

// The objects under their names in adopt mode, where they are Asio's, and elsewhere.
#if defined(AURAIO_ADOPT)
namespace objects = ::test::net;
#else
namespace objects = ::aura;
#endif

/// `each(name, context, start)` is called for every initiating function; `start(token)` calls the function
/// and returns its result. Each operation completes without an error, with nobody's help but run()'s.
/// Asynchronous functions that Asio composes of ours are among them.
template <class Each>
class every_initiation {
    using tcp = objects::ip::tcp;
    using udp = objects::ip::udp;
    using unix_stream = objects::local::stream_protocol;
    using seq_packet = test::net::generic::seq_packet_protocol;

public:
    explicit every_initiation(Each each)
        : each_(std::move(each)) {}

    void executors() {
        plain_executors();
        strand();
    }
    void plain_executors() {
        submits("the context", ctx_);
        submits("a ring's executor", ctx_.ring_executor(0));
    }
    void strand() { submits("a strand", net::make_strand(ctx_)); }
    /// Asio's any_io_executor passes a handler's allocator to nobody.
    void erased_executor() { submits("an any_io_executor", net::any_io_executor(ctx_.get_executor())); }

    void stream_sockets() {
        typename tcp::acceptor acceptor(ctx_, loopback<net::ip::tcp>()),
            listener(ctx_, loopback<net::ip::tcp>());
        connects<typename tcp::socket>(listener.local_endpoint());
        typename tcp::socket a(ctx_), b(ctx_);
        a.connect(acceptor.local_endpoint());
        acceptor.accept(b);
        stream("tcp", a, b);

        int fds[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        typename unix_stream::socket c(ctx_, unix_stream(), fds[0]), d(ctx_, unix_stream(), fds[1]);
        stream("unix", c, d);
    }

    void message_sockets() {
        typename udp::socket a(ctx_, loopback<net::ip::udp>()), b(ctx_, loopback<net::ip::udp>());
        connects<typename udp::socket>(b.local_endpoint());
        messages_from(a, b);
        a.connect(b.local_endpoint());
        b.connect(a.local_endpoint());
        messages(a, b);

        int fds[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        packets(seq_packet_socket(ctx_, seq_packet(AF_UNIX, 0), fds[0]),
                seq_packet_socket(ctx_, seq_packet(AF_UNIX, 0), fds[1]));
    }

    void acceptors() {
        accepts<tcp>(typename tcp::acceptor(ctx_, loopback<net::ip::tcp>()));
        const std::string path = "every_initiation." + std::to_string(::getpid());
        ::unlink(path.c_str());
        accepts<unix_stream>(typename unix_stream::acceptor(ctx_, path));
        ::unlink(path.c_str());
    }

    void timers_and_signals() {
        objects::steady_timer steady(ctx_, std::chrono::milliseconds(1));
        call("steady_timer", [&](auto&& t) { return steady.async_wait(forward(t)); });
        objects::system_timer system(ctx_, std::chrono::milliseconds(1));
        call("system_timer", [&](auto&& t) { return system.async_wait(forward(t)); });
        objects::signal_set signals(ctx_, SIGUSR2);
        std::raise(SIGUSR2);
        call("signal_set", [&](auto&& t) { return signals.async_wait(forward(t)); });
    }

    void resolvers() {
        typename tcp::resolver r(ctx_);
        call("async_resolve", [&](auto&& t) { return r.async_resolve("127.0.0.1", "80", forward(t)); });
        call("async_resolve, flags", [&](auto&& t) {
            return r.async_resolve("127.0.0.1", "80", tcp::resolver::numeric_host, forward(t));
        });
        call("async_resolve, protocol",
             [&](auto&& t) { return r.async_resolve(net::ip::tcp::v4(), "127.0.0.1", "80", forward(t)); });
        call("async_resolve, endpoint",
             [&](auto&& t) { return r.async_resolve(loopback<net::ip::tcp>(), forward(t)); });
    }

    void descriptors() {
        objects::readable_pipe in(ctx_);
        objects::writable_pipe out(ctx_);
        net::connect_pipe(in, out);
        call("pipe async_write_some", [&](auto&& t) { return out.async_write_some(data(), forward(t)); });
        call("pipe async_read_some", [&](auto&& t) { return in.async_read_some(room(), forward(t)); });

        int fds[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        using descriptor = objects::posix::stream_descriptor;
        descriptor a(ctx_, fds[0]), b(ctx_, fds[1]);
        call("descriptor async_wait",
             [&](auto&& t) { return a.async_wait(descriptor::wait_write, forward(t)); });
        call("descriptor async_write_some", [&](auto&& t) { return a.async_write_some(data(), forward(t)); });
        call("descriptor async_read_some", [&](auto&& t) { return b.async_read_some(room(), forward(t)); });
    }

    void files() {
        const test::scratch_file scratch(4096);
        aura::random_access_file f(ctx_);
        const auto mode = aura::file_base::read_write;
        call("async_open", [&](auto&& t) { return f.async_open(scratch.path(), mode, forward(t)); });
        call("async_read_some_at", [&](auto&& t) { return f.async_read_some_at(0, room(), forward(t)); });
        call("async_write_some_at", [&](auto&& t) { return f.async_write_some_at(0, data(), forward(t)); });
        call("async_read_at", [&](auto&& t) { return net::async_read_at(f, 0, room(), forward(t)); });
        call("async_write_at", [&](auto&& t) { return net::async_write_at(f, 0, data(), forward(t)); });
        call("async_sync_all", [&](auto&& t) { return f.async_sync_all(forward(t)); });
        call("async_sync_data", [&](auto&& t) { return f.async_sync_data(forward(t)); });
        call("async_resize", [&](auto&& t) { return f.async_resize(8192, forward(t)); });
        call("async_allocate", [&](auto&& t) { return f.async_allocate(0, 4096, forward(t)); });
        call("async_stat", [&](auto&& t) { return f.async_stat(forward(t)); });
        tables(f);
        call("async_close", [&](auto&& t) { return f.async_close(forward(t)); });

        aura::stream_file s(ctx_, scratch.path(), mode);
        call("async_read_some", [&](auto&& t) { return s.async_read_some(room(), forward(t)); });
        call("async_write_some", [&](auto&& t) { return s.async_write_some(data(), forward(t)); });
    }

    void paths() {
        const std::string name = "every_initiation." + std::to_string(::getpid()), other = name + ".other";
        const auto e = ctx_.get_executor();
        call("async_mkdir", [&](auto&& t) { return aura::async_mkdir(e, name, forward(t)); });
        call("async_rename", [&](auto&& t) { return aura::async_rename(e, name, other, forward(t)); });
        ::rmdir(other.c_str());
        const test::scratch_file scratch;
        std::string again = scratch.path() + ".again";
        ASSERT_EQ(::link(scratch.path().c_str(), again.c_str()), 0);
        call("async_unlink", [&](auto&& t) { return aura::async_unlink(e, again, forward(t)); });
    }

private:
    using seq_packet_socket = objects::basic_seq_packet_socket<seq_packet>;

    template <class T>
    static T&& forward(T& t) {
        return static_cast<T&&>(t);
    }
    template <class Start>
    void call(const char* name, Start start) {
        SCOPED_TRACE(name);
        each_(ctx_, start);
    }
    net::const_buffer data() const { return net::buffer("abcd", 4); }
    net::mutable_buffer room() { return net::buffer(room_); }
    template <class Protocol>
    static typename Protocol::endpoint loopback() {
        return {net::ip::address_v4::loopback(), 0};
    }

    template <class Executor>
    void submits(const char* name, Executor&& on) {
        call(name, [&](auto&& t) { return net::post(on, forward(t)); });
        call(name, [&](auto&& t) { return net::dispatch(on, forward(t)); });
        call(name, [&](auto&& t) { return net::defer(on, forward(t)); });
    }

    template <class Socket, class Endpoint>
    void connects(const Endpoint& peer) {
        Socket closed(ctx_), open(ctx_, peer.protocol());
        call("async_connect, closed", [&](auto&& t) { return closed.async_connect(peer, forward(t)); });
        call("async_connect, open", [&](auto&& t) { return open.async_connect(peer, forward(t)); });
    }

    template <class Socket>
    void stream(const char* what, Socket& a, Socket& b) {
        SCOPED_TRACE(what);
        call("async_write_some", [&](auto&& t) { return a.async_write_some(data(), forward(t)); });
        call("async_read_some", [&](auto&& t) { return b.async_read_some(room(), forward(t)); });
        call("async_send", [&](auto&& t) { return a.async_send(data(), forward(t)); });
        call("async_receive", [&](auto&& t) { return b.async_receive(room(), forward(t)); });
        call("async_send, flags", [&](auto&& t) { return a.async_send(data(), MSG_DONTWAIT, forward(t)); });
        call("async_receive, flags", [&](auto&& t) { return b.async_receive(room(), MSG_PEEK, forward(t)); });
        call("async_wait", [&](auto&& t) { return b.async_wait(Socket::wait_read, forward(t)); });
        const std::array<net::const_buffer, 2> several{data(), data()};
        call("async_write", [&](auto&& t) { return net::async_write(a, several, forward(t)); });
        call("async_read", [&](auto&& t) { return net::async_read(b, room(), forward(t)); });
    }

    template <class Socket>
    void messages_from(Socket& a, Socket& b) {
        const auto to = b.local_endpoint();
        auto from = to;
        call("async_send_to", [&](auto&& t) { return a.async_send_to(data(), to, forward(t)); });
        call("async_receive_from", [&](auto&& t) { return b.async_receive_from(room(), from, forward(t)); });
        call("async_send_to, flags", [&](auto&& t) { return a.async_send_to(data(), to, 0, forward(t)); });
        call("async_receive_from, flags",
             [&](auto&& t) { return b.async_receive_from(room(), from, 0, forward(t)); });
    }

    template <class Socket>
    void messages(Socket& a, Socket& b) {
        call("async_send", [&](auto&& t) { return a.async_send(data(), forward(t)); });
        call("async_receive", [&](auto&& t) { return b.async_receive(room(), forward(t)); });
        call("async_send, flags", [&](auto&& t) { return a.async_send(data(), 0, forward(t)); });
        call("async_receive, flags", [&](auto&& t) { return b.async_receive(room(), 0, forward(t)); });
        call("async_wait", [&](auto&& t) { return b.async_wait(Socket::wait_write, forward(t)); });
    }

    template <class Socket>
    void packets(Socket a, Socket b) {
        net::socket_base::message_flags in = 0, out = 0;
        call("packet async_send", [&](auto&& t) { return a.async_send(data(), 0, forward(t)); });
        call("packet async_receive", [&](auto&& t) { return b.async_receive(room(), out, forward(t)); });
        call("packet async_send", [&](auto&& t) { return a.async_send(data(), 0, forward(t)); });
        call("packet async_receive, flags",
             [&](auto&& t) { return b.async_receive(room(), in, out, forward(t)); });
    }

    template <class Protocol, class Acceptor>
    void accepts(Acceptor a) {
        std::vector<typename Protocol::socket> clients;
        auto accept = [&](const char* name, auto start) {
            clients.emplace_back(ctx_).connect(a.local_endpoint());
            call(name, start);
        };
        typename Protocol::endpoint from;
        typename Protocol::socket one(ctx_), two(ctx_);
        const auto e = ctx_.get_executor();
        accept("async_wait", [&](auto&& t) { return a.async_wait(Acceptor::wait_read, forward(t)); });
        accept("async_accept(s)", [&](auto&& t) { return a.async_accept(one, forward(t)); });
        accept("async_accept(s, e)", [&](auto&& t) { return a.async_accept(two, from, forward(t)); });
        accept("async_accept()", [&](auto&& t) { return a.async_accept(forward(t)); });
        accept("async_accept(e)", [&](auto&& t) { return a.async_accept(from, forward(t)); });
        accept("async_accept(ctx)", [&](auto&& t) { return a.async_accept(ctx_, forward(t)); });
        accept("async_accept(ctx, e)", [&](auto&& t) { return a.async_accept(ctx_, from, forward(t)); });
        accept("async_accept(ex)", [&](auto&& t) { return a.async_accept(e, forward(t)); });
        accept("async_accept(ex, e)", [&](auto&& t) { return a.async_accept(e, from, forward(t)); });
    }

    void tables(aura::random_access_file& f) {
        aura::file_registration slots(ctx_, 1);
        call("async_replace", [&](auto&& t) { return slots.async_replace(0, f, forward(t)); });
        call("async_unregister", [&](auto&& t) { return slots.async_unregister(forward(t)); });
        auto memory = aura::register_buffers(ctx_, net::buffer(room_));
        call("async_unregister", [&](auto&& t) { return memory.async_unregister(forward(t)); });
    }

    aura::io_context ctx_;
    Each each_;
    char room_[8] = {};
};

} // namespace test
