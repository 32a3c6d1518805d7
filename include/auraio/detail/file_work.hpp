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

/// Anything that yields void(error_code) and names no memory: fsync, resize, allocate, close.
class plain_request {
public:
    static constexpr bool concerns_descriptor = false;

    explicit plain_request(const core::io_request& r)
        : request_(r) {}
    core::io_request request() const { return request_; }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(to_error_code(result));
    }

private:
    core::io_request request_;
};

/// A request with one or two paths, which it owns: rename, unlink, mkdir. Yields void(error_code).
class path_request {
public:
    static constexpr bool concerns_descriptor = false;

    path_request(const core::io_request& r, std::string path, std::string path2 = {})
        : request_(r)
        , path_(std::move(path))
        , path2_(std::move(path2)) {}

    core::io_request request() {
        request_.fd = AT_FDCWD;
        request_.address = path_.c_str();
        if (request_.kind == core::request_kind::renameat) {
            request_.fd2 = AT_FDCWD;
            request_.address2 = path2_.c_str();
        }
        return request_;
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(to_error_code(result));
    }

private:
    core::io_request request_;
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

    core::io_request request() {
        core::io_request r;
        r.kind = core::request_kind::openat;
        r.fd = AT_FDCWD;
        r.address = path_.c_str();
        r.flags = static_cast<std::uint32_t>(flags_ | O_CLOEXEC);
        r.length = mode_;
        return r;
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

    explicit stat_request(int fd)
        : fd_(fd) {}

    core::io_request request() {
        core::io_request r;
        r.kind = core::request_kind::statx;
        r.fd = fd_;
        r.address = "";
        r.address2 = &status_;
        r.flags = AT_EMPTY_PATH;
        r.length = STATX_BASIC_STATS | STATX_BTIME;
        return r;
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(to_error_code(result), status_);
    }

private:
    int fd_;
    file_status status_{};
};

} // namespace detail
AURAIO_CLOSE
