// namespace aura in the place of asio: what the names mean, and that programs written against asio work on
// them.
#include <support/flavour.hpp>

#include <auraio/auraio.hpp>

#include AURAIO_ASIO(basic_waitable_timer.hpp)
#include AURAIO_ASIO(bind_executor.hpp)
#include AURAIO_ASIO(connect.hpp)
#include AURAIO_ASIO(io_context.hpp)
#include AURAIO_ASIO(ip/tcp.hpp)
#include AURAIO_ASIO(local/stream_protocol.hpp)
#include AURAIO_ASIO(read.hpp)
#include AURAIO_ASIO(read_until.hpp)
#include AURAIO_ASIO(system_executor.hpp)
#include AURAIO_ASIO(write.hpp)

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>

namespace {

namespace stock = aura::net; // asio, or boost::asio
namespace net = aura;
using net::ip::tcp;

// What is ours, and what is Asio's.
static_assert(!std::is_same_v<net::io_context, stock::io_context>);
static_assert(std::is_same_v<net::ip::address, stock::ip::address>);
static_assert(std::is_same_v<tcp::endpoint, stock::ip::tcp::endpoint>);
static_assert(aura::detail::ring_executor<tcp::socket::executor_type>);
static_assert(std::is_convertible_v<net::any_io_executor, stock::any_io_executor>);
static_assert(std::is_convertible_v<stock::any_io_executor, net::any_io_executor>);
static_assert(std::is_convertible_v<tcp, stock::ip::tcp> && std::is_convertible_v<stock::ip::tcp, tcp>);
static_assert(std::is_convertible_v<net::basic_stream_socket<tcp, net::strand<net::executor>>,
                                    net::basic_stream_socket<tcp>>);
static_assert(std::is_same_v<net::basic_stream_socket<stock::ip::tcp>, tcp::socket>);
static_assert(aura::detail::ring_executor<net::posix::stream_descriptor::executor_type>);
static_assert(aura::detail::ring_executor<net::signal_set::executor_type>);
static_assert(aura::detail::ring_executor<net::readable_pipe::executor_type>);
static_assert(aura::detail::ring_executor<net::basic_writable_pipe<>::executor_type>);
static_assert(aura::detail::ring_executor<net::serial_port::executor_type>);
#if defined(AURAIO_HAS_CO_AWAIT)
static_assert(std::is_same_v<net::awaitable<void>, net::awaitable<void, net::any_io_executor>>);
#endif

// How programs name the options that Asio has no name for.
using reuse_port = net::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

/// Echoes everything, as every example of Asio does.
class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket s)
        : socket_(std::move(s)) {}
    void start() { read(); }

private:
    void read() {
        socket_.async_read_some(net::buffer(data_),
                                [self = shared_from_this()](net::error_code ec, std::size_t n) {
                                    if (!ec)
                                        self->write(n);
                                });
    }
    void write(std::size_t n) {
        net::async_write(socket_, net::buffer(data_, n),
                         [self = shared_from_this()](net::error_code ec, std::size_t) {
                             if (!ec)
                                 self->read();
                         });
    }
    tcp::socket socket_;
    std::array<char, 256> data_;
};

class server {
public:
    explicit server(net::any_io_executor e)
        : acceptor_(e, {tcp::v4(), 0}) {
        accept();
    }
    unsigned short port() const { return acceptor_.local_endpoint().port(); }
    void close() { acceptor_.close(); }

private:
    void accept() {
        acceptor_.async_accept([this](net::error_code ec, tcp::socket s) {
            if (ec)
                return;
            std::make_shared<session>(std::move(s))->start();
            accept();
        });
    }
    tcp::acceptor acceptor_;
};

void talk(net::io_context& ctx, server& s, tcp::socket& client) {
    std::string answer;
    int done = 0;
    const std::array<tcp::endpoint, 1> to{tcp::endpoint(net::ip::address_v4::loopback(), s.port())};
    net::async_connect(client, to, [&](net::error_code ec, const tcp::endpoint&) {
        ASSERT_FALSE(ec) << ec.message();
        net::async_write(client, net::buffer("hello\n", 6), [&](net::error_code write_ec, std::size_t) {
            ASSERT_FALSE(write_ec) << write_ec.message();
            net::async_read_until(client, net::dynamic_buffer(answer), '\n',
                                  [&](net::error_code read_ec, std::size_t) {
                                      EXPECT_FALSE(read_ec) << read_ec.message();
                                      ++done;
                                      client.close();
                                      s.close();
                                  });
        });
    });
    ctx.run();
    EXPECT_EQ(done, 1);
    EXPECT_EQ(answer, "hello\n");
    EXPECT_FALSE(ctx.stock_reactor_active());
}

