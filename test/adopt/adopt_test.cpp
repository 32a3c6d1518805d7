// Adopt mode: programs that spell asio::ip::tcp::socket, on an aura::io_context and on what is not.
#include <support/flavour.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <future>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace {

namespace net = test::net; // asio, or boost::asio: the program does not know aura
using net::ip::tcp;
using test::error_code;

class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket s)
        : socket_(std::move(s)) {}
    void start() { read(); }

private:
    void read() {
        socket_.async_read_some(net::buffer(data_),
                                [self = shared_from_this()](error_code ec, std::size_t n) {
                                    if (!ec)
                                        self->write(n);
                                });
    }
    void write(std::size_t n) {
        net::async_write(socket_, net::buffer(data_, n),
                         [self = shared_from_this()](error_code ec, std::size_t) {
                             if (!ec)
                                 self->read();
                         });
    }
    tcp::socket socket_;
    std::array<char, 256> data_;
};

template <class Context>
class Adopt : public ::testing::Test {
protected:
    static constexpr bool native = std::is_same_v<Context, aura::io_context>;

    void echo(const net::any_io_executor& on) {
        tcp::acceptor acceptor(on, {tcp::v4(), 0});
        EXPECT_EQ(acceptor.impl_.is_native(), native);
        acceptor.async_accept([](error_code ec, tcp::socket s) {
            ASSERT_FALSE(ec) << ec.message();
            EXPECT_EQ(s.impl_.is_native(), native);
            std::make_shared<session>(std::move(s))->start();
        });
        tcp::socket client(on);
        std::string answer;
        const std::array<tcp::endpoint, 1> to{
            tcp::endpoint(net::ip::address_v4::loopback(), acceptor.local_endpoint().port())};
        net::async_connect(client, to, [&](error_code ec, const tcp::endpoint&) {
            ASSERT_FALSE(ec) << ec.message();
            net::async_write(client, net::buffer("hello\n", 6), [&](error_code, std::size_t) {
                net::async_read_until(client, net::dynamic_buffer(answer), '\n',
                                      [&](error_code, std::size_t) { client.close(); });
            });
        });
        context.run();
        EXPECT_EQ(answer, "hello\n");
    }

    Context context;
};

using contexts = ::testing::Types<aura::io_context, net::io_context>;
TYPED_TEST_SUITE(Adopt, contexts);

TYPED_TEST(Adopt, EchoOnTheContext) {
    this->echo(this->context.get_executor());
}

TYPED_TEST(Adopt, EchoOnAStrandInsideAnErasedExecutor) {
    this->echo(net::make_strand(net::any_io_executor(this->context.get_executor())));
}

TYPED_TEST(Adopt, TimersFireAndAreCancelled) {
    net::steady_timer fires(this->context, std::chrono::milliseconds(1));
    net::steady_timer waits(this->context, std::chrono::hours(1));
    EXPECT_EQ(fires.impl_.is_native(), this->native);
    int aborted = 0;
    waits.async_wait([&](error_code ec) { aborted += ec == net::error::operation_aborted; });
    fires.async_wait([&](error_code ec) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(waits.cancel(), 1u);
    });
    this->context.run();
    EXPECT_EQ(aborted, 1);
}

TYPED_TEST(Adopt, SynchronousFunctionsAndOptions) {
    tcp::acceptor acceptor(this->context);
    acceptor.open(tcp::v4());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind({net::ip::address_v4::loopback(), 0});
    acceptor.listen();
    tcp::socket client(this->context), accepted(this->context);
    client.connect({net::ip::address_v4::loopback(), acceptor.local_endpoint().port()});
    tcp::endpoint peer;
    acceptor.accept(accepted, peer);
    EXPECT_EQ(peer, client.local_endpoint());
    client.set_option(tcp::no_delay(true));
    tcp::no_delay value;
    client.get_option(value);
    EXPECT_TRUE(value.value());
    client.write_some(net::buffer("x", 1));
    char c = 0;
    EXPECT_EQ(accepted.read_some(net::buffer(&c, 1)), 1u);
    client.shutdown(tcp::socket::shutdown_send);
    error_code ec;
    EXPECT_EQ(accepted.read_some(net::buffer(&c, 1), ec), 0u);
    EXPECT_EQ(ec, net::error::eof);
    accepted.non_blocking(true);
    client.close();
    client.open(tcp::v4(), ec);
    EXPECT_FALSE(ec);
}

