// Serial ports, over pseudo-terminals: one test body on Asio's and on ours, and what only ours can do.
#include "support/handlers.hpp"
#include "support/libraries.hpp"

#if AURAIO_TEST_HAS_AURA
#include <auraio/auraio.hpp>
#endif

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <future>
#include <optional>
#include <string>
#include <termios.h>
#include <unistd.h>

namespace net = test::net;
using test::error_code;
using test::exactly_once;
using options = net::serial_port_base;

namespace {

#if defined(AURAIO_ADOPT) // Asio's own name leads to ours there
template <class Library>
using port_of = net::serial_port;
template <class Library>
using descriptor_of = net::posix::stream_descriptor;
#else
template <class Library>
using port_of = net::basic_serial_port<typename Library::executor>;
template <class Library>
using descriptor_of = net::posix::basic_stream_descriptor<typename Library::executor>;
#endif

/// What stands for the device at the other end of the line, and the name under which the port is opened.
struct device {
    device() {
        end = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        char text[64];
        if (end >= 0 && ::grantpt(end) == 0 && ::unlockpt(end) == 0 &&
            ::ptsname_r(end, text, sizeof text) == 0)
            name = text;
    }
    ~device() {
        if (end >= 0)
            ::close(end);
    }
    device(const device&) = delete;

    /// What the port has sent, in full.
    std::string receive(std::size_t size) const {
        std::string text;
        while (text.size() < size) {
            std::array<char, 4096> part;
            const auto n = ::read(end, part.data(), std::min(part.size(), size - text.size()));
            if (n <= 0)
                return "nothing: " + error_code(errno, test::generic_category()).message();
            text.append(part.data(), static_cast<std::size_t>(n));
        }
        return text;
    }

