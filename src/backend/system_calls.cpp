// system_calls: the table.
#include "backend/system_calls.hpp"

#include "auraio/core/io/request_table.hpp"
#include "auraio/core/io/socket_calls.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace aura::core {

namespace {

// By kind: the result of the call, or -1 and errno.

/// The buffers of a read or write, whichever way it has them.
struct transfer {
    explicit transfer(const io_operation& op) noexcept
        : request(op.request())
        , one{const_cast<void*>(request.address), request.length}
        , offset(static_cast<off_t>(op.extension().offset)) {
        if (request.kind == request_kind::readv || request.kind == request_kind::writev) {
            vectors = static_cast<const iovec*>(request.address);
            count = static_cast<int>(request.length);
        }
    }
    transfer(const transfer&) = delete;

    /// 2 GiB - 4096 at most, as read(2). An offset of -1 means the file's own position to these two, too.
    ssize_t move(int flags) const noexcept {
        return reads(request.kind) ? ::preadv2(request.fd, vectors, count, offset, flags)
                                   : ::pwritev2(request.fd, vectors, count, offset, flags);
    }

    std::size_t size() const noexcept {
        std::size_t total = 0;
        for (int i = 0; i < count; ++i)
            total += vectors[i].iov_len;
        return total;
    }

    const short_request& request;
    const iovec one;
    const iovec* vectors = &one;
    int count = 1;
    off_t offset;
};
static_assert(static_cast<off_t>(current_position) == -1);

/// Terminals and pipes have no positions, and a ring passes over what is said of them.
int call_transfer(const io_operation& op) noexcept {
    transfer t(op);
    ssize_t moved = t.move(0);
    if (moved < 0 && errno == ESPIPE) {
        t.offset = -1;
        moved = t.move(0);
    }
    return static_cast<int>(moved);
}

int call_fsync(const io_operation& op) noexcept {
    return ::fsync(op.request().fd);
}

int call_fdatasync(const io_operation& op) noexcept {
    return ::fdatasync(op.request().fd);
}

/// As a ring opens: with O_NONBLOCK, which the file loses again unless it was asked for. So a FIFO whose other end
/// nobody has open holds up no thread (ENXIO for a writer; see fifo(7)). EAGAIN: a lease on the file is being
/// given up, which takes its time; see fcntl(2), F_SETLEASE.
int call_openat(const io_operation& op) noexcept {
    const auto* const path = static_cast<const char*>(op.request().address);
    const int flags = static_cast<int>(op.request().flags);
    if ((flags & (O_NONBLOCK | O_PATH)) != 0)
        return ::openat(op.request().fd, path, flags, op.request().length);
    const int fd = ::openat(op.request().fd, path, flags | O_NONBLOCK, op.request().length);
    if (fd >= 0)
        (void)::fcntl(fd, F_SETFL, flags);
    else if (errno == EAGAIN)
        return ::openat(op.request().fd, path, flags, op.request().length);
    return fd;
}

int call_close(const io_operation& op) noexcept {
    return ::close(op.request().fd);
}

int call_statx(const io_operation& op) noexcept {
    return ::statx(op.request().fd, static_cast<const char*>(op.request().address),
                   static_cast<int>(op.request().flags), op.request().length,
                   static_cast<struct statx*>(const_cast<void*>(op.extension().address2)));
}

int call_fallocate(const io_operation& op) noexcept {
    return ::fallocate(op.request().fd, static_cast<int>(op.request().flags),
                       static_cast<off_t>(op.extension().offset),
                       static_cast<off_t>(op.extension().length64));
}

int call_ftruncate(const io_operation& op) noexcept {
    return ::ftruncate(op.request().fd, static_cast<off_t>(op.extension().length64));
}

int call_sync_file_range(const io_operation& op) noexcept {
    return ::sync_file_range(op.request().fd, static_cast<off_t>(op.extension().offset), op.request().length,
                             op.request().flags);
}

int call_renameat(const io_operation& op) noexcept {
    return ::renameat2(op.request().fd, static_cast<const char*>(op.request().address),
                       op.extension().directory2, static_cast<const char*>(op.extension().address2),
                       op.request().flags);
}

int call_unlinkat(const io_operation& op) noexcept {
    return ::unlinkat(op.request().fd, static_cast<const char*>(op.request().address),
                      static_cast<int>(op.request().flags));
}

int call_mkdirat(const io_operation& op) noexcept {
    return ::mkdirat(op.request().fd, static_cast<const char*>(op.request().address), op.request().length);
}

int call_connect(const io_operation& op) noexcept {
    const int refused = connect_without_waiting(op.request().fd, op.request().address, op.request().length);
    errno = -refused;
    return refused == 0 ? 0 : -1;
}

/// Of those that wait for others, not for this machine.
int call_none(const io_operation&) noexcept {
    errno = EINVAL;
    return -1;
}

struct entry {
    request_kind kind;
    int (*call)(const io_operation&) noexcept;
};

constexpr std::array entries{
    entry{request_kind::nop, &call_none},
    entry{request_kind::read, &call_transfer},
    entry{request_kind::write, &call_transfer},
    entry{request_kind::readv, &call_transfer},
    entry{request_kind::writev, &call_transfer},
    entry{request_kind::fsync, &call_fsync},
    entry{request_kind::fdatasync, &call_fdatasync},
    entry{request_kind::openat, &call_openat},
    entry{request_kind::close, &call_close},
    entry{request_kind::statx, &call_statx},
    entry{request_kind::fallocate, &call_fallocate},
    entry{request_kind::ftruncate, &call_ftruncate},
    entry{request_kind::sync_file_range, &call_sync_file_range},
    entry{request_kind::renameat, &call_renameat},
    entry{request_kind::unlinkat, &call_unlinkat},
    entry{request_kind::mkdirat, &call_mkdirat},
    entry{request_kind::poll, &call_none},
    entry{request_kind::recv, &call_none},
    entry{request_kind::send, &call_none},
    entry{request_kind::recvmsg, &call_none},
    entry{request_kind::sendmsg, &call_none},
    entry{request_kind::connect, &call_connect},
    entry{request_kind::accept_now, &call_none},
};
static_assert(covers_all_requests(entries));

} // namespace

