// prepare: one case per kind of request.
#include "prepare.hpp"

#include "auraio/core/io/socket_calls.hpp"
#include "features.hpp"
#include "kernel_abi.hpp"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace aura::core::uring {

namespace {

/// Operations on an open file that are not transfers.
void prepare_file(io_uring_sqe& sqe, const io_request& r) noexcept {
    switch (r.kind) {
    case request_kind::fdatasync:
        sqe.opcode = IORING_OP_FSYNC;
        sqe.fsync_flags = IORING_FSYNC_DATASYNC;
        break;
    case request_kind::fallocate:
        sqe.opcode = IORING_OP_FALLOCATE;
        sqe.len = r.flags;
        sqe.addr = r.length64;
        sqe.off = r.offset;
        break;
    case request_kind::ftruncate:
        sqe.opcode = op_ftruncate;
        sqe.off = r.length64;
        break;
    case request_kind::sync_file_range:
        sqe.opcode = IORING_OP_SYNC_FILE_RANGE;
        sqe.off = r.offset;
        sqe.len = r.length;
        sqe.sync_range_flags = r.flags;
        break;
    default:
        sqe.opcode = r.kind == request_kind::fsync ? IORING_OP_FSYNC : IORING_OP_CLOSE;
        break;
    }
}

/// Operations that take a path.
void prepare_path(io_uring_sqe& sqe, const io_request& r) noexcept {
    sqe.addr = reinterpret_cast<std::uint64_t>(r.address);
    switch (r.kind) {
    case request_kind::openat:
        sqe.opcode = IORING_OP_OPENAT;
        sqe.len = r.length;
        sqe.open_flags = r.flags;
        break;
    case request_kind::statx:
        sqe.opcode = IORING_OP_STATX;
        sqe.len = r.length;
        sqe.off = reinterpret_cast<std::uint64_t>(r.address2);
        sqe.statx_flags = r.flags;
        break;
    case request_kind::renameat:
        sqe.opcode = IORING_OP_RENAMEAT;
        sqe.len = static_cast<std::uint32_t>(r.fd2);
        sqe.off = reinterpret_cast<std::uint64_t>(r.address2);
        sqe.rename_flags = r.flags;
        break;
    case request_kind::unlinkat:
        sqe.opcode = IORING_OP_UNLINKAT;
        sqe.unlink_flags = r.flags;
        break;
    default:
        sqe.opcode = IORING_OP_MKDIRAT;
        sqe.len = r.length;
        break;
    }
}

/// Operations on a socket that move data: `length` is 1 for a struct msghdr, as io_uring_prep_recvmsg(3) has
/// it.
void prepare_message(io_uring_sqe& sqe, std::uint8_t opcode, const io_request& r,
                     std::uint32_t length) noexcept {
    sqe.opcode = opcode;
    sqe.addr = reinterpret_cast<std::uint64_t>(r.address);
    sqe.len = length;
    sqe.msg_flags = r.flags;
}

void prepare_socket(io_uring_sqe& sqe, const io_request& r) noexcept {
    switch (r.kind) {
    case request_kind::recv:
        prepare_message(sqe, IORING_OP_RECV, r, r.length);
        break;
    case request_kind::send:
        prepare_message(sqe, IORING_OP_SEND, r, r.length);
        break;
    case request_kind::recvmsg:
        prepare_message(sqe, IORING_OP_RECVMSG, r, 1);
        break;
    case request_kind::sendmsg:
        prepare_message(sqe, IORING_OP_SENDMSG, r, 1);
        break;
    case request_kind::connect:
        sqe.opcode = IORING_OP_CONNECT;
        sqe.addr = reinterpret_cast<std::uint64_t>(r.address);
        sqe.off = r.length;
        break;
    default:
        sqe.opcode = IORING_OP_ACCEPT;
        sqe.accept_flags = r.flags;
        sqe.addr = reinterpret_cast<std::uint64_t>(r.address);
        sqe.off = reinterpret_cast<std::uint64_t>(r.address2);
        if (r.kind == request_kind::accept_now && probe().accept_dont_wait)
            sqe.ioprio = accept_dont_wait;
        break;
    }
}

} // namespace

void prepare(io_uring_sqe& sqe, const io_request& r) noexcept {
    sqe.fd = r.fd;
    if ((r.registered & registered_file) != 0)
        sqe.flags = IOSQE_FIXED_FILE;
    sqe.buf_index = r.buffer_index; // 0 where no registered buffer is meant
    switch (r.kind) {
    case request_kind::nop:
        sqe.opcode = IORING_OP_NOP;
        sqe.fd = -1;
        break;
    case request_kind::read:
    case request_kind::readv:
        prepare_transfer(sqe, r);
        break;
    case request_kind::write:
    case request_kind::writev:
        prepare_transfer(sqe, r);
        // What may be a pipe: nobody wants a signal for it.
        if (r.offset == current_position && probe().write_without_signal)
            sqe.rw_flags = rwf_nosignal;
        break;
    case request_kind::fsync:
    case request_kind::fdatasync:
    case request_kind::close:
    case request_kind::fallocate:
    case request_kind::ftruncate:
    case request_kind::sync_file_range:
        prepare_file(sqe, r);
        break;
    case request_kind::openat:
    case request_kind::statx:
    case request_kind::renameat:
    case request_kind::unlinkat:
    case request_kind::mkdirat:
        prepare_path(sqe, r);
        break;
    case request_kind::poll:
        prepare_poll(sqe, r, r.flags);
        break;
    case request_kind::recv:
    case request_kind::send:
    case request_kind::recvmsg:
    case request_kind::sendmsg:
    case request_kind::connect:
    case request_kind::accept:
    case request_kind::accept_now:
        prepare_socket(sqe, r);
        break;
    }
}

