// socket_work: the kinds of socket I/O: each a Work of io_op.
#pragma once

#include "auraio/core/io/io_operation.hpp"
#include "auraio/core/io/socket_calls.hpp"
#include "auraio/detail/handler_tracking.hpp"
#include "auraio/detail/transfer.hpp"

#include AURAIO_ASIO(socket_base.hpp)

#include <algorithm>
#include <cstring>
#include <poll.h>
#include <unistd.h>

AURAIO_OPEN
namespace detail {

/// What differs between the ways of moving data: who ends a stream, and what an empty transfer means.
enum class socket_kind : std::uint8_t {
    stream, ///< nothing to transfer completes at once; receiving nothing means the end
    message ///< datagrams, raw, seq-packet: an empty message is a message
};

template <class Buffer, class Sequence>
using socket_buffers = std::conditional_t<std::is_convertible_v<const Sequence&, Buffer>, single<Buffer>,
                                          several<Buffer, most_iovecs>>;

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

inline error_code transfer_code(int result, bool is_read, socket_kind kind, bool wanted) noexcept {
    if (is_read && result == 0 && kind == socket_kind::stream && wanted)
        return net::error::eof;
    return to_error_code(result);
}

/// recv and send on a connected socket: signature void(error_code, std::size_t). Nothing of the request is
/// kept twice.
template <bool IsRead, socket_kind Kind, class Storage>
class socket_transfer {
public:
    static constexpr bool concerns_descriptor = false;
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = IsRead ? "async_receive" : "async_send";)

    template <class Sequence>
    socket_transfer(core::short_request& r, int fd, int flags, const Sequence& buffers) {
        const extent e = Storage::measure(buffers);
        if (Kind == socket_kind::stream && e.total == 0)
            return; // nop: a recv of nothing would wait for something
        r.fd = fd;
        r.flags = static_cast<std::uint32_t>(transfer_flags(flags, IsRead, Kind));
        if constexpr (is_several<Storage>) {
            if (e.count > 1) {
                block_ = core::vector_block(e.count);
                Storage::fill(buffers, block_.vectors());
                block_.header().msg_iov = block_.vectors();
                block_.header().msg_iovlen = e.count;
                r.kind = IsRead ? core::request_kind::recvmsg : core::request_kind::sendmsg;
                r.address = &block_.header();
                return;
            }
        }
        r.kind = IsRead ? core::request_kind::recv : core::request_kind::send;
        r.address = e.first.iov_base;
        r.length = static_cast<std::uint32_t>(e.total);
    }

    /// `wanted`: it was a request, and not for nothing on a stream.
    template <class Completion>
    void finish(int result, bool wanted, Completion& done) {
        block_.reset();
        done.call(transfer_code(result, IsRead, Kind, wanted),
                  static_cast<std::size_t>(result > 0 ? result : 0));
    }

private:
    [[no_unique_address]] block_for<Storage> block_;
};

/// recvmsg and sendmsg with what only they have: an address (datagrams), flags that come back (seq-packet).
/// `Extra` says which: name_size(arguments), attach(block, arguments) before, detach(block, result) after.
template <bool IsRead, socket_kind Kind, class Storage, class Extra>
class message_transfer {
public:
    static constexpr bool concerns_descriptor = false;
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = Extra::tracked_name;)

    template <class Sequence, class Arg>
    message_transfer(core::short_request& r, int fd, int flags, const Sequence& buffers, const Arg& extra) {
        const extent e = Storage::measure(buffers);
        block_ = core::vector_block(e.count, Extra::name_size(extra));
        Storage::fill(buffers, block_.vectors());
        block_.header().msg_iov = block_.vectors();
        block_.header().msg_iovlen = e.count;
        Extra::attach(block_, extra);
        r.kind = IsRead ? core::request_kind::recvmsg : core::request_kind::sendmsg;
        r.fd = fd;
        r.flags = static_cast<std::uint32_t>(transfer_flags(flags, IsRead, Kind));
        r.address = &block_.header();
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        Extra::detach(block_, result);
        block_.reset();
        done.call(transfer_code(result, IsRead, Kind, true),
                  static_cast<std::size_t>(result > 0 ? result : 0));
    }

private:
    core::vector_block block_;
};

/// Of an address that the kernel has written: `size` is its own, which may be more than there was room for.
template <class Endpoint>
void resize_endpoint(Endpoint& e, socklen_t size) {
    e.resize(std::min<std::size_t>(size, e.capacity()));
}

