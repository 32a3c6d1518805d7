// basic_socket_acceptor: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/detail/socket_object.hpp"
#include "auraio/io_context.hpp"

#include AURAIO_ASIO(basic_socket.hpp)
#include AURAIO_ASIO(basic_socket_acceptor.hpp)

#include <new>

AURAIO_OPEN
namespace detail {

/// The executor of a connection that was accepted by an acceptor on `e`: an executor of the whole context is
/// replaced by one of the lighter of two running rings; any other (a ring's, a strand) is kept.
inline executor spread_over(const placement& p) {
    return static_cast<const context_engine*>(p.engine)->context.spread_executor();
}
template <class Executor>
Executor spread(const Executor& e) {
    if constexpr (std::derived_from<Executor, net::any_io_executor>) {
        const executor* inner = target_of<executor>(e);
        if (inner && !inner->is_ring_bound())
            return spread_over(inner->query(ring_t{}));
    } else if constexpr (plain_executor<Executor> && std::is_convertible_v<executor, Executor>) {
        const placement p = e.query(ring_t{});
        if (!p.shard)
            return spread_over(p);
    }
    return e;
}

/// Gives an accepted connection to a socket; closes it if the socket does not take it. Without memory that is an
/// error like another: thrown, it would take the handler with it. An acceptor that is not open has no protocol, and
/// accepts nothing.
template <class Protocol, class Socket>
void give(int fd, const std::optional<Protocol>& protocol, Socket& socket, error_code& ec) {
    if (ec)
        return;
    try {
        assign_new(socket, *protocol, fd, ec);
    } catch (const std::bad_alloc&) {
        ec = net::error::no_memory;
    }
    if (ec)
        ::close(fd);
}

/// Receiver of accept_request for a socket the caller has. Signature void(error_code).
template <class Protocol, class Socket, class Endpoint>
class accepts_into {
public:
    accepts_into(const std::optional<Protocol>& p, Socket& socket, Endpoint* peer)
        : socket_(&socket)
        , peer_(peer)
        , protocol_(p)
        , busy_(socket.is_open()) {}

    Endpoint* peer() const noexcept { return peer_; }

    template <class Completion>
    void receive(error_code ec, int fd, Completion& done) {
        if (busy_) { // not accepted at all: see start_accept
            done.call(error_code(net::error::already_open));
            return;
        }
        give(fd, protocol_, *socket_, ec);
        done.call(ec);
    }

private:
    Socket* socket_;
    Endpoint* peer_;
    std::optional<Protocol> protocol_;
    bool busy_;
};

/// Receiver of accept_request for a new socket. Signature void(error_code, Socket).
template <class Protocol, class Socket, class Endpoint>
class accepts_new {
public:
    accepts_new(const std::optional<Protocol>& p, const typename Socket::executor_type& e, Endpoint* peer)
        : executor_(e)
        , peer_(peer)
        , protocol_(p) {}

    Endpoint* peer() const noexcept { return peer_; }

    template <class Completion>
    void receive(error_code ec, int fd, Completion& done) {
        Socket socket(ec ? executor_ : spread(executor_));
        give(fd, protocol_, socket, ec);
        done.call(ec, std::move(socket));
    }

private:
    typename Socket::executor_type executor_;
    Endpoint* peer_;
    std::optional<Protocol> protocol_;
};

/// The executor of a socket that is accepted for executor `E`. What coroutines and Asio's own objects call
/// their executor is Asio's any_io_executor, by itself or in a strand. It would make the socket one of Asio's
/// own, on its reactor, where everything around it is native: our any_io_executor takes its place, except in
/// adopt mode, where both are native.
template <class E>
struct accepting_executor {
    using type = E;
};
#if !defined(AURAIO_ADOPT)
template <>
struct accepting_executor<net::any_io_executor> {
    using type = any_io_executor;
};
template <class E>
    requires(!ring_executor<net::strand<E>> && !std::is_same_v<typename accepting_executor<E>::type, E>)
struct accepting_executor<net::strand<E>> {
    using type = any_io_executor;
};
#endif
template <class E>
using accepting_executor_t = typename accepting_executor<E>::type;

/// `e` as the executor of a socket that is to be accepted. Throws where the socket could not be built, now
/// rather than when there is a connection.
template <class E>
accepting_executor_t<E> to_accepting_executor(const E& e) {
    accepting_executor_t<E> result(e);
    if constexpr (!std::is_same_v<accepting_executor_t<E>, E>)
        (void)placement_of(result);
    return result;
}

} // namespace detail
AURAIO_CLOSE