TEST(Namespace, EchoServerOnTheContext) {
    net::io_context ctx;
    server s(ctx.get_executor());
    tcp::socket client(ctx);
    talk(ctx, s, client);
}

TEST(Namespace, EchoServerOnStrandsInsideErasedExecutors) {
    net::io_context ctx;
    server s(
        net::strand<stock::any_io_executor>(net::make_strand(stock::any_io_executor(ctx.get_executor()))));
    tcp::socket client(net::make_strand(ctx));
    talk(ctx, s, client);
}

TEST(Namespace, ErasedExecutorsDoNotNest) {
    net::io_context ctx;
    const net::any_io_executor ours = ctx.get_executor();
    const stock::any_io_executor asios = ours;
    const net::any_io_executor again = asios;
    EXPECT_EQ(asios.target_type(), typeid(net::executor));
    EXPECT_EQ(again.target_type(), typeid(net::executor));
    EXPECT_EQ(again, ours);
}

TEST(Namespace, AnExecutorOfOursComesBackOut) {
    net::io_context ctx;
    const net::any_io_executor context_bound = ctx.get_executor();
    const net::executor e = context_bound;
    EXPECT_EQ(e, ctx.get_executor());
    const net::any_io_executor on_ring = ctx.ring_executor(0);
    EXPECT_TRUE(net::executor(on_ring).is_ring_bound());
    const net::any_io_executor strand = net::strand<net::executor>(ctx.get_executor());
    EXPECT_THROW((void)net::executor(strand), net::system_error);
}

TEST(Namespace, ObjectsOnForeignExecutorsSayWhatTheyNeed) {
    const auto refused = [](auto make) {
        try {
            make();
            ADD_FAILURE() << "no exception";
        } catch (const net::system_error& e) {
            EXPECT_EQ(e.code(), net::error::operation_not_supported);
        }
    };
    const stock::system_executor foreign;
    refused([&] { tcp::socket{foreign}; });
    refused([&] { tcp::acceptor{foreign}; });
    refused([&] { net::steady_timer{foreign}; });
    refused([&] { net::ip::udp::socket{net::any_io_executor(foreign)}; });
    refused([&] { tcp::socket{net::any_io_executor(stock::make_strand(foreign))}; });
}

TEST(Namespace, TypedObjectsOverTheSystemExecutorAreAsiosOwn) {
    stock::basic_stream_socket<stock::ip::tcp, stock::system_executor> a(stock::system_executor{}),
        b(stock::system_executor{});
    stock::basic_socket_acceptor<stock::ip::tcp, stock::system_executor> acceptor(
        stock::system_executor{}, {net::ip::address_v4::loopback(), 0});
    a.connect(acceptor.local_endpoint());
    acceptor.accept(b);
    a.write_some(net::buffer("x", 1));
    std::promise<char> got;
    char c = 0;
    b.async_receive(net::buffer(&c, 1), [&](net::error_code ec, std::size_t) {
        EXPECT_FALSE(ec);
        got.set_value(c);
    });
    EXPECT_EQ(got.get_future().get(), 'x');
    stock::basic_waitable_timer<std::chrono::steady_clock, stock::wait_traits<std::chrono::steady_clock>,
                                stock::system_executor>
        timer(stock::system_executor{}, std::chrono::milliseconds(1));
    std::promise<void> fired;
    timer.async_wait([&](net::error_code ec) {
        EXPECT_FALSE(ec);
        fired.set_value();
    });
    fired.get_future().wait();
}

TEST(Namespace, HandlersBoundToTheSystemExecutorRunThere) {
    net::io_context ctx;
    tcp::acceptor acceptor(ctx, {net::ip::address_v4::loopback(), 0});
    tcp::socket client(ctx);
    net::steady_timer timer(ctx, std::chrono::milliseconds(1));
    std::promise<std::thread::id> accepted, fired;
    const auto there = [](auto& promise) {
        return stock::bind_executor(stock::system_executor{}, [&promise](net::error_code ec, auto&&...) {
            EXPECT_FALSE(ec);
            promise.set_value(std::this_thread::get_id());
        });
    };
    acceptor.async_accept(there(accepted));
    timer.async_wait(there(fired));
    client.connect(acceptor.local_endpoint());
    ctx.run(); // the work they stand for ends when they have been handed over
    (void)accepted.get_future().get();
    (void)fired.get_future().get();
    EXPECT_FALSE(ctx.stock_reactor_active());
}

