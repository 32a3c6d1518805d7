// whole_receives: part by part, behind what has come.
#include "whole_receives.hpp"

#include "attempts.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <new>
#include <poll.h>
#include <span>
#include <sys/socket.h>
#include <sys/uio.h>

namespace aura::core::epoll {

namespace {

std::size_t room_of(const short_request& r) noexcept {
    if (r.kind == request_kind::recv)
        return r.length;
    const auto& message = *static_cast<const msghdr*>(r.address);
    std::size_t room = 0;
    for (std::size_t i = 0; i < message.msg_iovlen; ++i)
        room += message.msg_iov[i].iov_len;
    return room;
}

/// What is left of the buffers behind `got` bytes, as far as it fits.
std::size_t buffers_behind(const short_request& r, std::size_t got, std::span<iovec> left) noexcept {
    iovec one{const_cast<void*>(r.address), r.length};
    const iovec* from = &one;
    std::size_t count = 1;
    if (r.kind == request_kind::recvmsg) {
        assert(r.address);
        const auto& message = *static_cast<const msghdr*>(r.address);
        from = message.msg_iov;
        count = message.msg_iovlen;
    }
    std::size_t used = 0;
    for (std::size_t i = 0; i < count && used < left.size(); ++i) {
        const std::size_t skipped = std::min(got, from[i].iov_len);
        got -= skipped;
        if (from[i].iov_len != skipped)
            left[used++] = {static_cast<char*>(from[i].iov_base) + skipped, from[i].iov_len - skipped};
    }
    return used;
}

/// The control data that comes with a message is what came with its first part.
int receive_behind(const short_request& r, int fd, std::size_t got) noexcept {
    std::array<iovec, 64> left;
    msghdr message{};
    msghdr* const whole =
        r.kind == request_kind::recvmsg ? static_cast<msghdr*>(const_cast<void*>(r.address)) : nullptr;
    if (whole && got == 0) { // into all its buffers, however many
        message = *whole;
    } else {
        message.msg_iov = left.data();
        message.msg_iovlen = buffers_behind(r, got, left);
    }
    const ssize_t n = ::recvmsg(fd, &message, static_cast<int>(r.flags | MSG_DONTWAIT));
    if (n < 0)
        return -errno;
    if (whole && got == 0) {
        whole->msg_namelen = message.msg_namelen;
        whole->msg_controllen = message.msg_controllen;
        whole->msg_flags = message.msg_flags;
    }
    return static_cast<int>(n);
}

} // namespace

int whole_receives::attempt(const io_operation& op, int fd) noexcept {
    const short_request& r = op.request();
    const std::size_t room = room_of(r);
    const auto known = find(op);
    std::size_t got = known != parts_.end() ? known->got : 0;
    if (got == 0 && !is_stream(fd)) // messages are whole
        return receive_behind(r, fd, 0);
    const bool peeks = (r.flags & MSG_PEEK) != 0;
    // Asked before the look, which then sees all that came before the end; no event comes after that.
    const bool ended = peeks && events_now(fd, POLLRDHUP) != 0;
    for (;;) {
        const int n = receive_behind(r, fd, got);
        if (peeks && n > 0)
            return static_cast<std::size_t>(n) < room && !ended ? -EAGAIN : n;
        if (n > 0)
            got += static_cast<std::size_t>(n);
        if (n == -EAGAIN && got < room)
            return got == 0 || remember(op, got) ? -EAGAIN : static_cast<int>(got);
        if (n <= 0 || got >= room) // all, or all that will ever come
            return got != 0 ? static_cast<int>(got) : n;
    }
}

int whole_receives::end(const io_operation& op, int result) noexcept {
    const auto known = find(op);
    if (known == parts_.end())
        return result;
    const std::size_t got = known->got;
    parts_.erase(known);
    return result > 0 ? result : static_cast<int>(got);
}

std::vector<whole_receives::part>::iterator whole_receives::find(const io_operation& op) noexcept {
    return std::find_if(parts_.begin(), parts_.end(), [&](const part& p) { return p.op == &op; });
}

/// False for want of memory.
bool whole_receives::remember(const io_operation& op, std::size_t got) noexcept {
    if (const auto known = find(op); known != parts_.end()) {
        known->got = got;
        return true;
    }
    try {
        parts_.push_back({&op, got});
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

} // namespace aura::core::epoll