void prepare_poll(io_uring_sqe& sqe, const io_request& r, std::uint32_t events) noexcept {
    sqe.opcode = IORING_OP_POLL_ADD;
    sqe.fd = r.fd;
    if ((r.registered & registered_file) != 0)
        sqe.flags = IOSQE_FIXED_FILE;
    if (transfers_file_data(r.kind) && (r.flags & in_worker) != 0)
        sqe.flags |= IOSQE_ASYNC; // a file server may be asked
    // The kernel ignores wake-ups for POLLPRI alone (it uses the bit for polls of its own:
    // IO_ASYNC_POLL_COMMON in io_uring/poll.c). Urgent data of a socket also wakes those who ask for
    // POLLRDBAND, which then see POLLPRI.
    if ((events & POLLPRI) != 0)
        events |= POLLRDBAND;
    sqe.poll32_events = events;
}

void prepare_poll(io_uring_sqe& sqe, int fd, std::uint32_t events) noexcept {
    io_request r;
    r.fd = fd;
    prepare_poll(sqe, r, events);
}

bool needs_own_thread(const io_request& r) noexcept {
    switch (r.kind) {
    case request_kind::ftruncate:
        return !probe().ftruncate;
    case request_kind::renameat:
    case request_kind::unlinkat:
    case request_kind::mkdirat:
        return !probe().filesystem_ops;
    case request_kind::connect:
        return r.length >= sizeof(sa_family_t) &&
               static_cast<const sockaddr*>(r.address)->sa_family == AF_UNIX;
    default:
        return false;
    }
}

namespace {

ssize_t transfer_here(const io_request& r) noexcept {
    const bool vector = r.kind == request_kind::readv || r.kind == request_kind::writev;
    const iovec one{const_cast<void*>(r.address), r.length};
    const auto* const vectors = vector ? static_cast<const iovec*>(r.address) : &one;
    const int count = vector ? static_cast<int>(r.length) : 1;
    const auto offset = static_cast<off_t>(r.offset);
    if (r.offset == current_position)
        return reads(r.kind) ? ::readv(r.fd, vectors, count) : ::writev(r.fd, vectors, count);
    return reads(r.kind) ? ::preadv(r.fd, vectors, count, offset) : ::pwritev(r.fd, vectors, count, offset);
}

int file_call(const io_request& r) noexcept {
    switch (r.kind) {
    case request_kind::fsync:
        return ::fsync(r.fd);
    case request_kind::fdatasync:
        return ::fdatasync(r.fd);
    case request_kind::close:
        return ::close(r.fd);
    case request_kind::fallocate:
        return ::fallocate(r.fd, static_cast<int>(r.flags), static_cast<off_t>(r.offset),
                           static_cast<off_t>(r.length64));
    case request_kind::ftruncate:
        return ::ftruncate(r.fd, static_cast<off_t>(r.length64));
    default:
        return ::sync_file_range(r.fd, static_cast<off_t>(r.offset), r.length, r.flags);
    }
}

int path_call(const io_request& r) noexcept {
    const auto* path = static_cast<const char*>(r.address);
    switch (r.kind) {
    case request_kind::openat:
        return ::openat(r.fd, path, static_cast<int>(r.flags), r.length);
    case request_kind::statx:
        return ::statx(r.fd, path, static_cast<int>(r.flags), r.length,
                       static_cast<struct statx*>(const_cast<void*>(r.address2)));
    case request_kind::renameat:
        return ::renameat2(r.fd, path, r.fd2, static_cast<const char*>(r.address2), r.flags);
    case request_kind::unlinkat:
        return ::unlinkat(r.fd, path, static_cast<int>(r.flags));
    default:
        return ::mkdirat(r.fd, path, r.length);
    }
}

} // namespace

int run_in_this_thread(const io_request& r) noexcept {
    int result = -1;
    switch (r.kind) {
    case request_kind::read:
    case request_kind::write:
    case request_kind::readv:
    case request_kind::writev:
        result = static_cast<int>(transfer_here(r)); // of 2 GiB - 4096 at most, as read(2)
        break;
    case request_kind::fsync:
    case request_kind::fdatasync:
    case request_kind::close:
    case request_kind::fallocate:
    case request_kind::ftruncate:
    case request_kind::sync_file_range:
        result = file_call(r);
        break;
    case request_kind::openat:
    case request_kind::statx:
    case request_kind::renameat:
    case request_kind::unlinkat:
    case request_kind::mkdirat:
        result = path_call(r);
        break;
    case request_kind::connect:
        return connect_without_waiting(r.fd, r.address, r.length);
    default:
        return -EINVAL;
    }
    return result >= 0 ? result : -errno;
}

} // namespace aura::core::uring
