// socket_object: what sockets and acceptors share.
#pragma once

#include "auraio/core/io/socket_calls.hpp"
#include "auraio/detail/descriptor_owner.hpp"
#include "auraio/detail/io_op.hpp"
#include "auraio/detail/null_buffers.hpp"
#include "auraio/detail/socket_work.hpp"

#include <optional>
#include <sys/ioctl.h>

AURAIO_OPEN
namespace detail {

/// Asio's two flags, and what of ours the kernel does not keep.
struct socket_settings {
    bool non_blocking = false;        // the user's: synchronous operations fail with would_block
    bool native_non_blocking = false; // the descriptor's, while the user's is off
    bool linger = false;              // the user has set SO_LINGER
    bool report_aborted = false;      // socket_base::enable_connection_aborted
};

/// What a socket or acceptor holds, under the name Asio's own ones use for it (`impl_`): Asio's converting
/// constructors turn one's impl_ into another's.
template <class Protocol, class Executor>
class socket_handle : public descriptor_owner<Executor> {
    using base = descriptor_owner<Executor>;

public:
    explicit socket_handle(const Executor& e)
        : base(e) {
        AURAIO_WHEN_TRACKING(this->track_as("socket");)
    }
    socket_handle(socket_handle&&) = default;
    template <class OtherProtocol, class OtherExecutor>
    explicit socket_handle(socket_handle<OtherProtocol, OtherExecutor>&& other)
        : base(std::move(other))
        , options(other.options) {
        if (other.protocol)
            protocol.emplace(*other.protocol);
    }
    socket_handle& operator=(socket_handle&& other) noexcept {
        if (this != &other) {
            prepare_destruction();
            base::operator=(std::move(other));
            protocol.reset();
            if (other.protocol)
                protocol.emplace(*other.protocol);
            options = other.options;
        }
        return *this;
    }
    ~socket_handle() { prepare_destruction(); }

    /// Into the implementation of one of Asio's own sockets; nothing may be pending. Assumes only its shape.
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
            stock.get_service().assign(stock.get_implementation(), *protocol, fd, ec);
            if (ec)
                ::close(fd);
            throw_if(ec, "assign");
        }
        return stock;
    }

    void adopt(const Protocol& p, int fd) {
        base::adopt(fd);
        note_new(p);
    }
    int adopt_new(const Protocol& p, int fd) {
        if (const int error = base::adopt_new(fd); error < 0)
            return error;
        note_new(p);
        return 0;
    }
    int assign(const Protocol& p, int fd) {
        const int flags = base::assign(fd);
        if (flags < 0)
            return flags;
        note_new(p);
        options.native_non_blocking = core::is_non_blocking(flags);
        return flags;
    }

    std::optional<Protocol> protocol; // known while open
    socket_settings options;

private:
    void note_new(const Protocol& p) {
        protocol.emplace(p);
        options = {};
    }

    /// As in Asio, a destructor does not linger.
    void prepare_destruction() noexcept {
        if (options.linger && this->fd() >= 0) {
            const ::linger off{0, 0};
            (void)core::set_socket_option(this->fd(), SOL_SOCKET, SO_LINGER, &off, sizeof off);
        }
    }
};

/// Base of the specialisations of basic_socket and basic_socket_acceptor: everything that concerns neither
/// data nor connections. Meaning, errors and overloads are Asio's. Beyond it: any thread may use the object
/// (one at a time); operations complete on the ring where the object lives; sockets are closed on exec.
template <class Protocol, class Executor>
class socket_object : public net::socket_base {
public:
    using executor_type = Executor;
    using native_handle_type = int;
    using protocol_type = Protocol;
    using endpoint_type = typename Protocol::endpoint;

    executor_type get_executor() noexcept { return impl_.executor(); }
    bool is_open() const { return impl_.fd() >= 0; }
    native_handle_type native_handle() { return impl_.fd_in_order(); }

