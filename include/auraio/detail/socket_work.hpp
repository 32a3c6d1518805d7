// socket_work: the kinds of socket I/O: each a Work of io_op.
#pragma once

#include "auraio/core/io_operation.hpp"
#include "auraio/core/socket_calls.hpp"
#include "auraio/detail/transfer.hpp"

#include AURAIO_ASIO(socket_base.hpp)

#include <algorithm>
#include <poll.h>
#include <unistd.h>

AURAIO_OPEN
namespace detail {

/// More buffers than this are not sent, or filled, by one datagram; as in Asio.
inline constexpr std::size_t most_datagram_iovecs = 64;

/// What differs between the ways of moving data: who ends a stream, and what an empty transfer means.
enum class socket_kind : std::uint8_t {
    stream, ///< nothing to transfer completes at once; receiving nothing means the end
    message ///< datagrams, raw, seq-packet: an empty message is a message
};

template <class Buffer, class Sequence, socket_kind Kind>
using socket_buffers =
    std::conditional_t<std::is_convertible_v<const Sequence&, Buffer>, single<Buffer>,
                       gathered<Buffer, Kind == socket_kind::stream ? most_iovecs : most_datagram_iovecs>>;

/// poll(2)'s words for Asio's.
inline short poll_events(net::socket_base::wait_type w) noexcept {
    switch (w) {
    case net::socket_base::wait_read:
        return POLLIN;
    case net::socket_base::wait_write:
        return POLLOUT;
    default:
        return POLLPRI | POLLERR | POLLHUP;
    }
}

template <class Storage>
iovec* vectors_of(Storage& s, iovec& one) noexcept {
    if constexpr (requires { s.data; }) {
        one = {const_cast<void*>(s.data), s.total};
        return &one;
    } else {
        return s.vectors;
    }
}
template <class Storage>
std::size_t count_of(const Storage& s) noexcept {
    if constexpr (requires { s.data; })
        return 1;
    else
        return s.count;
}

/// The flags of a transfer: no signal for a peer that has gone, and for messages two things more. A send is
/// tried by the kernel and, where it cannot be done at once, again from the start, by the engine: when the
/// kernel itself repeats a send that was refused, it goes on behind the bytes that the refused attempt had
/// taken already, and an empty message arrives. MSG_WAITALL means nothing for a message, but would make
/// io_uring join several.
constexpr int transfer_flags(int flags, bool is_read, socket_kind kind) noexcept {
    if (is_read)
        return kind == socket_kind::message ? flags & ~MSG_WAITALL : flags;
    return flags | MSG_NOSIGNAL | (kind == socket_kind::message ? MSG_DONTWAIT : 0);
}

inline error_code transfer_code(int result, bool is_read, socket_kind kind, std::size_t wanted) noexcept {
    if (is_read && result == 0 && kind == socket_kind::stream && wanted != 0)
        return net::error::eof;
    return to_error_code(result);
}

/// recv and send on a connected socket: signature void(error_code, std::size_t).
template <bool IsRead, socket_kind Kind, class Storage>
class socket_transfer {
public:
    static constexpr bool concerns_descriptor = false;

    template <class Sequence>
    socket_transfer(int fd, int flags, const Sequence& buffers)
        : buffers_(buffers)
        , fd_(fd)
        , flags_(transfer_flags(flags, IsRead, Kind)) {}

    core::io_request request() {
        core::io_request r;
        if (Kind == socket_kind::stream && buffers_.total == 0)
            return r; // nop: a recv of nothing would wait for something
        r.fd = fd_;
        r.flags = static_cast<std::uint32_t>(flags_);
        if (count_of(buffers_) <= 1) {
            iovec one{};
            const iovec& v = count_of(buffers_) == 0 ? one : *vectors_of(buffers_, one);
            r.kind = IsRead ? core::request_kind::recv : core::request_kind::send;
            r.address = v.iov_base;
            r.length = static_cast<std::uint32_t>(v.iov_len);
        } else if constexpr (!is_single) {
            message_.msg_iov = buffers_.vectors;
            message_.msg_iovlen = buffers_.count;
            r.kind = IsRead ? core::request_kind::recvmsg : core::request_kind::sendmsg;
            r.address = &message_;
        }
        return r;
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(transfer_code(result, IsRead, Kind, buffers_.total),
                  static_cast<std::size_t>(result > 0 ? result : 0));
    }

private:
    static constexpr bool is_single = requires(Storage& s) { s.data; };
    struct nothing {};

    Storage buffers_;
    [[no_unique_address]] std::conditional_t<is_single, nothing, msghdr> message_{};
    int fd_;
    int flags_;
};

/// recvmsg and sendmsg with what only they have: an address (datagrams), flags that come back (seq-packet).
/// `Extra` says which: attach(msghdr&) before, detach(const msghdr&, result) after.
template <bool IsRead, socket_kind Kind, class Storage, class Extra>
class message_transfer {
public:
    static constexpr bool concerns_descriptor = false;

    template <class Sequence, class... Args>
    message_transfer(int fd, int flags, const Sequence& buffers, Args&&... args)
        : buffers_(buffers)
        , extra_(std::forward<Args>(args)...)
        , fd_(fd)
        , flags_(transfer_flags(flags, IsRead, Kind)) {}

