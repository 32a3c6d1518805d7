// adopted_serial_port: Asio's serial ports over any_io_executor in adopt mode.
#pragma once

#include "auraio/asio/basic_serial_port.hpp"
#include "auraio/detail/adopted_descriptor.hpp"

#include <string>

#if defined(AURAIO_HAS_SERIAL_PORT)
AURAIO_NET_OPEN

template <>
class basic_serial_port<any_io_executor>
    : public serial_port_base,
      public aura::detail::adopted_writer<
          aura::detail::adopted_reader<aura::detail::adopted_descriptor<basic_serial_port>>> {
    using base = aura::detail::adopted_writer<
        aura::detail::adopted_reader<aura::detail::adopted_descriptor<basic_serial_port>>>;
    using error_code = aura::error_code;

    // Asio's own ports convert since 1.26 or so: those of 1.22 do not.
    template <class Executor>
    static constexpr bool converts =
        aura::detail::ring_executor<Executor> ||
        std::is_constructible_v<basic_serial_port<aura::detail::stock_executor>, basic_serial_port<Executor>>;

public:
    using base::executor_type;
    using base::native_handle_type;
    using lowest_layer_type = basic_serial_port;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_serial_port<OtherExecutor>;
    };

    explicit basic_serial_port(const executor_type& e)
        : base(e) {}
    basic_serial_port(const executor_type& e, const char* device)
        : base(e, device) {}
    basic_serial_port(const executor_type& e, const std::string& device)
        : base(e, device) {}
    basic_serial_port(const executor_type& e, const native_handle_type& fd)
        : base(e, fd) {}
    template <aura::detail::context_for<executor_type> Context, class... Args>
    explicit basic_serial_port(Context& c, const Args&... args)
        : basic_serial_port(executor_type(c.get_executor()), args...) {}
    basic_serial_port(basic_serial_port&&) = default;
    basic_serial_port& operator=(basic_serial_port&&) = default;

    template <aura::detail::adoptable_executor Executor>
        requires converts<Executor>
    basic_serial_port(basic_serial_port<Executor>&& other)
        : base(std::in_place, std::move(other)) {}
    template <aura::detail::adoptable_executor Executor>
        requires converts<Executor>
    basic_serial_port& operator=(basic_serial_port<Executor>&& other) {
        return *this = basic_serial_port(std::move(other));
    }
    ~basic_serial_port() = default;

    lowest_layer_type& lowest_layer() { return *this; }
    const lowest_layer_type& lowest_layer() const { return *this; }

    void open(const std::string& device) {
        impl_.on([&](auto& p) { p.open(device); });
    }
    aura::detail::sync_result open(const std::string& device, error_code& ec) {
        return this->forward(ec, [&](auto& p) { p.open(device, ec); });
    }
    void send_break() {
        impl_.on([](auto& p) { p.send_break(); });
    }
    aura::detail::sync_result send_break(error_code& ec) {
        return this->forward(ec, [&](auto& p) { p.send_break(ec); });
    }
    template <class Option>
    void set_option(const Option& option) {
        impl_.on([&](auto& p) { p.set_option(option); });
    }
    template <class Option>
    aura::detail::sync_result set_option(const Option& option, error_code& ec) {
        return this->forward(ec, [&](auto& p) { p.set_option(option, ec); });
    }
    template <class Option>
    void get_option(Option& option) const {
        impl_.on([&](auto& p) { p.get_option(option); });
    }
    template <class Option>
    aura::detail::sync_result get_option(Option& option, error_code& ec) const {
        impl_.on([&](auto& p) { p.get_option(option, ec); });
        return aura::detail::sync_return(ec);
    }
};

AURAIO_NET_CLOSE
#endif