TYPED_TEST(Adopt, DatagramsWithAndWithoutAnAddress) {
    using net::ip::udp;
    const udp::endpoint any_port(net::ip::address_v4::loopback(), 0);
    udp::socket server(this->context, any_port), client(this->context, any_port);
    EXPECT_EQ(server.impl_.is_native(), this->native);
    server.set_option(udp::socket::reuse_address(true));
    char question[16] = {}, answer[16] = {};
    udp::endpoint from;
    std::size_t answered = 0;
    server.async_receive_from(net::buffer(question), from, [&](error_code ec, std::size_t n) {
        ASSERT_FALSE(ec) << ec.message();
        EXPECT_EQ(from, client.local_endpoint());
        server.async_send_to(net::buffer(question, n), from,
                             [](error_code e, std::size_t) { EXPECT_FALSE(e); });
    });
    client.connect(server.local_endpoint());
    client.async_send(net::buffer("hello", 5), [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 5u);
        client.async_receive(net::buffer(answer), 0, [&](error_code e, std::size_t m) {
            EXPECT_FALSE(e);
            answered = m;
        });
    });
    this->context.run();
    EXPECT_EQ(std::string(answer, answered), "hello");
    EXPECT_EQ(server.send_to(net::buffer("again", 5), client.local_endpoint()), 5u);
    EXPECT_EQ(client.receive(net::buffer(answer)), 5u);
    EXPECT_EQ(client.send(net::buffer("x", 1)), 1u);
    EXPECT_EQ(server.receive_from(net::buffer(question), from), 1u);
    error_code ec;
    server.non_blocking(true);
    server.receive_from(net::buffer(question), from, 0, ec);
    EXPECT_EQ(ec, net::error::would_block);
}

TYPED_TEST(Adopt, DatagramSocketsMoveAreCancelledAndConvert) {
    using net::ip::udp;
    const udp::endpoint any_port(net::ip::address_v4::loopback(), 0);
    net::basic_datagram_socket<udp, typename TypeParam::executor_type> typed(this->context, any_port);
    const udp::endpoint address = typed.local_endpoint();
    udp::socket plain(this->context);
    plain = std::move(typed);
    EXPECT_EQ(plain.impl_.is_native(), this->native);
    udp::socket moved(std::move(plain));
    EXPECT_EQ(moved.local_endpoint(), address);
    char data[16];
    bool aborted = false;
    moved.async_receive(net::buffer(data),
                        [&](error_code ec, std::size_t) { aborted = ec == net::error::operation_aborted; });
    this->context.poll();
    moved.cancel();
    this->context.restart();
    this->context.run();
    EXPECT_TRUE(aborted);
}

TYPED_TEST(Adopt, UnixDatagrams) {
    using net::local::datagram_protocol;
    datagram_protocol::socket one(this->context), two(this->context);
    net::local::connect_pair(one, two);
    char data[16] = {};
    std::size_t got = 0;
    two.async_receive(net::buffer(data), [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        got = n;
    });
    one.send(net::buffer("pair", 4));
    this->context.run();
    EXPECT_EQ(std::string(data, got), "pair");
}