    void open(const protocol_type& protocol = protocol_type()) {
        throwing("open", [&](error_code& ec) { open(protocol, ec); });
    }
    sync_result open(const protocol_type& protocol, error_code& ec) {
        if (is_open())
            return sync_return(ec = net::error::already_open);
        int result = core::open_socket(protocol.family(), protocol.type(), protocol.protocol());
        if (result >= 0)
            result = impl_.adopt_new(protocol, result);
        return sync_return(ec = to_error_code(result));
    }

    void assign(const protocol_type& protocol, const native_handle_type& fd) {
        throwing("assign", [&](error_code& ec) { assign(protocol, fd, ec); });
    }
    sync_result assign(const protocol_type& protocol, const native_handle_type& fd, error_code& ec) {
        if (is_open())
            return sync_return(ec = net::error::already_open);
        return sync_return(ec = to_error_code(impl_.assign(protocol, fd)));
    }

    /// When this returns, in whichever thread, the descriptor is closed, nothing pending takes data or
    /// connections any more, the peer has been told and a port can be bound again. Handlers get
    /// operation_aborted.
    void close() {
        throwing("close", [&](error_code& ec) { close(ec); });
    }
    sync_result close(error_code& ec) {
        impl_.options = {};
        return sync_return(ec = to_error_code(impl_.close()));
    }

    /// Cancels pending operations and hands the descriptor to the caller. From a thread that does not drive
    /// the object's ring while another does, the descriptor's number changes.
    native_handle_type release() {
        error_code ec;
        const int fd = release(ec);
        throw_if(ec, "release");
        return fd;
    }
    native_handle_type release(error_code& ec) {
        if (!is_open()) {
            ec = net::error::bad_descriptor;
            return -1;
        }
        const int fd = impl_.release();
        ec = to_error_code(fd);
        return fd < 0 ? -1 : fd;
    }

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

    void bind(const endpoint_type& endpoint) {
        throwing("bind", [&](error_code& ec) { bind(endpoint, ec); });
    }
    sync_result bind(const endpoint_type& endpoint, error_code& ec) {
        return sync_return(
            ec = to_error_code(core::bind_socket(impl_.fd(), endpoint.data(), endpoint.size())));
    }

    template <class SettableSocketOption>
    void set_option(const SettableSocketOption& option) {
        throwing("set_option", [&](error_code& ec) { set_option(option, ec); });
    }
    template <class SettableSocketOption>
    sync_result set_option(const SettableSocketOption& option, error_code& ec) {
        if (!is_open())
            return sync_return(ec = net::error::bad_descriptor);
        const Protocol& p = *impl_.protocol;
        if (is_connection_aborted_option(option)) {
            const void* const value = option.data(p);
            bool on = false;
            for (std::size_t i = 0; i < option.size(p); ++i)
                on = on || static_cast<const char*>(value)[i] != 0;
            impl_.options.report_aborted = on;
            return sync_return(ec = {});
        }
        if (is_asios_own(option))
            return sync_return(ec = net::error::invalid_argument);
        if (option.level(p) == SOL_SOCKET && option.name(p) == SO_LINGER)
            impl_.options.linger = true;
        return sync_return(
            ec = to_error_code(core::set_socket_option(impl_.fd_in_order(), option.level(p), option.name(p),
                                                       option.data(p), option.size(p))));
    }

