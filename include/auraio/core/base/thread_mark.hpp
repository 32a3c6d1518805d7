// thread_mark: whether a thread that drives rings is in a handler, so that another may take them from it.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>

namespace aura::core {

/// What who takes over holds from its request to its decision. A thread that holds it itself, around a fork that
/// was announced, waits for nobody.
class takeover_lock {
public:
    void lock() { mutex_.lock(); }
    void unlock() { mutex_.unlock(); }

    /// The same for a thread that goes on to other code of the library with it.
    void hold(const void* thread) {
        lock();
        holder_.store(thread, std::memory_order_relaxed);
    }
    void let_go() {
        holder_.store(nullptr, std::memory_order_relaxed);
        unlock();
    }
    /// Relaxed: it is compared with the reader's own identity, which nobody else stores.
    bool is_held_by(const void* thread) const noexcept {
        return holder_.load(std::memory_order_relaxed) == thread;
    }

private:
    std::mutex mutex_;
    std::atomic<const void*> holder_{nullptr};
};

/// One for each thread. What its thread drives may be taken by another thread while it is *outside*: in a
/// handler, and in no function of the library. Entering costs a store and a load, because who takes over pays
/// for the order (an asymmetric Dekker):
///
///     the thread                            who takes over, holding the lock
///     state = inside                        attention = wanted
///     compiler fence                        membarrier(2)
///     if (attention) settle()               outside = state is not inside
///     ...                                   if (outside) moves the rings, attention = lost
///     state = outside (release)             else attention = 0
///
/// The membarrier is a full fence of the other thread somewhere in its instructions. Where it comes before the
/// load, the load sees `wanted`; where it comes after, the store of `inside` was before it and is seen by who
/// takes over. So it cannot be that both go on. settle() that finds `wanted` waits for the lock, hence for the
/// decision; one that finds `lost` has it, and takes no lock: release there and acquire here show it what was moved.
/// Who has seen `outside` sees by acquire all that was done before that release store, and that is all there was:
/// what begins later finds attention set. A thread that has lost its rings finds in each of them that it does not
/// drive it, and goes the way of any other thread. What who takes over has read before he refuses the thread may
/// change once it finds that taken back: hence release there, and acquire here.
///
/// ThreadSanitizer needs no other form of this: it carries the accesses out, so membarrier(2) orders them as it does
/// without, and everything that it has to be told passes by release and acquire, or by the lock. Where a program is
/// watched and the library is not instrumented (observer.hpp), attention says so from the beginning of run(), so that
/// every entry comes to settle(), which tells what the thread has done so far: all that leave() publishes but for what
/// the library itself does in between, which is not seen. Other programs pay nothing for it.
///
/// Its address is the identity of its thread: what a thread drives shows that address.
///
/// All members but look(), want(), refuse() and lose() are for the thread itself.
class thread_mark {
public:
    /// What is outside shows who it is: a number that is not 0, the same for as long as the handler runs.
    using handler_id = std::uintptr_t;
    static constexpr handler_id inside = 0;

    /// Relaxed: the thread reads what it has stored itself.
    handler_id state() const noexcept { return state_.load(std::memory_order_relaxed); }

    /// False: settle() before anything else.
    [[nodiscard]] bool enter() noexcept {
        begin_entry();
        std::atomic_signal_fence(std::memory_order_seq_cst); // the other half is a membarrier
        return ends_entry_undisturbed();
    }
    /// enter(), and whether `driver` shows this thread then. One comparison tells both from everything else, for
    /// nobody is shown by an address next to a mark's.
    [[nodiscard]] bool enter_what_shows(const std::atomic<const void*>& driver) noexcept {
        begin_entry();
        std::atomic_signal_fence(std::memory_order_seq_cst); // as above
        const auto undisturbed =
            reinterpret_cast<std::uintptr_t>(this) + attention_.load(std::memory_order_acquire);
        // Relaxed: see shard::is_current().
        if (reinterpret_cast<std::uintptr_t>(driver.load(std::memory_order_relaxed)) == undisturbed)
            [[likely]]
            return true;
        return settles_and_shows(driver);
    }
    /// Its two halves, for the test that interleaves them with the other side.
    void begin_entry() noexcept { state_.store(inside, std::memory_order_relaxed); }
    bool ends_entry_undisturbed() const noexcept { return attention_.load(std::memory_order_acquire) == 0; }

    /// Release: see above. Also back to where enter() has come from, which may be inside.
    void leave(handler_id h) noexcept { state_.store(h, std::memory_order_release); }

    /// Waits until who takes over has decided, if anybody is about to. True: the thread has lost what it drove (and
    /// stays inside).
    bool settle() noexcept;
    /// The thread has heard of its loss and begins anew.
    void recover() noexcept;

    /// While a handler runs a loop its thread is in no state to lose anything. Relaxed: the thread writes it inside,
    /// so that who has seen it outside (look()) sees what it is; to anybody else it is a hint.
    bool is_nested() const noexcept { return nested_.load(std::memory_order_relaxed); }
    void set_nested(bool nested) noexcept { nested_.store(nested, std::memory_order_relaxed); }

    /// `lock`: what who takes over holds meanwhile; see takeover. Null: nobody takes over.
    void belongs_to(takeover_lock* lock) noexcept;

    // ---- who takes over, with the lock ----

    void want() noexcept { attention_.store(wanted, std::memory_order_relaxed); }
    /// After the barrier.
    handler_id look() const noexcept { return state_.load(std::memory_order_acquire); }
    void refuse() noexcept { attention_.store(at_rest_, std::memory_order_release); }
    /// Release: see above.
    void lose() noexcept { attention_.store(lost, std::memory_order_release); }
    /// It has lost what it drove, and has not recovered yet.
    bool is_lost() const noexcept { return attention_.load(std::memory_order_relaxed) == lost; }
    /// For settle(), with the lock. A request that nobody stands behind (the process has forked) is dropped.
    bool decision() noexcept {
        if (attention_.load(std::memory_order_relaxed) == lost)
            return true;
        attention_.store(at_rest_, std::memory_order_relaxed);
        return false;
    }

private:
    enum : std::uint32_t { wanted = 1, lost = 2, watched = 3 };

    bool decide() noexcept;
    bool settles_and_shows(const std::atomic<const void*>& driver) noexcept;

    std::atomic<handler_id> state_{inside};
    std::atomic<std::uint32_t> attention_{0};
    std::uint32_t at_rest_ = 0; // watched, or nothing; written before anybody takes over
    std::atomic<bool> nested_{false};
    takeover_lock* lock_ = nullptr;
};

inline thread_mark& this_thread_mark() noexcept {
    static thread_local constinit thread_mark mark;
    return mark;
}

/// A scope in which the calling thread is inside: whatever it drives at its beginning it drives at its end.
class mark_entry {
public:
    explicit mark_entry(thread_mark& mark = this_thread_mark()) noexcept
        : mark_(mark)
        , was_(mark.state()) {
        if (!mark_.enter()) [[unlikely]]
            (void)mark_.settle();
    }
    ~mark_entry() { mark_.leave(was_); }
    mark_entry(const mark_entry&) = delete;

private:
    thread_mark& mark_;
    const thread_mark::handler_id was_;
};

} // namespace aura::core
