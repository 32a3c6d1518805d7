// How much memory an operation asks its handler's allocator for, here and in Asio: programs provide for it in
// blocks of a fixed size.
#include "support/counting_allocator.hpp"
#include "support/libraries.hpp"

#include <auraio/asio/basic_datagram_socket.hpp>
#include <auraio/asio/basic_readable_pipe.hpp>
#include <auraio/asio/basic_seq_packet_socket.hpp>
#include <auraio/asio/basic_signal_set.hpp>
#include <auraio/asio/basic_socket_acceptor.hpp>
#include <auraio/asio/basic_stream_descriptor.hpp>
#include <auraio/asio/basic_stream_socket.hpp>
#include <auraio/asio/basic_waitable_timer.hpp>
#include <auraio/asio/basic_writable_pipe.hpp>

#include AURAIO_ASIO(connect_pipe.hpp)
#include AURAIO_ASIO(generic/seq_packet_protocol.hpp)
#include AURAIO_ASIO(ip/tcp.hpp)
#include AURAIO_ASIO(ip/udp.hpp)
#include AURAIO_ASIO(post.hpp)

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace net = test::net;
using net::ip::tcp;
using net::ip::udp;
using test::error_code;

namespace {

test::allocation_log memory_of_handlers;

/// As large as a shared_ptr to a session.
struct handler {
    using allocator_type = test::counting_allocator<char>;
    allocator_type get_allocator() const noexcept { return allocator_type(memory_of_handlers); }
    template <class... Args>
    void operator()(Args&&...) {}
    void* session[2] = {};
};

using sizes = std::map<std::string, std::size_t>;

template <class F>
std::size_t size_of(F start) {
    memory_of_handlers.largest = 0;
    start();
    return memory_of_handlers.largest;
}

/// Objects of a context over the executor that they are templates of.
template <class Context, class Executor>
struct measured {
    using executor = Executor;

    Context ctx;
    char memory[8] = {};
    net::mutable_buffer in{memory, 8};
    net::const_buffer out{memory, 8};
    std::array<net::mutable_buffer, 2> ins{net::buffer(memory, 4), net::buffer(memory + 4, 4)};
    std::array<net::const_buffer, 2> outs{net::buffer(memory, 4), net::buffer(memory + 4, 4)};
    sizes all;

    void streams() {
        net::basic_stream_socket<tcp, executor> s(ctx, tcp::v4());
        all["stream send, one buffer"] = size_of([&] { s.async_send(out, handler()); });
        all["stream send, two buffers"] = size_of([&] { s.async_send(outs, handler()); });
        all["stream receive, one buffer"] = size_of([&] { s.async_receive(in, handler()); });
        all["stream receive, two buffers"] = size_of([&] { s.async_receive(ins, handler()); });
        all["connect"] =
            size_of([&] { s.async_connect(tcp::endpoint(net::ip::address_v4::loopback(), 1), handler()); });
        all["wait"] = size_of([&] { s.async_wait(s.wait_read, handler()); });
        net::basic_socket_acceptor<tcp, executor> a(ctx, tcp::endpoint(net::ip::address_v4::loopback(), 0));
        net::basic_stream_socket<tcp, executor> peer(ctx);
        tcp::endpoint address;
        all["accept"] = size_of([&] { a.async_accept(peer, handler()); });
        all["accept with address"] = size_of([&] { a.async_accept(peer, address, handler()); });
        all["accept of a new socket"] = size_of([&] { a.async_accept(handler()); });
        all["acceptor wait"] = size_of([&] { a.async_wait(a.wait_read, handler()); });
        a.close();
        s.close();
        ctx.run();
    }

    void messages() {
        const udp::endpoint there(net::ip::address_v4::loopback(), 9);
        udp::endpoint sender;
        net::socket_base::message_flags flags;
        net::basic_datagram_socket<udp, executor> u(ctx, udp::v4());
        all["datagram send, one buffer"] = size_of([&] { u.async_send(out, handler()); });
        all["datagram receive, one buffer"] = size_of([&] { u.async_receive(in, handler()); });
        all["datagram send to, one buffer"] = size_of([&] { u.async_send_to(out, there, handler()); });
        all["datagram send to, two buffers"] = size_of([&] { u.async_send_to(outs, there, handler()); });
        all["datagram receive from, one buffer"] =
            size_of([&] { u.async_receive_from(in, sender, handler()); });
        all["datagram receive from, two buffers"] =
            size_of([&] { u.async_receive_from(ins, sender, handler()); });
        const net::generic::seq_packet_protocol unix_packets(AF_UNIX, 0);
        net::basic_seq_packet_socket<net::generic::seq_packet_protocol, executor> q(ctx, unix_packets);
        all["packet receive, one buffer"] = size_of([&] { q.async_receive(in, flags, handler()); });
        all["packet receive, two buffers"] = size_of([&] { q.async_receive(ins, flags, handler()); });
        u.close();
        q.close();
        ctx.restart();
        ctx.run();
    }

