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

namespace detail {

/// Starts I/O on a file once the token has turned into a handler, which deferred tokens do later.
template <class Executor, class Start>
class initiate_on_file {
public:
    using executor_type = Executor;
    initiate_on_file(basic_file<Executor>& file, Start start)
        : file_(&file)
        , start_(std::move(start)) {}
    const executor_type& get_executor() const noexcept { return file_->get_executor(); }

    template <class Handler>
    void operator()(Handler&& handler) {
        start_(*file_, std::forward<Handler>(handler));
    }

private:
    basic_file<Executor>* file_;
    Start start_;
};

} // namespace detail

/// An open file on a ring. The base of basic_random_access_file and basic_stream_file; not used by itself.
///
/// Distinct objects: safe. Shared objects: unsafe, as all of Asio's; but any thread may use the object (one
/// at a time), in run() or not, and any number of operations may be in flight on one object.
///
/// Errors are the real errno of the system call, in the system category; operation_aborted for what was
/// cancelled; bad_descriptor (EBADF) when the file is not open. Paths are copied.
template <class Executor>
class basic_file : public file_base {
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
        ec = detail::to_error_code(impl_.assign(fd));
        if (!ec)
            detail::describe(*impl_.get(), fd, core::is_direct(fd));
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
    auto async_open(std::string path, flags f, Token&& token = Token()) {
        return initiate<void(error_code)>(
            std::forward<Token>(token),
            [path = std::move(path), f](basic_file& self, auto&& handler) mutable {
                const bool busy = self.has_file();
                if (!busy)
                    self.impl_.adopt(detail::being_opened);
                self.template start<detail::open_request>(
                    busy ? EBUSY : 0, std::forward<decltype(handler)>(handler), std::move(path),
                    static_cast<int>(f), permissions, busy);
            });
    }

    /// Cancels pending operations, and closes without blocking (closing writes back on some file systems).
    /// is_open() is false at once. Signature void(error_code). Closing cannot be cancelled: once started, the
    /// descriptor is closed, whatever becomes of the handler.
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_close(Token&& token = Token()) {
        return initiate<void(error_code)>(std::forward<Token>(token), [](basic_file& self, auto&& handler) {
            detail::start_close<detail::close_request>(self.impl_, self.is_open() ? 0 : EBADF,
                                                       std::forward<decltype(handler)>(handler));
        });
    }

    /// fsync(2) and fdatasync(2). Signature void(error_code). Cancellation: terminal, partial, total.
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_sync_all(Token&& token = Token()) {
        return plain(request(core::request_kind::fsync), std::forward<Token>(token));
    }
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_sync_data(Token&& token = Token()) {
        return plain(request(core::request_kind::fdatasync), std::forward<Token>(token));
    }

    /// ftruncate(2). Signature void(error_code). Before Linux 6.9 the system call is made in the ring's
    /// thread.
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_resize(std::uint64_t n, Token&& token = Token()) {
        core::io_request r = request(core::request_kind::ftruncate);
        r.length64 = n;
        return plain(r, std::forward<Token>(token), n > max_offset ? EINVAL : 0);
    }

    /// fallocate(2) with mode 0: reserves [offset, offset + length) on the device; grows the file if need be.
    /// Signature void(error_code).
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_allocate(std::uint64_t offset, std::uint64_t length, Token&& token = Token()) {
        core::io_request r = request(core::request_kind::fallocate);
        r.offset = offset;
        r.length64 = length;
        return plain(r, std::forward<Token>(token), offset > max_offset || length > max_offset ? EINVAL : 0);
    }

    /// statx(2) of the open file. Signature void(error_code, file_status).
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_stat(Token&& token = Token()) {
        return initiate<void(error_code, file_status)>(std::forward<Token>(token), [](basic_file& self,
                                                                                      auto&& handler) {
            self.template start<detail::stat_request>(self.fd() < 0 ? EBADF : 0,
                                                      std::forward<decltype(handler)>(handler), self.fd());
        });
    }

protected:
    static constexpr unsigned permissions = 0666;
    static constexpr std::uint64_t max_offset = ~std::uint64_t{0} >> 1;

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

    template <class Signature, class Token, class Start>
    auto initiate(Token&& token, Start start) {
        return net::async_initiate<Token, Signature>(
            detail::initiate_on_file<Executor, Start>(*this, std::move(start)), token);
    }

    /// In an initiation: starts a Work on this file.
    template <class Work, class Handler, class... Args>
    void start(int error, Handler&& handler, Args&&... args) {
        detail::start_io<Work>(AURAIO_WHEN_TRACKING(impl_.tracked(), ) impl_.home(), impl_.get(), error,
                               detail::every_cancellation, std::forward<Handler>(handler), impl_.executor(),
                               std::forward<Args>(args)...);
    }

    static core::io_request request(core::request_kind kind) {
        core::io_request r;
        r.kind = kind;
        return r;
    }

    /// `r` without its descriptor number, which is looked up when the operation starts.
    template <class Token>
    auto plain(const core::io_request& r, Token&& token, int error = 0) {
        return initiate<void(error_code)>(
            std::forward<Token>(token),
            [r = core::io_request(r), error](basic_file& self, auto&& handler) mutable {
                r.fd = self.fd();
                self.template start<detail::plain_request>(r.fd < 0 ? EBADF : error,
                                                           std::forward<decltype(handler)>(handler), r);
            });
    }

    /// Starts a read or a write; `offset` may be core::current_position.
    template <bool IsRead, class Sequence, class Token>
    auto transfer(std::uint64_t offset, const Sequence& buffers, Token&& token) {
        using buffer = std::conditional_t<IsRead, net::mutable_buffer, net::const_buffer>;
        using work =
            detail::transfer<IsRead, detail::buffer_storage<buffer, Sequence, detail::most_file_iovecs>,
                             detail::aligned>;
        return initiate<void(error_code, std::size_t)>(
            std::forward<Token>(token), [offset, buffers](basic_file& self, auto&& handler) {
                int error = self.fd() < 0 ? EBADF : 0;
                if (offset > max_offset && offset != core::current_position)
                    error = EINVAL;
                if (error == 0)
                    error = detail::registered_buffers_of::check(self.impl_.home().owner(), buffers);
                self.template start<work>(error, std::forward<decltype(handler)>(handler), self.fd(), offset,
                                          error ? -1 : self.impl_.get()->direct_alignment_code(), buffers);
            });
    }

    /// The synchronous form of transfer().
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
        detail::describe(impl_.adopt(fd), fd, is_direct);
        return ec = {};
    }

    detail::descriptor_owner<Executor> impl_;
};

AURAIO_CLOSE

#endif
