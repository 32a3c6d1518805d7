// message_socket: what datagram and raw sockets have in common, which is everything but the name.
#pragma once

#include "auraio/asio/basic_socket.hpp"

AURAIO_OPEN
namespace detail {

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
    static constexpr auto kind = socket_kind::message;
    using initiate_send = typename base::template initiate_transfer<false, kind>;
    using initiate_send_to = typename base::template initiate_transfer<false, kind, sends_to<endpoint_type>>;
    using initiate_receive = typename base::template initiate_transfer<true, kind>;
    using initiate_receive_from =
        typename base::template initiate_transfer<true, kind, receives_from<endpoint_type>>;

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
        return this->template transfer_now<false, kind>(buffers, flags, message, ec);
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
        return this->template transfer_now<false, kind>(buffers, flags, message, ec);
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
        return this->template transfer_now<true, kind>(buffers, flags, message, ec);
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
        const std::size_t n = this->template transfer_now<true, kind>(buffers, flags, message, ec);
        if (!ec)
            sender.resize(message.msg_namelen);
        return n;
    }

    /// Sends a message to the endpoint the socket is connected to.
    template <class ConstBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_send(const ConstBufferSequence& buffers, Token&& token = Token())
        -> initiated<initiate_send, Token, const ConstBufferSequence&, message_flags> {
        return initiate<initiate_send, Token>(this, token, buffers, message_flags(0));
    }
    template <class ConstBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_send(const ConstBufferSequence& buffers, message_flags flags, Token&& token = Token())
        -> initiated<initiate_send, Token, const ConstBufferSequence&, message_flags> {
        return initiate<initiate_send, Token>(this, token, buffers, flags);
    }

    /// Sends a message to `destination`.
    template <class ConstBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_send_to(const ConstBufferSequence& buffers, const endpoint_type& destination,
                       Token&& token = Token())
        -> initiated<initiate_send_to, Token, const ConstBufferSequence&, message_flags,
                     const endpoint_type&> {
        return initiate<initiate_send_to, Token>(this, token, buffers, message_flags(0), destination);
    }
    template <class ConstBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_send_to(const ConstBufferSequence& buffers, const endpoint_type& destination,
                       message_flags flags, Token&& token = Token())
        -> initiated<initiate_send_to, Token, const ConstBufferSequence&, message_flags,
                     const endpoint_type&> {
        return initiate<initiate_send_to, Token>(this, token, buffers, flags, destination);
    }

    /// Receives a message; an empty one is a success with 0 bytes.
    template <class MutableBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_receive(const MutableBufferSequence& buffers, Token&& token = Token())
        -> initiated<initiate_receive, Token, const MutableBufferSequence&, message_flags> {
        return initiate<initiate_receive, Token>(this, token, buffers, message_flags(0));
    }
    template <class MutableBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_receive(const MutableBufferSequence& buffers, message_flags flags, Token&& token = Token())
        -> initiated<initiate_receive, Token, const MutableBufferSequence&, message_flags> {
        return initiate<initiate_receive, Token>(this, token, buffers, flags);
    }

    /// Receives a message, and its sender's address into `sender`.
    template <class MutableBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_receive_from(const MutableBufferSequence& buffers, endpoint_type& sender,
                            Token&& token = Token())
        -> initiated<initiate_receive_from, Token, const MutableBufferSequence&, message_flags,
                     endpoint_type*> {
        return initiate<initiate_receive_from, Token>(this, token, buffers, message_flags(0), &sender);
    }
    template <class MutableBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_receive_from(const MutableBufferSequence& buffers, endpoint_type& sender, message_flags flags,
                            Token&& token = Token())
        -> initiated<initiate_receive_from, Token, const MutableBufferSequence&, message_flags,
                     endpoint_type*> {
        return initiate<initiate_receive_from, Token>(this, token, buffers, flags, &sender);
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
