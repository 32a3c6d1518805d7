// worker_pool: threads of the process for calls that may block, shared by all contexts.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <cstddef>
#include <cstdint>
#include <mutex>

namespace aura::core {

/// What a thread of the pool is wanted for. Each kind has a bound of its own and nobody takes another's, so
/// that look-ups which wait for a server that does not answer hold up no file.
enum class work_kind : std::uint8_t { storage, look_ups };
inline constexpr std::size_t work_kinds = 2;

/// Threads come when there is work and none is idle, until there are as many as the bound of its kind; one
/// that has had nothing to do for a while ends. They have all signals blocked, and they are not waited for
/// when the process ends: what they use of the library is never destroyed, and the library is kept loaded
/// from the first of them on.
///
/// A child of fork(2) has none of them, and no work: what the parent had asked for is done in the parent.
///
/// One lock of the process guards the pool and what its sources have waiting.
class worker_pool {
public:
    using lock = std::unique_lock<std::mutex>;

    /// The bound of storage work where nobody has set one: four threads for each processor this process may
    /// use, at least 16 and at most 256. That is what the kernel allows its own workers of a ring.
    static unsigned default_threads() noexcept;

    /// Threads there are.
    static unsigned threads() noexcept;

    /// After how long without work a thread ends; for tests. Concerns those that become idle from now on.
    static void set_patience(nanoseconds_t patience) noexcept;
    static constexpr nanoseconds_t default_patience = 5'000'000'000;

private:
    friend class work_source;
    struct state;
};

/// Who has work for the pool. Lives as long as some of it is waiting or under way.
class work_source {
public:
    work_source(const work_source&) = delete;
    work_source& operator=(const work_source&) = delete;

protected:
    /// `threads`: how many there may be for this kind of work; 0: default_threads(). Where sources of one
    /// kind differ, the largest number holds.
    work_source(work_kind kind, unsigned threads) noexcept;
    ~work_source() = default;

    /// Another thread may fork while the source is made or destroyed, and the child must not call functions of one that
    /// is not whole: the most derived constructor ends with enlist(), and its destructor with delist().
    void enlist() noexcept;
    void delist() noexcept;

    static worker_pool::lock take_lock() noexcept;

    /// For the first offer of a source, at least.
    static worker_pool::lock take_lock_to_offer() noexcept;

    /// There are `count` more pieces of work. Wakes threads for them or makes some; the lock is given back
    /// meanwhile. Where none can be made and there is none for this kind of work, the calling one calls work() here.
    void offer(worker_pool::lock& lock, std::uint32_t count = 1) noexcept;

    /// One that was offered is not to be done any more.
    void withdraw(worker_pool::lock& lock) noexcept;

    /// Nothing is. With it, before the lock is given back for the last time, the most derived destructor makes
    /// sure that work() is not called any more.
    void withdraw_all(worker_pool::lock& lock) noexcept;

    /// Takes the oldest piece of work and does it, with the lock given back meanwhile. Nothing when it has
    /// been taken by then. Once the lock has been given back for the last time the source may be gone.
    virtual void work(worker_pool::lock& lock) noexcept = 0;

    /// In a child of fork(2), which has a single thread: whatever was waiting or under way is the parent's.
    virtual void forget() noexcept = 0;

private:
    friend class worker_pool;

    const work_kind kind_;
    const unsigned threads_;
    std::uint32_t offered_ = 0;
    bool in_line_ = false;
    work_source* next_in_line_ = nullptr;
    work_source* previous_ = nullptr; // in the list of all
    work_source* next_ = nullptr;
};

} // namespace aura::core
