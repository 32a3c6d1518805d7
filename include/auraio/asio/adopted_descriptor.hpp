// adopted_descriptor: Asio's stream descriptors over any_io_executor in adopt mode.
#pragma once

#include "auraio/detail/adopted_descriptor.hpp"

AURAIO_NET_OPEN
namespace posix {

/// Base of the adopted stream descriptor, where Asio has it.
template <>
class basic_descriptor<any_io_executor> : public descriptor_base,
                                          public aura::detail::adopted_descriptor<basic_stream_descriptor> {
    using base = aura::detail::adopted_descriptor<basic_stream_descriptor>;
    using error_code = aura::error_code;

    using initiate_wait =
        aura::detail::adopted_initiation<basic_descriptor, void(error_code), aura::detail::start_either_wait>;

public:
    using lowest_layer_type = basic_descriptor;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_descriptor<OtherExecutor>;
    };

    explicit basic_descriptor(const executor_type& e)
        : base(e) {}
    basic_descriptor(const executor_type& e, const native_handle_type& fd)
        : base(e, fd) {}
    template <aura::detail::context_for<executor_type> Context>
    explicit basic_descriptor(Context& c)
        : basic_descriptor(executor_type(c.get_executor())) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_descriptor(Context& c, const native_handle_type& fd)
        : basic_descriptor(executor_type(c.get_executor()), fd) {}
    basic_descriptor(basic_descriptor&&) = default;
    basic_descriptor& operator=(basic_descriptor&&) = default;

    lowest_layer_type& lowest_layer() { return *this; }
    const lowest_layer_type& lowest_layer() const { return *this; }

    template <class Command>
    void io_control(Command& c) {
        impl_.on([&](auto& d) { d.io_control(c); });
    }
    template <class Command>
    aura::detail::sync_result io_control(Command& c, error_code& ec) {
        return forward(ec, [&](auto& d) { d.io_control(c, ec); });
    }
    bool non_blocking() const {
        return impl_.on([](auto& d) { return d.non_blocking(); });
    }
    void non_blocking(bool mode) {
        impl_.on([&](auto& d) { d.non_blocking(mode); });
    }
    aura::detail::sync_result non_blocking(bool mode, error_code& ec) {
        return forward(ec, [&](auto& d) { d.non_blocking(mode, ec); });
    }
    bool native_non_blocking() const {
        return impl_.on([](auto& d) { return d.native_non_blocking(); });
    }
    void native_non_blocking(bool mode) {
        impl_.on([&](auto& d) { d.native_non_blocking(mode); });
    }
    aura::detail::sync_result native_non_blocking(bool mode, error_code& ec) {
        return forward(ec, [&](auto& d) { d.native_non_blocking(mode, ec); });
    }
    void wait(wait_type w) {
        impl_.on([&](auto& d) { d.wait(w); });
    }
    aura::detail::sync_result wait(wait_type w, error_code& ec) {
        return forward(ec, [&](auto& d) { d.wait(w, ec); });
    }
    template <class Token = default_completion_token_t<any_io_executor>>
    auto async_wait(wait_type w, Token&& token = Token())
        -> aura::detail::initiated<initiate_wait, Token, wait_type> {
        return aura::detail::initiate<initiate_wait, Token>(this, token, w);
    }

protected:
    template <class Executor>
    basic_descriptor(std::in_place_t, basic_stream_descriptor<Executor>&& other)
        : base(std::in_place, std::move(other)) {}
    ~basic_descriptor() = default;
};

template <>
class basic_stream_descriptor<any_io_executor>
    : public aura::detail::adopted_writer<aura::detail::adopted_reader<basic_descriptor<any_io_executor>>> {
    using base =
        aura::detail::adopted_writer<aura::detail::adopted_reader<basic_descriptor<any_io_executor>>>;

public:
    using base::executor_type;
    using base::native_handle_type;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_stream_descriptor<OtherExecutor>;
    };

    using base::base;
    basic_stream_descriptor(basic_stream_descriptor&&) = default;
    basic_stream_descriptor& operator=(basic_stream_descriptor&&) = default;

    template <aura::detail::adoptable_executor Executor>
    basic_stream_descriptor(basic_stream_descriptor<Executor>&& other)
        : base(std::in_place, std::move(other)) {}
    template <aura::detail::adoptable_executor Executor>
    basic_stream_descriptor& operator=(basic_stream_descriptor<Executor>&& other) {
        return *this = basic_stream_descriptor(std::move(other));
    }
    ~basic_stream_descriptor() = default;
};

} // namespace posix
AURAIO_NET_CLOSE
