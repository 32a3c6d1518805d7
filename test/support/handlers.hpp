// handlers: wrappers that fail the test when a completion handler is not treated as Asio promises.
#pragma once

#include <gtest/gtest.h>

#include <source_location>
#include <utility>

namespace test {

/// While one exists, the calling thread is inside an initiating function: no handler may run in it.
class initiation {
public:
    initiation() noexcept { ++depth(); }
    ~initiation() { --depth(); }
    initiation(const initiation&) = delete;

    static int& depth() noexcept {
        static thread_local int value = 0;
        return value;
    }
};

/// A move-only handler that has to be called exactly once, and not inside an initiation.
template <class Function>
class exactly_once {
public:
    explicit exactly_once(Function function, std::source_location where = std::source_location::current())
        : function_(std::move(function))
        , where_(where) {}
    exactly_once(exactly_once&& other) noexcept
        : function_(std::move(other.function_))
        , where_(other.where_)
        , owed_(std::exchange(other.owed_, false)) {}
    exactly_once& operator=(exactly_once&&) = delete;
    ~exactly_once() {
        if (owed_)
            ADD_FAILURE_AT(where_.file_name(), static_cast<int>(where_.line()))
                << "this handler was destroyed without having been called";
    }

    template <class... Arguments>
    void operator()(Arguments&&... arguments) {
        if (!std::exchange(owed_, false))
            ADD_FAILURE_AT(where_.file_name(), static_cast<int>(where_.line()))
                << "this handler was called twice, or after it had been moved from";
        if (initiation::depth() != 0)
            ADD_FAILURE_AT(where_.file_name(), static_cast<int>(where_.line()))
                << "this handler was called inside the initiating function";
        std::move(function_)(std::forward<Arguments>(arguments)...);
    }

private:
    Function function_;
    std::source_location where_;
    bool owed_ = true;
};

/// A move-only handler that must never be called, only destroyed.
class never_called {
public:
    explicit never_called(std::source_location where = std::source_location::current())
        : where_(where) {}
    never_called(never_called&&) noexcept = default;
    never_called& operator=(never_called&&) = delete;

    template <class... Arguments>
    void operator()(Arguments&&...) {
        ADD_FAILURE_AT(where_.file_name(), static_cast<int>(where_.line())) << "this handler was called";
    }

private:
    std::source_location where_;
};

/// Runs a function when the last object it was moved to is destroyed: tells when and where a handler dies.
template <class Function>
class on_destruction {
public:
    explicit on_destruction(Function function)
        : function_(std::move(function)) {}
    on_destruction(on_destruction&& other) noexcept
        : function_(std::move(other.function_))
        , owed_(std::exchange(other.owed_, false)) {}
    on_destruction& operator=(on_destruction&&) = delete;
    ~on_destruction() {
        if (owed_)
            function_();
    }

private:
    Function function_;
    bool owed_ = true;
};

} // namespace test
