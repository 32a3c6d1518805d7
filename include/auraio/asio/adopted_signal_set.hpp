// adopted_signal_set: Asio's signal set over any_io_executor in adopt mode.
#pragma once

#include "auraio/asio/basic_signal_set.hpp"
#include "auraio/detail/adopted.hpp"
#include "auraio/detail/socket_object.hpp"

AURAIO_NET_OPEN

/// Forwards everything to the native set where the executor leads to a ring, to Asio's own otherwise.
template <>
class basic_signal_set<any_io_executor> : public aura::detail::signal_set_base {
    using error_code = aura::error_code;

    using initiate_wait = aura::detail::adopted_initiation<basic_signal_set, void(error_code, int),
                                                           aura::detail::start_either_wait>;

public:
    using executor_type = any_io_executor;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_signal_set<OtherExecutor>;
    };

    explicit basic_signal_set(const executor_type& e)
        : impl_(e) {}
    basic_signal_set(const executor_type& e, int first)
        : impl_(e, first) {}
    basic_signal_set(const executor_type& e, int first, int second)
        : impl_(e, first, second) {}
    basic_signal_set(const executor_type& e, int first, int second, int third)
        : impl_(e, first, second, third) {}
    template <aura::detail::context_for<executor_type> Context>
    explicit basic_signal_set(Context& c)
        : basic_signal_set(executor_type(c.get_executor())) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_signal_set(Context& c, int first)
        : basic_signal_set(executor_type(c.get_executor()), first) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_signal_set(Context& c, int first, int second)
        : basic_signal_set(executor_type(c.get_executor()), first, second) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_signal_set(Context& c, int first, int second, int third)
        : basic_signal_set(executor_type(c.get_executor()), first, second, third) {}
    basic_signal_set(const basic_signal_set&) = delete;
    basic_signal_set& operator=(const basic_signal_set&) = delete;

    executor_type get_executor() noexcept {
        return impl_.on([](auto& s) { return executor_type(s.get_executor()); });
    }
    void add(int signal) {
        impl_.on([&](auto& s) { s.add(signal); });
    }
    aura::detail::sync_result add(int signal, error_code& ec) {
        return forward(ec, [&](auto& s) { s.add(signal, ec); });
    }
#if defined(AURAIO_HAS_SIGNAL_FLAGS)
    void add(int signal, flags_t f) {
        impl_.on([&](auto& s) { s.add(signal, f); });
    }
    aura::detail::sync_result add(int signal, flags_t f, error_code& ec) {
        return forward(ec, [&](auto& s) { s.add(signal, f, ec); });
    }
#endif
    void remove(int signal) {
        impl_.on([&](auto& s) { s.remove(signal); });
    }
    aura::detail::sync_result remove(int signal, error_code& ec) {
        return forward(ec, [&](auto& s) { s.remove(signal, ec); });
    }
    void clear() {
        impl_.on([](auto& s) { s.clear(); });
    }
    aura::detail::sync_result clear(error_code& ec) {
        return forward(ec, [&](auto& s) { s.clear(ec); });
    }
    void cancel() {
        impl_.on([](auto& s) { s.cancel(); });
    }
    aura::detail::sync_result cancel(error_code& ec) {
        return forward(ec, [&](auto& s) { s.cancel(ec); });
    }
    template <class Token = default_completion_token_t<executor_type>>
    auto async_wait(Token&& token = Token()) -> aura::detail::initiated<initiate_wait, Token> {
        return aura::detail::initiate<initiate_wait, Token>(this, token);
    }

private:
    template <class F>
    aura::detail::sync_result forward(error_code& ec, F f) {
        impl_.on(f);
        return aura::detail::sync_return(ec);
    }

public:
    aura::detail::adopted<basic_signal_set<aura::any_io_executor>,
                          basic_signal_set<aura::detail::stock_executor>>
        impl_;
};

AURAIO_NET_CLOSE
