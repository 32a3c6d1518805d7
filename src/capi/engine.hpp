// engine: what stands behind aura_engine_t.
#pragma once

#include "auraio/aura.h"

#include "auraio/core/base/fork_aware.hpp"
#include "auraio/core/loop/engine.hpp"
#include "auraio/core/memory/buffer_pool.hpp"
#include "auraio/core/report/statistics_server.hpp"
#include "core/loop/outside_wait.hpp"
#include "core/loop/ring_selector.hpp"
#include "file_numbers.hpp"
#include "request_store.hpp"

#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>

namespace aura::capi {

/// A thread's stay in a callback; on its stack.
struct callback_frame {
    callback_frame(aura_engine& e, core::shard& s) noexcept
        : engine(e)
        , shard(s)
        , outer(innermost) {
        innermost = this;
    }
    ~callback_frame() { innermost = outer; }
    callback_frame(const callback_frame&) = delete;

    aura_engine& engine;
    core::shard& shard;
    callback_frame* const outer;

    /// The innermost one of this thread in `e`; null outside of its callbacks.
    static callback_frame* find(const aura_engine& e) noexcept {
        callback_frame* f = innermost;
        while (f && &f->engine != &e) [[unlikely]]
            f = f->outer;
        return f;
    }
    static bool any() noexcept { return innermost != nullptr; }

private:
    static inline thread_local constinit callback_frame* innermost = nullptr;
};

/// Tells the log handler.
void log_message(aura_log_level_t level, const char* message) noexcept;

inline int fail(int error) noexcept {
    errno = error;
    return -error;
}

/// Runs `f`, which returns an int, so that no exception leaves the library.
template <class F>
[[gnu::always_inline]] inline int guarded(const F& f) noexcept {
    try {
        return f();
    } catch (const core::engine_error& e) {
        log_message(AURA_LOG_ERR, e.what());
        return fail(e.error());
    } catch (const std::bad_alloc&) {
        return fail(ENOMEM);
    } catch (const std::length_error&) { // more than any memory has: a count that is no count
        return fail(ENOMEM);
    }
}

} // namespace aura::capi

struct aura_engine {
    aura_engine(const aura::core::engine_options& options, aura::core::ring_selection mode, unsigned rings,
                std::span<const unsigned> cpus);
    ~aura_engine();

    /// The shard a new operation of the calling thread goes to. `here`: the callback it is in. Throws
    /// engine_error, bad_alloc.
    aura::core::shard& select(const aura::capi::callback_frame* here) {
        // In a callback the local ring is the one at hand: nothing has to be sent anywhere.
        if (here && selector_.mode() == aura::core::ring_selection::adaptive &&
            !aura::core::ring_selector::crowded({here->shard.load().in_flight(), capacity_})) [[likely]]
            return here->shard;
        return select_ring();
    }
    aura::core::shard& select() { return select(aura::capi::callback_frame::find(*this)); }

    /// A free slot; null when there is no memory.
    aura::capi::request_slot* allocate(const aura::capi::callback_frame* here) noexcept {
        if (here) [[likely]] {
            const aura::core::shard::entry entry(here->shard);
            if (entry.drives()) [[likely]] // others may have taken it in this callback
                return rings_[here->shard.index()].cache.take();
        }
        return aura::capi::request_store::take_one();
    }
    aura::capi::request_slot* allocate() noexcept {
        return allocate(aura::capi::callback_frame::find(*this));
    }
    /// Where its operation has ended, inside: by the thread that drives the slot's shard, or has lost it.
    void recycle(aura::capi::request_slot& r) noexcept {
        if (aura::core::shard& home = r.home(); home.is_current()) [[likely]]
            rings_[home.index()].cache.put(r);
        else
            abandon(r);
    }
    /// By the thread that called allocate(), when nothing was started.
    void abandon(aura::capi::request_slot& r) noexcept;

    /// After a thread has been in the engine: see outside_wait.
    void left() {
        if (outside.load(std::memory_order_acquire))
            outside.load(std::memory_order_relaxed)->arm();
    }

    /// Why nothing can be started: 0; ESHUTDOWN, it is being destroyed; ECHILD, it is the parent's.
    int refusal() const noexcept {
        if (usable_in_.load(std::memory_order_relaxed) == aura::core::fork_generation()) [[likely]]
            return 0;
        return is_inherited() ? ECHILD : ESHUTDOWN;
    }
    /// Whether this process is a child of the one that made it.
    bool is_inherited() const noexcept { return loop.is_inherited(); }

    unsigned ring_count() const noexcept { return selector_.ring_count(); }

    /// The loop's, with what the selection of rings knows.
    aura::core::engine_stats stats() const;

    aura::core::buffer_pool buffers; // outlives the loop, whose last callbacks give buffers back
    aura::core::engine loop;
    aura::capi::file_numbers numbers{loop.registered()};
    const std::atomic<bool> never{false};                    // the stop flag of those who do not stop
    std::atomic<aura::core::outside_wait*> outside{nullptr}; // release/acquire: whoever sees it sees it whole

    std::mutex run_mutex; // guards runners, making `outside`, and the clearing of run_stop
    unsigned runners = 0; // threads in aura_run()
    std::atomic<bool> run_stop{false};

    std::mutex statistics_mutex; // guards the next
    std::unique_ptr<aura::core::statistics_server> statistics;

private:
    struct alignas(64) ring {
        aura::capi::request_cache cache; // its shard's driver
        // Rings of the selector get their shards in the order of their first use, so that no shard is made
        // for a processor that submits nothing. Release/acquire: whoever sees the shard sees it whole.
        std::atomic<aura::core::shard*> shard{nullptr};
    };
    aura::core::shard& select_ring();
    aura::core::shard& shard_of(unsigned ring_index);
    aura::core::ring_load load_of(unsigned ring_index) const noexcept;

    // The process of the loop; another number while it is being destroyed, so that one look tells both.
    // Relaxed: changed by the only thread that may still use the engine.
    std::atomic<unsigned> usable_in_{aura::core::fork_generation()};
    const std::uint64_t id_; // never the same twice in a process
    const std::uint32_t capacity_;
    aura::core::ring_selector selector_;
    std::unique_ptr<ring[]> rings_; // [i].cache: of shard i; [i].shard: of the selector's ring i
    std::mutex assign_mutex_;
    unsigned assigned_ = 0;
};