int carry_out(const io_operation& op) noexcept {
    const int result = entries[static_cast<std::size_t>(op.request().kind)].call(op);
    return result >= 0 ? result : -errno;
}

int carry_out_from_cache(const io_operation& op) noexcept {
    const transfer t(op);
    const ssize_t moved = t.move(RWF_NOWAIT);
    if (moved < 0) // EOPNOTSUPP: not of this file system; ENOSYS: not of this kernel
        return errno == EOPNOTSUPP || errno == ENOSYS ? -EAGAIN : -errno;
    if (moved == 0 || !reads(t.request.kind) || t.offset == -1 || static_cast<std::size_t>(moved) == t.size())
        return static_cast<int>(moved);
    // Less than was asked for: the end of the file, or of what is in the cache. Then the rest is worth waiting
    // for, as the kernel's own call would.
    char beyond;
    const iovec probe{&beyond, 1};
    if (::preadv2(t.request.fd, &probe, 1, t.offset + moved, RWF_NOWAIT) == 0)
        return static_cast<int>(moved);
    return -EAGAIN;
}

bool is_broken_off(const io_operation& op, int moved) noexcept {
    if (reads(op.request().kind) || moved <= 0)
        return false;
    const std::size_t size = transfer(op).size();
    return static_cast<std::size_t>(moved) < size && size <= most_bytes;
}

int carry_out_rest(const io_operation& op, int moved) noexcept {
    const transfer t(op);
    const iovec* next = t.vectors;
    const iovec* const end = t.vectors + t.count;
    auto within = static_cast<std::size_t>(moved);
    for (; next != end && within >= next->iov_len; ++next)
        within -= next->iov_len;
    const auto write = [&](const iovec* first, std::ptrdiff_t count) {
        const off_t offset = t.offset == -1 ? -1 : t.offset + moved;
        const ssize_t more = ::pwritev2(t.request.fd, first, static_cast<int>(count), offset, 0);
        moved +=
            more > 0 ? static_cast<int>(more) : 0; // an error is told to the next write, as by the kernel
        return more;
    };
    if (next != end && within != 0) { // the buffer that it was broken off in
        const iovec part{static_cast<char*>(next->iov_base) + within, next->iov_len - within};
        if (write(&part, 1) != static_cast<ssize_t>(part.iov_len))
            return moved;
        ++next;
    }
    if (next != end)
        write(next, end - next);
    return moved;
}

} // namespace aura::core