AURAIO_NET_OPEN

/// An acceptor on a ring. Interface and meaning are Asio's; see there. Beyond it:
///
/// - What is pending here does not hold the listening socket, and takes as many connections as were asked for:
///   the others wait in its backlog, for this process, for another that shares it, or for who it is released to.
/// - Sockets accepted by an acceptor on a context are spread over the rings that run: each lives on the lighter
///   of two picked at random, with an executor bound to that ring. Those of an acceptor on `ring_executor(i)` or
///   on a strand stay there.
/// - Connections that were aborted before they were accepted are passed over. With no descriptor left (EMFILE),
///   each pending accept completes with that error once, and later accepts work again as soon as there are some.
template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_socket_acceptor<Protocol, Executor> : public aura::detail::socket_object<Protocol, Executor> {
    using base = aura::detail::socket_object<Protocol, Executor>;
    using error_code = aura::error_code;

    template <class OtherExecutor>
    using socket_on = typename Protocol::socket::template rebind_executor<OtherExecutor>::other;
    template <class OtherExecutor>
    using accepted_on = socket_on<aura::detail::accepting_executor_t<OtherExecutor>>;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_socket_acceptor<Protocol, OtherExecutor>;
    };

    explicit basic_socket_acceptor(const executor_type& e)
        : base(e) {}
    basic_socket_acceptor(const executor_type& e, const protocol_type& protocol)
        : base(e, protocol) {}
    basic_socket_acceptor(const executor_type& e, const endpoint_type& endpoint, bool reuse_addr = true)
        : base(e, endpoint.protocol()) {
        if (reuse_addr)
            this->set_option(socket_base::reuse_address(true));
        this->bind(endpoint);
        listen();
    }
    basic_socket_acceptor(const executor_type& e, const protocol_type& protocol, const native_handle_type& fd)
        : base(e, protocol, fd) {}

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
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::converts_to<OtherProtocol, OtherExecutor, Protocol, Executor>
    basic_socket_acceptor(basic_socket_acceptor<OtherProtocol, OtherExecutor>&& other)
        : base(std::in_place, std::move(other.impl_)) {}
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::converts_to<OtherProtocol, OtherExecutor, Protocol, Executor>
    basic_socket_acceptor& operator=(basic_socket_acceptor<OtherProtocol, OtherExecutor>&& other) {
        basic_socket_acceptor moved(std::move(other));
        return *this = std::move(moved);
    }
    ~basic_socket_acceptor() = default;

    void listen(int backlog = socket_base::max_listen_connections) {
        this->throwing("listen", [&](error_code& ec) { listen(backlog, ec); });
    }
    aura::detail::sync_result listen(int backlog, error_code& ec) {
        return aura::detail::sync_return(
            ec = aura::detail::to_error_code(aura::core::listen_on(this->impl_.fd(), backlog)));
    }

    // ---- synchronous accepts: block, unless non_blocking() ----

    template <class P, class E>
        requires std::is_convertible_v<Protocol, P>
    void accept(basic_socket<P, E>& peer) {
        this->throwing("accept", [&](error_code& ec) { accept(peer, ec); });
    }
    template <class P, class E>
        requires std::is_convertible_v<Protocol, P>
    aura::detail::sync_result accept(basic_socket<P, E>& peer, error_code& ec) {
        return accept_now(peer, nullptr, ec);
    }
    // Asio's forms with an endpoint want the very class of protocol. Here tcp has two, Asio's and ours, and a
    // program that names the latter for both gets sockets and acceptors of either.
    template <class P, class E>
        requires std::is_convertible_v<Protocol, P>
    void accept(basic_socket<P, E>& peer, endpoint_type& endpoint) {
        this->throwing("accept", [&](error_code& ec) { accept(peer, endpoint, ec); });
    }
    template <class P, class E>
        requires std::is_convertible_v<Protocol, P>
    aura::detail::sync_result accept(basic_socket<P, E>& peer, endpoint_type& endpoint, error_code& ec) {
        return accept_now(peer, &endpoint, ec);
    }

    socket_on<Executor> accept() { return accept_new(spread(), nullptr); }
    socket_on<Executor> accept(error_code& ec) { return accept_new(spread(), nullptr, ec); }
    socket_on<Executor> accept(endpoint_type& endpoint) { return accept_new(spread(), &endpoint); }
    socket_on<Executor> accept(endpoint_type& endpoint, error_code& ec) {
        return accept_new(spread(), &endpoint, ec);
    }
    template <aura::detail::any_executor E>
    accepted_on<E> accept(const E& e) {
        return accept_new(to_accepting(e), nullptr);
    }
    template <aura::detail::any_executor E>
    accepted_on<E> accept(const E& e, error_code& ec) {
        return accept_new(to_accepting(e), nullptr, ec);
    }
    template <aura::detail::any_executor E>
    accepted_on<E> accept(const E& e, endpoint_type& endpoint) {
        return accept_new(to_accepting(e), &endpoint);
    }
    template <aura::detail::any_executor E>
    accepted_on<E> accept(const E& e, endpoint_type& endpoint, error_code& ec) {
        return accept_new(to_accepting(e), &endpoint, ec);
    }
    template <aura::detail::any_context C>
    socket_on<typename C::executor_type> accept(C& c) {
        return accept_new(c.get_executor(), nullptr);
    }
    template <aura::detail::any_context C>
    socket_on<typename C::executor_type> accept(C& c, error_code& ec) {
        return accept_new(c.get_executor(), nullptr, ec);
    }
    template <aura::detail::any_context C>
    socket_on<typename C::executor_type> accept(C& c, endpoint_type& endpoint) {
        return accept_new(c.get_executor(), &endpoint);
    }
    template <aura::detail::any_context C>
    socket_on<typename C::executor_type> accept(C& c, endpoint_type& endpoint, error_code& ec) {
        return accept_new(c.get_executor(), &endpoint, ec);
    }

