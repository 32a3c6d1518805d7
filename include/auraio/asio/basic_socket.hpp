// basic_socket: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/detail/socket_object.hpp"

#include AURAIO_ASIO(basic_socket.hpp)

AURAIO_NET_OPEN

/// The base of all sockets on a ring. Interface and meaning are Asio's; see there, and
/// aura::detail::socket_object for what is beyond it.
template <class Protocol, class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_socket<Protocol, Executor> : public aura::detail::socket_object<Protocol, Executor> {
    using base = aura::detail::socket_object<Protocol, Executor>;
    using error_code = aura::error_code;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;
    using lowest_layer_type = basic_socket;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_socket<Protocol, OtherExecutor>;
    };

    explicit basic_socket(const executor_type& e)
        : base(e) {}
    basic_socket(const executor_type& e, const protocol_type& protocol)
        : base(e, protocol) {}
    basic_socket(const executor_type& e, const endpoint_type& endpoint)
        : base(e, endpoint.protocol()) {
        this->bind(endpoint);
    }
    basic_socket(const executor_type& e, const protocol_type& protocol, const native_handle_type& fd)
        : base(e, protocol, fd) {}

    template <aura::detail::context_for<executor_type> Context>
    explicit basic_socket(Context& c)
        : basic_socket(executor_type(c.get_executor())) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_socket(Context& c, const protocol_type& protocol)
        : basic_socket(executor_type(c.get_executor()), protocol) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_socket(Context& c, const endpoint_type& endpoint)
        : basic_socket(executor_type(c.get_executor()), endpoint) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_socket(Context& c, const protocol_type& protocol, const native_handle_type& fd)
        : basic_socket(executor_type(c.get_executor()), protocol, fd) {}

    basic_socket(const basic_socket&) = delete;
    basic_socket& operator=(const basic_socket&) = delete;
    basic_socket(basic_socket&&) = default;
    basic_socket& operator=(basic_socket&&) = default;

    /// From a socket of another executor or protocol. Pending operations move along; the ring stays.
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::converts_to<OtherProtocol, OtherExecutor, Protocol, Executor>
    basic_socket(basic_socket<OtherProtocol, OtherExecutor>&& other)
        : base(std::in_place, std::move(other.impl_)) {}
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::converts_to<OtherProtocol, OtherExecutor, Protocol, Executor>
    basic_socket& operator=(basic_socket<OtherProtocol, OtherExecutor>&& other) {
        basic_socket moved(std::move(other));
        return *this = std::move(moved);
    }

    lowest_layer_type& lowest_layer() { return *this; }
    const lowest_layer_type& lowest_layer() const { return *this; }

    bool at_mark() const {
        error_code ec;
        const bool result = at_mark(ec);
        aura::detail::throw_if(ec, "at_mark");
        return result;
    }
    bool at_mark(error_code& ec) const {
        bool result = false;
        ec = aura::detail::to_error_code(aura::core::at_out_of_band_mark(this->impl_.fd_in_order(), result));
        return result;
    }

    std::size_t available() const {
        error_code ec;
        const std::size_t n = available(ec);
        aura::detail::throw_if(ec, "available");
        return n;
    }
    std::size_t available(error_code& ec) const {
        std::size_t n = 0;
        ec = aura::detail::to_error_code(aura::core::bytes_available(this->impl_.fd_in_order(), n));
        return n;
    }

    /// Opens the socket if it is closed. Waits for the outcome also where non_blocking() is on.
    void connect(const endpoint_type& peer) {
        this->throwing("connect", [&](error_code& ec) { connect(peer, ec); });
    }
    aura::detail::sync_result connect(const endpoint_type& peer, error_code& ec) {
        ec = {};
        if (!this->is_open())
            this->open(peer.protocol(), ec);
        if (ec)
            return aura::detail::sync_return(ec);
        return aura::detail::sync_return(ec = aura::detail::to_error_code(aura::core::connect_now(
                                             this->impl_.fd_to_block_on(), peer.data(), peer.size())));
    }

    endpoint_type remote_endpoint() const {
        error_code ec;
        endpoint_type e = remote_endpoint(ec);
        aura::detail::throw_if(ec, "remote_endpoint");
        return e;
    }
    endpoint_type remote_endpoint(error_code& ec) const {
        return this->endpoint_by(&aura::core::peer_address, this->impl_.fd(), ec);
    }

    void shutdown(socket_base::shutdown_type what) {
        this->throwing("shutdown", [&](error_code& ec) { shutdown(what, ec); });
    }
    aura::detail::sync_result shutdown(socket_base::shutdown_type what, error_code& ec) {
        return aura::detail::sync_return(
            ec = aura::detail::to_error_code(aura::core::shut_down(this->impl_.fd_in_order(), what)));
    }

