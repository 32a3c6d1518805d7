// basic_file: what random_access_file and stream_file share.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/detail/descriptor_owner.hpp"
#include "auraio/detail/file_work.hpp"
#include "auraio/detail/io_op.hpp"
#include "auraio/detail/registration.hpp"
#include "auraio/detail/transfer.hpp"
#include "auraio/file_base.hpp"
#include "auraio/io_context.hpp"

#include <cstdint>
#include <string>
#include <utility>

AURAIO_OPEN

template <class Executor>
class basic_file;
class file_registration;

/// An open file on a ring. The base of basic_random_access_file and basic_stream_file; not used by itself.
///
/// Distinct objects: safe. Shared objects: unsafe, as all of Asio's; but any thread may use the object (one
/// at a time), in run() or not, and any number of operations may be in flight on one object.
///
/// Errors are the real errno of the system call, in the system category; operation_aborted for what was
/// cancelled; bad_descriptor (EBADF) when the file is not open. Paths are copied.
template <class Executor>
class basic_file : public file_base {
    struct start_open {
        template <class Handler>
        void operator()(basic_file& self, Handler&& handler, std::string path, flags f) const {
            const bool busy = self.has_file();
            if (!busy)
                self.impl_.adopt(detail::being_opened);
            struct not_begun { // for want of memory: it may be tried again
                core::descriptor* mine;
                ~not_begun() {
                    if (mine)
                        mine->adopt(detail::failed_to_open);
                }
            } undo{busy ? nullptr : self.impl_.get()};
            self.template start<detail::open_request>(busy ? EBUSY : 0, std::forward<Handler>(handler),
                                                      std::move(path), static_cast<int>(f), permissions,
                                                      busy);
            undo.mine = nullptr;
        }
    };
    struct start_close {
        template <class Handler>
        void operator()(basic_file& self, Handler&& handler) const {
            detail::start_close<detail::close_request>(self.impl_, self.is_open() ? 0 : EBADF,
                                                       std::forward<Handler>(handler));
        }
    };
    struct start_stat {
        template <class Handler>
        void operator()(basic_file& self, Handler&& handler) const {
            self.template start<detail::stat_request>(self.fd() < 0 ? EBADF : 0,
                                                      std::forward<Handler>(handler), self.fd());
        }
    };
    /// Of a request without its descriptor number, which is looked up when the operation starts.
    struct start_plain {
        template <class Handler>
        void operator()(basic_file& self, Handler&& handler, core::io_request r, int error) const {
            r.fd = self.fd();
            self.template start<detail::plain_request>(r.fd < 0 ? EBADF : error,
                                                       std::forward<Handler>(handler), r);
        }
    };
    template <bool IsRead>
    struct start_transfer {
        template <class Handler, class Sequence>
        [[gnu::always_inline]] void operator()(basic_file& self, Handler&& handler, std::uint64_t offset,
                                               const Sequence& buffers) const {
            using buffer = std::conditional_t<IsRead, net::mutable_buffer, net::const_buffer>;
            using work =
                detail::transfer<IsRead, detail::buffer_storage<buffer, Sequence, detail::most_file_iovecs>,
                                 detail::aligned>;
            int error = self.fd() < 0 ? EBADF : 0;
            if (offset > max_offset && offset != core::current_position)
                error = EINVAL;
            if (error == 0)
                error = detail::registered_buffers_of::check(self.impl_.home().owner(), buffers);
            self.template start<work>(error, std::forward<Handler>(handler), self.fd(), offset,
                                      error ? -1 : self.impl_.get()->direct_alignment_code(), buffers);
        }
    };
    template <class Signature, class Start>
    using initiation = detail::initiation<basic_file*, Signature, Start>;
    using initiate_open = initiation<void(error_code), start_open>;
    using initiate_close = initiation<void(error_code), start_close>;
    using initiate_stat = initiation<void(error_code, file_status), start_stat>;
    using initiate_plain = initiation<void(error_code), start_plain>;

public:
    using executor_type = Executor;
    using native_handle_type = int;

