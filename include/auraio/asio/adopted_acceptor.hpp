// adopted_acceptor: Asio's acceptor over any_io_executor in adopt mode.
#pragma once

#include "auraio/asio/adopted_socket.hpp"
#include "auraio/asio/basic_socket_acceptor.hpp"

AURAIO_OPEN
namespace detail {

/// A socket that an acceptor accepts into, under its own type: its base class is no type to pass on, as Asio
/// forms other types of what it is given, and looks at these.
template <class Socket, class Protocol>
concept socket_of = requires(Socket& s) { []<class E>(net::basic_socket<Protocol, E>&) {}(s); };
/// One of the same or of a more general protocol.
template <class Socket, class Protocol>
concept socket_for = requires(Socket& s) {
    []<class P, class E>(net::basic_socket<P, E>&)
        requires std::is_convertible_v<Protocol, P>
    {}(s);
};

} // namespace detail
AURAIO_CLOSE

AURAIO_NET_OPEN

/// Forwards everything to the native acceptor where the executor leads to a ring, to Asio's own otherwise.
/// Accepted sockets are adopted ones.
template <class Protocol>
class basic_socket_acceptor<Protocol, any_io_executor> : public socket_base {
    using error_code = aura::error_code;
    using held = aura::detail::adopted<basic_socket_acceptor<Protocol, aura::any_io_executor>,
                                       basic_socket_acceptor<Protocol, aura::detail::stock_executor>>;
    template <class E>
    using socket_on = typename Protocol::socket::template rebind_executor<E>::other;

public:
    using executor_type = any_io_executor;
    using protocol_type = Protocol;
    using endpoint_type = typename Protocol::endpoint;
    using native_handle_type = int;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_socket_acceptor<Protocol, OtherExecutor>;
    };

    explicit basic_socket_acceptor(const executor_type& e)
        : impl_(e) {}
    basic_socket_acceptor(const executor_type& e, const protocol_type& protocol)
        : impl_(e, protocol) {}
    basic_socket_acceptor(const executor_type& e, const endpoint_type& endpoint, bool reuse_addr = true)
        : impl_(e, endpoint, reuse_addr) {}
    basic_socket_acceptor(const executor_type& e, const protocol_type& protocol, const native_handle_type& fd)
        : impl_(e, protocol, fd) {}
    template <aura::detail::context_for<executor_type> Context>
    explicit basic_socket_acceptor(Context& c)
        : basic_socket_acceptor(executor_type(c.get_executor())) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_socket_acceptor(Context& c, const protocol_type& protocol)
        : basic_socket_acceptor(executor_type(c.get_executor()), protocol) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_socket_acceptor(Context& c, const endpoint_type& endpoint, bool reuse_addr = true)
        : basic_socket_acceptor(executor_type(c.get_executor()), endpoint, reuse_addr) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_socket_acceptor(Context& c, const protocol_type& protocol, const native_handle_type& fd)
        : basic_socket_acceptor(executor_type(c.get_executor()), protocol, fd) {}
    basic_socket_acceptor(basic_socket_acceptor&&) = default;
    basic_socket_acceptor& operator=(basic_socket_acceptor&&) = default;

    /// From an acceptor with an executor of a known type, or of another protocol: it becomes what is inside.
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::becomes_adopted<OtherProtocol, OtherExecutor, Protocol>
    basic_socket_acceptor(basic_socket_acceptor<OtherProtocol, OtherExecutor>&& other)
        : impl_(std::in_place, aura::detail::adopt<held>(std::move(other))) {}
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::becomes_adopted<OtherProtocol, OtherExecutor, Protocol>
    basic_socket_acceptor& operator=(basic_socket_acceptor<OtherProtocol, OtherExecutor>&& other) {
        return *this = basic_socket_acceptor(std::move(other));
    }

    executor_type get_executor() noexcept {
        return impl_.on([](auto& a) { return executor_type(a.get_executor()); });
    }
    bool is_open() const {
        return impl_.on([](auto& a) { return a.is_open(); });
    }
    native_handle_type native_handle() {
        return impl_.on([](auto& a) { return a.native_handle(); });
    }
    void open(const protocol_type& protocol = protocol_type()) {
        impl_.on([&](auto& a) { a.open(protocol); });
    }
    aura::detail::sync_result open(const protocol_type& protocol, error_code& ec) {
        return forward(ec, [&](auto& a) { a.open(protocol, ec); });
    }
    void assign(const protocol_type& protocol, const native_handle_type& fd) {
        impl_.on([&](auto& a) { a.assign(protocol, fd); });
    }
    aura::detail::sync_result assign(const protocol_type& protocol, const native_handle_type& fd,
                                     error_code& ec) {
        return forward(ec, [&](auto& a) { a.assign(protocol, fd, ec); });
    }
    void bind(const endpoint_type& e) {
        impl_.on([&](auto& a) { a.bind(e); });
    }
    aura::detail::sync_result bind(const endpoint_type& e, error_code& ec) {
        return forward(ec, [&](auto& a) { a.bind(e, ec); });
    }
    void listen(int backlog = socket_base::max_listen_connections) {
        impl_.on([&](auto& a) { a.listen(backlog); });
    }
    aura::detail::sync_result listen(int backlog, error_code& ec) {
        return forward(ec, [&](auto& a) { a.listen(backlog, ec); });
    }
    void close() {
        impl_.on([](auto& a) { a.close(); });
    }
    aura::detail::sync_result close(error_code& ec) {
        return forward(ec, [&](auto& a) { a.close(ec); });
    }
    native_handle_type release() {
        return impl_.on([](auto& a) { return a.release(); });
    }
    native_handle_type release(error_code& ec) {
        return impl_.on([&](auto& a) { return a.release(ec); });
    }
    void cancel() {
        impl_.on([](auto& a) { a.cancel(); });
    }
    aura::detail::sync_result cancel(error_code& ec) {
        return forward(ec, [&](auto& a) { a.cancel(ec); });
    }
    template <class Option>
    void set_option(const Option& o) {
        impl_.on([&](auto& a) { a.set_option(o); });
    }
    template <class Option>
    aura::detail::sync_result set_option(const Option& o, error_code& ec) {
        return forward(ec, [&](auto& a) { a.set_option(o, ec); });
    }
    template <class Option>
    void get_option(Option& o) const {
        impl_.on([&](auto& a) { a.get_option(o); });
    }
    template <class Option>
    aura::detail::sync_result get_option(Option& o, error_code& ec) const {
        impl_.on([&](auto& a) { a.get_option(o, ec); });
        return aura::detail::sync_return(ec);
    }
    template <class Command>
    void io_control(Command& c) {
        impl_.on([&](auto& a) { a.io_control(c); });
    }
    template <class Command>
    aura::detail::sync_result io_control(Command& c, error_code& ec) {
        return forward(ec, [&](auto& a) { a.io_control(c, ec); });
    }
    bool non_blocking() const {
        return impl_.on([](auto& a) { return a.non_blocking(); });
    }
    void non_blocking(bool mode) {
        impl_.on([&](auto& a) { a.non_blocking(mode); });
    }
    aura::detail::sync_result non_blocking(bool mode, error_code& ec) {
        return forward(ec, [&](auto& a) { a.non_blocking(mode, ec); });
    }
    bool native_non_blocking() const {
        return impl_.on([](auto& a) { return a.native_non_blocking(); });
    }
    void native_non_blocking(bool mode) {
        impl_.on([&](auto& a) { a.native_non_blocking(mode); });
    }
    aura::detail::sync_result native_non_blocking(bool mode, error_code& ec) {
        return forward(ec, [&](auto& a) { a.native_non_blocking(mode, ec); });
    }
    endpoint_type local_endpoint() const {
        return impl_.on([](auto& a) { return a.local_endpoint(); });
    }
    endpoint_type local_endpoint(error_code& ec) const {
        return impl_.on([&](auto& a) { return a.local_endpoint(ec); });
    }
    void wait(wait_type w) {
        impl_.on([&](auto& a) { a.wait(w); });
    }
    aura::detail::sync_result wait(wait_type w, error_code& ec) {
        return forward(ec, [&](auto& a) { a.wait(w, ec); });
    }

    template <class... Args>
    auto accept(Args&&... args) {
        if constexpr (takes_executor<Args...>)
            return impl_.on([&](auto& a) { return a.accept(std::forward<Args>(args)...); });
        else if constexpr (takes_socket<Args...>)
            return impl_.on([&](auto& a) { return a.accept(std::forward<Args>(args)...); });
        else
            return impl_.on([&](auto& a) { return a.accept(place(), std::forward<Args>(args)...); });
    }

