// first_use: a value of the process, made by whoever needs it first.
#pragma once

#include "auraio/core/base/fork_aware.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace aura::core {

/// What a static variable of a function would be, but for fork(2): a child that comes of a fork while another thread
/// makes the value would wait for that thread, which it does not have. Here it makes the value itself. Never
/// destroyed, as threads may outlive static objects.
template <class T>
class first_use {
public:
    constexpr first_use() noexcept = default;
    first_use(const first_use&) = delete;

    /// `make()` returns the value; what it throws leaves this, and the next caller tries again.
    template <class Make>
    T& get(Make&& make) {
        // Acquire, here and below: who sees `made` sees the value.
        if (state_.load(std::memory_order_acquire) != made) [[unlikely]]
            make_or_wait(make);
        return *std::launder(reinterpret_cast<T*>(place_));
    }
    T& get() {
        return get([] { return T(); });
    }

private:
    static constexpr std::uint32_t none = 0, made = 1,
                                   first_generation = 2; // beyond: the process that makes it

    template <class Make>
    void make_or_wait(Make& make) {
        const std::uint32_t here = first_generation + fork_generation();
        for (;;) {
            std::uint32_t state = state_.load(std::memory_order_acquire);
            if (state == made)
                return;
            if (state == here) {
                state_.wait(state, std::memory_order_acquire);
                continue;
            }
            if (state_.compare_exchange_strong(state, here, std::memory_order_acquire))
                break;
        }
        try {
            ::new (static_cast<void*>(place_)) T(make());
        } catch (...) {
            leave(none);
            throw;
        }
        leave(made);
    }
    void leave(std::uint32_t state) noexcept {
        state_.store(state, std::memory_order_release);
        state_.notify_all();
    }

    std::atomic<std::uint32_t> state_{none};
    // NOLINTNEXTLINE(bugprone-sizeof-expression): of a pointer, where T is one
    alignas(T) std::byte place_[sizeof(T)]{};
};

} // namespace aura::core
