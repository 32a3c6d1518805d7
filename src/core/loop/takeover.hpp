// takeover: the rings of a thread that is stuck in a handler go to others.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"
#include "auraio/core/base/thread_mark.hpp"
#include "core/loop/crew_width.hpp"

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

namespace aura::core {

class driver;
class engine;
class stall_report;
class stuck_watch;
class thread_accounts;

/// One for each engine whose options ask for it. It knows the threads that can lose what they drive: those
/// whose outermost loop is this engine's. A thread of its own looks at them, from when two are in run() until
/// the engine ends; it sleeps while they all do.
class takeover {
public:
    /// Null where membarrier(2) is refused, or is not to be had: then nobody takes over.
    static std::unique_ptr<takeover> create(engine& e);
    takeover(engine& e, nanoseconds_t limit) noexcept;
    takeover(const takeover&) = delete;

    /// Before the engine shuts down: nobody watches any more.
    void end() noexcept;

    std::uint64_t count() const noexcept { return count_.load(std::memory_order_relaxed); }

    /// Threads in run(), with a ring or without: there are no more rings than that.
    unsigned threads() const noexcept { return threads_.load(std::memory_order_relaxed); }

    /// A thread comes into run(), or leaves it. `can_lose`: nothing of it is under another loop.
    void enter(driver& d, bool can_lose);
    void leave(driver& d, bool can_lose) noexcept;

    /// Of the calling thread, which is inside: what it drives is for others. For `apart` its mark is lost then, as
    /// after a takeover.
    void give_up(driver& d, bool counted, bool apart) noexcept;
    /// All threads are to drive; for who serves the rings of others and cannot go on doing so.
    void refuse_crew() noexcept;
    /// Whether a handler that has taken so long had better be run apart the next time.
    bool is_long(nanoseconds_t time) const noexcept { return time >= limit_ / 2; }

    /// A thread has woken up, or has been given a ring. Against the watching thread, which says that it parks,
    /// has all threads pass a barrier and looks for one that is awake: either it is seen, or it sees.
    void note_awake() noexcept {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        if (parked_.load(std::memory_order_relaxed)) [[unlikely]]
            unpark();
    }

    /// Around a fork that was announced nobody takes over.
    void before_fork() { mutex_.hold(&this_thread_mark()); }
    void after_fork() { mutex_.let_go(); }
    /// In a child of fork, where one thread is left, which was in run() so many times (`runs`), and can lose what
    /// it drives if `d` is not null. `locked`: see before_fork().
    void sever(driver* d, unsigned runs, bool locked) noexcept;

private:
    friend struct crew_control; // of the tests

    void start();
    void unpark() noexcept;
    void watch() noexcept;
    nanoseconds_t look(stuck_watch& stuck, stall_report& stalls, thread_accounts& accounts) noexcept;
    nanoseconds_t park() noexcept;
    static bool computes(const driver& d) noexcept;
    bool take_from(driver& d) noexcept;
    nanoseconds_t look_at_crew(thread_accounts& accounts) noexcept;
    void decide_on_crew(nanoseconds_t now, const thread_accounts* known) noexcept;
    bool all_can_lose() const noexcept;
    void ask_to_step_aside(nanoseconds_t now) noexcept;
    bool stands_still(nanoseconds_t now) noexcept;
    bool look_at(thread_accounts& accounts) noexcept;
    crew_width::figures figures_of(const thread_accounts& accounts, nanoseconds_t now) const noexcept;

    engine& engine_;
    const nanoseconds_t limit_;
    std::atomic<unsigned> threads_{0}; // relaxed: a hint for who makes rings, exact for who starts the watch
    std::atomic<bool> parked_{false};
    std::atomic<bool> crew_refused_{false}; // for the next look, whenever that is
    std::atomic<std::uint64_t> count_{0};   // relaxed: for statistics

    // Nothing else is locked while this is held, except that the mark of a thread is its own affair.
    takeover_lock mutex_; // guards the list, and is held from want() to the decision
    driver* first_ = nullptr;
    crew_width crew_; // with the lock, by who watches, as the next
    nanoseconds_t crew_turn_began_ = 0;

    std::mutex watch_mutex_; // guards what the watching thread waits for
    std::condition_variable changed_;
    bool roused_ = false;
    bool ends_ = false;
    std::thread watch_;
};

} // namespace aura::core