    basic_file(const basic_file&) = delete;
    basic_file& operator=(const basic_file&) = delete;

    const executor_type& get_executor() noexcept { return impl_.executor(); }
    bool is_open() const noexcept { return fd() >= 0; }
    native_handle_type native_handle() noexcept { return impl_.fd_in_order(); }

    /// Opens `path`. already_open when this object holds a file.
    void open(const char* path, flags f) {
        throwing("open", [&](error_code& ec) { return open(path, f, ec); });
    }
    void open(const std::string& path, flags f) { open(path.c_str(), f); }
    detail::sync_result open(const std::string& path, flags f, error_code& ec) {
        return open(path.c_str(), f, ec);
    }
    detail::sync_result open(const char* path, flags f, error_code& ec) {
        if (has_file())
            return detail::sync_return(ec = net::error::already_open);
        const int fd = core::open_file(path, f, permissions);
        if (fd < 0)
            return detail::sync_return(ec = detail::to_error_code(fd));
        return detail::sync_return(adopt(fd, (f & direct) != 0, ec));
    }

    /// Takes over an open file descriptor. already_open when this object holds a file.
    void assign(native_handle_type fd) {
        throwing("assign", [&](error_code& ec) { return assign(fd, ec); });
    }
    detail::sync_result assign(native_handle_type fd, error_code& ec) {
        if (has_file())
            return detail::sync_return(ec = net::error::already_open);
        const int flags_set = impl_.assign(fd);
        ec = detail::to_error_code(flags_set);
        if (!ec)
            detail::describe(*impl_.get(), fd, core::is_direct(flags_set));
        return detail::sync_return(ec);
    }

    /// Cancels pending operations and closes. The descriptor is closed when this returns, in whichever
    /// thread; the handlers of pending operations are called with operation_aborted (or their result, if that
    /// came first). Buffers stay in use until then.
    void close() {
        throwing("close", [&](error_code& ec) { return close(ec); });
    }
    detail::sync_result close(error_code& ec) {
        return detail::sync_return(ec = detail::to_error_code(impl_.close()));
    }

    /// Cancels pending operations and hands the descriptor to the caller. From a thread that does not drive
    /// the file's ring while another does, its number changes (the old one may still be named by queued
    /// requests).
    native_handle_type release() {
        error_code ec;
        const int fd = release(ec);
        detail::throw_if(ec, "release");
        return fd;
    }
    native_handle_type release(error_code& ec) {
        if (!is_open()) {
            ec = net::error::bad_descriptor;
            return -1;
        }
        const int fd = impl_.release();
        ec = detail::to_error_code(fd);
        return fd < 0 ? -1 : fd;
    }

    /// Requests cancellation of everything started on this object before. What the device is already doing
    /// completes with its result.
    void cancel() {
        throwing("cancel", [&](error_code& ec) { return cancel(ec); });
    }
    detail::sync_result cancel(error_code& ec) {
        if (!impl_.get())
            return detail::sync_return(ec = net::error::bad_descriptor);
        impl_.cancel();
        return detail::sync_return(ec = {});
    }

    /// Whom the asynchronous reads and writes serve that are started from now on; foreground, as at first, or
    /// background: these yield to the process's foreground ones on the same storage device. Nothing of the background
    /// is let through while foreground ones wait there (but one in 100 ms), few while there were any in the
    /// last 10 ms, all else. It belongs to the open file: bad_descriptor when there is none.
    void io_class(core::io_class which) {
        throwing("io_class", [&](error_code& ec) { return io_class(which, ec); });
    }
    detail::sync_result io_class(core::io_class which, error_code& ec) {
        if (!impl_.get())
            return detail::sync_return(ec = net::error::bad_descriptor);
        impl_.get()->set_io_class(which);
        return detail::sync_return(ec = {});
    }
    core::io_class io_class() const noexcept {
        return impl_.get() ? impl_.get()->get_io_class() : core::io_class::foreground;
    }

