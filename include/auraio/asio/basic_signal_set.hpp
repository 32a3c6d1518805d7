// basic_signal_set: Asio's template, specialised for executors that lead to a ring.
#pragma once

#include "auraio/detail/initiate.hpp"
#include "auraio/detail/op_memory.hpp"
#include "auraio/detail/ring_of.hpp"
#include "auraio/detail/signal_op.hpp"
#include "auraio/detail/stock_signals.hpp"

#include AURAIO_ASIO(basic_signal_set.hpp)

#include <concepts>
#include <memory>

AURAIO_OPEN
namespace detail {

// It came between Asio 1.26 and 1.30.
#if __has_include(AURAIO_ASIO(signal_set_base.hpp))
using signal_set_base = net::signal_set_base;
#define AURAIO_HAS_SIGNAL_FLAGS
#else
class signal_set_base {};
#endif

} // namespace detail
AURAIO_CLOSE

AURAIO_NET_OPEN

/// A set of signals on a ring. Interface and meaning are Asio's; see there:
///
/// - A signal ends all waits that are pending on every set that has it, native or Asio's own; a set on which
///   nobody waits keeps it for its next async_wait, one for each time it was caught.
/// - async_wait: signature void(error_code, int). Errors: operation_aborted. Cancellation: terminal, partial,
///   total.
/// - After fork() and notify_fork() each process hears of its own signals.
///
/// Beyond it: any thread may use the object (one at a time); a set costs no thread and no descriptor, waiting
/// on it one poll of its ring.
template <class Executor>
    requires aura::detail::ring_executor<Executor>
class basic_signal_set<Executor> : public aura::detail::signal_set_base {
    using error_code = aura::error_code;

    struct start_wait {
        template <class Handler>
        void operator()(basic_signal_set& self, Handler&& handler) const {
            using op_type = aura::detail::signal_op<std::decay_t<Handler>, Executor>;
            aura::core::shard& home = self.set_->home();
            auto* op = aura::detail::create_op<op_type>(handler, std::forward<Handler>(handler),
                                                        self.executor_, home);
            AURAIO_WHEN_TRACKING(
                aura::detail::track_creation(home.owner(), *op, {"signal_set", &self}, 0, "async_wait");)
            aura::detail::connect_slot(op->handler(), *op, home, aura::detail::every_cancellation);
            self.set_->wait(*op);
        }
    };
    using initiate_wait = aura::detail::initiation<basic_signal_set*, void(error_code, int), start_wait>;

public:
    using executor_type = Executor;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_signal_set<OtherExecutor>;
    };

    explicit basic_signal_set(const executor_type& e)
        : executor_(e)
        , set_(create(aura::detail::ring_of(e))) {}
    // With numbers of any type that an int takes. The destructor runs if one fails, as the first constructor
    // has finished.
    basic_signal_set(const executor_type& e, int first)
        : basic_signal_set(e) {
        add(first);
    }
    basic_signal_set(const executor_type& e, int first, int second)
        : basic_signal_set(e, first) {
        add(second);
    }
    basic_signal_set(const executor_type& e, int first, int second, int third)
        : basic_signal_set(e, first, second) {
        add(third);
    }
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

    /// Removes all signals; waits complete with operation_aborted.
    ~basic_signal_set() {
        error_code ignored;
        clear(ignored);
        cancel();
    }

    executor_type get_executor() noexcept { return executor_; }

    void add(int signal) {
        error_code ec;
        add(signal, ec);
        aura::detail::throw_if(ec, "add");
    }
    aura::detail::sync_result add(int signal, error_code& ec) {
        return catch_with(signal, aura::core::signal_set::any_flags, ec);
    }

#if defined(AURAIO_HAS_SIGNAL_FLAGS)
    void add(int signal, flags_t f) {
        error_code ec;
        add(signal, f, ec);
        aura::detail::throw_if(ec, "add");
    }
    aura::detail::sync_result add(int signal, flags_t f, error_code& ec) {
        return catch_with(signal, static_cast<int>(f), ec);
    }
#endif

    void remove(int signal) {
        error_code ec;
        remove(signal, ec);
        aura::detail::throw_if(ec, "remove");
    }
    aura::detail::sync_result remove(int signal, error_code& ec) {
        return aura::detail::sync_return(
            ec = aura::detail::to_error_code(aura::detail::stock_signals::remove(*set_, signal)));
    }

    void clear() {
        error_code ec;
        clear(ec);
        aura::detail::throw_if(ec, "clear");
    }
    aura::detail::sync_result clear(error_code& ec) {
        ec = {};
        int signal = -1;
        while (!ec && (signal = set_->signal_after(signal)) >= 0)
            remove(signal, ec);
        return aura::detail::sync_return(ec);
    }

    /// Ends all waits; the signals, and what of them was missed, stay.
    void cancel() {
        AURAIO_WHEN_TRACKING(
            aura::detail::track_operation(set_->home().owner(), {"signal_set", this}, 0, "cancel");)
        set_->cancel();
    }
    aura::detail::sync_result cancel(error_code& ec) {
        cancel();
        return aura::detail::sync_return(ec = {});
    }

    template <class Token = default_completion_token_t<executor_type>>
    auto async_wait(Token&& token = Token()) -> aura::detail::initiated<initiate_wait, Token> {
        return aura::detail::initiate<initiate_wait, Token>(this, token);
    }

private:
    static std::shared_ptr<aura::core::signal_set> create(aura::core::shard& home) try {
        return aura::core::signal_set::create(home);
    } catch (const aura::core::engine_error& e) {
        aura::detail::rethrow(e);
    }

    aura::detail::sync_result catch_with(int signal, int sa_flags, error_code& ec) {
        return aura::detail::sync_return(
            ec = aura::detail::to_error_code(aura::detail::stock_signals::add(*set_, signal, sa_flags)));
    }

    Executor executor_;
    std::shared_ptr<aura::core::signal_set> set_;
};

AURAIO_NET_CLOSE
