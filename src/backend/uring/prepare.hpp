// prepare: the request of an operation as a submission queue entry.
#pragma once

#include "auraio/core/io/io_operation.hpp"

#include <array>
#include <cstdint>
#include <liburing.h>

namespace aura::core::uring {

/// Fills a zeroed entry; user_data is left to the caller.
void prepare(io_uring_sqe& sqe, const io_operation& op) noexcept;

/// Whether prepare_transfer() does all of it.
inline bool is_plain_transfer(const io_operation& op) noexcept {
    return transfers_file_data(op.request().kind) && op.extension().offset != current_position;
}

/// What an entry for a read or write says of the file, beside its number.
inline std::uint8_t file_flags(const short_request& r) noexcept {
    static_assert(in_worker == 1);
    const unsigned elsewhere = (r.flags & in_worker) * (1u << IOSQE_ASYNC_BIT);
    const unsigned fixed = (r.registered & registered_file) != 0 ? 1u << IOSQE_FIXED_FILE_BIT : 0;
    return static_cast<std::uint8_t>(elsewhere | fixed);
}

/// As prepare(), for reads and writes, but for what is special about those at the file's own position.
inline void prepare_transfer(io_uring_sqe& sqe, const io_operation& op) noexcept {
    const short_request& r = op.request();
    // By whether a registered buffer is meant, and request_kind, from `read` on.
    static constexpr std::uint8_t opcodes[2][4] = {
        {IORING_OP_READ, IORING_OP_WRITE, IORING_OP_READV, IORING_OP_WRITEV},
        {IORING_OP_READ_FIXED, IORING_OP_WRITE_FIXED, IORING_OP_READV, IORING_OP_WRITEV}};
    static_assert(static_cast<int>(request_kind::writev) - static_cast<int>(request_kind::read) == 3);
    const bool fixed = (r.registered & registered_buffer) != 0;
    sqe.opcode = opcodes[fixed][static_cast<unsigned>(r.kind) - static_cast<unsigned>(request_kind::read)];
    sqe.flags = file_flags(r);
    sqe.fd = r.fd;
    sqe.off = op.extension().offset;
    sqe.addr = reinterpret_cast<std::uint64_t>(r.address);
    sqe.len = r.length;
    sqe.buf_index = r.buffer_index; // 0 where no registered buffer is meant
}

/// The operations of the tables of requests, each at least once: at most so many numbers. Returns how many of
/// them were written.
inline constexpr unsigned most_opcodes = 40;
unsigned list_opcodes(std::array<std::uint8_t, most_opcodes>& into) noexcept;

/// Fills a zeroed entry with a one-shot poll(2) for `events` of the file that `r` is about.
void prepare_poll(io_uring_sqe& sqe, const short_request& r, std::uint32_t events) noexcept;
/// The same of a file given by its number.
void prepare_poll(io_uring_sqe& sqe, int fd, std::uint32_t events) noexcept;

/// True for requests the kernel has no opcode for (features says which), and for connects in the UNIX domain:
/// they are done at once or never, but io_uring gives each that finds the backlog full a thread to wait in.
bool needs_system_call(const short_request& r) noexcept;

} // namespace aura::core::uring
