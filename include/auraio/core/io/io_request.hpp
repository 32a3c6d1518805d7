// io_request: what an I/O operation asks of a backend, as a small value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <fcntl.h>

namespace aura::core {

/// What one read(2), write(2) or their like moves at most (MAX_RW_COUNT).
inline constexpr std::size_t most_bytes = 0x7ffff000;

/// The requests a backend knows how to carry out; request_table.hpp has a row for each. Fields used by each
/// are named beside it.
enum class request_kind : std::uint8_t {
    nop,       ///< nothing; completes with 0
    read,      ///< fd, address, length, offset, flags (in_worker, in_background)
    write,     ///< fd, address, length, offset, flags (in_worker, in_background)
    readv,     ///< fd, address (iovec array), length (count), offset, flags (in_worker, in_background)
    writev,    ///< fd, address (iovec array), length (count), offset, flags (in_worker, in_background)
    fsync,     ///< fd
    fdatasync, ///< fd
    openat,    ///< fd (directory), address (path), flags (open flags), length (mode); result: the new fd
    close,     ///< fd, came_from
    statx,     ///< fd (directory), address (path), address2 (struct statx), flags (AT_*), length (mask)
    fallocate, ///< fd, offset, length64, flags (FALLOC_FL_*)
    ftruncate, ///< fd, length64
    sync_file_range, ///< fd, offset, length (bytes, 0: to the end), flags (SYNC_FILE_RANGE_*)
    renameat,        ///< fd, address (old path), directory2, address2 (new path), flags (RENAME_*)
    unlinkat,        ///< fd, address (path), flags (AT_REMOVEDIR)
    mkdirat,         ///< fd, address (path), length (mode)
    poll,            ///< fd, flags (poll(2) events), listens; one shot; result: the events
    recv,            ///< fd, address, length, flags (MSG_*)
    send,            ///< fd, address, length, flags (MSG_*)
    recvmsg,         ///< fd, address (struct msghdr), flags (MSG_*)
    sendmsg,         ///< fd, address (struct msghdr), flags (MSG_*)
    connect,    ///< fd, address (sockaddr), length (its size), flags (connects_at_once, connects_later, 0)
    accept_now, ///< fd, flags (SOCK_*, reports_aborted, size_apart), address (sockaddr) and length (its size,
                ///< in and out), or null; result: the new fd. EAGAIN when there is no connection
};
inline constexpr std::size_t request_kinds = static_cast<std::size_t>(request_kind::accept_now) + 1;

/// Whether it reads or writes a file's data: what passes gates, is measured, and may go by a registered file.
constexpr bool transfers_file_data(request_kind kind) noexcept {
    return kind == request_kind::read || kind == request_kind::write || kind == request_kind::readv ||
           kind == request_kind::writev;
}

/// Of those: whether it reads.
constexpr bool reads(request_kind kind) noexcept {
    return kind == request_kind::read || kind == request_kind::readv;
}

/// Offset meaning "the file's own position", as io_uring_prep_read(3) has it.
inline constexpr std::uint64_t current_position = ~std::uint64_t{0};

/// Flag of reads and writes: the file may hold the thread that asks it, which is to be one of the kernel's.
inline constexpr std::uint32_t in_worker = 1;
/// Another: nobody waits for it; see io_class.
inline constexpr std::uint32_t in_background = 2;

/// Flags of accept_now, beside those of accept4(2): connections that were aborted count as results; the size
/// of the address is where address2 says.
inline constexpr std::uint32_t reports_aborted = 1U << 30;
inline constexpr std::uint32_t size_apart = 1U << 31;

/// When a connection comes about, as flags of a connect; 0: not known.
inline constexpr std::uint32_t connects_at_once = 1; ///< UNIX domain, datagrams: with the call
inline constexpr std::uint32_t connects_later = 2;   ///< else; SO_ERROR tells whether it did

/// What of a request refers to something registered instead of naming it: bits of io_request::registered.
enum class registration_kind : std::uint8_t {
    buffers, ///< read, write: `address` lies in registered buffer `buffer_index`
    files,   ///< `fd` is an index into the registered files
};
inline constexpr std::uint8_t registered_buffer = 1 << static_cast<int>(registration_kind::buffers);
inline constexpr std::uint8_t registered_file = 1 << static_cast<int>(registration_kind::files);
/// With registered_buffer: nobody has asked for it, the memory was found to be registered.
inline constexpr std::uint8_t found_buffer = 4;
/// In place of registered_file, once a backend without tables has named the file: `fd` is the backend's own.
inline constexpr std::uint8_t named_by_backend = 8;
/// With registered_file: nobody has asked for it, its number, which io_request::number is, was found to be registered.
inline constexpr std::uint8_t found_file = 16;

/// What a request of any kind has. Memory it points to must live until the operation completes.
struct short_request {
    request_kind kind = request_kind::nop;
    std::uint8_t registered = 0; ///< registered_buffer and the like
    std::uint16_t buffer_index = 0;
    std::int32_t fd = -1;
    std::uint32_t flags = 0;
    union {
        std::uint32_t length = 0; ///< bytes, iovecs, mode or mask: see request_kind
        std::uint32_t came_from;  ///< close: the number, plus 1, of the shard that it goes back to; 0: none
        std::uint32_t listens;    ///< poll: 1 if the file is a listening socket, 0 if it is anything else
    };
    const void* address = nullptr;
};

/// What only those of some kinds have, see has_extension().
struct request_extension {
    std::uint64_t offset = 0;
    union {
        const void* address2 = nullptr;
        std::uint64_t length64; ///< bytes, for fallocate and ftruncate
        /// By registration_kind: which registration what is registered is of, for those that may refer to it.
        std::uint32_t registrations[2];
    };
    union {
        std::int32_t directory2 = AT_FDCWD; ///< what the new path of a renameat is relative to
        std::int32_t number;                ///< of a registered file, where a file object is read or written
        std::int32_t generation;            ///< of a registered file's entry, elsewhere
    };
};

/// A request as a value, independent of who carries it out.
struct io_request : short_request, request_extension {};

/// Whether a request has more than a short_request.
constexpr bool has_extension(const short_request& r) noexcept {
    switch (r.kind) {
    case request_kind::read:
    case request_kind::write:
    case request_kind::readv:
    case request_kind::writev:
    case request_kind::statx:
    case request_kind::fallocate:
    case request_kind::ftruncate:
    case request_kind::sync_file_range:
    case request_kind::renameat:
        return true;
    case request_kind::accept_now:
        return (r.flags & size_apart) != 0;
    default:
        return r.registered != 0;
    }
}

/// A request that may refer to something registered, wherever its two parts are.
struct request_parts {
    short_request& shared;
    request_extension& extension;

    request_parts(short_request& s, request_extension& x) noexcept
        : shared(s)
        , extension(x) {}
    request_parts(io_request& r) noexcept // NOLINT(google-explicit-constructor)
        : shared(r)
        , extension(r) {}
};

} // namespace aura::core
