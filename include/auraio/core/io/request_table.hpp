// request_table: what the engine has to know of each kind of request, one row each. A kind without a row does
// not compile; how its entry is filled and by which system call it is carried out is in the same order in the
// backend.
#pragma once

#include "auraio/core/io/io_request.hpp"

#include <array>
#include <cstddef>
#include <poll.h>

namespace aura::core {

/// Which operations of one descriptor go one after the other: `in` and `out` have a queue each.
enum class request_lane : std::uint8_t { in, out, none };

/// What a request moves. File data passes gates, is measured, and may go by a registered file; messages have
/// flags (MSG_*) which say what is waited for; metadata is of storage, which nothing can be waited for on,
/// and each of its requests has a system call that does the same.
enum class request_class : std::uint8_t { nothing, file_data, message, connection, metadata };

struct request_row {
    request_kind kind;
    const char* name;        ///< as liburing's io_uring_prep_*(3) has it
    request_class what;      //
    request_lane lane;       //
    std::uint16_t readiness; ///< the events of poll(2) that it waits for; 0: it is never refused with EAGAIN
    bool shows_outside;      ///< others can see its effect, so it must not wait for run()
    bool
        starts_otherwise; ///< may have to do something else, or wait for something else, than the kernel first
    const char* asio_function; ///< for handler tracking; null where the initiating function says it itself
};

// clang-format off
inline constexpr std::array request_rows{
    //          kind                     name               class                      lane               readiness shows  otherwise
    request_row{request_kind::nop,       "nop",             request_class::nothing,    request_lane::none, 0,       false, false, nullptr},
    request_row{request_kind::read,      "read",            request_class::file_data,  request_lane::none, POLLIN,  false, false, nullptr},
    request_row{request_kind::write,     "write",           request_class::file_data,  request_lane::none, POLLOUT, true,  false, nullptr},
    request_row{request_kind::readv,     "readv",           request_class::file_data,  request_lane::none, POLLIN,  false, false, nullptr},
    request_row{request_kind::writev,    "writev",          request_class::file_data,  request_lane::none, POLLOUT, true,  false, nullptr},
    request_row{request_kind::fsync,     "fsync",           request_class::metadata,   request_lane::none, 0,       false, false, "async_sync_all"},
    request_row{request_kind::fdatasync, "fdatasync",       request_class::metadata,   request_lane::none, 0,       false, false, "async_sync_data"},
    request_row{request_kind::openat,    "openat",          request_class::metadata,   request_lane::none, 0,       false, false, nullptr},
    request_row{request_kind::close,     "close",           request_class::metadata,   request_lane::none, 0,       false, true,  "async_close"},
    request_row{request_kind::statx,     "statx",           request_class::metadata,   request_lane::none, 0,       false, false, nullptr},
    request_row{request_kind::fallocate, "fallocate",       request_class::metadata,   request_lane::none, 0,       false, false, "async_allocate"},
    request_row{request_kind::ftruncate, "ftruncate",       request_class::metadata,   request_lane::none, 0,       false, false, "async_resize"},
    request_row{request_kind::sync_file_range, "sync_file_range", request_class::metadata, request_lane::none, 0,   false, false, nullptr},
    request_row{request_kind::renameat,  "renameat",        request_class::metadata,   request_lane::none, 0,       false, false, "async_rename"},
    request_row{request_kind::unlinkat,  "unlinkat",        request_class::metadata,   request_lane::none, 0,       false, false, "async_unlink"},
    request_row{request_kind::mkdirat,   "mkdirat",         request_class::metadata,   request_lane::none, 0,       false, false, "async_mkdir"},
    request_row{request_kind::poll,      "poll_add",        request_class::nothing,    request_lane::none, 0,       false, true,  nullptr},
    request_row{request_kind::recv,      "recv",            request_class::message,    request_lane::in,   POLLIN,  false, true,  nullptr},
    request_row{request_kind::send,      "send",            request_class::message,    request_lane::out,  POLLOUT, true,  false, nullptr},
    request_row{request_kind::recvmsg,   "recvmsg",         request_class::message,    request_lane::in,   POLLIN,  false, true,  nullptr},
    request_row{request_kind::sendmsg,   "sendmsg",         request_class::message,    request_lane::out,  POLLOUT, true,  false, nullptr},
    request_row{request_kind::connect,   "connect",         request_class::connection, request_lane::out,  POLLOUT, true,  false, nullptr},
    // Connections are given to those who wait in their order.
    request_row{request_kind::accept_now, "accept",         request_class::connection, request_lane::in,   POLLIN,  false, true,  nullptr},
};
// clang-format on

constexpr const request_row& row_of(request_kind kind) noexcept {
    return request_rows[static_cast<std::size_t>(kind)];
}

/// Whether `table`, of anything that says its `kind`, has each kind once and in order: tables of other places
/// are held to it where they stand.
template <class Table>
constexpr bool covers_all_requests(const Table& table) noexcept {
    std::size_t i = 0;
    for (const auto& row : table)
        if (static_cast<std::size_t>(row.kind) != i++)
            return false;
    return i == request_kinds;
}
static_assert(covers_all_requests(request_rows));

namespace detail {
/// Where the kind alone is enough of an answer, every operation asks, and a table would be a load too many.
constexpr bool kinds_say_the_same() noexcept {
    for (const request_row& r : request_rows) {
        const bool moves_file_data = r.what == request_class::file_data;
        if (transfers_file_data(r.kind) != moves_file_data ||
            reads(r.kind) != (moves_file_data && r.readiness == POLLIN))
            return false;
    }
    return true;
}
static_assert(kinds_say_the_same());

constexpr std::uint32_t kinds_that_start_otherwise() noexcept {
    static_assert(request_kinds <= 32);
    std::uint32_t kinds = 0;
    for (const request_row& r : request_rows)
        kinds |= std::uint32_t{r.starts_otherwise} << static_cast<unsigned>(r.kind);
    return kinds;
}
} // namespace detail

/// request_row::starts_otherwise, without a load.
constexpr bool may_start_otherwise(request_kind kind) noexcept {
    return (detail::kinds_that_start_otherwise() >> static_cast<unsigned>(kind) & 1u) != 0;
}

} // namespace aura::core
