// task: a coroutine of the C++ layer.
#pragma once

#include "auraio/cpp/running.hpp"

#include <atomic>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace aura {

template <class T>
class Task;

namespace cpp_detail {

/// Whom the end of a task concerns: nobody yet, a coroutine that awaits it, or one of these two marks.
class task_end {
public:
    /// By the task at its end: who goes on. `nobody_owns`: the task has to destroy itself.
    std::coroutine_handle<> end(bool& nobody_owns) noexcept {
        // Release the result for who looks next; acquire what who awaits has written.
        void* const waiting = word_.exchange(mark(finished), std::memory_order_acq_rel);
        nobody_owns = waiting == mark(abandoned);
        if (!waiting || nobody_owns)
            return std::noop_coroutine();
        return std::coroutine_handle<>::from_address(waiting);
    }
    /// By who owns it, before it has begun.
    void await_first(std::coroutine_handle<> caller) noexcept {
        word_.store(caller.address(), std::memory_order_relaxed); // nobody else knows of it
    }
    /// By who owns it, while it runs. False: it is over.
    bool await_running(std::coroutine_handle<> caller) noexcept {
        void* nobody = nullptr;
        return word_.compare_exchange_strong(nobody, caller.address(), std::memory_order_acq_rel,
                                             std::memory_order_acquire);
    }
    /// By who owned it. False: it is over, and to be destroyed by the caller.
    bool abandon() noexcept {
        return word_.exchange(mark(abandoned), std::memory_order_acq_rel) != mark(finished);
    }
    bool is_over() const noexcept { return word_.load(std::memory_order_acquire) == mark(finished); }

private:
    enum marks : char { finished, abandoned };
    static void* mark(marks which) noexcept { return &places_[which]; }
    static inline char places_[2]; // their addresses are nobody's

    std::atomic<void*> word_{nullptr};
};

class task_promise_base {
public:
    std::suspend_always initial_suspend() const noexcept { return {}; }

    task_end end;
    bool has_begun = false;
};

/// The last thing a task does: who awaits it goes on in its place, without a frame of stack more.
template <class Promise>
struct task_final {
    bool await_ready() const noexcept { return false; }
    // Not inline: see Awaitable.
    [[gnu::noinline]] std::coroutine_handle<>
    await_suspend(std::coroutine_handle<Promise> self) const noexcept {
        bool nobody_owns = false;
        const auto next = self.promise().end.end(nobody_owns);
        if (nobody_owns) {
            if (std::exception_ptr thrown = self.promise().exception())
                run_frame::carry(std::move(thrown));
            self.destroy();
        }
        return next;
    }
    void await_resume() const noexcept {}
};

template <class T>
class task_promise : public task_promise_base {
public:
    Task<T> get_return_object() noexcept;
    task_final<task_promise> final_suspend() const noexcept { return {}; }

    template <class Value = T>
        requires std::is_constructible_v<T, Value>
    void return_value(Value&& value) {
        result_.template emplace<1>(std::forward<Value>(value));
    }
    void unhandled_exception() noexcept { result_.template emplace<2>(std::current_exception()); }
    std::exception_ptr exception() const noexcept {
        return result_.index() == 2 ? std::get<2>(result_) : nullptr;
    }
    T take() {
        if (result_.index() == 2)
            std::rethrow_exception(std::get<2>(result_));
        return std::move(std::get<1>(result_));
    }

private:
    std::variant<std::monostate, T, std::exception_ptr> result_;
};

template <>
class task_promise<void> : public task_promise_base {
public:
    Task<void> get_return_object() noexcept;
    task_final<task_promise> final_suspend() const noexcept { return {}; }

    void return_void() const noexcept {}
    void unhandled_exception() noexcept { exception_ = std::current_exception(); }
    std::exception_ptr exception() const noexcept { return exception_; }
    void take() const {
        if (exception_)
            std::rethrow_exception(exception_);
    }

private:
    std::exception_ptr exception_;
};

} // namespace cpp_detail

