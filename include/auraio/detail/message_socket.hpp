// message_socket: what datagram and raw sockets have in common, which is everything but the name.
#pragma once

#include "auraio/asio/basic_socket.hpp"

AURAIO_OPEN
namespace detail {

/// In an initiation: starts a transfer of one message on `Socket`, with what `Extra` adds to it (see
/// message_transfer); void: nothing, the socket is connected.
template <class Socket, bool IsRead, class Extra = void>
class initiate_message {
    static constexpr auto kind = socket_kind::message;
    using buffer = std::conditional_t<IsRead, net::mutable_buffer, net::const_buffer>;
    template <class Storage>
    using work = std::conditional_t<std::is_void_v<Extra>, socket_transfer<IsRead, kind, Storage>,
                                    message_transfer<IsRead, kind, Storage, Extra>>;

public:
    using executor_type = typename Socket::executor_type;
    explicit initiate_message(Socket* self)
        : self_(self) {}
    executor_type get_executor() const noexcept { return self_->get_executor(); }

    template <class Handler, class Sequence, class... Args>
    void operator()(Handler&& handler, const Sequence& buffers, net::socket_base::message_flags flags,
                    const Args&... extra) const {
        check_handler<Handler, error_code, std::size_t>();
        if constexpr (is_null_buffers<Sequence>)
            self_->template start<null_transfer>(self_->unopened(), std::forward<Handler>(handler),
                                                 self_->impl_.fd(), transfer_events(IsRead, flags));
        else
            self_->template start<work<socket_buffers<buffer, Sequence>>>(
                self_->unopened(), std::forward<Handler>(handler), self_->impl_.fd(), flags, buffers,
                extra...);
    }

private:
    Socket* self_;
};

/// Base of the specialisations of basic_datagram_socket and basic_raw_socket. Interface and meaning are
/// Asio's; see there. Any number of operations may be pending at once, in either direction; those of one
/// direction are carried out in the order they were started. An operation moves one message; more than 64
/// non-empty buffers are not looked at, and what does not fit into the buffers of a receive is lost.
///
/// Buffers, and the endpoint a sender's address goes to, must live until the handler is called, cancelled or
/// not; a destination is copied. The handler is never called from within the initiating function. Signature
/// void(error_code, std::size_t). Errors are the system's (a refused datagram is told to the next operation:
/// connection_refused; what is too long: message_size) and operation_aborted. Cancellation: terminal,
/// partial, total: a cancelled operation has transferred nothing.
template <class Protocol, class Executor>
class message_socket : public net::basic_socket<Protocol, Executor> {
    using base = net::basic_socket<Protocol, Executor>;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;
    using message_flags = net::socket_base::message_flags;

private:
    template <class, bool, class>
    friend class initiate_message;
    using initiate_async_send = initiate_message<message_socket, false>;
    using initiate_async_send_to = initiate_message<message_socket, false, sends_to<endpoint_type>>;
    using initiate_async_receive = initiate_message<message_socket, true>;
    using initiate_async_receive_from = initiate_message<message_socket, true, receives_from<endpoint_type>>;

public:
    template <class ConstBufferSequence>
    std::size_t send(const ConstBufferSequence& buffers, message_flags flags = 0) {
        error_code ec;
        const std::size_t n = send(buffers, flags, ec);
        throw_if(ec, "send");
        return n;
    }
    template <class ConstBufferSequence>
    std::size_t send(const ConstBufferSequence& buffers, message_flags flags, error_code& ec) {
        msghdr message{};
        return this->template transfer_now<false, socket_kind::message>(buffers, flags, message, ec);
    }

    template <class ConstBufferSequence>
    std::size_t send_to(const ConstBufferSequence& buffers, const endpoint_type& destination,
                        message_flags flags = 0) {
        error_code ec;
        const std::size_t n = send_to(buffers, destination, flags, ec);
        throw_if(ec, "send_to");
        return n;
    }
    template <class ConstBufferSequence>
    std::size_t send_to(const ConstBufferSequence& buffers, const endpoint_type& destination,
                        message_flags flags, error_code& ec) {
        msghdr message{};
        message.msg_name = const_cast<void*>(static_cast<const void*>(destination.data()));
        message.msg_namelen = static_cast<socklen_t>(destination.size());
        return this->template transfer_now<false, socket_kind::message>(buffers, flags, message, ec);
    }

    template <class MutableBufferSequence>
    std::size_t receive(const MutableBufferSequence& buffers, message_flags flags = 0) {
        error_code ec;
        const std::size_t n = receive(buffers, flags, ec);
        throw_if(ec, "receive");
        return n;
    }
    template <class MutableBufferSequence>
    std::size_t receive(const MutableBufferSequence& buffers, message_flags flags, error_code& ec) {
        msghdr message{};
        return this->template transfer_now<true, socket_kind::message>(buffers, flags, message, ec);
    }

