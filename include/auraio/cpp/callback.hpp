// callback: any callable as the callback of an operation of the C library.
#pragma once

#include "auraio/cpp/callable_memory.hpp"
#include "auraio/cpp/request.hpp"
#include "auraio/cpp/running.hpp"

#include <atomic>
#include <concepts>
#include <cstddef>
#include <optional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace aura {

/// What stop_on() makes.
template <class F>
struct StoppedBy {
    std::stop_token token; ///< what may ask to stop
    F callback;            ///< what is called at the end
};

/**
 * A callback whose operation is cancelled when `token` is asked to stop, at once if that has happened already:
 *
 *     engine.read(fd, buffer, size, 0, aura::stop_on(source.get_token(), [](ssize_t n) { ... }));
 *
 * It is called all the same, once: with -ECANCELED, or with the result that came first. Destroying and moving the
 * callable must not throw.
 */
template <class F>
StoppedBy<std::decay_t<F>> stop_on(std::stop_token token, F&& callback) {
    return {std::move(token), std::forward<F>(callback)};
}

namespace cpp_detail {

template <class F>
concept plain_callback =
    std::invocable<F&, Request&, ssize_t> || std::invocable<F&, ssize_t> || std::invocable<F&>;

template <class F>
inline constexpr bool is_stopped_by = false;
template <class F>
inline constexpr bool is_stopped_by<StoppedBy<F>> = plain_callback<F>;

} // namespace cpp_detail

/**
 * What an operation calls at its end: with (Request&, ssize_t), with (ssize_t), or with nothing; or nullptr, where
 * nobody needs to know; or one of these by stop_on(). It may be move-only. The result is what the system call of the
 * same name returns, or a negated errno.
 *
 * What it throws leaves the function that runs it; see Engine.
 */
template <class F>
concept Callback = cpp_detail::plain_callback<std::decay_t<F>> ||
                   cpp_detail::is_stopped_by<std::decay_t<F>> || std::is_null_pointer_v<std::decay_t<F>>;

namespace cpp_detail {

template <class F>
void call(F& callback, aura_request_t* handle, ssize_t result) {
    if constexpr (std::invocable<F&, Request&, ssize_t>) {
        Request request(nullptr, handle);
        callback(request, result);
    } else if constexpr (std::invocable<F&, ssize_t>) {
        callback(result);
    } else {
        callback();
    }
}

/// What the C library calls.
template <class F>
void on_end(aura_request_t* handle, ssize_t result, void* data) noexcept {
    try {
        F callback = kept_callable<F>::take(data);
        call(callback, handle, result);
    } catch (...) {
        run_frame::carry(std::current_exception());
    }
}

/// Cancels an operation when a token is asked to stop. Needs no memory the first time; a second time there is none.
struct cancels_request {
    aura_engine_t* engine;
    aura_request_t* request;
    void operator()() const noexcept { aura_cancel(engine, request); }
};

/// Who comes second, the one who started an operation and arms its stop or the one who completes it, ends the wait.
class stop_and_end {
public:
    /// By who has started it, once there is a handle. Whether it has ended meanwhile.
    bool arm(const std::stop_token& token, aura_engine_t* engine, aura_request_t* request) {
        on_stop_.emplace(token, cancels_request{engine, request});
        return comes_second();
    }
    /// By who completes it. Whether it was armed before.
    bool end() noexcept { return comes_second(); }
    /// By who came second. Returns when no other thread is in the stop callback any more.
    void disarm() noexcept { on_stop_.reset(); }

private:
    // Release what was written before, acquire what the other one wrote: both touch the members around this.
    bool comes_second() noexcept { return one_is_there_.exchange(true, std::memory_order_acq_rel); }

    std::atomic<bool> one_is_there_{false};
    std::optional<std::stop_callback<cancels_request>> on_stop_;
};

/// A callable, and what stops its operation.
template <class F>
class stopped_callable {
    static_assert(std::is_nothrow_move_constructible_v<F>,
                  "stop_on() needs a callable that moves without throwing");

public:
    stopped_callable(aura_engine_t* engine, F&& callback) noexcept
        : engine_(engine)
        , callback_(std::move(callback)) {}

    template <class Start>
    static aura_request_t* start(aura_engine_t* engine, const Start& start, StoppedBy<F>&& what,
                                 const char* name) {
        void* const memory = memory_for<stopped_callable>::take(engine, name);
        auto* const self = ::new (memory) stopped_callable(engine, std::move(what.callback));
        aura_request_t* const handle = start(engine, &ended, self); // what has none cannot be cancelled
        if (!handle) {
            const int error = errno;
            self->free();
            raise(error, name);
        }
        if (self->stop_.arm(what.token, engine, handle))
            self->free();
        return handle;
    }

private:
    static void ended(aura_request_t* handle, ssize_t result, void* data) noexcept {
        auto* const self = static_cast<stopped_callable*>(data);
        try {
            F callback(std::move(self->callback_));
            if (self->stop_.end())
                self->free();
            call(callback, handle, result);
        } catch (...) {
            run_frame::carry(std::current_exception());
        }
    }
    void free() noexcept {
        aura_engine_t* const engine = engine_;
        stop_.disarm();
        this->~stopped_callable();
        memory_for<stopped_callable>::give(engine, this);
    }

    aura_engine_t* const engine_;
    F callback_;
    stop_and_end stop_;
};

inline bool is_started(const aura_request_t* handle) noexcept {
    return handle != nullptr;
}
inline bool is_started(int result) noexcept { // of what has no handle
    return result == 0;
}
inline Request request_of(aura_engine_t* engine, aura_request_t* handle) noexcept {
    return {engine, handle};
}
inline Request request_of(aura_engine_t*, int) noexcept {
    return {};
}

/// Starts an operation: `start(engine, callback, user_data)` is its C function.
template <class Start, class F>
Request begin(aura_engine_t* engine, const char* what, const Start& start, F&& callback) {
    using Callable = std::decay_t<F>;
    if constexpr (std::is_null_pointer_v<Callable>) {
        const auto handle = start(engine, nullptr, nullptr);
        if (!is_started(handle))
            raise(errno, what);
        return request_of(engine, handle);
    } else if constexpr (is_stopped_by<Callable>) {
        Callable stopped(std::forward<F>(callback));
        using Stopped = stopped_callable<decltype(stopped.callback)>;
        return request_of(engine, Stopped::start(engine, start, std::move(stopped), what));
    } else {
        using Kept = kept_callable<Callable>;
        void* const data = Kept::keep(engine, std::forward<F>(callback), what);
        const auto handle = start(engine, &on_end<Callable>, data);
        if (!is_started(handle)) [[unlikely]] {
            const int error = errno;
            Kept::drop(data);
            raise(error, what);
        }
        return request_of(engine, handle);
    }
}

} // namespace cpp_detail
} // namespace aura