/// Where the sender's address goes. The endpoint is the caller's and lives until the handler is called.
template <class Endpoint>
struct receives_from {
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = "async_receive_from";)
    static std::size_t name_size(Endpoint*) { return 0; }
    static void attach(const core::vector_block& b, Endpoint* e) {
        b.header().msg_name = e->data();
        b.header().msg_namelen = static_cast<socklen_t>(e->capacity());
        b.note() = e;
    }
    static void detach(const core::vector_block& b, int result) {
        auto* const e = static_cast<Endpoint*>(b.note());
        if (result >= 0)
            resize_endpoint(*e, b.header().msg_namelen);
    }
};

/// The receiver's address, copied.
template <class Endpoint>
struct sends_to {
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = "async_send_to";)
    static std::size_t name_size(const Endpoint& e) { return e.size(); }
    static void attach(const core::vector_block& b, const Endpoint& e) {
        std::memcpy(b.name(), e.data(), e.size());
        b.header().msg_name = b.name();
        b.header().msg_namelen = static_cast<socklen_t>(e.size());
    }
    static void detach(const core::vector_block&, int) {}
};

/// The flags of what was received (MSG_EOR, MSG_TRUNC).
struct yields_flags {
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = "async_receive_with_flags";)
    using flags = net::socket_base::message_flags;
    static std::size_t name_size(flags*) { return 0; }
    static void attach(const core::vector_block& b, flags* out) { b.note() = out; }
    static void detach(const core::vector_block& b, int result) {
        *static_cast<flags*>(b.note()) = result >= 0 ? b.header().msg_flags : 0;
    }
};

/// Readiness. Signature void(error_code).
class wait_request {
public:
    static constexpr bool concerns_descriptor = false;
    static constexpr bool asio_keeps_less = true;
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = "async_wait";)

    wait_request(core::short_request& r, int fd, short events) {
        r.kind = core::request_kind::poll;
        r.fd = fd;
        r.flags = static_cast<std::uint16_t>(events);
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(code_of(result));
    }

protected:
    static error_code code_of(int result) noexcept {
        return to_error_code(result >= 0 && (result & POLLNVAL) != 0 ? -EBADF : result);
    }
};

/// Readiness of a listening socket: it is not held by the wait. Signature void(error_code).
class connection_wait_request : public wait_request {
public:
    connection_wait_request(core::short_request& r, int fd, short events)
        : wait_request(r, fd, events) {
        r.listens = 1;
    }
};

/// connect(2). Signature void(error_code).
template <class Endpoint>
class connect_request {
public:
    static constexpr bool concerns_descriptor = false;
    static constexpr bool asio_keeps_less = true;
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = "async_connect";)

    connect_request(core::short_request& r, int fd, const Endpoint& e)
        : block_(0, e.size()) {
        std::memcpy(block_.name(), e.data(), e.size());
        r.kind = core::request_kind::connect;
        r.fd = fd;
        r.address = block_.name();
        r.length = static_cast<std::uint32_t>(e.size());
        const auto protocol = e.protocol();
        const bool at_once =
            protocol.family() == AF_UNIX || protocol.type() == SOCK_DGRAM || protocol.type() == SOCK_RAW;
        r.flags = at_once ? core::connects_at_once : core::connects_later;
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        block_.reset();
        done.call(to_error_code(result == -EAGAIN ? -ENOBUFS : result)); // Asio's word for a full backlog
    }

private:
    core::vector_block block_;
};

/// accept(2). `Receiver` says where the address of the other end goes: peer(), an endpoint or null; and makes
/// of the new descriptor what the handler gets: receive(error_code, fd, Completion&), where fd is -1 on
/// failure.
template <class Receiver>
class accept_request {
public:
    static constexpr bool concerns_descriptor = false;
    static constexpr bool asio_keeps_less = true;
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = "async_accept";)

    template <class... Args>
    accept_request(core::short_request& r, int fd, bool report_aborted, Args&&... args)
        : receiver_(std::forward<Args>(args)...) {
        r.kind = core::request_kind::accept_now;
        r.fd = fd;
        r.flags = SOCK_CLOEXEC | (report_aborted ? core::reports_aborted : 0);
        if (auto* const peer = receiver_.peer()) {
            // With the accept: a connection that was reset meanwhile has no address to be asked for any more.
            r.address = peer->data();
            r.length = static_cast<std::uint32_t>(peer->capacity());
        }
    }

    void take(const core::short_request& r) {
        if (auto* const peer = receiver_.peer())
            resize_endpoint(*peer, r.length);
    }

    /// The context is being destroyed: the connection has no other owner.
    static void dispose(int result) noexcept {
        if (result >= 0)
            ::close(result);
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        receiver_.receive(to_error_code(result), result >= 0 ? result : -1, done);
    }

private:
    Receiver receiver_;
};

} // namespace detail
AURAIO_CLOSE