    void descriptors() {
        int fd[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
        net::posix::basic_stream_descriptor<executor> d(ctx, fd[0]);
        all["descriptor write, one buffer"] = size_of([&] { d.async_write_some(out, handler()); });
        all["descriptor write, two buffers"] = size_of([&] { d.async_write_some(outs, handler()); });
        all["descriptor read, one buffer"] = size_of([&] { d.async_read_some(in, handler()); });
        all["descriptor read, two buffers"] = size_of([&] { d.async_read_some(ins, handler()); });
        all["descriptor wait"] = size_of([&] { d.async_wait(d.wait_read, handler()); });
        d.close();
        ::close(fd[1]);
        ctx.restart();
        ctx.run();
    }

    void pipes() {
#if defined(ASIO_HAS_PIPE) || defined(BOOST_ASIO_HAS_PIPE)
        net::basic_readable_pipe<executor> r(ctx);
        net::basic_writable_pipe<executor> w(ctx);
        net::connect_pipe(r, w);
        all["pipe write, one buffer"] = size_of([&] { w.async_write_some(out, handler()); });
        all["pipe write, two buffers"] = size_of([&] { w.async_write_some(outs, handler()); });
        all["pipe read, one buffer"] = size_of([&] { r.async_read_some(in, handler()); });
        all["pipe read, two buffers"] = size_of([&] { r.async_read_some(ins, handler()); });
        r.close();
        w.close();
        ctx.restart();
        ctx.run();
#endif
    }

    void others() {
        using clock = std::chrono::steady_clock;
        net::basic_waitable_timer<clock, net::wait_traits<clock>, executor> t(ctx);
        t.expires_after(std::chrono::hours(1));
        all["timer"] = size_of([&] { t.async_wait(handler()); });
        net::basic_signal_set<executor> signals(ctx, SIGUSR1);
        all["signal"] = size_of([&] { signals.async_wait(handler()); });
        all["post"] = size_of([&] { net::post(t.get_executor(), handler()); });
        t.cancel();
        signals.cancel();
        ctx.restart();
        ctx.run();
    }

    measured() {
        streams();
        messages();
        descriptors();
        pipes();
        others();
    }
};

#if AURAIO_TEST_HAS_AURA
void compare(const char* executor, const sizes& asio, const sizes& aura) {
    std::printf("over %s:\n", executor);
    for (const auto& [what, size] : asio) {
        const std::size_t ours = aura.at(what);
        std::printf("%-36s %4zu in Asio, %4zu here\n", what.c_str(), size, ours);
        // Asio connects, and looks for connections, before it waits: it need not remember what for. So those
        // keep their request elsewhere, when the handler has memory of its own.
        const bool keeps_less = what == "connect" || what.starts_with("accept") || what.ends_with("wait");
        EXPECT_LE(ours, size + (keeps_less ? 0 : 32)) << what << " over " << executor;
    }
}
#endif

class OperationSize : public testing::Test {
protected:
    ~OperationSize() override { std::signal(SIGPIPE, before_); }

private:
    void (*before_)(int) = std::signal(SIGPIPE, SIG_IGN);
};

TEST_F(OperationSize, IsThatOfAsiosAndALittleMore) {
#if AURAIO_TEST_HAS_AURA
    using asio = test::plain_asio;
    using aura = test::this_library;
    compare("the context's executor", measured<asio::context, asio::executor>().all,
            measured<aura::context, aura::executor>().all);
#endif
}

// Asio's own objects: in adopt mode they are ours when their context is.
TEST_F(OperationSize, IsNoGreaterWhereTheTypeOfTheExecutorIsErased) {
#if AURAIO_TEST_HAS_AURA
    const sizes asio = measured<test::plain_asio::context, net::any_io_executor>().all;
#if defined(AURAIO_ADOPT)
    compare("any_io_executor", asio, measured<test::this_library::context, net::any_io_executor>().all);
#else
    compare("any_io_executor", asio, measured<test::this_library::context, ::aura::any_io_executor>().all);
#endif
#endif
}

TEST_F(OperationSize, DoesNotDependOnHowManyBuffersThereMayBe) {
#if AURAIO_TEST_HAS_AURA
    const sizes aura = measured<test::this_library::context, test::this_library::executor>().all;
    for (const char* what : {"stream send", "stream receive", "descriptor write", "descriptor read"})
        EXPECT_LE(aura.at(std::string(what) + ", two buffers"),
                  aura.at(std::string(what) + ", one buffer") + sizeof(void*))
            << what;
#endif
}

} // namespace