    template <class GettableSocketOption>
    void get_option(GettableSocketOption& option) const {
        throwing("get_option", [&](error_code& ec) { get_option(option, ec); });
    }
    template <class GettableSocketOption>
    sync_result get_option(GettableSocketOption& option, error_code& ec) const {
        if (!is_open())
            return sync_return(ec = net::error::bad_descriptor);
        const Protocol& p = *impl_.protocol;
        if (is_connection_aborted_option(option)) {
            void* const value = option.data(p);
            *static_cast<int*>(value) = impl_.options.report_aborted ? 1 : 0;
            return sync_return(ec = {});
        }
        if (is_asios_own(option))
            return sync_return(ec = net::error::invalid_argument);
        auto size = static_cast<socklen_t>(option.size(p));
        void* const value = option.data(p);
        ec = to_error_code(
            core::get_socket_option(impl_.fd_in_order(), option.level(p), option.name(p), value, size));
        // The kernel sets buffers to twice what it is told, for its own use: what was set is what Asio
        // gives.
        if (!ec && option.level(p) == SOL_SOCKET && size == sizeof(int) &&
            (option.name(p) == SO_SNDBUF || option.name(p) == SO_RCVBUF))
            *static_cast<int*>(value) /= 2;
        if (!ec)
            option.resize(p, size);
        return sync_return(ec);
    }

    template <class IoControlCommand>
    void io_control(IoControlCommand& command) {
        throwing("io_control", [&](error_code& ec) { io_control(command, ec); });
    }
    template <class IoControlCommand>
    sync_result io_control(IoControlCommand& command, error_code& ec) {
        void* const argument = command.data();
        if (static_cast<unsigned long>(command.name()) == FIONBIO)
            return non_blocking(*static_cast<int*>(argument) != 0, ec);
        return sync_return(ec = to_error_code(core::control(
                               impl_.fd_in_order(), static_cast<unsigned long>(command.name()), argument)));
    }

    /// Asynchronous operations do not care; with O_NONBLOCK set they cost a poll more.
    bool non_blocking() const { return impl_.options.non_blocking; }
    void non_blocking(bool mode) {
        throwing("non_blocking", [&](error_code& ec) { non_blocking(mode, ec); });
    }
    sync_result non_blocking(bool mode, error_code& ec) {
        ec = to_error_code(core::set_non_blocking(impl_.fd_in_order(), mode));
        if (!ec) {
            impl_.options.non_blocking = mode;
            impl_.options.native_non_blocking = impl_.options.native_non_blocking && mode;
        }
        return sync_return(ec);
    }
    bool native_non_blocking() const {
        return impl_.options.non_blocking || impl_.options.native_non_blocking;
    }
    void native_non_blocking(bool mode) {
        throwing("native_non_blocking", [&](error_code& ec) { native_non_blocking(mode, ec); });
    }
    sync_result native_non_blocking(bool mode, error_code& ec) {
        if (!mode && impl_.options.non_blocking)
            return sync_return(ec = net::error::invalid_argument);
        ec = to_error_code(core::set_non_blocking(impl_.fd_in_order(), mode));
        if (!ec)
            impl_.options.native_non_blocking = mode;
        return sync_return(ec);
    }

    endpoint_type local_endpoint() const {
        error_code ec;
        endpoint_type e = local_endpoint(ec);
        throw_if(ec, "local_endpoint");
        return e;
    }
    endpoint_type local_endpoint(error_code& ec) const {
        return endpoint_by(&core::local_address, impl_.fd(), ec);
    }

    /// Blocks until the descriptor is ready; would_block instead where non_blocking() is on.
    void wait(wait_type w) {
        throwing("wait", [&](error_code& ec) { wait(w, ec); });
    }
    sync_result wait(wait_type w, error_code& ec) {
        if (!is_open())
            return sync_return(ec = net::error::bad_descriptor);
        return sync_return(
            ec = to_error_code(core::wait_for(impl_.fd_to_block_on(), poll_events(w), waits())));
    }

protected:
    template <class Request>
    struct start_wait {
        template <class Handler>
        void operator()(socket_object& self, Handler&& handler, wait_type w) const {
            self.template start<Request>(self.unopened(), std::forward<Handler>(handler), self.impl_.fd(),
                                         poll_events(w));
        }
    };
    template <class Request>
    using initiate_wait = initiation<socket_object*, void(error_code), start_wait<Request>>;
    using initiate_async_wait = initiate_wait<wait_request>;

public:
    /// Readiness, for protocols whose data others transfer. Signature void(error_code). Cancellation:
    /// terminal, partial, total.
    template <class Token = net::default_completion_token_t<Executor>>
    auto async_wait(wait_type w, Token&& token = Token())
        -> initiated<initiate_async_wait, Token, wait_type> {
        return initiate<initiate_async_wait, Token>(this, token, w);
    }

protected:
    explicit socket_object(const executor_type& e)
        : impl_(e) {}
    socket_object(const executor_type& e, const protocol_type& protocol)
        : impl_(e) {
        open(protocol);
    }
    socket_object(const executor_type& e, const protocol_type& protocol, const native_handle_type& fd)
        : impl_(e) {
        assign(protocol, fd);
    }
    socket_object(socket_object&&) = default;
    template <class OtherImpl>
    explicit socket_object(std::in_place_t, OtherImpl&& other)
        : impl_(std::forward<OtherImpl>(other)) {}
    socket_object& operator=(socket_object&&) = default;
    ~socket_object() = default;

