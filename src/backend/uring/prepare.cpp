// prepare: how each kind of request becomes an entry.
#include "prepare.hpp"

#include "auraio/core/io/request_table.hpp"
#include "features.hpp"
#include "kernel_abi.hpp"

#include <array>
#include <iterator>
#include <poll.h>
#include <sys/socket.h>

namespace aura::core::uring {

namespace {

// What is in an entry besides what prepare() puts into all of them: operation code, file, address, and what
// says that the file or the buffer is registered.

std::uint64_t address_of(const void* p) noexcept {
    return reinterpret_cast<std::uint64_t>(p);
}

void fill_nothing(io_uring_sqe&, const io_operation&) noexcept {}

/// The flags of all kinds are in one place of the entry, which has a name for each of them.
void fill_flags(io_uring_sqe& sqe, const io_operation& op) noexcept {
    sqe.rw_flags = static_cast<__kernel_rwf_t>(op.request().flags);
}

void fill_length(io_uring_sqe& sqe, const io_operation& op) noexcept {
    sqe.len = op.request().length;
}

void fill_length_and_flags(io_uring_sqe& sqe, const io_operation& op) noexcept {
    fill_length(sqe, op);
    fill_flags(sqe, op);
}

void fill_nop(io_uring_sqe& sqe, const io_operation&) noexcept {
    sqe.fd = -1;
}

void fill_read(io_uring_sqe& sqe, const io_operation& op) noexcept {
    prepare_transfer(sqe, op);
}

void fill_write(io_uring_sqe& sqe, const io_operation& op) noexcept {
    prepare_transfer(sqe, op);
    // What may be a pipe: nobody wants a signal for it.
    if (op.extension().offset == current_position && probe().write_without_signal)
        sqe.rw_flags = rwf_nosignal;
}

void fill_fdatasync(io_uring_sqe& sqe, const io_operation&) noexcept {
    sqe.fsync_flags = IORING_FSYNC_DATASYNC;
}

void fill_statx(io_uring_sqe& sqe, const io_operation& op) noexcept {
    fill_length_and_flags(sqe, op);
    sqe.off = address_of(op.extension().address2);
}

void fill_fallocate(io_uring_sqe& sqe, const io_operation& op) noexcept {
    sqe.len = op.request().flags;
    sqe.addr = op.extension().length64;
    sqe.off = op.extension().offset;
}

void fill_ftruncate(io_uring_sqe& sqe, const io_operation& op) noexcept {
    sqe.off = op.extension().length64;
}

void fill_sync_file_range(io_uring_sqe& sqe, const io_operation& op) noexcept {
    fill_length_and_flags(sqe, op);
    sqe.off = op.extension().offset;
}

void fill_renameat(io_uring_sqe& sqe, const io_operation& op) noexcept {
    fill_flags(sqe, op);
    sqe.len = static_cast<std::uint32_t>(op.extension().directory2);
    sqe.off = address_of(op.extension().address2);
}

void fill_poll(io_uring_sqe& sqe, const io_operation& op) noexcept {
    prepare_poll(sqe, op.request(), op.request().flags);
}

/// A struct msghdr: `len` is 1, as io_uring_prep_recvmsg(3) has it.
void fill_header(io_uring_sqe& sqe, const io_operation& op) noexcept {
    fill_flags(sqe, op);
    sqe.len = 1;
}

/// What the kernel asks for again when less than all has come is put behind what it has. Of a peek that is the same
/// bytes once more (io_recv() in io_uring/net.c, Linux 6.18), so a peek ends with what there is.
void end_peek_with_what_there_is(io_uring_sqe& sqe) noexcept {
    if ((sqe.msg_flags & MSG_PEEK) != 0)
        sqe.msg_flags &= ~static_cast<std::uint32_t>(MSG_WAITALL);
}

void fill_recv(io_uring_sqe& sqe, const io_operation& op) noexcept {
    fill_length_and_flags(sqe, op);
    end_peek_with_what_there_is(sqe);
}

void fill_recvmsg(io_uring_sqe& sqe, const io_operation& op) noexcept {
    fill_header(sqe, op);
    end_peek_with_what_there_is(sqe);
}

void fill_connect(io_uring_sqe& sqe, const io_operation& op) noexcept {
    sqe.off = op.request().length;
}

void fill_accept_now(io_uring_sqe& sqe, const io_operation& op) noexcept {
    const short_request& r = op.request();
    sqe.accept_flags = r.flags & ~(reports_aborted | size_apart);
    if ((r.flags & size_apart) != 0)
        sqe.off = address_of(op.extension().address2);
    else if (r.address)
        sqe.off = address_of(&r.length); // read, and written if it succeeds
    if (probe().accept_dont_wait)
        sqe.ioprio = accept_dont_wait;
}

bool lacks_ftruncate(const short_request&) noexcept {
    return !probe().ftruncate;
}

bool lacks_filesystem_ops(const short_request&) noexcept {
    return !probe().filesystem_ops;
}

/// In the UNIX domain: done at once or never, but io_uring gives each that finds the backlog full a thread to
/// wait in.
bool connects_here(const short_request& r) noexcept {
    return r.length >= sizeof(sa_family_t) && static_cast<const sockaddr*>(r.address)->sa_family == AF_UNIX;
}

struct entry {
    request_kind kind;
    std::uint8_t opcode;
    void (*fill)(io_uring_sqe&, const io_operation&) noexcept;
    /// Whether this machine's kernel or the request itself asks for the system call; null: never.
    bool (*needs_call)(const short_request&) noexcept = nullptr;
};

constexpr std::array entries{
    entry{request_kind::nop, IORING_OP_NOP, &fill_nop},
    entry{request_kind::read, IORING_OP_READ, &fill_read},
    entry{request_kind::write, IORING_OP_WRITE, &fill_write},
    entry{request_kind::readv, IORING_OP_READV, &fill_read},
    entry{request_kind::writev, IORING_OP_WRITEV, &fill_write},
    entry{request_kind::fsync, IORING_OP_FSYNC, &fill_nothing},
    entry{request_kind::fdatasync, IORING_OP_FSYNC, &fill_fdatasync},
    entry{request_kind::openat, IORING_OP_OPENAT, &fill_length_and_flags},
    entry{request_kind::close, IORING_OP_CLOSE, &fill_nothing},
    entry{request_kind::statx, IORING_OP_STATX, &fill_statx},
    entry{request_kind::fallocate, IORING_OP_FALLOCATE, &fill_fallocate},
    entry{request_kind::ftruncate, op_ftruncate, &fill_ftruncate, &lacks_ftruncate},
    entry{request_kind::sync_file_range, IORING_OP_SYNC_FILE_RANGE, &fill_sync_file_range},
    entry{request_kind::renameat, IORING_OP_RENAMEAT, &fill_renameat, &lacks_filesystem_ops},
    entry{request_kind::unlinkat, IORING_OP_UNLINKAT, &fill_flags, &lacks_filesystem_ops},
    entry{request_kind::mkdirat, IORING_OP_MKDIRAT, &fill_length, &lacks_filesystem_ops},
    entry{request_kind::poll, IORING_OP_POLL_ADD, &fill_poll},
    entry{request_kind::recv, IORING_OP_RECV, &fill_recv},
    entry{request_kind::send, IORING_OP_SEND, &fill_length_and_flags},
    entry{request_kind::recvmsg, IORING_OP_RECVMSG, &fill_recvmsg},
    entry{request_kind::sendmsg, IORING_OP_SENDMSG, &fill_header},
    entry{request_kind::connect, IORING_OP_CONNECT, &fill_connect, &connects_here},
    entry{request_kind::accept_now, IORING_OP_ACCEPT, &fill_accept_now},
};
static_assert(covers_all_requests(entries));

const entry& entry_of(const short_request& r) noexcept {
    return entries[static_cast<std::size_t>(r.kind)];
}

} // namespace

unsigned list_opcodes(std::array<std::uint8_t, most_opcodes>& into) noexcept {
    constexpr std::uint8_t of_registered_buffers[] = {IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED};
    static_assert(entries.size() + std::size(of_registered_buffers) <= most_opcodes);
    unsigned count = 0;
    for (const entry& e : entries)
        into[count++] = e.opcode;
    for (const std::uint8_t opcode : of_registered_buffers)
        into[count++] = opcode;
    return count;
}

void prepare(io_uring_sqe& sqe, const io_operation& op) noexcept {
    const short_request& r = op.request();
    const entry& e = entry_of(r);
    sqe.opcode = e.opcode;
    sqe.fd = r.fd;
    if ((r.registered & registered_file) != 0)
        sqe.flags = IOSQE_FIXED_FILE;
    sqe.buf_index = r.buffer_index; // 0 where no registered buffer is meant
    sqe.addr = address_of(r.address);
    e.fill(sqe, op);
}

void prepare_poll(io_uring_sqe& sqe, const short_request& r, std::uint32_t events) noexcept {
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
    short_request r;
    r.fd = fd;
    prepare_poll(sqe, r, events);
}

bool needs_system_call(const short_request& r) noexcept {
    const entry& e = entry_of(r);
    return e.needs_call && e.needs_call(r);
}

} // namespace aura::core::uring
