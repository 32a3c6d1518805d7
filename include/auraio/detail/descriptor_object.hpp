// descriptor_object: what stream descriptors and pipes share.
#pragma once

#include "auraio/core/io/socket_calls.hpp"
#include "auraio/detail/descriptor_owner.hpp"
#include "auraio/detail/io_op.hpp"
#include "auraio/detail/null_buffers.hpp"
#include "auraio/detail/registration.hpp"
#include "auraio/detail/transfer.hpp"

#include AURAIO_ASIO(async_result.hpp)

AURAIO_OPEN
namespace detail {

/// What a stream descriptor or pipe holds, under the name Asio's own ones use for it (`impl_`): Asio's
/// converting constructors turn one's impl_ into another's.
template <class Executor>
class descriptor_handle : public descriptor_owner<Executor> {
    using base = descriptor_owner<Executor>;

public:
    explicit descriptor_handle(const Executor& e)
        : base(e) {}
    descriptor_handle(descriptor_handle&&) = default;
    template <class OtherExecutor>
    explicit descriptor_handle(descriptor_handle<OtherExecutor>&& other)
        : base(std::move(other))
        , non_blocking(other.non_blocking)
        , native_non_blocking(other.native_non_blocking) {}
    descriptor_handle& operator=(descriptor_handle&&) = default;

    /// Into the implementation of one of Asio's own descriptors; nothing may be pending. Assumes only its
    /// shape.
    template <class Stock>
        requires requires(Stock& s) {
            typename Stock::service_type;
            typename Stock::implementation_type;
            s.get_service();
            s.get_implementation();
        }
    operator Stock() && {
        Stock stock(0, typename Stock::executor_type(this->executor()));
        if (this->get()) {
            const int fd = this->release();
            error_code ec;
            stock.get_service().assign(stock.get_implementation(), fd, ec);
            if (ec)
                ::close(fd);
            throw_if(ec, "assign");
        }
        return stock;
    }

    // Asio's two flags.
    bool non_blocking = false;        // the user's: synchronous operations fail with would_block
    bool native_non_blocking = false; // the descriptor's, while the user's is off
};

template <class FromExecutor, class Executor>
concept executor_converts = std::is_convertible_v<FromExecutor, Executor> && ring_executor<FromExecutor>;

/// Base of the specialisations of posix::basic_descriptor, basic_readable_pipe and basic_writable_pipe.
/// Meaning, errors and overloads are Asio's. Beyond it: any thread may use the object (one at a time);
/// operations complete on the ring where the object lives; any open file will do, also those that cannot be
/// polled (regular files, /dev/null). The descriptor keeps the mode it was assigned with, O_NONBLOCK or not:
/// a terminal, whose writes would otherwise hold the ring's thread, is opened once more for asynchronous
/// operations; where that cannot be, and for other devices, a kernel worker waits.
///
/// Any number of operations may be pending at once; those of one direction are carried out in the order they
/// were started. Buffers must live until the handler is called, cancelled or not. The handler is never called
/// from within the initiating function.
template <class Executor>
class descriptor_object {
public:
    using executor_type = Executor;
    using native_handle_type = int;

    executor_type get_executor() noexcept { return impl_.executor(); }
    bool is_open() const { return impl_.fd() >= 0; }
    native_handle_type native_handle() { return impl_.fd_in_order(); }

    void assign(const native_handle_type& fd) {
        throwing("assign", [&](error_code& ec) { assign(fd, ec); });
    }
    sync_result assign(const native_handle_type& fd, error_code& ec) {
        if (is_open())
            return sync_return(ec = net::error::already_open);
        const int flags = impl_.assign(fd);
        ec = to_error_code(flags);
        if (ec)
            return sync_return(ec);
        impl_.get()->look_at_kind(fd);
        impl_.non_blocking = false;
        impl_.native_non_blocking = core::is_non_blocking(flags);
        return sync_return(ec);
    }

    /// When this returns, in whichever thread, the descriptor is closed and nothing pending reads or writes
    /// any more. Handlers get operation_aborted.
    void close() {
        throwing("close", [&](error_code& ec) { close(ec); });
    }
    sync_result close(error_code& ec) { return sync_return(ec = to_error_code(impl_.close())); }

