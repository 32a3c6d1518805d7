// basic_writable_pipe: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/detail/descriptor_transfer.hpp"

#include AURAIO_ASIO(basic_writable_pipe.hpp)

#if defined(AURAIO_HAS_PIPE)
AURAIO_NET_OPEN

/// The writing end of a pipe on a ring. Interface and meaning are Asio's; see there, and
/// aura::detail::descriptor_object for what is beyond it; connect_pipe() makes pairs.
template <class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_writable_pipe<Executor>
    : public aura::detail::writable_descriptor<aura::detail::descriptor_object<Executor>> {
    using base = aura::detail::writable_descriptor<aura::detail::descriptor_object<Executor>>;
    using error_code = aura::error_code;

public:
    using typename base::executor_type;
    using typename base::native_handle_type;
    using lowest_layer_type = basic_writable_pipe;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_writable_pipe<OtherExecutor>;
    };

    explicit basic_writable_pipe(const executor_type& e)
        : base(e) {}
    basic_writable_pipe(const executor_type& e, const native_handle_type& fd)
        : base(e, fd) {}

    template <class Context, class... Args>
        requires(std::is_convertible_v<Context&, execution_context&> &&
                 std::is_constructible_v<executor_type, typename Context::executor_type>)
    explicit basic_writable_pipe(Context& c, const Args&... args)
        : basic_writable_pipe(executor_type(c.get_executor()), args...) {}

    basic_writable_pipe(const basic_writable_pipe&) = delete;
    basic_writable_pipe& operator=(const basic_writable_pipe&) = delete;
    basic_writable_pipe(basic_writable_pipe&&) = default;
    basic_writable_pipe& operator=(basic_writable_pipe&&) = default;

    /// From a pipe of another executor. Pending operations move along; the ring stays.
    template <class OtherExecutor>
        requires aura::detail::executor_converts<OtherExecutor, Executor>
    basic_writable_pipe(basic_writable_pipe<OtherExecutor>&& other)
        : base(std::in_place, std::move(other.impl_)) {}
    template <class OtherExecutor>
        requires aura::detail::executor_converts<OtherExecutor, Executor>
    basic_writable_pipe& operator=(basic_writable_pipe<OtherExecutor>&& other) {
        basic_writable_pipe moved(std::move(other));
        return *this = std::move(moved);
    }
    ~basic_writable_pipe() = default;

    lowest_layer_type& lowest_layer() { return *this; }
    const lowest_layer_type& lowest_layer() const { return *this; }

    /// Cancels pending operations and hands the descriptor to the caller. From a thread that does not drive
    /// the object's ring while another does, the descriptor's number changes.
    native_handle_type release() {
        error_code ec;
        const int fd = release(ec);
        aura::detail::throw_if(ec, "release");
        return fd;
    }
    native_handle_type release(error_code& ec) { return this->release_descriptor(ec); }
};

AURAIO_NET_CLOSE
#endif