    template <class MutableBufferSequence>
    std::size_t receive_from(const MutableBufferSequence& buffers, endpoint_type& sender,
                             message_flags flags = 0) {
        error_code ec;
        const std::size_t n = receive_from(buffers, sender, flags, ec);
        throw_if(ec, "receive_from");
        return n;
    }
    template <class MutableBufferSequence>
    std::size_t receive_from(const MutableBufferSequence& buffers, endpoint_type& sender, message_flags flags,
                             error_code& ec) {
        msghdr message{};
        message.msg_name = sender.data();
        message.msg_namelen = static_cast<socklen_t>(sender.capacity());
        const std::size_t n =
            this->template transfer_now<true, socket_kind::message>(buffers, flags, message, ec);
        if (!ec)
            sender.resize(message.msg_namelen);
        return n;
    }

    /// Sends a message to the endpoint the socket is connected to.
    template <class ConstBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_send(const ConstBufferSequence& buffers, Token&& token = Token())
        -> decltype(net::async_initiate<Token, void(error_code, std::size_t)>(
            std::declval<initiate_async_send>(), token, buffers, message_flags(0))) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(initiate_async_send(this), token,
                                                                         buffers, message_flags(0));
    }
    template <class ConstBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_send(const ConstBufferSequence& buffers, message_flags flags, Token&& token = Token())
        -> decltype(net::async_initiate<Token, void(error_code, std::size_t)>(
            std::declval<initiate_async_send>(), token, buffers, flags)) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(initiate_async_send(this), token,
                                                                         buffers, flags);
    }

    /// Sends a message to `destination`.
    template <class ConstBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_send_to(const ConstBufferSequence& buffers, const endpoint_type& destination,
                       Token&& token = Token())
        -> decltype(net::async_initiate<Token, void(error_code, std::size_t)>(
            std::declval<initiate_async_send_to>(), token, buffers, message_flags(0), destination)) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(
            initiate_async_send_to(this), token, buffers, message_flags(0), destination);
    }
    template <class ConstBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_send_to(const ConstBufferSequence& buffers, const endpoint_type& destination,
                       message_flags flags, Token&& token = Token())
        -> decltype(net::async_initiate<Token, void(error_code, std::size_t)>(
            std::declval<initiate_async_send_to>(), token, buffers, flags, destination)) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(initiate_async_send_to(this), token,
                                                                         buffers, flags, destination);
    }

    /// Receives a message; an empty one is a success with 0 bytes.
    template <class MutableBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_receive(const MutableBufferSequence& buffers, Token&& token = Token())
        -> decltype(net::async_initiate<Token, void(error_code, std::size_t)>(
            std::declval<initiate_async_receive>(), token, buffers, message_flags(0))) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(initiate_async_receive(this), token,
                                                                         buffers, message_flags(0));
    }
    template <class MutableBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_receive(const MutableBufferSequence& buffers, message_flags flags, Token&& token = Token())
        -> decltype(net::async_initiate<Token, void(error_code, std::size_t)>(
            std::declval<initiate_async_receive>(), token, buffers, flags)) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(initiate_async_receive(this), token,
                                                                         buffers, flags);
    }

    /// Receives a message, and its sender's address into `sender`.
    template <class MutableBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_receive_from(const MutableBufferSequence& buffers, endpoint_type& sender,
                            Token&& token = Token())
        -> decltype(net::async_initiate<Token, void(error_code, std::size_t)>(
            std::declval<initiate_async_receive_from>(), token, buffers, message_flags(0), &sender)) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(
            initiate_async_receive_from(this), token, buffers, message_flags(0), &sender);
    }
    template <class MutableBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_receive_from(const MutableBufferSequence& buffers, endpoint_type& sender, message_flags flags,
                            Token&& token = Token())
        -> decltype(net::async_initiate<Token, void(error_code, std::size_t)>(
            std::declval<initiate_async_receive_from>(), token, buffers, flags, &sender)) {
        return net::async_initiate<Token, void(error_code, std::size_t)>(initiate_async_receive_from(this),
                                                                         token, buffers, flags, &sender);
    }

protected:
    using base::base;
    message_socket(message_socket&&) = default;
    message_socket& operator=(message_socket&&) = default;
    template <class OtherProtocol, class OtherExecutor>
    explicit message_socket(message_socket<OtherProtocol, OtherExecutor>&& other)
        : base(std::move(other)) {}
    ~message_socket() = default;
};

} // namespace detail
AURAIO_CLOSE