private:
    template <class First, class...>
    static constexpr bool is_placement = aura::detail::any_executor<std::decay_t<First>> ||
                                         aura::detail::any_context<std::remove_reference_t<First>>;
    template <class... Args>
    static constexpr bool takes_executor = [] {
        if constexpr (sizeof...(Args) != 0)
            return is_placement<Args...>;
        else
            return false;
    }();
    template <class... Args>
    static constexpr bool takes_socket = [] {
        if constexpr (sizeof...(Args) != 0)
            return []<class First, class... Rest>(std::type_identity<First>, std::type_identity<Rest>...) {
                return requires(std::remove_reference_t<First>& s) { s.lowest_layer(); };
            }(std::type_identity<Args>()...);
        else
            return false;
    }();

    /// Where accepted sockets go: spread over the rings if this is a native acceptor of a whole context.
    executor_type place() { return aura::detail::spread(get_executor()); }

    struct start_accept {
        template <class Acceptor, class Handler, class Socket>
        void operator()(Acceptor& a, Handler&& handler, Socket* peer, endpoint_type* endpoint) const {
            if constexpr (aura::detail::socket_of<Socket, Protocol>) {
                if (endpoint) {
                    a.async_accept(*peer, *endpoint, std::forward<Handler>(handler));
                    return;
                }
            }
            a.async_accept(*peer, std::forward<Handler>(handler));
        }
    };
    struct start_move_accept {
        template <class Acceptor, class Handler, class E>
        void operator()(Acceptor& a, Handler&& handler, const E& e, endpoint_type* endpoint) const {
            if (endpoint)
                a.async_accept(e, *endpoint, std::forward<Handler>(handler));
            else
                a.async_accept(e, std::forward<Handler>(handler));
        }
    };
    template <class Signature, class Start>
    using initiation = aura::detail::adopted_initiation<basic_socket_acceptor, Signature, Start>;
    using initiate_wait = initiation<void(error_code), aura::detail::start_either_wait>;
    using initiate_accept = initiation<void(error_code), start_accept>;
    template <class E>
    using initiate_move_accept = initiation<void(error_code, socket_on<E>), start_move_accept>;

    template <class Socket, class Token>
    using accept_result = aura::detail::initiated<initiate_accept, Token, Socket*, endpoint_type*>;
    template <class E, class Token>
    using move_accept_result = aura::detail::initiated<initiate_move_accept<E>, Token, E, endpoint_type*>;
    template <class Token, class E>
    auto move_accept(E e, endpoint_type* endpoint, std::remove_reference_t<Token>& token)
        -> move_accept_result<E, Token> {
        return aura::detail::initiate<initiate_move_accept<E>, Token>(this, token, std::move(e), endpoint);
    }
    static constexpr endpoint_type* no_endpoint = nullptr;