    template <class F>
    static void throwing(const char* where, F f) {
        error_code ec;
        f(ec);
        throw_if(ec, where);
    }

    template <class SocketOption>
    bool is_connection_aborted_option(const SocketOption& option) const {
        // By value, not by type: programs may bring options of their own. Asio gives it a level the system
        // lacks.
        const net::socket_base::enable_connection_aborted ours;
        const Protocol& p = *impl_.protocol;
        return option.level(p) == ours.level(p) && option.name(p) == ours.name(p);
    }

    /// Whether it has the level of options that no system knows.
    template <class SocketOption>
    bool is_asios_own(const SocketOption& option) const {
        const Protocol& p = *impl_.protocol;
        return option.level(p) == net::socket_base::enable_connection_aborted().level(p);
    }

    static endpoint_type endpoint_by(int (*call)(int, void*, socklen_t&) noexcept, int fd, error_code& ec) {
        endpoint_type e;
        auto size = static_cast<socklen_t>(e.capacity());
        ec = to_error_code(call(fd, e.data(), size));
        if (ec)
            return endpoint_type();
        e.resize(size);
        return e;
    }

    int unopened() const { return is_open() ? 0 : EBADF; }
    /// Synchronous operations wait for themselves unless the user said otherwise.
    bool waits() const { return !impl_.options.non_blocking; }

    /// In an initiation: starts a Work on this socket.
    template <class Work, class Handler, class... Args>
    void start(int error, Handler&& handler, Args&&... args) {
        start_io<Work>(AURAIO_WHEN_TRACKING(impl_.tracked(), ) impl_.home_to_start(), impl_.get(), error,
                       every_cancellation, std::forward<Handler>(handler), impl_.executor(),
                       std::forward<Args>(args)...);
    }

public: // Asio's own sockets reach into each other by this name
    socket_handle<Protocol, Executor> impl_;
};

/// assign() for a descriptor of our own making, which needs no look: accepted connections.
template <class Protocol, class Socket>
void assign_new(Socket& socket, const Protocol& protocol, int fd, error_code& ec) {
    if constexpr (requires { socket.impl_.adopt(protocol, fd); }) {
        if (socket.is_open()) {
            ec = net::error::already_open;
            return;
        }
        socket.impl_.adopt(protocol, fd);
        ec = {};
    } else if constexpr (requires { socket.impl_.on([](auto&) {}); }) { // either ours or Asio's own
        socket.impl_.on([&](auto& s) { assign_new(s, protocol, fd, ec); });
    } else {
        socket.assign(protocol, fd, ec);
    }
}

/// Whether a socket of one protocol and executor can be turned into one of another, pending operations and
/// all.
template <class FromProtocol, class FromExecutor, class Protocol, class Executor>
concept converts_to = std::is_convertible_v<FromProtocol, Protocol> &&
                      std::is_convertible_v<FromExecutor, Executor> && ring_executor<FromExecutor>;

} // namespace detail
AURAIO_CLOSE
