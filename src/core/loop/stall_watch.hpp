// stall_watch: who looks for handlers that do not return where takeover's watch does not: in contexts of one
// thread, and in those whose rings are not taken over.
#pragma once

#include "auraio/core/base/fork_aware.hpp"
#include "auraio/core/base/nanoseconds.hpp"
#include "core/loop/stall_report.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace aura::core {

class engine;

/// An engine, as the watch knows it, for as long as this lives. One thread may fork while another one changes the list
/// of these: a child forgets the list, does not touch the links, and makes those of the engines that it adopts anew.
class watched_engine {
public:
    explicit watched_engine(engine& e);
    ~watched_engine();
    watched_engine(const watched_engine&) = delete;

private:
    friend class stall_watch;

    bool look(stall_report& report);
    bool is_awake() const noexcept;
    /// Not by the watch of its own that it has; see takeover.
    bool is_for_us() const noexcept;

    engine& engine_;
    const unsigned generation_ = fork_generation();
    /// Of each ring. All at once, so that a child, which destroys it, finds it whole or not at all.
    std::unique_ptr<stall_report::memory[]> seen_;
    watched_engine* next_ = nullptr;
    watched_engine* previous_ = nullptr;
};

/// One for the process. Its thread exists while set_stall_report() has asked for reports and there are contexts: a
/// process of one thread stays one otherwise. It looks some times a second while any ring's thread is awake, and waits
/// for a wake when all sleep. A thread that wakes pays for a load, and for a futex where it ends such a wait. The look
/// comes half a limit (50 ms at most) after that, so that a ring that wakes often pays a few times a second.
class stall_watch final : private fork_aware {
public:
    /// Reports are asked for, or not any more.
    static void ask(bool wanted) noexcept;

    /// A thread has woken up, or comes to drive a ring. Against the watch, which says that it parks, has all threads
    /// pass a barrier and looks for one that is awake: either it is seen, or it sees.
    static void note_awake() noexcept {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (attention.load(std::memory_order_relaxed)) [[unlikely]]
            attend();
    }

private:
    friend class watched_engine;

    stall_watch();
    static stall_watch& instance();
    static void attend() noexcept;
    static void sever(fork_aware& self) noexcept;
    void start() noexcept;
    void watch() noexcept;
    bool goes_on() const noexcept;
    nanoseconds_t look() noexcept;
    nanoseconds_t park() noexcept;
    static nanoseconds_t between_looks() noexcept;

    /// The watch is parked, or not there although it is asked for.
    static inline constinit std::atomic<bool> attention{false};
    static inline constinit std::atomic<bool> asked{false}; // relaxed: it stands for itself

    std::mutex mutex_; // guards the rest, and keeps engines from going while they are looked at
    std::condition_variable changed_;
    bool running_ = false;
    bool roused_ = false;
    watched_engine* first_ = nullptr;
    stall_report report_;
};

} // namespace aura::core
