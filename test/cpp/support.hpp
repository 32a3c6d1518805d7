// support: what the tests of the C++ layer share.
#pragma once

#include <aura.hpp>

#include "capi/support.hpp"

#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <utility>

namespace test {

/// The errno value of the Error that `f` throws; 0 when it throws none.
template <class F>
int error_of(F&& f) {
    try {
        f();
    } catch (const aura::Error& e) {
        return e.code().value();
    }
    return 0;
}

/// A coroutine type of somebody else: eager, whose exceptions come out of whoever resumes it. Its end comes before
/// its object's.
class foreign_coroutine {
public:
    struct promise_type {
        foreign_coroutine get_return_object() noexcept {
            return foreign_coroutine(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_always final_suspend() const noexcept { return {}; }
        void return_void() const noexcept {}
        void unhandled_exception() const { throw; }
    };

    foreign_coroutine(foreign_coroutine&& other) noexcept
        : self_(std::exchange(other.self_, nullptr)) {}
    foreign_coroutine(const foreign_coroutine&) = delete;
    ~foreign_coroutine() {
        if (self_)
            self_.destroy();
    }

private:
    explicit foreign_coroutine(std::coroutine_handle<> self) noexcept
        : self_(self) {}

    std::coroutine_handle<> self_;
};

/// Both ends of a connected stream.
struct stream_pair {
    stream_pair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0); }
    ~stream_pair() {
        ::close(fds[0]);
        ::close(fds[1]);
    }
    stream_pair(const stream_pair&) = delete;
    int fds[2] = {-1, -1};
};

} // namespace test
