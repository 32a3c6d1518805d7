// sockets: starting operations on sockets, and timeouts.
#include "start_operation.hpp"

#include <sys/socket.h>

using namespace aura::capi;
using aura::core::request_kind;

namespace {

aura_request_t* start_message(aura_engine_t* engine, aura_op_type_t type, request_kind kind, int fd,
                              const void* data, size_t len, int flags, aura_callback_t callback,
                              void* user_data) noexcept {
    if (fd < 0)
        return refuse(EBADF);
    if (!data && len != 0)
        return refuse(EINVAL);
    operation_description d{type, {}};
    d.request.kind = kind;
    d.request.fd = fd;
    d.request.address = data;
    d.request.length =
        static_cast<std::uint32_t>(len < aura::core::most_bytes ? len : aura::core::most_bytes);
    d.request.flags = static_cast<unsigned>(flags);
    return start(engine, d, callback, user_data);
}

/// The same for what a header describes.
aura_request_t* start_described(aura_engine_t* engine, aura_op_type_t type, request_kind kind, int fd,
                                const msghdr* message, int flags, aura_callback_t callback,
                                void* user_data) noexcept {
    if (fd < 0)
        return refuse(EBADF);
    if (!message)
        return refuse(EINVAL);
    operation_description d{type, {}};
    d.request.kind = kind;
    d.request.fd = fd;
    d.request.address = message;
    d.request.flags = static_cast<unsigned>(flags);
    return start(engine, d, callback, user_data);
}

} // namespace

aura_request_t* aura_recv(aura_engine_t* engine, int fd, void* data, size_t len, int flags,
                          aura_callback_t callback, void* user_data) {
    return start_message(engine, AURA_OP_RECV, request_kind::recv, fd, data, len, flags, callback, user_data);
}

aura_request_t* aura_send(aura_engine_t* engine, int fd, const void* data, size_t len, int flags,
                          aura_callback_t callback, void* user_data) {
    // It may be a message, which the kernel must not send a second time by itself: it would arrive empty. The
    // engine waits and begins anew.
    return start_message(engine, AURA_OP_SEND, request_kind::send, fd, data, len, flags | MSG_DONTWAIT,
                         callback, user_data);
}

aura_request_t* aura_recvmsg(aura_engine_t* engine, int fd, msghdr* message, int flags,
                             aura_callback_t callback, void* user_data) {
    return start_described(engine, AURA_OP_RECVMSG, request_kind::recvmsg, fd, message, flags, callback,
                           user_data);
}

aura_request_t* aura_sendmsg(aura_engine_t* engine, int fd, const msghdr* message, int flags,
                             aura_callback_t callback, void* user_data) {
    return start_described(engine, AURA_OP_SENDMSG, request_kind::sendmsg, fd, message, flags | MSG_DONTWAIT,
                           callback, user_data); // as aura_send()
}

aura_request_t* aura_accept(aura_engine_t* engine, int fd, sockaddr* address, socklen_t* address_len,
                            int flags, aura_callback_t callback, void* user_data) {
    if (fd < 0)
        return refuse(EBADF);
    constexpr unsigned ours = aura::core::reports_aborted | aura::core::size_apart; // unknown to accept4(2)
    if (!address != !address_len || (static_cast<unsigned>(flags) & ours) != 0)
        return refuse(EINVAL);
    operation_description d{AURA_OP_ACCEPT, {}};
    d.request.kind =
        request_kind::accept_now; // an armed accept would hold the socket: see descriptor_listen.cpp
    d.request.fd = fd;
    d.request.address = address;
    d.request.address2 = address_len;
    d.request.flags = static_cast<unsigned>(flags) | aura::core::size_apart;
    return start(engine, d, callback, user_data);
}

aura_request_t* aura_connect(aura_engine_t* engine, int fd, const sockaddr* address, socklen_t address_len,
                             aura_callback_t callback, void* user_data) {
    if (fd < 0)
        return refuse(EBADF);
    if (!address)
        return refuse(EINVAL);
    operation_description d{AURA_OP_CONNECT, {}};
    d.request.kind = request_kind::connect;
    d.request.fd = fd;
    d.request.address = address;
    d.request.length = address_len;
    return start(engine, d, callback, user_data);
}

aura_request_t* aura_poll_fd(aura_engine_t* engine, int fd, unsigned events, aura_callback_t callback,
                             void* user_data) {
    if (fd < 0)
        return refuse(EBADF);
    if (events > 0xffff) // as much as poll(2) has room for
        return refuse(EINVAL);
    operation_description d{AURA_OP_POLL, {}};
    d.request.kind = request_kind::poll;
    d.request.fd = fd;
    d.request.flags = events;
    return start(engine, d, callback, user_data);
}

aura_request_t* aura_timeout(aura_engine_t* engine, uint64_t nanoseconds, aura_callback_t callback,
                             void* user_data) {
    if (!engine)
        return refuse(EINVAL);
    if (const int refused = engine->refusal())
        return refuse(refused);
    aura_request_t* handle = nullptr;
    guarded([&] {
        aura::core::shard& home = engine->select();
        request_slot* const r = engine->allocate();
        if (!r)
            return fail(ENOMEM);
        const auto now = aura::core::monotonic_now();
        const auto longest = aura::core::never - 1 - now;
        r->prepare(*engine, home, AURA_OP_TIMEOUT, -1, callback, user_data);
        timeout_part& timer = r->make_timeout(home);
        handle = r->publish(false);
        timer.start(now + (nanoseconds < longest ? nanoseconds : longest));
        return 0;
    });
    return handle;
}