    int end = -1;
    std::string name;
};

template <class Library>
class SerialPort : public testing::Test {
protected:
    void SetUp() override {
        if (device_.name.empty())
            GTEST_SKIP() << "no pseudo-terminal to be had here";
    }
    void run() {
        ctx_.restart();
        ctx_.run();
    }
    typename Library::context ctx_;
    device device_;
    std::array<char, 64> memory_{};
};
TYPED_TEST_SUITE(SerialPort, test::libraries, test::library_names);

TYPED_TEST(SerialPort, OpensTheDeviceRawWithEightBitsAndNoParity) {
    port_of<TypeParam> port(this->ctx_, this->device_.name);
    termios t{};
    ASSERT_EQ(::tcgetattr(port.native_handle(), &t), 0);
    EXPECT_EQ(t.c_lflag & tcflag_t(ICANON | ECHO | ISIG | IEXTEN), 0u);
    EXPECT_EQ(t.c_oflag & tcflag_t(OPOST), 0u);
    EXPECT_EQ(t.c_iflag & tcflag_t(ICRNL | IXON | ISTRIP), 0u);
    EXPECT_EQ(t.c_iflag & tcflag_t(IGNPAR), tcflag_t(IGNPAR));
    EXPECT_EQ(t.c_cflag & tcflag_t(CSIZE | PARENB | CREAD | CLOCAL), tcflag_t(CS8 | CREAD | CLOCAL));
    EXPECT_NE(::fcntl(port.native_handle(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(&port.lowest_layer(), &port);
}

TYPED_TEST(SerialPort, BytesPassBothWaysAndUnchanged) {
    port_of<TypeParam> port(this->ctx_);
    port.open(this->device_.name);
    const std::string bytes("\r\n\x03\x11\x00\xff", 6); // those that a terminal would make something of
    int done = 0;
    {
        test::initiation inside;
        net::async_read(port, net::buffer(this->memory_, bytes.size()),
                        exactly_once([&](error_code ec, std::size_t n) {
                            EXPECT_FALSE(ec) << ec.message();
                            EXPECT_EQ(std::string(this->memory_.data(), n), bytes);
                            ++done;
                        }));
        net::async_write(port, net::buffer(bytes), exactly_once([&](error_code ec, std::size_t n) {
                             EXPECT_FALSE(ec) << ec.message();
                             EXPECT_EQ(n, bytes.size());
                             EXPECT_EQ(this->device_.receive(n), bytes);
                             EXPECT_EQ(::write(this->device_.end, bytes.data(), n), static_cast<ssize_t>(n));
                             ++done;
                         }));
    }
    this->run();
    EXPECT_EQ(done, 2);

    EXPECT_EQ(port.write_some(net::buffer("now", 3)), 3u);
    EXPECT_EQ(this->device_.receive(3), "now");
    ASSERT_EQ(::write(this->device_.end, "too", 3), 3);
    EXPECT_EQ(net::read(port, net::buffer(this->memory_, 3)), 3u);
    EXPECT_EQ(std::string(this->memory_.data(), 3), "too");
}

TYPED_TEST(SerialPort, MoreThanTheLineHoldsIsWrittenAsItIsRead) {
    port_of<TypeParam> port(this->ctx_, this->device_.name.c_str());
    const std::string bytes(100000, 'b');
    std::string got;
    descriptor_of<TypeParam> other(this->ctx_, ::dup(this->device_.end));
    net::async_write(port, net::buffer(bytes), exactly_once([&](error_code ec, std::size_t n) {
                         EXPECT_FALSE(ec) << ec.message();
                         EXPECT_EQ(n, bytes.size());
                     }));
    net::async_read(other, net::dynamic_buffer(got), net::transfer_exactly(bytes.size()),
                    exactly_once([&](error_code ec, std::size_t) { EXPECT_FALSE(ec) << ec.message(); }));
    this->run();
    EXPECT_TRUE(got == bytes) << got.size();
}

TYPED_TEST(SerialPort, KeepsWhatIsSet) {
    port_of<TypeParam> port(this->ctx_, this->device_.name);
    port.set_option(options::baud_rate(19200));
    port.set_option(options::flow_control(options::flow_control::software));
    port.set_option(options::stop_bits(options::stop_bits::two));
    port.set_option(options::parity(options::parity::none));
    port.set_option(options::character_size(8)); // all that a pseudo-terminal has
    options::baud_rate baud;
    options::flow_control flow;
    options::stop_bits stop;
    options::parity parity;
    options::character_size size;
    port.get_option(baud);
    port.get_option(flow);
    port.get_option(stop);
    const auto& constant = port;
    constant.get_option(parity);
    constant.get_option(size);
    EXPECT_EQ(baud.value(), 19200u);
    EXPECT_EQ(flow.value(), options::flow_control::software);
    EXPECT_EQ(stop.value(), options::stop_bits::two);
    EXPECT_EQ(parity.value(), options::parity::none);
    EXPECT_EQ(size.value(), 8u);

    error_code ec;
    port.set_option(options::baud_rate(12345), ec);
    EXPECT_EQ(ec, net::error::invalid_argument);
    port.set_option(options::stop_bits(options::stop_bits::onepointfive), ec);
    EXPECT_EQ(ec, net::error::operation_not_supported);
    EXPECT_THROW(port.set_option(options::baud_rate(12345)), test::system_error);
    port.get_option(baud, ec);
    EXPECT_FALSE(ec);
    EXPECT_EQ(baud.value(), 19200u) << "as it was";
    port.send_break(ec);
    EXPECT_FALSE(ec) << ec.message();
    port.send_break();
}

TYPED_TEST(SerialPort, WhatCannotBeSaysWhy) {
    port_of<TypeParam> port(this->ctx_);
    error_code ec;
    port.open("/dev/there is none", ec);
    EXPECT_EQ(ec.value(), ENOENT);
    port.open("/dev/null", ec);
    EXPECT_EQ(ec.value(), ENOTTY) << "no terminal";
    EXPECT_FALSE(port.is_open());
    EXPECT_THROW(port.open("/dev/null"), test::system_error);
    EXPECT_THROW(port_of<TypeParam>(this->ctx_, "/dev/null"), test::system_error);
    port.set_option(options::baud_rate(9600), ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    options::baud_rate baud;
    port.get_option(baud, ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    port.send_break(ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    port.read_some(net::buffer(this->memory_), ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    port.cancel(ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    port.close(ec);
    EXPECT_FALSE(ec);

    port.open(this->device_.name, ec);
    EXPECT_FALSE(ec) << ec.message();
    port.open(this->device_.name, ec);
    EXPECT_EQ(ec, net::error::already_open);
    port.assign(this->device_.end, ec);
    EXPECT_EQ(ec, net::error::already_open);
}

TYPED_TEST(SerialPort, CancelCloseAndDestructionEndWhatIsPending) {
    int aborted = 0;
    const auto start = [&](auto& port) {
        port.async_read_some(net::buffer(this->memory_), exactly_once([&](error_code ec, std::size_t n) {
                                 EXPECT_EQ(ec, net::error::operation_aborted);
                                 EXPECT_EQ(n, 0u);
                                 ++aborted;
                             }));
        this->ctx_.restart();
        this->ctx_.poll();
    };
    std::optional<port_of<TypeParam>> port(std::in_place, this->ctx_, this->device_.name);
    start(*port);
    port->cancel();
    this->run();
    EXPECT_EQ(aborted, 1);
    start(*port);
    port->close();
    this->run();
    EXPECT_EQ(aborted, 2);
    const int number = ::open(this->device_.name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ASSERT_GE(number, 0);
    port->assign(number);
    EXPECT_EQ(port->native_handle(), number);
    start(*port);
    port_of<TypeParam> moved(std::move(*port));
    EXPECT_FALSE(port->is_open());
    moved.cancel();
    this->run();
    EXPECT_EQ(aborted, 3);
    *port = std::move(moved);
    start(*port);
    port.reset();
    this->run();
    EXPECT_EQ(aborted, 4);
}

TYPED_TEST(SerialPort, TakesEveryKindOfToken) {
    port_of<TypeParam> port(this->ctx_, this->device_.name);
    std::future<std::size_t> written = port.async_write_some(net::buffer("abc", 3), net::use_future);
    this->run();
    EXPECT_EQ(written.get(), 3u);
    EXPECT_EQ(this->device_.receive(3), "abc");

    ASSERT_EQ(::write(this->device_.end, "d", 1), 1);
    auto later = port.async_read_some(net::buffer(this->memory_), test::deferred);
    std::move(later)(exactly_once([](error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 1u);
    }));
    this->run();
#if defined(ASIO_HAS_CO_AWAIT) || defined(BOOST_ASIO_HAS_CO_AWAIT)
    const auto echo = [&]() -> net::awaitable<void> {
        const auto n = co_await port.async_read_some(net::buffer(this->memory_), net::use_awaitable);
        co_await net::async_write(port, net::buffer(this->memory_.data(), n), net::use_awaitable);
    };
    ASSERT_EQ(::write(this->device_.end, "ef", 2), 2);
    std::exception_ptr failure;
    net::co_spawn(this->ctx_, echo, [&](std::exception_ptr e) { failure = e; });
    this->run();
    EXPECT_FALSE(failure);
    EXPECT_EQ(this->device_.receive(2), "ef");
#endif
}

#if AURAIO_TEST_HAS_AURA
TEST(SerialPortOfOurs, StartsNoReactorOfAsios) {
    const device d;
    if (d.name.empty())
        GTEST_SKIP() << "no pseudo-terminal to be had here";
    aura::io_context ctx;
    net::basic_serial_port<aura::executor> typed(ctx, d.name);
    const int number = typed.native_handle();
    aura::serial_port port(std::move(typed)); // from that of a known executor
    EXPECT_EQ(port.native_handle(), number);
    EXPECT_NE(::fcntl(number, F_GETFD) & FD_CLOEXEC, 0);
    port.async_write_some(net::buffer("x", 1), exactly_once([](error_code ec, std::size_t n) {
                              EXPECT_FALSE(ec);
                              EXPECT_EQ(n, 1u);
                          }));
    ctx.run();
    EXPECT_EQ(d.receive(1), "x");
    EXPECT_FALSE(ctx.stock_reactor_active());
#if defined(AURAIO_ADOPT)
    net::basic_serial_port<aura::executor> again(ctx);
    net::serial_port plain(std::move(again));
    EXPECT_TRUE(plain.impl_.is_native());
    EXPECT_TRUE(net::serial_port(ctx, d.name).impl_.is_native());
    net::io_context asios;
    EXPECT_FALSE(net::serial_port(asios, d.name).impl_.is_native());
#endif
}
#endif

} // namespace