    /// Requests cancellation of exactly what was started before.
    void cancel() {
        throwing("cancel", [&](error_code& ec) { cancel(ec); });
    }
    sync_result cancel(error_code& ec) {
        if (!is_open())
            return sync_return(ec = net::error::bad_descriptor);
        impl_.cancel();
        return sync_return(ec = {});
    }

protected:
    template <bool IsRead>
    struct start_transfer {
        template <class Handler, class Sequence>
        void operator()(descriptor_object& self, Handler&& handler, const Sequence& buffers) const {
            using buffer = std::conditional_t<IsRead, net::mutable_buffer, net::const_buffer>;
            if constexpr (is_null_buffers<Sequence>)
                self.template start<null_transfer>(self.unopened(), std::forward<Handler>(handler),
                                                   self.impl_.fd(), transfer_events(IsRead));
            else
                self.template start<transfer<IsRead, buffer_storage<buffer, Sequence>>>(
                    self.error_before(buffers), std::forward<Handler>(handler), self.impl_.fd(),
                    core::current_position, -1, buffers);
        }
    };
    template <bool IsRead>
    using initiate_transfer =
        initiation<descriptor_object*, void(error_code, std::size_t), start_transfer<IsRead>>;

    explicit descriptor_object(const executor_type& e)
        : impl_(e) {}
    descriptor_object(const executor_type& e, const native_handle_type& fd)
        : impl_(e) {
        assign(fd);
    }
    descriptor_object(descriptor_object&&) = default;
    template <class OtherExecutor>
    explicit descriptor_object(std::in_place_t, descriptor_handle<OtherExecutor>&& other)
        : impl_(std::move(other)) {}
    descriptor_object& operator=(descriptor_object&&) = default;
    ~descriptor_object() = default;

    /// See close(); hands the descriptor to the caller instead. From a thread that does not drive the
    /// object's ring while another does, the descriptor's number changes.
    native_handle_type release_descriptor(error_code& ec) {
        if (!is_open()) {
            ec = net::error::bad_descriptor;
            return -1;
        }
        const int fd = impl_.release();
        ec = to_error_code(fd);
        return fd < 0 ? -1 : fd;
    }

    template <class F>
    static void throwing(const char* where, F f) {
        error_code ec;
        f(ec);
        throw_if(ec, where);
    }

    int unopened() const { return is_open() ? 0 : EBADF; }
    template <class Sequence>
    int error_before(const Sequence& buffers) const {
        return is_open() ? registered_buffers_of::check(impl_.home().owner(), buffers) : EBADF;
    }

    /// In an initiation: starts a Work on this descriptor.
    template <class Work, class Handler, class... Args>
    void start(int error, Handler&& handler, Args&&... args) {
        start_io<Work>(AURAIO_WHEN_TRACKING(impl_.tracked(), ) impl_.home_to_start(), impl_.get(), error,
                       every_cancellation, std::forward<Handler>(handler), impl_.executor(),
                       std::forward<Args>(args)...);
    }

    template <bool IsRead, class Sequence>
    std::size_t transfer_now(const Sequence& buffers, error_code& ec) {
        using buffer = std::conditional_t<IsRead, net::mutable_buffer, net::const_buffer>;
        if constexpr (is_null_buffers<Sequence>) {
            ec = to_error_code(is_open() ? core::wait_for(impl_.fd_to_block_on(), transfer_events(IsRead),
                                                          !impl_.non_blocking)
                                         : -EBADF);
            return 0;
        }
        const gathered<buffer> g(buffers);
        long n = -EBADF;
        if (is_open() && g.total != 0)
            n = IsRead ? core::read_now(impl_.fd_to_block_on(), g.vectors, g.count, !impl_.non_blocking)
                       : core::write_now(impl_.fd_to_block_on(), g.vectors, g.count, !impl_.non_blocking);
        else if (is_open())
            return ec = {}, 0;
        ec = IsRead && n == 0 ? error_code(net::error::eof) : to_error_code(n < 0 ? static_cast<int>(n) : 0);
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }

public: // Asio's own descriptors and pipes reach into each other by this name
    descriptor_handle<Executor> impl_;
};

} // namespace detail
AURAIO_CLOSE