private:
    using initiate_wait = typename base::template initiate_wait<aura::detail::connection_wait_request>;

    struct start_accept {
        template <class Handler, class P, class E>
        void operator()(basic_socket_acceptor& self, Handler&& handler, basic_socket<P, E>* peer,
                        endpoint_type* endpoint) const {
            using namespace aura::detail;
            using work = accept_request<accepts_into<Protocol, basic_socket<P, E>, endpoint_type>>;
            const int error = peer->is_open() ? EALREADY : self.unopened();
            self.template start<work>(error, std::forward<Handler>(handler), self.impl_.fd(),
                                      self.impl_.options.report_aborted, self.impl_.protocol, *peer,
                                      endpoint);
        }
    };
    template <class Socket>
    struct start_move_accept {
        template <class Handler>
        void operator()(basic_socket_acceptor& self, Handler&& handler,
                        const typename Socket::executor_type& e, endpoint_type* endpoint) const {
            using namespace aura::detail;
            self.template start<accept_request<accepts_new<Protocol, Socket, endpoint_type>>>(
                self.unopened(), std::forward<Handler>(handler), self.impl_.fd(),
                self.impl_.options.report_aborted, self.impl_.protocol, e, endpoint);
        }
    };
    /// For a socket the caller has.
    using initiate_accept = aura::detail::initiation<basic_socket_acceptor*, void(error_code), start_accept>;
    /// For a new socket, and on which executor.
    template <class Socket>
    using initiate_move_accept =
        aura::detail::initiation<basic_socket_acceptor*, void(error_code, Socket), start_move_accept<Socket>>;

    template <class P, class E, class Token>
    using accept_result =
        aura::detail::initiated<initiate_accept, Token, basic_socket<P, E>*, endpoint_type*>;
    template <class E, class Token>
    using move_accept_result =
        aura::detail::initiated<initiate_move_accept<socket_on<E>>, Token, E, endpoint_type*>;
    template <class E, class Token>
    using accepted_result = move_accept_result<aura::detail::accepting_executor_t<E>, Token>;

    template <class Token, class E>
    auto move_accept(E e, endpoint_type* endpoint, std::remove_reference_t<Token>& token)
        -> move_accept_result<E, Token> {
        return aura::detail::initiate<initiate_move_accept<socket_on<E>>, Token>(this, token, std::move(e),
                                                                                 endpoint);
    }
    template <class E>
    static auto to_accepting(const E& e) {
        return aura::detail::to_accepting_executor(e);
    }