public:
    template <class Token = default_completion_token_t<executor_type>>
    auto async_wait(wait_type w, Token&& token = Token())
        -> aura::detail::initiated<initiate_wait, Token, wait_type> {
        return aura::detail::initiate<initiate_wait, Token>(this, token, w);
    }

    template <aura::detail::socket_for<Protocol> Socket,
              class Token = default_completion_token_t<executor_type>>
    auto async_accept(Socket& peer, Token&& token = Token()) -> accept_result<Socket, Token> {
        return aura::detail::initiate<initiate_accept, Token>(this, token, &peer, no_endpoint);
    }
    template <aura::detail::socket_of<Protocol> Socket,
              class Token = default_completion_token_t<executor_type>>
    auto async_accept(Socket& peer, endpoint_type& endpoint, Token&& token = Token())
        -> accept_result<Socket, Token> {
        return aura::detail::initiate<initiate_accept, Token>(this, token, &peer, &endpoint);
    }
    template <class Token = default_completion_token_t<executor_type>>
    auto async_accept(Token&& token = Token()) -> move_accept_result<executor_type, Token> {
        return move_accept<Token>(get_executor(), nullptr, token);
    }
    template <class Token = default_completion_token_t<executor_type>>
    auto async_accept(endpoint_type& endpoint, Token&& token = Token())
        -> move_accept_result<executor_type, Token> {
        return move_accept<Token>(get_executor(), &endpoint, token);
    }
    template <class E, class Token = default_completion_token_t<executor_type>,
              aura::detail::is_any_executor<E> = 0>
    auto async_accept(const E& e, Token&& token = Token()) -> move_accept_result<E, Token> {
        return move_accept<Token>(e, nullptr, token);
    }
    template <class E, class Token = default_completion_token_t<executor_type>,
              aura::detail::is_any_executor<E> = 0>
    auto async_accept(const E& e, endpoint_type& endpoint, Token&& token = Token())
        -> move_accept_result<E, Token> {
        return move_accept<Token>(e, &endpoint, token);
    }
    template <class C, class Token = default_completion_token_t<executor_type>,
              aura::detail::is_any_context<C> = 0>
    auto async_accept(C& c, Token&& token = Token()) -> move_accept_result<typename C::executor_type, Token> {
        return move_accept<Token>(c.get_executor(), nullptr, token);
    }
    template <class C, class Token = default_completion_token_t<executor_type>,
              aura::detail::is_any_context<C> = 0>
    auto async_accept(C& c, endpoint_type& endpoint, Token&& token = Token())
        -> move_accept_result<typename C::executor_type, Token> {
        return move_accept<Token>(c.get_executor(), &endpoint, token);
    }

private:
    template <class F>
    aura::detail::sync_result forward(error_code& ec, F f) {
        impl_.on(f);
        return aura::detail::sync_return(ec);
    }

public:
    held impl_;
};

AURAIO_NET_CLOSE
