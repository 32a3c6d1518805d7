// file_work: the kinds of file I/O that are not transfers: each a Work of io_op.
#pragma once

#include "auraio/core/io/descriptor.hpp"
#include "auraio/core/io/file_system.hpp"
#include "auraio/detail/handler_tracking.hpp"
#include "auraio/error.hpp"
#include "auraio/file_base.hpp"

#include <memory>
#include <string>

AURAIO_OPEN
namespace detail {

/// Alignment as an error code value; see direct_alignment_category().
inline int alignment_code(int fd, bool direct) noexcept {
    if (!direct)
        return -1;
    const core::direct_alignment a = core::alignment_of(fd);
    return static_cast<int>(a.memory << 16 | (a.offset & 0xffff));
}

/// What a descriptor has to know of the file it is given.
inline void describe(core::descriptor& d, int fd, bool direct) {
    d.set_direct_alignment_code(alignment_code(fd, direct));
    d.set_storage_of(fd);
    d.look_at_kind(fd);
}

/// Anything that yields void(error_code) and names no memory: fsync, resize, allocate.
class plain_request {
public:
    static constexpr bool concerns_descriptor = false;
    static constexpr bool extends_request = true;

    plain_request(core::short_request& r, core::request_extension& x, const core::io_request& wanted) {
        r = wanted;
        x = wanted;
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(to_error_code(result));
    }
};

/// The closing of what an object had, which makes the request. Yields void(error_code).
class close_request {
public:
    static constexpr bool concerns_descriptor = false;

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(to_error_code(result));
    }
};

/// A request with one or two paths, which it owns: rename, unlink, mkdir. Yields void(error_code).
class path_request {
public:
    static constexpr bool concerns_descriptor = false;
    static constexpr bool extends_request = true;

    path_request(core::short_request& r, core::request_extension& x, const core::io_request& wanted,
                 std::string path, std::string path2 = {})
        : path_(std::move(path))
        , path2_(std::move(path2)) {
        r = wanted;
        x = wanted;
    }

    void request(core::short_request& r, core::request_extension& x) const {
        r.fd = AT_FDCWD;
        r.address = path_.c_str();
        if (r.kind == core::request_kind::renameat)
            x.address2 = path2_.c_str(); // directory2 is AT_FDCWD
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(to_error_code(result));
    }

private:
    std::string path_;
    std::string path2_;
};

/// Descriptor numbers of a file on its way to being open.
inline constexpr int being_opened = -2;
inline constexpr int failed_to_open = -1;

/// Opens a file for a descriptor that has no number yet. Yields void(error_code).
class open_request {
public:
    static constexpr bool concerns_descriptor = true;
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = "async_open";)

    /// `refused`: the object has a file already.
    open_request(std::string path, int flags, unsigned mode, bool refused)
        : path_(std::move(path))
        , flags_(flags)
        , mode_(mode)
        , refused_(refused) {}

    void request(core::short_request& r) const {
        r.kind = core::request_kind::openat;
        r.fd = AT_FDCWD;
        r.address = path_.c_str();
        r.flags = static_cast<std::uint32_t>(flags_ | O_CLOEXEC);
        r.length = mode_;
    }

    /// A file that was opened for an object which has been closed or destroyed meanwhile is nobody's: close
    /// it.
    int settle(core::io_operation& op, bool destroyed) {
        const int fd = op.result();
        if (fd < 0) {
            if (!refused_ && !destroyed)
                op.target().adopt(failed_to_open);
            return fd;
        }
        if (destroyed || op.cancel_requested()) {
            ::close(fd);
            if (!destroyed)
                op.target().adopt(failed_to_open);
            return -ECANCELED;
        }
        describe(op.target(), fd, (flags_ & O_DIRECT) != 0);
        op.target().adopt(fd);
        return 0;
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(refused_ ? error_code(net::error::already_open) : to_error_code(result));
    }

private:
    std::string path_;
    int flags_;
    unsigned mode_;
    bool refused_;
};

/// Yields void(error_code, file_status).
class stat_request {
public:
    static constexpr bool concerns_descriptor = false;
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = "async_stat";)

    static constexpr bool extends_request = true;

    stat_request(core::short_request& r, core::request_extension&, int fd) {
        r.kind = core::request_kind::statx;
        r.fd = fd;
        r.address = "";
        r.flags = AT_EMPTY_PATH;
        r.length = STATX_BASIC_STATS | STATX_BTIME;
    }

    void request(core::short_request&, core::request_extension& x) { x.address2 = &status_; }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(to_error_code(result), status_);
    }

private:
    file_status status_{};
};

} // namespace detail
AURAIO_CLOSE