public:
    /// As a socket's.
    template <class Token = default_completion_token_t<Executor>>
    auto async_wait(socket_base::wait_type w, Token&& token = Token())
        -> aura::detail::initiated<initiate_wait, Token, socket_base::wait_type> {
        return aura::detail::initiate<initiate_wait, Token>(this, token, w);
    }

    // ---- asynchronous accepts. Cancellation: terminal, partial, total ----

    /// Signature void(error_code). already_open if `peer` is. `peer` and `endpoint` live until the handler is
    /// called.
    template <class P, class E, class Token = default_completion_token_t<Executor>>
        requires std::is_convertible_v<Protocol, P>
    auto async_accept(basic_socket<P, E>& peer, Token&& token = Token()) -> accept_result<P, E, Token> {
        return aura::detail::initiate<initiate_accept, Token>(this, token, &peer, no_endpoint);
    }
    template <class P, class E, class Token = default_completion_token_t<Executor>>
        requires std::is_convertible_v<Protocol, P>
    auto async_accept(basic_socket<P, E>& peer, endpoint_type& endpoint, Token&& token = Token())
        -> accept_result<P, E, Token> {
        return aura::detail::initiate<initiate_accept, Token>(this, token, &peer, &endpoint);
    }

    /// Signature void(error_code, socket): a new socket, on a running ring, on executor `e`, or on context
    /// `c`.
    template <class Token = default_completion_token_t<Executor>>
    auto async_accept(Token&& token = Token()) -> move_accept_result<Executor, Token> {
        return move_accept<Token>(this->impl_.executor(), nullptr, token);
    }
    template <class Token = default_completion_token_t<Executor>>
    auto async_accept(endpoint_type& endpoint, Token&& token = Token())
        -> move_accept_result<Executor, Token> {
        return move_accept<Token>(this->impl_.executor(), &endpoint, token);
    }
    template <class E, class Token = default_completion_token_t<Executor>,
              aura::detail::is_any_executor<E> = 0>
    auto async_accept(const E& e, Token&& token = Token()) -> accepted_result<E, Token> {
        return move_accept<Token>(to_accepting(e), nullptr, token);
    }
    template <class E, class Token = default_completion_token_t<Executor>,
              aura::detail::is_any_executor<E> = 0>
    auto async_accept(const E& e, endpoint_type& endpoint, Token&& token = Token())
        -> accepted_result<E, Token> {
        return move_accept<Token>(to_accepting(e), &endpoint, token);
    }
    template <class C, class Token = default_completion_token_t<Executor>,
              aura::detail::is_any_context<C> = 0>
    auto async_accept(C& c, Token&& token = Token()) -> move_accept_result<typename C::executor_type, Token> {
        return move_accept<Token>(c.get_executor(), nullptr, token);
    }
    template <class C, class Token = default_completion_token_t<Executor>,
              aura::detail::is_any_context<C> = 0>
    auto async_accept(C& c, endpoint_type& endpoint, Token&& token = Token())
        -> move_accept_result<typename C::executor_type, Token> {
        return move_accept<Token>(c.get_executor(), &endpoint, token);
    }

private:
    static constexpr endpoint_type* no_endpoint = nullptr;

    Executor spread() const { return aura::detail::spread(this->impl_.executor()); }

    template <class Socket>
    aura::detail::sync_result accept_now(Socket& peer, endpoint_type* endpoint, error_code& ec) {
        if (!this->is_open())
            return aura::detail::sync_return(ec = error::bad_descriptor);
        if (peer.is_open())
            return aura::detail::sync_return(ec = error::already_open);
        auto size = static_cast<socklen_t>(endpoint ? endpoint->capacity() : 0);
        const int fd =
            aura::core::accept_now(this->impl_.fd_to_block_on(), endpoint ? endpoint->data() : nullptr, size,
                                   this->waits(), this->impl_.options.report_aborted);
        ec = aura::detail::to_error_code(fd);
        if (!ec && endpoint)
            aura::detail::resize_endpoint(*endpoint, size);
        aura::detail::give(fd, this->impl_.protocol, peer, ec);
        return aura::detail::sync_return(ec);
    }
    template <class E>
    socket_on<E> accept_new(const E& e, endpoint_type* endpoint, error_code& ec) {
        socket_on<E> peer(e);
        accept_now(peer, endpoint, ec);
        return peer;
    }
    template <class E>
    socket_on<E> accept_new(const E& e, endpoint_type* endpoint) {
        error_code ec;
        socket_on<E> peer = accept_new(e, endpoint, ec);
        aura::detail::throw_if(ec, "accept");
        return peer;
    }
};

AURAIO_NET_CLOSE
