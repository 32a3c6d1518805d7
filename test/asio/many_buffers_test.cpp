// Operations of many buffers: as many at once as Asio moves, in memory that is not the operation's.
#include "support/handlers.hpp"
#include "support/libraries.hpp"
#include "support/scratch_file.hpp"

#include <auraio/asio/basic_datagram_socket.hpp>
#include <auraio/asio/basic_seq_packet_socket.hpp>
#include <auraio/asio/basic_stream_descriptor.hpp>
#include <auraio/asio/basic_stream_socket.hpp>
#if AURAIO_TEST_HAS_AURA
#include <auraio/random_access_file.hpp>
#endif

#include AURAIO_ASIO(generic/seq_packet_protocol.hpp)
#include AURAIO_ASIO(ip/udp.hpp)
#include AURAIO_ASIO(local/connect_pair.hpp)
#include AURAIO_ASIO(local/stream_protocol.hpp)
#include AURAIO_ASIO(write.hpp)

#include <gtest/gtest.h>

#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace net = test::net;
using test::error_code;
using test::exactly_once;

namespace {

template <class Library>
using stream_of = net::basic_stream_socket<net::local::stream_protocol, typename Library::executor>;
template <class Library>
using datagram_of = net::basic_datagram_socket<net::ip::udp, typename Library::executor>;
template <class Library>
using packet_of = net::basic_seq_packet_socket<net::generic::seq_packet_protocol, typename Library::executor>;
template <class Library>
using descriptor_of = net::posix::basic_stream_descriptor<typename Library::executor>;

template <class Library>
class ManyBuffers : public testing::Test {
protected:
    ManyBuffers() {
        for (std::size_t i = 0; i < text_.size(); ++i)
            text_[i] = static_cast<char>('a' + i % 26);
    }
    /// The first `n` bytes of what is sent, and of what is received, each in a buffer of its own.
    std::vector<net::const_buffer> out(std::size_t n) const {
        std::vector<net::const_buffer> v;
        for (std::size_t i = 0; i < n; ++i)
            v.emplace_back(&text_[i], 1);
        return v;
    }
    std::vector<net::mutable_buffer> in(std::size_t n) {
        std::vector<net::mutable_buffer> v;
        for (std::size_t i = 0; i < n; ++i)
            v.emplace_back(&memory_[i], 1);
        return v;
    }
    auto expect(std::size_t count) {
        return exactly_once([count](error_code ec, std::size_t n) {
            EXPECT_FALSE(ec) << ec.message();
            EXPECT_EQ(n, count);
        });
    }
    void run() {
        ctx_.restart();
        ctx_.run();
    }
    void check(std::size_t n) {
        EXPECT_EQ(memory_.substr(0, n), text_.substr(0, n));
        memory_.assign(memory_.size(), '\0');
    }

