// kernel_writes: what memory a completed request was about.
#include "kernel_writes.hpp"

#include "auraio/core/io/io_operation.hpp"

#include <algorithm>
#include <cstddef>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

namespace aura::core::uring {

namespace {

void written(const iovec* vectors, std::size_t count, std::size_t bytes) noexcept {
    for (std::size_t i = 0; i < count && bytes != 0; ++i) {
        const std::size_t part = std::min(vectors[i].iov_len, bytes);
        valgrind::was_written(vectors[i].iov_base, part);
        bytes -= part;
    }
}

/// The kernel writes what it has come to into the header as well. With MSG_TRUNC the result may be more than
/// there is room for.
void message_written(const msghdr& message, std::size_t bytes) noexcept {
    valgrind::was_written(&message, sizeof message);
    if (message.msg_name)
        valgrind::was_written(message.msg_name, message.msg_namelen);
    if (message.msg_control)
        valgrind::was_written(message.msg_control, message.msg_controllen);
    written(message.msg_iov, message.msg_iovlen, bytes);
}

void address_written(const io_operation& op) noexcept {
    const short_request& r = op.request();
    if (!r.address)
        return;
    const void* size = &r.length;
    if ((r.flags & size_apart) != 0)
        size = op.extension().address2;
    if (!size)
        return;
    valgrind::was_written(size, sizeof(socklen_t));
    valgrind::was_written(
        r.address, std::min<std::size_t>(*static_cast<const socklen_t*>(size), sizeof(sockaddr_storage)));
}

void written_for(const io_operation& op, std::size_t result) noexcept {
    const short_request& r = op.request();
    switch (r.kind) {
    case request_kind::read:
    case request_kind::recv:
        valgrind::was_written(r.address, std::min<std::size_t>(result, r.length));
        break;
    case request_kind::readv:
        written(static_cast<const iovec*>(r.address), r.length, result);
        break;
    case request_kind::recvmsg:
        message_written(*static_cast<const msghdr*>(r.address), result);
        break;
    case request_kind::statx:
        valgrind::was_written(op.extension().address2, sizeof(struct statx));
        break;
    case request_kind::accept_now:
        address_written(op);
        break;
    default:
        break;
    }
}

} // namespace

constinit bool memory_is_looked_at = false;

namespace {

[[gnu::constructor(101)]] void look_for_memcheck() noexcept { // the first that is not the compiler's own
    memory_is_looked_at = valgrind::looks_at_memory();
}

} // namespace

[[gnu::cold]] void tell_memcheck(op_queue& done) noexcept {
    for (std::uint32_t n = done.size(); n != 0; --n) { // round once
        operation* const base = done.pop();
        const auto& op = static_cast<const io_operation&>(*base);
        if (op.result() >= 0 && !op.awaits_readiness()) // else it is the poll's
            written_for(op, static_cast<std::size_t>(op.result()));
        done.push(*base);
    }
}

} // namespace aura::core::uring