/**
 * A coroutine that returns a T. Lazy: it begins when it is awaited, started, or given to Engine::block_on(). What it
 * throws, its awaiter gets. It goes on in whichever thread runs the callback of what it awaits.
 *
 * A task that has begun and whose object is destroyed goes on alone and frees itself at its end; what it throws then
 * leaves the function that runs callbacks, as an exception of a callback does. So an engine that ends first, which
 * cancels everything, leaves nothing behind. What the task refers to must live as long as it: when_all() sees to that
 * for tasks that share something.
 *
 * The object itself is for one thread at a time; done() may be asked by any.
 */
template <class T = void>
class [[nodiscard]] Task {
    static_assert(!std::is_reference_v<T>,
                  "a task returns a value: return a pointer, or a std::reference_wrapper");

public:
    using promise_type = cpp_detail::task_promise<T>; ///< for the compiler

    /// No coroutine.
    Task() noexcept = default;
    /// Takes the coroutine over: `other` has none afterwards.
    Task(Task&& other) noexcept
        : self_(std::exchange(other.self_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        Task taken(std::move(other));
        std::swap(self_, taken.self_);
        return *this;
    }
    Task(const Task&) = delete;
    Task& operator=(const Task&) = delete;
    /// A coroutine that has not begun is destroyed; one that has goes on alone.
    ~Task() {
        if (self_ && (!self_.promise().has_begun || !self_.promise().end.abandon()))
            self_.destroy();
    }

    /// Begins, here, and returns when it waits for the first time, or is done. Nothing happens the second time.
    void start() {
        if (!std::exchange(self_.promise().has_begun, true))
            self_.resume();
    }
    /// Begins, and goes on alone. Throws what it throws before it waits for the first time.
    void detach() && {
        start();
        Task gone(std::move(*this));
        if (gone.done())
            (void)gone.get();
    }
    /// Whether it has ended. What it did happened before.
    bool done() const noexcept { return self_ && self_.promise().end.is_over(); }
    /// Its result, or its exception; once, when it is done.
    T get() { return self_.promise().take(); }
    /// Whether there is a coroutine: false when it was moved from.
    explicit operator bool() const noexcept { return self_ != nullptr; }

    /// `co_await task`: its result, or its exception; once. A task that was started may be awaited as well.
    auto operator co_await() const noexcept { return awaiter{self_}; }

private:
    friend promise_type;
    using handle = std::coroutine_handle<promise_type>;

    struct awaiter {
        handle self;
        bool await_ready() const noexcept { return self.promise().end.is_over(); }
        [[gnu::noinline]] std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) noexcept {
            promise_type& promise = self.promise();
            if (!std::exchange(promise.has_begun, true)) {
                promise.end.await_first(caller);
                return self;
            }
            if (promise.end.await_running(caller))
                return std::noop_coroutine();
            return caller;
        }
        T await_resume() { return self.promise().take(); }
    };

    explicit Task(handle self) noexcept
        : self_(self) {}

    handle self_;
};

namespace cpp_detail {

template <class T>
Task<T> task_promise<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<task_promise>::from_promise(*this));
}

inline Task<void> task_promise<void>::get_return_object() noexcept {
    return Task<void>(std::coroutine_handle<task_promise>::from_promise(*this));
}

} // namespace cpp_detail

/**
 * Begins all of them, so that they go on at the same time, and is done when the last one is: then it throws the
 * exception of the first in the vector that has one, or gives the results in their order. What the tasks share is
 * thus still there for the others when one of them fails.
 */
inline Task<> when_all(std::vector<Task<>> tasks) {
    for (Task<>& task : tasks)
        task.start();
    std::exception_ptr thrown;
    for (Task<>& task : tasks) {
        try {
            co_await task;
        } catch (...) {
            if (!thrown)
                thrown = std::current_exception();
        }
    }
    if (thrown)
        std::rethrow_exception(thrown);
}
template <class T>
Task<std::vector<T>> when_all(std::vector<Task<T>> tasks) {
    for (Task<T>& task : tasks)
        task.start();
    std::vector<T> results;
    std::exception_ptr thrown;
    for (Task<T>& task : tasks) {
        try {
            results.push_back(co_await task);
        } catch (...) {
            if (!thrown)
                thrown = std::current_exception();
        }
    }
    if (thrown)
        std::rethrow_exception(thrown);
    co_return results;
}

} // namespace aura
