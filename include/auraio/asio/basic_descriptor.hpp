// basic_descriptor: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/detail/descriptor_object.hpp"
#include "auraio/detail/socket_work.hpp"

#include AURAIO_ASIO(posix/basic_descriptor.hpp)

AURAIO_NET_OPEN
namespace posix {

/// The base of all descriptors on a ring. Interface and meaning are Asio's; see there, and
/// aura::detail::descriptor_object for what is beyond it.
template <class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_descriptor<Executor> : public descriptor_base, public aura::detail::descriptor_object<Executor> {
    using base = aura::detail::descriptor_object<Executor>;
    using error_code = aura::error_code;

    struct start_wait {
        template <class Handler>
        void operator()(basic_descriptor& self, Handler&& handler, descriptor_base::wait_type w) const {
            self.template start<aura::detail::wait_request>(
                self.error_before_wait(), std::forward<Handler>(handler), self.impl_.fd(), events(w));
        }
    };
    using initiate_wait = aura::detail::initiation<basic_descriptor*, void(error_code), start_wait>;

public:
    using typename base::executor_type;
    using typename base::native_handle_type;
    using lowest_layer_type = basic_descriptor;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_descriptor<OtherExecutor>;
    };

    explicit basic_descriptor(const executor_type& e)
        : base(e) {}
    basic_descriptor(const executor_type& e, const native_handle_type& fd)
        : base(e, fd) {}

    template <class Context, class... Args>
        requires(std::is_convertible_v<Context&, execution_context&> &&
                 std::is_constructible_v<executor_type, typename Context::executor_type>)
    explicit basic_descriptor(Context& c, const Args&... args)
        : basic_descriptor(executor_type(c.get_executor()), args...) {}

    basic_descriptor(const basic_descriptor&) = delete;
    basic_descriptor& operator=(const basic_descriptor&) = delete;
    basic_descriptor(basic_descriptor&&) = default;
    basic_descriptor& operator=(basic_descriptor&&) = default;

    /// From a descriptor of another executor. Pending operations move along; the ring stays.
    template <class OtherExecutor>
        requires aura::detail::executor_converts<OtherExecutor, Executor>
    basic_descriptor(basic_descriptor<OtherExecutor>&& other)
        : base(std::in_place, std::move(other.impl_)) {}
    template <class OtherExecutor>
        requires aura::detail::executor_converts<OtherExecutor, Executor>
    basic_descriptor& operator=(basic_descriptor<OtherExecutor>&& other) {
        basic_descriptor moved(std::move(other));
        return *this = std::move(moved);
    }

    lowest_layer_type& lowest_layer() { return *this; }
    const lowest_layer_type& lowest_layer() const { return *this; }

    /// Cancels pending operations and hands the descriptor to the caller; -1 when closed. From a thread that
    /// does not drive the object's ring while another does, the descriptor's number changes.
    native_handle_type release() {
        error_code ignored;
        return this->release_descriptor(ignored);
    }

    template <class IoControlCommand>
    void io_control(IoControlCommand& command) {
        this->throwing("io_control", [&](error_code& ec) { io_control(command, ec); });
    }
    template <class IoControlCommand>
    aura::detail::sync_result io_control(IoControlCommand& command, error_code& ec) {
        void* const argument = command.data();
        if (static_cast<unsigned long>(command.name()) == FIONBIO)
            return non_blocking(*static_cast<const int*>(argument) != 0, ec);
        return aura::detail::sync_return(
            ec = aura::detail::to_error_code(aura::core::control(
                this->impl_.fd_in_order(), static_cast<unsigned long>(command.name()), argument)));
    }

    /// Asynchronous operations do not care; with O_NONBLOCK set they may cost a poll more.
    bool non_blocking() const { return this->impl_.non_blocking; }
    void non_blocking(bool mode) {
        this->throwing("non_blocking", [&](error_code& ec) { non_blocking(mode, ec); });
    }
    aura::detail::sync_result non_blocking(bool mode, error_code& ec) {
        ec = aura::detail::to_error_code(aura::core::set_non_blocking(this->impl_.fd_in_order(), mode));
        if (!ec) {
            this->impl_.non_blocking = mode;
            this->impl_.native_non_blocking = this->impl_.native_non_blocking && mode;
        }
        return aura::detail::sync_return(ec);
    }
    bool native_non_blocking() const { return this->impl_.non_blocking || this->impl_.native_non_blocking; }
    void native_non_blocking(bool mode) {
        this->throwing("native_non_blocking", [&](error_code& ec) { native_non_blocking(mode, ec); });
    }
    aura::detail::sync_result native_non_blocking(bool mode, error_code& ec) {
        if (this->is_open() && !mode && this->impl_.non_blocking)
            return aura::detail::sync_return(ec = error::invalid_argument);
        ec = aura::detail::to_error_code(aura::core::set_non_blocking(this->impl_.fd_in_order(), mode));
        if (!ec)
            this->impl_.native_non_blocking = mode;
        return aura::detail::sync_return(ec);
    }

    /// Blocks until the descriptor is ready; would_block if it is not, in non-blocking mode.
    void wait(descriptor_base::wait_type w) {
        this->throwing("wait", [&](error_code& ec) { wait(w, ec); });
    }
    aura::detail::sync_result wait(descriptor_base::wait_type w, error_code& ec) {
        if (!this->is_open())
            return aura::detail::sync_return(ec = error::bad_descriptor);
        return aura::detail::sync_return(
            ec = aura::detail::to_error_code(
                aura::core::wait_for(this->impl_.fd_to_block_on(), events(w), !this->impl_.non_blocking)));
    }

    /// Readiness, for descriptors whose data others transfer; operation_not_supported where there is no such
    /// thing (regular files, /dev/null). Signature void(error_code). Cancellation: terminal, partial, total.
    template <class Token = default_completion_token_t<Executor>>
    auto async_wait(descriptor_base::wait_type w, Token&& token = Token())
        -> aura::detail::initiated<initiate_wait, Token, descriptor_base::wait_type> {
        return aura::detail::initiate<initiate_wait, Token>(this, token, w);
    }

protected:
    ~basic_descriptor() = default;

private:
    int error_before_wait() {
        if (!this->is_open())
            return EBADF;
        return this->impl_.get()->can_be_polled() ? 0 : EOPNOTSUPP;
    }

    static short events(descriptor_base::wait_type w) {
        switch (w) {
        case descriptor_base::wait_read:
            return POLLIN;
        case descriptor_base::wait_write:
            return POLLOUT;
        default:
            return POLLPRI | POLLERR | POLLHUP;
        }
    }
};

} // namespace posix
AURAIO_NET_CLOSE
