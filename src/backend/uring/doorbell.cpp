// doorbell: messages, eventfd and futex.
#include "doorbell.hpp"

#include "auraio/core/loop/engine.hpp"
#include "features.hpp"
#include "kernel_abi.hpp"
#include "ring.hpp"

#include <cerrno>
#include <cstring>
#include <linux/futex.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aura::core::uring {

doorbell::doorbell(wake_mechanism which) {
    const bool can_message = probe().sync_message;
    if (which == wake_mechanism::message && !can_message)
        throw engine_error(ENOSYS, "auraio: wake_mechanism::message needs IORING_REGISTER_SEND_MSG_RING "
                                   "(Linux 6.13); use wake_mechanism::automatic");
    if (which != wake_mechanism::event && can_message)
        return;
    event_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd_ < 0)
        throw engine_error(errno, std::string("auraio: eventfd: ") + std::strerror(errno));
}

doorbell::~doorbell() {
    if (event_fd_ >= 0)
        ::close(event_fd_);
}

void doorbell::strike(int ring_fd, std::uint64_t message) noexcept {
    // Whatever the reason for a refusal, the other way stands open.
    if (event_fd_ < 0 && send_message(ring_fd, message) == 0) [[likely]]
        return;
    strike_requests();
}

void doorbell::strike_requests() noexcept {
    if (event_fd_ >= 0) {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto written = ::write(event_fd_, &one, sizeof one);
        return;
    }
    strokes_.fetch_add(1, std::memory_order_release);
    constexpr int all = 0x7fffffff;
    ::syscall(__NR_futex, &strokes_, FUTEX_WAKE, all, nullptr, nullptr, 0);
}

void doorbell::prepare(io_uring_sqe& sqe) const noexcept {
    if (event_fd_ >= 0) {
        sqe.opcode = IORING_OP_POLL_ADD;
        sqe.fd = event_fd_;
        sqe.poll32_events = POLLIN;
        return;
    }
    static_assert(sizeof strokes_ == sizeof(std::uint32_t));
    sqe.opcode = op_futex_wait;
    // Not a private futex: since Linux 6.16 those of a process move to a table of its own when it makes its
    // first thread, and what its only thread has left waiting in a ring stays behind and is never woken.
    sqe.fd = futex2_size_u32;
    sqe.addr = reinterpret_cast<std::uint64_t>(&strokes_);
    sqe.off = heard_;
    sqe.addr3 = FUTEX_BITSET_MATCH_ANY;
}

void doorbell::heard(int result) noexcept {
    if (event_fd_ >= 0) {
        std::uint64_t count;
        [[maybe_unused]] const auto got = ::read(event_fd_, &count, sizeof count);
        return;
    }
    heard_ = strokes_.load(std::memory_order_acquire);
    // EAGAIN: it had been struck before the kernel took the request. ECANCELED: its thread has ended, or
    // another has come. ENOMEM passes. Anything else will be so for ever.
    usable_ =
        result >= 0 || result == -EAGAIN || result == -ECANCELED || result == -EINTR || result == -ENOMEM;
}

} // namespace aura::core::uring
