// Initiating functions say whether they can be called: with a token that does not fit, a `requires` expression
// is false, and compiles.
#include "support/every_initiation.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <type_traits>

namespace {

namespace net = test::net;
namespace objects = test::objects;
using net::socket_base;
using test::error_code;

struct no_handler {};

template <class... Results>
using handler = void (*)(Results...);

/// Whether `Call` answers yes for handlers of Results and for tokens that make such, and no for all else. It
/// is called with an object and a token, if its constraint, the call of an initiating function, is satisfied.
template <class Object, class... Results, class Call>
constexpr bool answers(Call) {
    constexpr auto yes = []<class Token>(std::type_identity<Token>) {
        return std::is_invocable_v<Call, Object&, Token>;
    };
    return yes(std::type_identity<handler<Results...>>()) &&
           yes(std::type_identity<std::decay_t<decltype(net::use_future)>>()) &&
           yes(std::type_identity<std::decay_t<decltype(net::detached)>>()) &&
           yes(std::type_identity<std::decay_t<decltype(test::deferred)>>()) &&
           !yes(std::type_identity<handler<Results..., no_handler>>()) &&
           !yes(std::type_identity<handler<no_handler>>()) && !yes(std::type_identity<no_handler>()) &&
           !yes(std::type_identity<int*>()); // an int is flags, where tokens have defaults
}
/// The same with handlers of a number of bytes.
template <class Object, class Call>
constexpr bool transfers(Call call) {
    return answers<Object, error_code, std::size_t>(call);
}

const net::mutable_buffer room;
const net::const_buffer data;
constexpr socket_base::message_flags no_flags = 0;

#define CALLS(...)                                                                                           \
    [](auto& o, auto t)                                                                                      \
        requires requires { __VA_ARGS__; }                                                                   \
    { (void)o, (void)t; }

template <class Socket>
void sockets() {
    using endpoint = typename Socket::endpoint_type;
    EXPECT_TRUE((answers<Socket, error_code>(CALLS(o.async_connect(endpoint(), t)))));
    EXPECT_TRUE((answers<Socket, error_code>(CALLS(o.async_wait(socket_base::wait_read, t)))));
}

template <class Socket>
void stream_sockets() {
    sockets<Socket>();
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_send(data, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_send(data, no_flags, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_receive(room, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_receive(room, no_flags, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_write_some(data, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_read_some(room, t))));
}

template <class Socket>
void message_sockets() {
    using endpoint = typename Socket::endpoint_type;
    sockets<Socket>();
    static endpoint from;
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_send(data, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_send(data, no_flags, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_send_to(data, from, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_send_to(data, from, no_flags, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_receive(room, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_receive(room, no_flags, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_receive_from(room, from, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_receive_from(room, from, no_flags, t))));
}

template <class Socket>
void packet_sockets() {
    sockets<Socket>();
    static socket_base::message_flags in = 0, out = 0;
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_send(data, no_flags, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_receive(room, out, t))));
    EXPECT_TRUE(transfers<Socket>(CALLS(o.async_receive(room, in, out, t))));
}

template <class Acceptor, class Socket, class Context>
void acceptors() {
    using endpoint = typename Acceptor::endpoint_type;
    static endpoint from;
    static Context* context;
    static Socket* peer;
    using executor = typename Context::executor_type;
    using on_context = typename Socket::template rebind_executor<executor>::other;
    EXPECT_TRUE((answers<Acceptor, error_code>(CALLS(o.async_wait(socket_base::wait_read, t)))));
    EXPECT_TRUE((answers<Acceptor, error_code>(CALLS(o.async_accept(*peer, t)))));
    EXPECT_TRUE((answers<Acceptor, error_code>(CALLS(o.async_accept(*peer, from, t)))));
    EXPECT_TRUE((answers<Acceptor, error_code, Socket>(CALLS(o.async_accept(t)))));
    EXPECT_TRUE((answers<Acceptor, error_code, Socket>(CALLS(o.async_accept(from, t)))));
    EXPECT_TRUE((answers<Acceptor, error_code, on_context>(CALLS(o.async_accept(*context, t)))));
    EXPECT_TRUE((answers<Acceptor, error_code, on_context>(CALLS(o.async_accept(*context, from, t)))));
    EXPECT_TRUE(
        (answers<Acceptor, error_code, on_context>(CALLS(o.async_accept(context->get_executor(), t)))));
    EXPECT_TRUE(
        (answers<Acceptor, error_code, on_context>(CALLS(o.async_accept(context->get_executor(), from, t)))));
}

/// Timers, and signal sets, whose handlers get a number.
template <class Object, class... Results>
void waits() {
    EXPECT_TRUE((answers<Object, error_code, Results...>(CALLS(o.async_wait(t)))));
}

template <class Pipe>
void reads() {
    EXPECT_TRUE(transfers<Pipe>(CALLS(o.async_read_some(room, t))));
}
template <class Pipe>
void writes() {
    EXPECT_TRUE(transfers<Pipe>(CALLS(o.async_write_some(data, t))));
}

template <class File>
void files() {
    EXPECT_TRUE((answers<File, error_code>(CALLS(o.async_open("", aura::file_base::read_only, t)))));
    EXPECT_TRUE((answers<File, error_code>(CALLS(o.async_close(t)))));
    EXPECT_TRUE((answers<File, error_code>(CALLS(o.async_sync_all(t)))));
    EXPECT_TRUE((answers<File, error_code>(CALLS(o.async_sync_data(t)))));
    EXPECT_TRUE((answers<File, error_code>(CALLS(o.async_resize(0, t)))));
    EXPECT_TRUE((answers<File, error_code>(CALLS(o.async_allocate(0, 0, t)))));
    EXPECT_TRUE((answers<File, error_code, aura::file_status>(CALLS(o.async_stat(t)))));
}

/// Of a context or an executor.
template <class Where>
void paths() {
    EXPECT_TRUE((answers<Where, error_code>(CALLS(aura::async_rename(o, "", "", t)))));
    EXPECT_TRUE((answers<Where, error_code>(CALLS(aura::async_unlink(o, "", t)))));
    EXPECT_TRUE((answers<Where, error_code>(CALLS(aura::async_mkdir(o, "", t)))));
}

template <class Protocol>
using typed_socket = typename Protocol::socket::template rebind_executor<aura::executor>::other;

TEST(InitiationConstraints, StreamSockets) {
    stream_sockets<objects::ip::tcp::socket>();
    stream_sockets<typed_socket<objects::ip::tcp>>();
    stream_sockets<objects::local::stream_protocol::socket>();
    // The model.
    stream_sockets<net::basic_stream_socket<net::ip::tcp, net::io_context::executor_type>>();
}

TEST(InitiationConstraints, MessageSockets) {
    message_sockets<objects::ip::udp::socket>();
    message_sockets<typed_socket<objects::ip::udp>>();
    message_sockets<objects::ip::icmp::socket>();
    message_sockets<net::basic_datagram_socket<net::ip::udp, net::io_context::executor_type>>();
    packet_sockets<objects::generic::seq_packet_protocol::socket>();
    packet_sockets<typed_socket<objects::generic::seq_packet_protocol>>();
}

TEST(InitiationConstraints, Acceptors) {
    using tcp = objects::ip::tcp;
    acceptors<tcp::acceptor, tcp::socket, aura::io_context>();
    acceptors<net::basic_socket_acceptor<tcp, aura::executor>, typed_socket<tcp>, aura::io_context>();
    acceptors<net::basic_socket_acceptor<net::ip::tcp, net::io_context::executor_type>,
              net::basic_stream_socket<net::ip::tcp, net::io_context::executor_type>, net::io_context>();
}

TEST(InitiationConstraints, TimersAndSignals) {
    waits<objects::steady_timer>();
    waits<objects::system_timer>();
    waits<objects::steady_timer::rebind_executor<aura::executor>::other>();
    waits<objects::signal_set, int>();
    waits<net::basic_signal_set<aura::executor>, int>();
    waits<net::basic_signal_set<net::io_context::executor_type>, int>();
#if defined(AURAIO_HAS_DEADLINE_TIMER)
    waits<objects::deadline_timer>();
#endif
}

TEST(InitiationConstraints, DescriptorsAndPipes) {
    using descriptor = objects::posix::stream_descriptor;
    EXPECT_TRUE((answers<descriptor, error_code>(CALLS(o.async_wait(descriptor::wait_read, t)))));
    reads<descriptor>();
    writes<descriptor>();
    reads<objects::readable_pipe>();
    writes<objects::writable_pipe>();
    reads<net::basic_readable_pipe<aura::executor>>();
    writes<net::basic_writable_pipe<aura::executor>>();
    reads<objects::serial_port>();
    writes<objects::serial_port>();
}

TEST(InitiationConstraints, Files) {
    using file = aura::random_access_file;
    files<file>();
    EXPECT_TRUE(transfers<file>(CALLS(o.async_read_some_at(0, room, t))));
    EXPECT_TRUE(transfers<file>(CALLS(o.async_write_some_at(0, data, t))));
    using typed_stream = aura::basic_stream_file<aura::executor>;
    files<typed_stream>();
    reads<typed_stream>();
    writes<typed_stream>();
}

TEST(InitiationConstraints, Paths) {
    paths<aura::io_context>();
    paths<aura::executor>();
    paths<net::strand<aura::executor>>();
    EXPECT_FALSE((
        std::is_invocable_v<decltype(CALLS(aura::async_mkdir(o, "", t))), no_handler&, handler<error_code>>));
}

TEST(InitiationConstraints, Registrations) {
    static aura::random_access_file* file;
    using buffers = aura::buffer_registration<net::mutable_buffer>;
    EXPECT_TRUE((answers<buffers, error_code>(CALLS(o.async_unregister(t)))));
    EXPECT_TRUE((answers<aura::pool_registration, error_code>(CALLS(o.async_unregister(t)))));
    using table = aura::file_registration;
    EXPECT_TRUE((answers<table, error_code>(CALLS(o.async_replace(0, *file, t)))));
    EXPECT_TRUE((answers<table, error_code>(CALLS(o.async_unregister(t)))));
}

#undef CALLS

} // namespace