    /// Bytes.
    std::uint64_t size() const {
        error_code ec;
        const auto n = size(ec);
        detail::throw_if(ec, "size");
        return n;
    }
    std::uint64_t size(error_code& ec) const {
        std::uint64_t n = 0;
        ec = detail::to_error_code(core::file_size(impl_.fd_in_order(), n));
        return n;
    }

    /// Grows (with zeros, sparsely) or cuts the file to `n` bytes.
    void resize(std::uint64_t n) {
        throwing("resize", [&](error_code& ec) { return resize(n, ec); });
    }
    detail::sync_result resize(std::uint64_t n, error_code& ec) {
        return detail::sync_return(
            ec = detail::to_error_code(n > max_offset ? -EINVAL : core::resize_file(impl_.fd_in_order(), n)));
    }

    /// fsync(2) and fdatasync(2); they block.
    void sync_all() {
        throwing("sync_all", [&](error_code& ec) { return sync_all(ec); });
    }
    detail::sync_result sync_all(error_code& ec) {
        return detail::sync_return(ec = detail::to_error_code(core::sync_file(impl_.fd_in_order())));
    }
    void sync_data() {
        throwing("sync_data", [&](error_code& ec) { return sync_data(ec); });
    }
    detail::sync_result sync_data(error_code& ec) {
        return detail::sync_return(ec = detail::to_error_code(core::sync_file_data(impl_.fd_in_order())));
    }

    /// open() without blocking: path look-up and, where needed, device access happen in the kernel.
    /// Signature void(error_code). Cancellation: terminal, partial, total. Closing or destroying the object
    /// before completion aborts the open, and no descriptor is leaked.
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_open(std::string path, flags f, Token&& token = Token())
        -> detail::initiated<initiate_open, Token, std::string, flags> {
        return detail::initiate<initiate_open, Token>(this, token, std::move(path), f);
    }

    /// Cancels pending operations, and closes without blocking (closing writes back on some file systems).
    /// is_open() is false at once. Signature void(error_code). Closing cannot be cancelled: once started, the
    /// descriptor is closed, whatever becomes of the handler.
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_close(Token&& token = Token()) -> detail::initiated<initiate_close, Token> {
        return detail::initiate<initiate_close, Token>(this, token);
    }

    /// fsync(2) and fdatasync(2). Signature void(error_code). Cancellation: terminal, partial, total.
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_sync_all(Token&& token = Token())
        -> detail::initiated<initiate_plain, Token, core::io_request, int> {
        return detail::initiate<initiate_plain, Token>(this, token, request(core::request_kind::fsync), 0);
    }
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_sync_data(Token&& token = Token())
        -> detail::initiated<initiate_plain, Token, core::io_request, int> {
        return detail::initiate<initiate_plain, Token>(this, token, request(core::request_kind::fdatasync),
                                                       0);
    }

    /// ftruncate(2). Signature void(error_code). Before Linux 6.9 a thread of the process's pool
    /// makes the system call.
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_resize(std::uint64_t n, Token&& token = Token())
        -> detail::initiated<initiate_plain, Token, core::io_request, int> {
        core::io_request r = request(core::request_kind::ftruncate);
        r.length64 = n;
        return detail::initiate<initiate_plain, Token>(this, token, r, n > max_offset ? EINVAL : 0);
    }

    /// fallocate(2) with mode 0: reserves [offset, offset + length) on the device; grows the file if need be.
    /// Signature void(error_code).
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_allocate(std::uint64_t offset, std::uint64_t length, Token&& token = Token())
        -> detail::initiated<initiate_plain, Token, core::io_request, int> {
        core::io_request r = request(core::request_kind::fallocate);
        r.offset = offset;
        r.length64 = length;
        const bool beyond = offset > max_offset || length > max_offset;
        return detail::initiate<initiate_plain, Token>(this, token, r, beyond ? EINVAL : 0);
    }

