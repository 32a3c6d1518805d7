// awaitable: an operation of the C library that any coroutine can await.
#pragma once

#include "auraio/cpp/callback.hpp"

#include <coroutine>
#include <stop_token>
#include <utility>

namespace aura {

namespace cpp_detail {

/// Resumes a coroutine inside of a callback of C. Some coroutine types let exceptions through.
inline void resume(std::coroutine_handle<> caller) noexcept {
    try {
        caller.resume();
    } catch (...) {
        run_frame::carry(std::current_exception());
    }
}

/// The result of an operation, or an exception for it.
template <bool Throws>
ssize_t outcome(ssize_t result, const char* what) {
    if constexpr (Throws)
        if (result < 0) [[unlikely]]
            raise(static_cast<int>(-result), what);
    return result;
}

} // namespace cpp_detail

/// An operation with a stop token: what stop_on() of an Awaitable makes. Awaited where it stands.
template <class Start, bool Throws>
class [[nodiscard]] StoppableAwaitable {
public:
    /// Made by Awaitable::stop_on().
    StoppableAwaitable(aura_engine_t* engine, const char* what, Start start, std::stop_token token)
        : engine_(engine)
        , what_(what)
        , start_(std::move(start))
        , token_(std::move(token)) {}
    StoppableAwaitable(const StoppableAwaitable&) = delete;
    StoppableAwaitable& operator=(const StoppableAwaitable&) = delete;

    /// Never: it begins when it is awaited.
    bool await_ready() const noexcept { return false; }
    /// Starts the operation; false when that failed.
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<> caller) { // see Awaitable
        caller_ = caller;
        aura_request_t* const request = start_(engine_, &ended, this);
        if (!request) {
            result_ = -errno;
            return false;
        }
        // Until it is armed, the coroutine cannot be resumed by who completes the operation.
        return !stop_.arm(token_, engine_, request);
    }
    /// The result, or an exception for it.
    ssize_t await_resume() {
        stop_.disarm();
        return cpp_detail::outcome<Throws>(result_, what_);
    }

private:
    static void ended(aura_request_t*, ssize_t result, void* data) noexcept {
        auto* const self = static_cast<StoppableAwaitable*>(data);
        self->result_ = result;
        const auto caller = self->caller_;
        if (self->stop_.end())
            cpp_detail::resume(caller);
    }

    aura_engine_t* const engine_;
    const char* const what_;
    const Start start_;
    const std::stop_token token_;
    std::coroutine_handle<> caller_;
    ssize_t result_ = 0;
    cpp_detail::stop_and_end stop_;
};

/**
 * An operation to be awaited, in a coroutine of any type:
 *
 *     const ssize_t n = co_await engine.async_read(fd, buffer, size, 0);
 *
 * It begins when it is awaited, and needs no memory of its own. The coroutine goes on inside the function that runs
 * callbacks, in the thread that is in it. What was passed must live until then, and the coroutine must not be
 * destroyed while it waits: cancel the operation, and let it end. (Task sees to that.)
 *
 * The result is what the system call of the same name returns. A negative one is thrown as an Error, also when the
 * operation cannot be started; after nothrow() it is returned, as a negated errno.
 */
template <class Start, bool Throws = true>
class [[nodiscard]] Awaitable {
public:
    /// Made by the functions async_... of Engine. `what` names it in exceptions.
    Awaitable(aura_engine_t* engine, const char* what, Start start)
        : engine_(engine)
        , what_(what)
        , start_(std::move(start)) {}

    /// The same with failures as results. Before stop_on().
    Awaitable<Start, false> nothrow() && { return {engine_, what_, std::move(start_)}; }
    /// The same, cancelled when `token` is asked to stop; then the result is ECANCELED, or what came first.
    StoppableAwaitable<Start, Throws> stop_on(std::stop_token token) && {
        return {engine_, what_, std::move(start_), std::move(token)};
    }

    /// Never: it begins when it is awaited.
    bool await_ready() const noexcept { return false; }
    /// Starts the operation; false when that failed.
    // Once started, the operation may end in another thread at once, and this be gone: nothing here looks at it then.
    // Not inline: Clang before 17 keeps variables of this function in the coroutine.
    [[gnu::noinline]] bool await_suspend(std::coroutine_handle<> caller) {
        caller_ = caller;
        if (cpp_detail::is_started(start_(engine_, &ended, this))) [[likely]]
            return true;
        result_ = -errno;
        return false;
    }
    /// The result, or an exception for it.
    ssize_t await_resume() const { return cpp_detail::outcome<Throws>(result_, what_); }

private:
    static void ended(aura_request_t*, ssize_t result, void* data) noexcept {
        auto* const self = static_cast<Awaitable*>(data);
        self->result_ = result;
        cpp_detail::resume(self->caller_);
    }

    aura_engine_t* engine_;
    const char* what_;
    Start start_;
    std::coroutine_handle<> caller_;
    ssize_t result_ = 0;
};

} // namespace aura
