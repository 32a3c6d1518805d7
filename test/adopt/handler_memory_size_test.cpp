// How much memory plain objects ask their handler's allocator for, on our contexts and on Asio's: programs
// provide for it in blocks that just hold Asio's operations.
#include "support/counting_allocator.hpp"
#include "support/flavour.hpp"

#include <gtest/gtest.h>

#include <cstddef>

namespace {

namespace net = test::net;
using net::ip::tcp;
using net::ip::udp;

/// As large as one that holds a session and knows of two objects besides.
struct handler {
    using allocator_type = test::counting_allocator<char>;
    allocator_type get_allocator() const noexcept { return allocator_type(*memory); }
    template <class... Args>
    void operator()(Args&&...) {
        EXPECT_EQ(memory->live, 0) << "called before the operation's memory had gone";
        ++*calls;
    }
    test::allocation_log* memory;
    int* calls;
    void* others[3] = {};
};

/// The largest block that `start` asked for, of an operation on `ctx` that ends when `end` is called.
template <class Context, class Start, class End>
std::size_t size_of(Context& ctx, Start start, End end) {
    test::allocation_log memory;
    int calls = 0;
    start(handler{&memory, &calls});
    end();
    ctx.restart();
    ctx.run();
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(memory.live, 0);
    return memory.largest;
}

struct sizes {
    std::size_t datagram_wait, stream_wait, accept_wait, accept, connect;
};

template <class Context>
sizes measured() {
    Context ctx;
    sizes s;
    const auto loopback = net::ip::address_v4::loopback();
    udp::socket datagrams(ctx, udp::endpoint(loopback, 0));
    tcp::acceptor acceptor(ctx, tcp::endpoint(loopback, 0));
    tcp::socket stream(ctx);
    s.connect = size_of(ctx, [&](handler h) { stream.async_connect(acceptor.local_endpoint(), h); }, [] {});
    s.datagram_wait = size_of(
        ctx, [&](handler h) { datagrams.async_wait(udp::socket::wait_read, h); },
        [&] { datagrams.cancel(); });
    s.stream_wait = size_of(
        ctx, [&](handler h) { stream.async_wait(tcp::socket::wait_read, h); }, [&] { stream.cancel(); });
    s.accept_wait = size_of(
        ctx, [&](handler h) { acceptor.async_wait(tcp::acceptor::wait_read, h); },
        [&] { acceptor.cancel(); });
    tcp::socket accepted(ctx);
    s.accept = size_of(ctx, [&](handler h) { acceptor.async_accept(accepted, h); }, [] {});
    return s;
}

TEST(AdoptedHandlerMemory, OfWhatAsioWaitsForBeforeItAsksIsNoMoreThanAsios) {
    const sizes asio = measured<net::io_context>();
    const sizes aura = measured<::aura::io_context>();
    EXPECT_LE(aura.datagram_wait, asio.datagram_wait);
    EXPECT_LE(aura.stream_wait, asio.stream_wait);
    EXPECT_LE(aura.accept_wait, asio.accept_wait);
    EXPECT_LE(aura.accept, asio.accept);
    EXPECT_LE(aura.connect, asio.connect);
}

} // namespace