    /// statx(2) of the open file. Signature void(error_code, file_status).
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_stat(Token&& token = Token()) -> detail::initiated<initiate_stat, Token> {
        return detail::initiate<initiate_stat, Token>(this, token);
    }

protected:
    static constexpr unsigned permissions = 0666;
    static constexpr std::uint64_t max_offset = ~std::uint64_t{0} >> 1;

    /// A read or a write at an offset, which may be core::current_position.
    template <bool IsRead>
    using initiate_transfer = initiation<void(error_code, std::size_t), start_transfer<IsRead>>;

    /// An offset that the user gives: none of them means the file's own position.
    static constexpr std::uint64_t absolute(std::uint64_t offset) noexcept {
        return offset == core::current_position ? max_offset + 1 : offset;
    }

    explicit basic_file(const Executor& e)
        : impl_(e) {}
    basic_file(basic_file&&) noexcept = default;
    template <class OtherExecutor>
    explicit basic_file(basic_file<OtherExecutor>&& other)
        : impl_(std::move(other.impl_)) {}
    basic_file& operator=(basic_file&&) noexcept = default;
    ~basic_file() = default;

    int fd() const noexcept { return impl_.fd(); }

    template <class F>
    void throwing(const char* where, F f) {
        error_code ec;
        f(ec);
        detail::throw_if(ec, where);
    }

    /// In an initiation: starts a Work on this file.
    template <class Work, class Handler, class... Args>
    [[gnu::always_inline]] void start(int error, Handler&& handler, Args&&... args) {
        detail::start_io<Work>(AURAIO_WHEN_TRACKING(impl_.tracked(), ) impl_.home_to_start(), impl_.get(),
                               error, detail::every_cancellation, std::forward<Handler>(handler),
                               impl_.executor(), std::forward<Args>(args)...);
    }

    static core::io_request request(core::request_kind kind) {
        core::io_request r;
        r.kind = kind;
        return r;
    }

    /// The synchronous form of a transfer.
    template <bool IsRead, class Sequence>
    std::size_t transfer_now(std::uint64_t offset, const Sequence& buffers, error_code& ec) {
        using buffer = std::conditional_t<IsRead, net::mutable_buffer, net::const_buffer>;
        const detail::gathered<buffer, detail::most_file_iovecs> g(buffers);
        ec = {};
        if (fd() >= 0 && g.total == 0)
            return 0;
        long n = -EBADF;
        if (offset > max_offset && offset != core::current_position)
            n = -EINVAL;
        else if (fd() >= 0)
            n = IsRead
                    ? core::read_file(impl_.fd_to_block_on(), g.vectors, static_cast<int>(g.count), offset)
                    : core::write_file(impl_.fd_to_block_on(), g.vectors, static_cast<int>(g.count), offset);
        if (n > 0)
            return static_cast<std::size_t>(n);
        const int code =
            n == -EINVAL && impl_.get()
                ? detail::misaligned(impl_.get()->direct_alignment_code(), offset, g.vectors, g.count)
                : -1;
        if (code >= 0)
            ec = error_code(code, direct_alignment_category());
        else if (n == 0)
            ec = IsRead ? error_code(net::error::eof) : error_code();
        else
            ec = detail::to_error_code(static_cast<int>(n));
        return 0;
    }

private:
    template <class>
    friend class basic_file;
    friend class file_registration;

    /// Whether a file is open or being opened. What a failed open has left behind is dropped.
    bool has_file() {
        if (impl_.get() && fd() == detail::failed_to_open)
            (void)impl_.close();
        return impl_.get() != nullptr;
    }

    error_code adopt(int fd, bool is_direct, error_code& ec) {
        ec = detail::to_error_code(impl_.adopt_new(fd));
        if (!ec)
            detail::describe(*impl_.get(), fd, is_direct);
        return ec;
    }

    detail::descriptor_owner<Executor> impl_;
};

AURAIO_CLOSE

#endif
