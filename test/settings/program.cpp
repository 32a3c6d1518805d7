// A program that is compiled under each setting of Asio's: it uses every object, and what synchronous
// functions return is what Asio's own return under the same setting.
#include <auraio/auraio.hpp>

#include <chrono>
#include <type_traits>
#include <utility>

namespace {

namespace stock = aura::net;

template <class Ours, class Stock, class Call>
constexpr bool agree(Call) {
    return std::is_same_v<std::invoke_result_t<Call, Ours&>, std::invoke_result_t<Call, Stock&>>;
}

/// For calls that are looked at, and never made.
template <class T>
T given();

aura::error_code ec;
int value = 0;
stock::socket_base::reuse_address option;

/// What all sockets, acceptors among them, have.
template <class Ours, class Stock>
constexpr bool open_and_close() {
    using protocol = typename Ours::protocol_type;
    using endpoint = typename Ours::endpoint_type;
    return agree<Ours, Stock>([](auto& s) { return s.open(given<protocol>(), ec); }) &&
           agree<Ours, Stock>([](auto& s) { return s.assign(given<protocol>(), value, ec); }) &&
           agree<Ours, Stock>([](auto& s) { return s.close(ec); }) &&
           agree<Ours, Stock>([](auto& s) { return s.cancel(ec); }) &&
           agree<Ours, Stock>([](auto& s) { return s.bind(endpoint(), ec); }) &&
           agree<Ours, Stock>([](auto& s) { return s.set_option(option, ec); }) &&
           agree<Ours, Stock>([](auto& s) { return s.get_option(option, ec); }) &&
           agree<Ours, Stock>([](auto& s) { return s.non_blocking(true, ec); }) &&
           agree<Ours, Stock>([](auto& s) { return s.native_non_blocking(true, ec); }) &&
           agree<Ours, Stock>([](auto& s) { return s.wait(stock::socket_base::wait_read, ec); });
}
template <class Ours, class Stock>
constexpr bool connection() {
    using endpoint = typename Ours::endpoint_type;
    return agree<Ours, Stock>([](auto& s) { return s.connect(endpoint(), ec); }) &&
           agree<Ours, Stock>([](auto& s) { return s.shutdown(stock::socket_base::shutdown_send, ec); });
}

using tcp = stock::ip::tcp;
static_assert(open_and_close<aura::ip::tcp::socket, tcp::socket>());
static_assert(connection<aura::ip::tcp::socket, tcp::socket>());
static_assert(open_and_close<aura::ip::udp::socket, stock::ip::udp::socket>());
static_assert(connection<aura::ip::udp::socket, stock::ip::udp::socket>());
static_assert(open_and_close<aura::ip::tcp::acceptor, tcp::acceptor>());
static_assert(agree<aura::ip::tcp::acceptor, tcp::acceptor>([](auto& a) { return a.listen(1, ec); }));
static_assert(agree<aura::ip::tcp::acceptor, tcp::acceptor>([](auto& a) {
    return a.accept(given<tcp::socket&>(), ec);
}));
static_assert(agree<aura::signal_set, stock::signal_set>([](auto& s) { return s.add(1, ec); }));
static_assert(agree<aura::signal_set, stock::signal_set>([](auto& s) { return s.remove(1, ec); }));
static_assert(agree<aura::signal_set, stock::signal_set>([](auto& s) { return s.clear(ec); }));
static_assert(agree<aura::signal_set, stock::signal_set>([](auto& s) { return s.cancel(ec); }));
static_assert(agree<aura::steady_timer, stock::steady_timer>([](auto& t) { return t.wait(ec); }));
using descriptor = stock::posix::stream_descriptor;
static_assert(agree<aura::posix::stream_descriptor, descriptor>([](auto& d) { return d.assign(1, ec); }));
static_assert(agree<aura::posix::stream_descriptor, descriptor>([](auto& d) { return d.close(ec); }));
static_assert(agree<aura::posix::stream_descriptor, descriptor>([](auto& d) { return d.cancel(ec); }));
static_assert(agree<aura::posix::stream_descriptor, descriptor>([](auto& d) {
    return d.wait(descriptor::wait_read, ec);
}));
#if defined(AURAIO_HAS_PIPE)
static_assert(agree<aura::readable_pipe, stock::readable_pipe>([](auto& p) { return p.close(ec); }));
#endif
#if defined(AURAIO_HAS_SERIAL_PORT)
static_assert(agree<aura::serial_port, stock::serial_port>([](auto& p) { return p.open("", ec); }));
static_assert(agree<aura::serial_port, stock::serial_port>([](auto& p) { return p.send_break(ec); }));
static_assert(agree<aura::serial_port, stock::serial_port>([](auto& p) {
    return p.set_option(stock::serial_port_base::baud_rate(9600), ec);
}));
#endif

[[maybe_unused]] void everything() {
    aura::io_context ctx;
    char d[4];
    const auto got = [](aura::error_code, std::size_t) {};
    const auto done = [](aura::error_code) {};
    aura::ip::tcp::acceptor acceptor(ctx, {stock::ip::address_v4::loopback(), 0});
    aura::ip::tcp::socket socket(ctx);
    acceptor.async_accept([](aura::error_code, auto) {});
    socket.async_connect(acceptor.local_endpoint(), done);
    socket.async_read_some(aura::buffer(d), got);
    aura::async_write(socket, aura::buffer(d), got);
    aura::ip::udp::socket(ctx).async_receive(aura::buffer(d), got);
    aura::steady_timer(ctx, std::chrono::milliseconds(1)).async_wait(done);
    aura::signal_set(ctx, 10).async_wait([](aura::error_code, int) {});
    aura::posix::stream_descriptor(ctx).async_read_some(aura::buffer(d), got);
    aura::random_access_file file(ctx);
    file.close(ec);
    file.async_read_some_at(0, aura::buffer(d), got);
    aura::post(aura::make_strand(ctx), [] {});
#if defined(AURAIO_HAS_CO_AWAIT)
    aura::co_spawn(ctx, []() -> aura::awaitable<void> { co_return; }, aura::detached);
#endif
    ctx.run();
}

} // namespace
