// basic_serial_port: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/core/io/serial_line.hpp"
#include "auraio/detail/descriptor_transfer.hpp"

#include AURAIO_ASIO(basic_serial_port.hpp)

#include <string>

#if defined(AURAIO_HAS_SERIAL_PORT)
AURAIO_NET_OPEN

/// A serial port on a ring. Interface and meaning are Asio's; see there, and aura::detail::descriptor_object
/// for what is beyond it. Sending a break holds the calling thread for a quarter of a second or more, as in
/// Asio.
template <class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_serial_port<Executor>
    : public serial_port_base,
      public aura::detail::writable_descriptor<
          aura::detail::readable_descriptor<aura::detail::descriptor_object<Executor>>> {
    using base = aura::detail::writable_descriptor<
        aura::detail::readable_descriptor<aura::detail::descriptor_object<Executor>>>;
    using error_code = aura::error_code;

public:
    using typename base::executor_type;
    using typename base::native_handle_type;
    using lowest_layer_type = basic_serial_port;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_serial_port<OtherExecutor>;
    };

    explicit basic_serial_port(const executor_type& e)
        : base(e) {}
    basic_serial_port(const executor_type& e, const char* device)
        : base(e) {
        open(device);
    }
    basic_serial_port(const executor_type& e, const std::string& device)
        : base(e) {
        open(device);
    }
    basic_serial_port(const executor_type& e, const native_handle_type& fd)
        : base(e, fd) {}

    template <class Context, class... Args>
        requires(std::is_convertible_v<Context&, execution_context&> &&
                 std::is_constructible_v<executor_type, typename Context::executor_type>)
    explicit basic_serial_port(Context& c, const Args&... args)
        : basic_serial_port(executor_type(c.get_executor()), args...) {}

    basic_serial_port(const basic_serial_port&) = delete;
    basic_serial_port& operator=(const basic_serial_port&) = delete;
    basic_serial_port(basic_serial_port&&) = default;
    basic_serial_port& operator=(basic_serial_port&&) = default;

    /// From a port of another executor. Pending operations move along; the ring stays.
    template <class OtherExecutor>
        requires aura::detail::executor_converts<OtherExecutor, Executor>
    basic_serial_port(basic_serial_port<OtherExecutor>&& other)
        : base(std::in_place, std::move(other.impl_)) {}
    template <class OtherExecutor>
        requires aura::detail::executor_converts<OtherExecutor, Executor>
    basic_serial_port& operator=(basic_serial_port<OtherExecutor>&& other) {
        basic_serial_port moved(std::move(other));
        return *this = std::move(moved);
    }
    ~basic_serial_port() = default;

    lowest_layer_type& lowest_layer() { return *this; }
    const lowest_layer_type& lowest_layer() const { return *this; }

    /// Opens a device, raw, with eight bits and no parity. It is closed on exec.
    void open(const std::string& device) {
        this->throwing("open", [&](error_code& ec) { open(device, ec); });
    }
    aura::detail::sync_result open(const std::string& device, error_code& ec) {
        if (this->is_open())
            return aura::detail::sync_return(ec = error::already_open);
        int result = aura::core::open_serial_line(device.c_str());
        if (result >= 0) {
            const int fd = result;
            if (result = this->impl_.adopt_new(fd); result == 0) {
                this->impl_.get()->look_at_kind(fd);
                this->impl_.non_blocking = false;
                this->impl_.native_non_blocking = true;
            }
        }
        return aura::detail::sync_return(ec = aura::detail::to_error_code(result));
    }

    void send_break() {
        this->throwing("send_break", [&](error_code& ec) { send_break(ec); });
    }
    aura::detail::sync_result send_break(error_code& ec) {
        return aura::detail::sync_return(
            ec = aura::detail::to_error_code(aura::core::send_break(this->impl_.fd_to_block_on())));
    }

    /// `option` is one of serial_port_base's, or anything that can store itself in a termios.
    template <class SettableSerialPortOption>
    void set_option(const SettableSerialPortOption& option) {
        this->throwing("set_option", [&](error_code& ec) { set_option(option, ec); });
    }
    template <class SettableSerialPortOption>
    aura::detail::sync_result set_option(const SettableSerialPortOption& option, error_code& ec) {
        const int fd = this->impl_.fd_in_order();
        termios settings;
        ec = aura::detail::to_error_code(aura::core::get_line_settings(fd, settings));
        if (!ec)
            static_cast<void>(option.store(settings, ec));
        if (!ec)
            ec = aura::detail::to_error_code(aura::core::set_line_settings(fd, settings));
        return aura::detail::sync_return(ec);
    }

    template <class GettableSerialPortOption>
    void get_option(GettableSerialPortOption& option) const {
        this->throwing("get_option", [&](error_code& ec) { get_option(option, ec); });
    }
    template <class GettableSerialPortOption>
    aura::detail::sync_result get_option(GettableSerialPortOption& option, error_code& ec) const {
        termios settings;
        ec = aura::detail::to_error_code(aura::core::get_line_settings(this->impl_.fd_in_order(), settings));
        if (!ec)
            static_cast<void>(option.load(settings, ec));
        return aura::detail::sync_return(ec);
    }
};

AURAIO_NET_CLOSE
#endif
