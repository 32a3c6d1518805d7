// adopted_pipe: Asio's pipes over any_io_executor in adopt mode.
#pragma once

#include "auraio/asio/basic_readable_pipe.hpp"
#include "auraio/asio/basic_writable_pipe.hpp"
#include "auraio/detail/adopted_descriptor.hpp"

#if defined(AURAIO_HAS_PIPE)
AURAIO_OPEN
namespace detail {

/// What both ends have beyond a descriptor: release() with an error code.
template <template <class> class Template>
class adopted_pipe : public adopted_descriptor<Template> {
    using base = adopted_descriptor<Template>;

public:
    using typename base::executor_type;
    using typename base::native_handle_type;
    using lowest_layer_type = Template<net::any_io_executor>;

    using base::release;
    template <class Stock = Template<stock_executor>>
        requires requires(Stock& s, error_code& ec) { s.release(ec); } // since Asio 1.24
    native_handle_type release(error_code& ec) {
        return this->impl_.on([&](auto& d) { return d.release(ec); });
    }
    lowest_layer_type& lowest_layer() { return static_cast<lowest_layer_type&>(*this); }
    const lowest_layer_type& lowest_layer() const { return static_cast<const lowest_layer_type&>(*this); }

protected:
    explicit adopted_pipe(const executor_type& e)
        : base(e) {}
    adopted_pipe(const executor_type& e, const native_handle_type& fd)
        : base(e, fd) {}
    template <class Executor>
    adopted_pipe(std::in_place_t, Template<Executor>&& other)
        : base(std::in_place, std::move(other)) {}
    adopted_pipe(adopted_pipe&&) = default;
    adopted_pipe& operator=(adopted_pipe&&) = default;
    ~adopted_pipe() = default;
};

} // namespace detail
AURAIO_CLOSE

AURAIO_NET_OPEN

/// The reading end.
template <>
class basic_readable_pipe<any_io_executor>
    : public aura::detail::adopted_reader<aura::detail::adopted_pipe<basic_readable_pipe>> {
    using base = aura::detail::adopted_reader<aura::detail::adopted_pipe<basic_readable_pipe>>;

public:
    using base::executor_type;
    using base::native_handle_type;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_readable_pipe<OtherExecutor>;
    };

    // Written out: what a base class protects stays protected when it is inherited.
    explicit basic_readable_pipe(const executor_type& e)
        : base(e) {}
    basic_readable_pipe(const executor_type& e, const native_handle_type& fd)
        : base(e, fd) {}
    template <aura::detail::context_for<executor_type> Context, class... Args>
    explicit basic_readable_pipe(Context& c, const Args&... args)
        : base(executor_type(c.get_executor()), args...) {}
    basic_readable_pipe(basic_readable_pipe&&) = default;
    basic_readable_pipe& operator=(basic_readable_pipe&&) = default;

    template <aura::detail::adoptable_executor Executor>
    basic_readable_pipe(basic_readable_pipe<Executor>&& other)
        : base(std::in_place, std::move(other)) {}
    template <aura::detail::adoptable_executor Executor>
    basic_readable_pipe& operator=(basic_readable_pipe<Executor>&& other) {
        return *this = basic_readable_pipe(std::move(other));
    }
    ~basic_readable_pipe() = default;
};

/// The writing end.
template <>
class basic_writable_pipe<any_io_executor>
    : public aura::detail::adopted_writer<aura::detail::adopted_pipe<basic_writable_pipe>> {
    using base = aura::detail::adopted_writer<aura::detail::adopted_pipe<basic_writable_pipe>>;

public:
    using base::executor_type;
    using base::native_handle_type;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_writable_pipe<OtherExecutor>;
    };

    // Written out: what a base class protects stays protected when it is inherited.
    explicit basic_writable_pipe(const executor_type& e)
        : base(e) {}
    basic_writable_pipe(const executor_type& e, const native_handle_type& fd)
        : base(e, fd) {}
    template <aura::detail::context_for<executor_type> Context, class... Args>
    explicit basic_writable_pipe(Context& c, const Args&... args)
        : base(executor_type(c.get_executor()), args...) {}
    basic_writable_pipe(basic_writable_pipe&&) = default;
    basic_writable_pipe& operator=(basic_writable_pipe&&) = default;

    template <aura::detail::adoptable_executor Executor>
    basic_writable_pipe(basic_writable_pipe<Executor>&& other)
        : base(std::in_place, std::move(other)) {}
    template <aura::detail::adoptable_executor Executor>
    basic_writable_pipe& operator=(basic_writable_pipe<Executor>&& other) {
        return *this = basic_writable_pipe(std::move(other));
    }
    ~basic_writable_pipe() = default;
};

AURAIO_NET_CLOSE
#endif