    core::io_request request() {
        message_.msg_iov = vectors_of(buffers_, one_);
        message_.msg_iovlen = count_of(buffers_);
        extra_.attach(message_);
        core::io_request r;
        r.kind = IsRead ? core::request_kind::recvmsg : core::request_kind::sendmsg;
        r.fd = fd_;
        r.flags = static_cast<std::uint32_t>(flags_);
        r.address = &message_;
        return r;
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        extra_.detach(message_, result);
        done.call(transfer_code(result, IsRead, Kind, buffers_.total),
                  static_cast<std::size_t>(result > 0 ? result : 0));
    }

private:
    Storage buffers_;
    Extra extra_;
    msghdr message_{};
    iovec one_{};
    int fd_;
    int flags_;
};

/// Of an address that the kernel has written: `size` is its own, which may be more than there was room for.
template <class Endpoint>
void resize_endpoint(Endpoint& e, socklen_t size) {
    e.resize(std::min<std::size_t>(size, e.capacity()));
}

/// Where the sender's address goes. The endpoint is the caller's and lives until the handler is called.
template <class Endpoint>
class receives_from {
public:
    explicit receives_from(Endpoint* e)
        : endpoint_(e) {}
    void attach(msghdr& m) {
        m.msg_name = endpoint_->data();
        m.msg_namelen = static_cast<socklen_t>(endpoint_->capacity());
    }
    void detach(const msghdr& m, int result) {
        if (result >= 0)
            resize_endpoint(*endpoint_, m.msg_namelen);
    }

private:
    Endpoint* endpoint_;
};

/// The receiver's address, copied.
template <class Endpoint>
class sends_to {
public:
    explicit sends_to(const Endpoint& e)
        : endpoint_(e) {}
    void attach(msghdr& m) {
        m.msg_name = const_cast<void*>(static_cast<const void*>(endpoint_.data()));
        m.msg_namelen = static_cast<socklen_t>(endpoint_.size());
    }
    void detach(const msghdr&, int) {}

private:
    Endpoint endpoint_;
};

/// The flags of what was received (MSG_EOR, MSG_TRUNC).
class yields_flags {
public:
    explicit yields_flags(net::socket_base::message_flags* out)
        : out_(out) {}
    void attach(msghdr&) {}
    void detach(const msghdr& m, int result) { *out_ = result >= 0 ? m.msg_flags : 0; }

private:
    net::socket_base::message_flags* out_;
};

/// Readiness. Signature void(error_code).
class wait_request {
public:
    static constexpr bool concerns_descriptor = false;

    wait_request(int fd, short events)
        : fd_(fd)
        , events_(events) {}

    core::io_request request() const {
        core::io_request r;
        r.kind = core::request_kind::poll;
        r.fd = fd_;
        r.flags = static_cast<std::uint16_t>(events_);
        return r;
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(result >= 0 && (result & POLLNVAL) != 0 ? to_error_code(-EBADF) : to_error_code(result));
    }

private:
    int fd_;
    short events_;
};

/// Readiness of a listening socket: it is not held by the wait. Signature void(error_code).
class connection_wait_request : public wait_request {
public:
    using wait_request::wait_request;

    core::io_request request() const {
        core::io_request r = wait_request::request();
        r.length = r.flags == POLLIN ? 1 : 0;
        return r;
    }
};

/// connect(2). Signature void(error_code).
template <class Endpoint>
class connect_request {
public:
    static constexpr bool concerns_descriptor = false;

    connect_request(int fd, const Endpoint& e)
        : endpoint_(e)
        , fd_(fd) {}

    core::io_request request() const {
        core::io_request r;
        r.kind = core::request_kind::connect;
        r.fd = fd_;
        r.address = endpoint_.data();
        r.length = static_cast<std::uint32_t>(endpoint_.size());
        return r;
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(to_error_code(result));
    }

private:
    Endpoint endpoint_;
    int fd_;
};

/// accept(2). `Receiver` says where the address of the other end goes: peer(), an endpoint or null; and makes
/// of the new descriptor what the handler gets: receive(error_code, fd, Completion&), where fd is -1 on
/// failure.
template <class Receiver>
class accept_request {
public:
    static constexpr bool concerns_descriptor = false;

    template <class... Args>
    accept_request(int fd, bool report_aborted, Args&&... args)
        : receiver_(std::forward<Args>(args)...)
        , fd_(fd)
        , report_aborted_(report_aborted) {}

    core::io_request request() {
        core::io_request r;
        r.kind = core::request_kind::accept_now;
        r.fd = fd_;
        r.flags = SOCK_CLOEXEC;
        r.length = report_aborted_ ? 1 : 0;
        if (auto* const peer = receiver_.peer()) {
            // With the accept: a connection that was reset meanwhile has no address to be asked for any more.
            size_ = static_cast<socklen_t>(peer->capacity());
            r.address = peer->data();
            r.address2 = &size_;
        }
        return r;
    }

    /// The context is being destroyed: the connection has no other owner.
    static void dispose(int result) noexcept {
        if (result >= 0)
            ::close(result);
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        if (auto* const peer = receiver_.peer(); peer && result >= 0)
            resize_endpoint(*peer, size_);
        receiver_.receive(to_error_code(result), result >= 0 ? result : -1, done);
    }

private:
    Receiver receiver_;
    socklen_t size_ = 0;
    int fd_;
    bool report_aborted_;
};

} // namespace detail
AURAIO_CLOSE