TEST(Namespace, OptionsOfUsersAreSet) {
    net::io_context ctx;
    tcp::acceptor acceptor(ctx, tcp::v4());
    acceptor.set_option(reuse_port(true));
    reuse_port set;
    acceptor.get_option(set);
    EXPECT_TRUE(set.value());
}

TEST(Namespace, StockObjectsAreNoticed) {
    net::io_context ctx;
    stock::ip::tcp::socket foreign(ctx);
    EXPECT_TRUE(ctx.stock_reactor_active());
}

TEST(Namespace, SocketsMoveToStockOnesAndAreAcceptedIntoThem) {
    net::io_context ctx;
    stock::io_context asios;
    tcp::acceptor acceptor(ctx, {tcp::v4(), 0});
    tcp::socket client(ctx);
    client.connect({net::ip::address_v4::loopback(), acceptor.local_endpoint().port()});
    stock::ip::tcp::socket accepted(asios);
    acceptor.accept(accepted);
    EXPECT_TRUE(accepted.is_open());
    stock::ip::tcp::socket moved(
        std::move(client)); // by impl_, see basic_socket's own converting constructor
    EXPECT_TRUE(moved.is_open());
    EXPECT_FALSE(client.is_open());
    stock::write(moved, net::buffer("x", 1));
    char c = 0;
    stock::read(accepted, net::buffer(&c, 1));
    EXPECT_EQ(c, 'x');
}

TEST(Namespace, LocalStreams) {
    net::io_context ctx;
    net::local::stream_protocol::socket a(ctx), b(ctx);
    net::local::connect_pair(a, b);
    char c = 0;
    b.async_receive(net::buffer(&c, 1), [](net::error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 1u);
    });
    a.write_some(net::buffer("y", 1));
    ctx.run();
    EXPECT_EQ(c, 'y');
}

TEST(Namespace, Datagrams) {
    net::io_context ctx;
    using net::ip::udp;
    udp::socket a(ctx, udp::endpoint(net::ip::address_v4::loopback(), 0)), b(ctx, udp::v4());
    char c = 0;
    udp::endpoint from;
    a.async_receive_from(net::buffer(&c, 1), from, [](net::error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 1u);
    });
    b.async_send_to(net::buffer("z", 1), a.local_endpoint(),
                    [](net::error_code ec, std::size_t) { EXPECT_FALSE(ec); });
    ctx.run();
    EXPECT_EQ(c, 'z');
    EXPECT_EQ(from.port(), b.local_endpoint().port());
    net::local::datagram_protocol::socket left(ctx), right(ctx);
    net::local::connect_pair(left, right);
    left.send(net::buffer("y", 1));
    right.receive(net::buffer(&c, 1));
    EXPECT_EQ(c, 'y');
    EXPECT_FALSE(ctx.stock_reactor_active());
}

TEST(Namespace, OlderMembersOfIoContext) {
#if defined(AURAIO_HAS_DEPRECATED)
    net::io_context ctx;
    int ran = 0;
    auto w = std::make_unique<net::io_context::work>(ctx);
    ctx.post([&] {
        ++ran;
        ctx.dispatch([&] { ++ran; });
        w.reset();
    });
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_EQ(ran, 2);
#else
    GTEST_SKIP() << "this Asio has been told to leave out deprecated names";
#endif
}

TEST(Namespace, DescriptorsAndPipesAreNative) {
    net::io_context ctx;
    net::readable_pipe in(ctx);
    net::writable_pipe out(ctx);
    net::connect_pipe(in, out);
    net::posix::stream_descriptor reader(ctx, in.release());
    char letters[3] = {};
    net::async_read(reader, net::buffer(letters), [&](net::error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 3u);
    });
    net::async_write(out, net::buffer("abc", 3), [](net::error_code ec, std::size_t) { EXPECT_FALSE(ec); });
    ctx.run();
    EXPECT_EQ(std::string(letters, 3), "abc");
    EXPECT_FALSE(ctx.stock_reactor_active());
}

} // namespace