private:
    struct start_connect {
        template <class Handler>
        void operator()(basic_socket& self, Handler&& handler, const endpoint_type& peer,
                        const error_code& open_error) const {
            self.template start<aura::detail::connect_request<endpoint_type>>(
                open_error ? open_error.value() : self.unopened(), std::forward<Handler>(handler),
                self.impl_.fd(), peer);
        }
    };
    template <bool IsRead, aura::detail::socket_kind Kind, class Extra>
    struct start_transfer {
        template <class Handler, class Sequence, class... Args>
        void operator()(basic_socket& self, Handler&& handler, const Sequence& buffers,
                        socket_base::message_flags flags, const Args&... extra) const {
            using namespace aura::detail;
            using buffer = std::conditional_t<IsRead, mutable_buffer, const_buffer>;
            using storage = socket_buffers<buffer, Sequence>;
            using work = std::conditional_t<std::is_void_v<Extra>, socket_transfer<IsRead, Kind, storage>,
                                            message_transfer<IsRead, Kind, storage, Extra>>;
            if constexpr (is_null_buffers<Sequence>)
                self.template start<null_transfer>(self.unopened(), std::forward<Handler>(handler),
                                                   self.impl_.fd(), transfer_events(IsRead, flags));
            else
                self.template start<work>(self.unopened(), std::forward<Handler>(handler), self.impl_.fd(),
                                          flags, buffers, extra...);
        }
    };
    using initiate_connect = aura::detail::initiation<basic_socket*, void(error_code), start_connect>;

public:
    /// Connects; opens the socket if it is closed, and tells the handler if that fails. Signature
    /// void(error_code). The endpoint is copied. Cancellation: terminal, partial, total; a cancelled connect
    /// leaves the socket open and in an unspecified state.
    template <class Token = default_completion_token_t<Executor>>
    auto async_connect(const endpoint_type& peer, Token&& token = Token())
        -> aura::detail::initiated<initiate_connect, Token, const endpoint_type&, error_code> {
        error_code open_error;
        if (!this->is_open())
            this->open(peer.protocol(), open_error);
        return aura::detail::initiate<initiate_connect, Token>(this, token, peer, open_error);
    }

protected:
    ~basic_socket() = default;

    /// Transfers of the derived sockets, of `buffers` with `flags` and what `Extra` adds to a message (see
    /// message_transfer); void: nothing, the socket is connected.
    template <bool IsRead, aura::detail::socket_kind Kind, class Extra = void>
    using initiate_transfer = aura::detail::initiation<basic_socket*, void(error_code, std::size_t),
                                                       start_transfer<IsRead, Kind, Extra>>;

    /// Synchronous transfers of the derived sockets.
    template <bool IsRead, aura::detail::socket_kind Kind, class Sequence>
    std::size_t transfer_now(const Sequence& buffers, int flags, msghdr& message, error_code& ec) {
        using namespace aura::detail;
        using buffer = std::conditional_t<IsRead, mutable_buffer, const_buffer>;
        if (!this->is_open()) {
            ec = error::bad_descriptor;
            return 0;
        }
        if constexpr (is_null_buffers<Sequence>) {
            ec = to_error_code(aura::core::wait_for(this->impl_.fd_to_block_on(),
                                                    transfer_events(IsRead, flags), this->waits()));
            return 0;
        }
        gathered<buffer> g(buffers);
        ec = {};
        if (Kind == socket_kind::stream && g.total == 0)
            return 0;
        message.msg_iov = g.vectors;
        message.msg_iovlen = g.count;
        const long n =
            IsRead ? aura::core::receive_now(this->impl_.fd_to_block_on(), message, flags, this->waits())
                   : aura::core::send_now(this->impl_.fd_to_block_on(), message, flags, this->waits());
        ec = transfer_code(static_cast<int>(n), IsRead, Kind, g.total != 0);
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }
};

AURAIO_NET_CLOSE
