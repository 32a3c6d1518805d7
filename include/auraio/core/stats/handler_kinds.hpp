// handler_kinds: how many handlers of each kind were called and how long they took, in programs that track handlers.
#pragma once

#include "auraio/core/base/clock.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace aura::core {

/// Handlers of one kind, of the whole process, as Asio's handler tracking is. Times in nanoseconds.
struct handler_kind_stats {
    std::string object;      ///< what its operation was started on, as tracking names it: "socket"
    std::string function;    ///< that started it: "async_receive"
    std::uint64_t calls = 0; ///< that have returned, or thrown
    std::uint64_t total_time = 0;
    std::uint64_t longest = 0;
};

/// A kind, of which there is one for each pair of names, and which is never destroyed.
class handler_kind {
public:
    /// Null for want of memory. Any thread.
    static handler_kind* find(const char* object, const char* function) noexcept;

    /// All that there are, the first to be seen first. Throws bad_alloc.
    static std::vector<handler_kind_stats> all();

    /// A handler has returned. Any thread.
    void record(nanoseconds_t time) noexcept;

private:
    using name = std::array<char, 48>;

    handler_kind(const char* object, const char* function) noexcept;
    bool is(const char* object, const char* function) const noexcept;
    static handler_kind* look_up(handler_kind* first, const char* object, const char* function) noexcept;

    /// Release/acquire: who finds one sees its names.
    static inline constinit std::atomic<handler_kind*> newest{nullptr};

    name object_{}; // copies: a library that has been unloaded takes its own with it
    name function_{};
    handler_kind* older_ = nullptr;
    // Relaxed: each stands for itself.
    std::atomic<std::uint64_t> calls_{0};
    std::atomic<std::uint64_t> total_time_{0};
    std::atomic<std::uint64_t> longest_{0};
};

/// The base of an operation whose handler is tracked.
class handler_of_kind {
public:
    void set_kind(handler_kind* kind) noexcept { kind_ = kind; }
    handler_kind* kind() const noexcept { return kind_; }

private:
    handler_kind* kind_ = nullptr;
};

/// Lives while a handler runs.
class handler_measure {
public:
    explicit handler_measure(handler_kind* kind) noexcept
        : kind_(kind)
        , began_(monotonic_now()) {}
    ~handler_measure() {
        if (kind_)
            kind_->record(monotonic_now() - began_);
    }
    handler_measure(const handler_measure&) = delete;

private:
    handler_kind* const kind_;
    const nanoseconds_t began_;
};

} // namespace aura::core