TYPED_TEST(Adopt, SequencedPackets) {
    using net::generic::seq_packet_protocol;
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    const seq_packet_protocol protocol(AF_UNIX, 0);
    seq_packet_protocol::socket one(this->context, protocol, ends[0]), two(this->context, protocol, ends[1]);
    EXPECT_EQ(one.impl_.is_native(), this->native);
    char data[16] = {};
    std::size_t got = 0;
    net::socket_base::message_flags flags = 0;
    two.async_receive(net::buffer(data), flags, [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        got = n;
    });
    one.async_send(net::buffer("packet", 6), 0, [](error_code ec, std::size_t) { EXPECT_FALSE(ec); });
    this->context.run();
    EXPECT_EQ(std::string(data, got), "packet");
    EXPECT_EQ(two.send(net::buffer("x", 1), 0), 1u);
    EXPECT_EQ(one.receive(net::buffer(data), flags), 1u);
}

TYPED_TEST(Adopt, SocketsWithKnownExecutorsBecomePlainOnes) {
    tcp::acceptor acceptor(this->context, {tcp::v4(), 0});
    tcp::socket client(this->context);
    client.connect({net::ip::address_v4::loopback(), acceptor.local_endpoint().port()});
    tcp::socket plain(this->context);
    acceptor.async_accept(net::make_strand(this->context), [&](error_code ec, auto s) {
        ASSERT_FALSE(ec);
        plain = std::move(s);
    });
    this->context.run();
    EXPECT_TRUE(plain.is_open());
    EXPECT_EQ(plain.impl_.is_native(), this->native);
}

TYPED_TEST(Adopt, PipesCarryBytesAndConvert) {
    net::readable_pipe in(this->context);
    net::writable_pipe out(this->context);
    EXPECT_EQ(in.impl_.is_native(), this->native);
    net::connect_pipe(in, out);
    std::string text;
    bool ended = false;
    net::async_read(in, net::dynamic_buffer(text),
                    [&](error_code ec, std::size_t n) { ended = ec == net::error::eof && n == 6; });
    net::async_write(out, net::buffer("hello\n", 6), [&](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 6u);
        net::writable_pipe moved(std::move(out)); // and closes
    });
    this->context.run();
    EXPECT_EQ(text, "hello\n");
    EXPECT_TRUE(ended);
    in.close();

    net::writable_pipe other(this->context);
    net::connect_pipe(in, other);
    other.write_some(net::buffer("x", 1));
    char c = 0;
    EXPECT_EQ(in.read_some(net::buffer(&c, 1)), 1u);
    error_code ec;
    const auto release = [&](auto& pipe) {
        if constexpr (requires { pipe.release(ec); }) { // Asio has it since 1.24
            ::close(pipe.release(ec));
            EXPECT_FALSE(pipe.is_open());
        }
    };
    release(in);
}

TYPED_TEST(Adopt, DescriptorsTransferWaitAndAreCancelled) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    net::posix::stream_descriptor one(this->context, ends[0]), other(this->context);
    other.assign(ends[1]);
    EXPECT_EQ(one.impl_.is_native(), this->native);
    EXPECT_EQ(one.native_handle(), ends[0]);
    one.non_blocking(true);
    EXPECT_TRUE(one.non_blocking());
    char c = 0;
    error_code ec;
    one.read_some(net::buffer(&c, 1), ec);
    EXPECT_EQ(ec, net::error::would_block);
    int readable = 0, aborted = 0;
    one.async_wait(net::posix::stream_descriptor::wait_read, [&](error_code e) {
        readable += !e;
        EXPECT_EQ(one.read_some(net::buffer(&c, 1)), 1u);
        one.async_read_some(net::buffer(&c, 1), [&](error_code e2, std::size_t) {
            aborted += e2 == net::error::operation_aborted;
        });
        net::post(this->context, [&] { one.cancel(); });
    });
    other.async_write_some(net::buffer("x", 1), [](error_code e, std::size_t) { EXPECT_FALSE(e); });
    this->context.run();
    EXPECT_EQ(readable, 1);
    EXPECT_EQ(aborted, 1);
    net::posix::stream_descriptor moved(std::move(one));
    EXPECT_TRUE(moved.is_open());
    EXPECT_FALSE(one.is_open()); // NOLINT(bugprone-use-after-move): promised by Asio
    ::close(moved.release());
}