    typename Library::context ctx_;
    std::string text_ = std::string(4096, '\0');
    std::string memory_ = std::string(4096, '\0');
};
TYPED_TEST_SUITE(ManyBuffers, test::libraries, test::library_names);

TYPED_TEST(ManyBuffers, AStreamMovesSixtyFourAtOnce) {
    stream_of<TypeParam> a(this->ctx_), b(this->ctx_);
    net::local::connect_pair(a, b);
    for (const std::size_t n : {2u, 11u, 12u, 17u, 64u, 65u, 100u}) {
        SCOPED_TRACE(n);
        const std::size_t moved = n < 64 ? n : 64;
        a.async_send(this->out(n), this->expect(moved));
        this->run();
        b.async_receive(this->in(n), this->expect(moved));
        this->run();
        this->check(moved);
        EXPECT_EQ(a.send(this->out(n)), moved);
        b.async_receive(this->in(n), net::socket_base::message_peek, this->expect(moved));
        this->run();
        this->check(moved);
        EXPECT_EQ(b.receive(this->in(n)), moved);
        this->check(moved);
    }
    // Composed, with more than fits at once; empty buffers on the way.
    auto v = this->out(4000);
    v.insert(v.begin() + 3, 100, net::const_buffer());
    net::async_write(a, v, this->expect(4000));
    this->run();
    EXPECT_EQ(net::read(b, net::buffer(this->memory_), net::transfer_exactly(4000)), 4000u);
    this->check(4000);
}

TYPED_TEST(ManyBuffers, WhatWaitsKeepsThem) {
    stream_of<TypeParam> a(this->ctx_), b(this->ctx_);
    net::local::connect_pair(a, b);
    std::string order;
    for (std::size_t i = 0; i < 5; ++i) { // one behind the other, each waits for readiness
        std::vector<net::mutable_buffer> v;
        for (std::size_t k = 0; k < 20; ++k)
            v.emplace_back(&this->memory_[i * 20 + k], 1);
        b.async_receive(v, exactly_once([&](error_code ec, std::size_t n) {
                            EXPECT_FALSE(ec);
                            EXPECT_EQ(n, 20u);
                        }));
    }
    this->ctx_.restart();
    this->ctx_.poll();
    EXPECT_EQ(a.send(net::buffer(this->text_, 100)), 100u);
    this->run();
    this->check(100);
    b.async_receive(this->in(20), exactly_once([](error_code ec, std::size_t) {
                        EXPECT_EQ(ec, net::error::operation_aborted);
                    }));
    this->ctx_.restart();
    this->ctx_.poll();
    b.close();
    this->run();
}

TYPED_TEST(ManyBuffers, APacketIsNotCutBeforeSixtyFour) {
    int fd[2];
    ASSERT_EQ(::pipe2(fd, O_DIRECT | O_CLOEXEC), 0); // what is written at once is read at once
    descriptor_of<TypeParam> in(this->ctx_, fd[0]), out(this->ctx_, fd[1]);
    for (const std::size_t n : {17u, 64u}) {
        out.async_write_some(this->out(n), this->expect(n));
        this->run();
        in.async_read_some(this->in(n + 1), this->expect(n));
        this->run();
        this->check(n);
        EXPECT_EQ(out.write_some(this->out(n)), n);
        EXPECT_EQ(in.read_some(this->in(n)), n);
        this->check(n);
    }
}

TYPED_TEST(ManyBuffers, DatagramsAndTheirAddresses) {
    const net::ip::udp::endpoint any(net::ip::address_v4::loopback(), 0);
    datagram_of<TypeParam> a(this->ctx_, any), b(this->ctx_, any);
    for (const std::size_t n : {1u, 2u, 17u, 64u}) {
        net::ip::udp::endpoint sender;
        a.async_send_to(this->out(n), b.local_endpoint(), this->expect(n));
        b.async_receive_from(this->in(n), sender, this->expect(n));
        this->run();
        this->check(n);
        EXPECT_EQ(sender, a.local_endpoint());
    }
    a.connect(b.local_endpoint());
    b.connect(a.local_endpoint());
    a.async_send(this->out(40), this->expect(40));
    b.async_receive(this->in(64), this->expect(40));
    this->run();
    this->check(40);
}

TYPED_TEST(ManyBuffers, PacketsAndTheirFlags) {
    int fd[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd), 0);
    const net::generic::seq_packet_protocol protocol(AF_UNIX, 0);
    packet_of<TypeParam> a(this->ctx_, protocol, fd[0]), b(this->ctx_, protocol, fd[1]);
    net::socket_base::message_flags flags = -1;
    a.async_send(this->out(30), 0, this->expect(30));
    b.async_receive(this->in(64), flags, this->expect(30));
    this->run();
    this->check(30);
    EXPECT_EQ(flags & MSG_TRUNC, 0);
    a.async_send(this->out(30), 0, this->expect(30));
    b.async_receive(this->in(20), flags, this->expect(20));
    this->run();
    this->check(20);
    EXPECT_NE(flags & MSG_TRUNC, 0);
}

#if AURAIO_TEST_HAS_AURA
struct ManyBuffersOfFiles : ManyBuffers<test::this_library> {};

TEST_F(ManyBuffersOfFiles, AFileTakesAThousand) {
    const test::scratch_file scratch;
    aura::random_access_file file(ctx_, scratch.path(), aura::file_base::read_write);
    for (const std::size_t n : {2u, 65u, 1024u, 1100u}) {
        SCOPED_TRACE(n);
        const std::size_t moved = n < 1024 ? n : 1024;
        file.async_write_some_at(7, out(n), expect(moved));
        run();
        file.async_read_some_at(7, in(n), expect(moved));
        run();
        check(moved);
        EXPECT_EQ(file.write_some_at(7, out(n)), moved);
        EXPECT_EQ(file.read_some_at(7, in(n)), moved);
        check(moved);
    }
    error_code ec;
    EXPECT_EQ(file.read_some_at(5000, in(3), ec), 0u);
    EXPECT_EQ(ec, net::error::eof);
    file.async_read_some_at(5000, in(3), exactly_once([](error_code e, std::size_t n) {
                                EXPECT_EQ(e, net::error::eof);
                                EXPECT_EQ(n, 0u);
                            }));
    file.async_read_some_at(
        5000, std::vector<net::mutable_buffer>(3),
        exactly_once([](error_code e, std::size_t) { EXPECT_FALSE(e) << "nothing asked"; }));
    run();
}
#endif

} // namespace