TEST(AdoptContext, DescriptorsAndPipesOfKnownExecutorsBecomePlainOnes) {
    aura::io_context context;
    net::basic_readable_pipe<aura::executor> in(context);
    net::basic_writable_pipe<aura::executor> out(context);
    net::connect_pipe(in, out);
    net::posix::basic_stream_descriptor<aura::executor> d(context, ::dup(in.native_handle()));
    net::readable_pipe plain_in(std::move(in));
    net::writable_pipe plain_out(context);
    plain_out = std::move(out);
    net::posix::stream_descriptor plain(std::move(d));
    EXPECT_TRUE(plain_in.impl_.is_native() && plain_out.impl_.is_native() && plain.impl_.is_native());
    plain_out.write_some(net::buffer("xy", 2));
    char c = 0;
    EXPECT_EQ(plain.read_some(net::buffer(&c, 1)), 1u);
    EXPECT_EQ(plain_in.read_some(net::buffer(&c, 1)), 1u);
    EXPECT_EQ(c, 'y');
}

TYPED_TEST(Adopt, SignalSetsHearAndForget) {
    net::signal_set set(this->context, SIGUSR1, SIGUSR2);
    EXPECT_EQ(set.impl_.is_native(), this->native);
    error_code ec;
    set.remove(SIGUSR2, ec);
    EXPECT_FALSE(ec);
    int heard = 0;
    set.async_wait([&](error_code e, int signal) { heard = e ? -1 : signal; });
    this->context.poll();
    std::raise(SIGUSR1);
    this->context.restart();
    this->context.run();
    EXPECT_EQ(heard, SIGUSR1);
    set.async_wait([&](error_code e, int) { heard = e == net::error::operation_aborted ? 0 : -1; });
    set.cancel();
    this->context.restart();
    this->context.run();
    EXPECT_EQ(heard, 0);
    set.clear();
}

TEST(AdoptPool, ObjectsOnAThreadPoolStayAsios) {
    net::thread_pool pool(1);
    tcp::acceptor acceptor(pool, {tcp::v4(), 0});
    EXPECT_FALSE(acceptor.impl_.is_native());
    tcp::socket client(pool);
    client.connect({net::ip::address_v4::loopback(), acceptor.local_endpoint().port()});
    tcp::socket accepted = acceptor.accept();
    EXPECT_TRUE(accepted.is_open());
    pool.join();
}

TEST(AdoptPool, ObjectsOnTheSystemExecutorStayAsios) {
    const net::system_executor on;
    tcp::acceptor acceptor(on, {net::ip::address_v4::loopback(), 0});
    EXPECT_FALSE(acceptor.impl_.is_native());
    std::promise<error_code> accepted, fired;
    acceptor.async_accept([&](error_code ec, tcp::socket s) {
        EXPECT_FALSE(s.impl_.is_native());
        accepted.set_value(ec);
    });
    tcp::socket client(on);
    client.connect(acceptor.local_endpoint());
    net::steady_timer timer(on, std::chrono::milliseconds(1));
    EXPECT_FALSE(timer.impl_.is_native());
    timer.async_wait([&](error_code ec) { fired.set_value(ec); });
    EXPECT_FALSE(accepted.get_future().get());
    EXPECT_FALSE(fired.get_future().get());
}

TEST(AdoptContext, NothingStartsAsiosReactor) {
    aura::io_context context;
    tcp::socket s(context, tcp::v4());
    net::ip::udp::socket u(context, net::ip::udp::v4());
    net::ip::icmp::socket raw(context);
    net::steady_timer t(context);
    net::readable_pipe in(context);
    net::writable_pipe out(context);
    net::connect_pipe(in, out);
    net::posix::stream_descriptor d(context, ::dup(in.native_handle()));
    net::signal_set signals(context, SIGUSR1);
    EXPECT_FALSE(context.stock_reactor_active());
}

} // namespace
