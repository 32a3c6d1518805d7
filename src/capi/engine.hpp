// engine: what stands behind aura_engine_t.
#pragma once

#include "auraio/aura.h"

#include "auraio/core/buffer_pool.hpp"
#include "auraio/core/engine.hpp"
#include "auraio/core/outside_wait.hpp"
#include "auraio/core/ring_selector.hpp"
#include "request.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>

namespace aura::capi {

/// A thread's stay in a callback; on its stack.
struct callback_frame {
    callback_frame(aura_engine& e, core::shard& s) noexcept;
    ~callback_frame();
    callback_frame(const callback_frame&) = delete;

    aura_engine& engine;
    core::shard& shard;
    callback_frame* const outer;

    /// The innermost one of this thread in `e`; null outside of its callbacks.
    static callback_frame* find(const aura_engine& e) noexcept;
    static bool any() noexcept;
};

/// Tells the log handler.
void log_message(aura_log_level_t level, const char* message) noexcept;

inline int fail(int error) noexcept {
    errno = error;
    return -error;
}

/// Hands `all` to the caller, as far as the struct_size it has set says there is room. Returns 0.
template <class Struct>
int give(Struct* out, Struct all) noexcept {
    all.struct_size = out->struct_size < sizeof all ? out->struct_size : sizeof all;
    std::memcpy(out, &all, all.struct_size);
    return 0;
}

/// Runs `f`, which returns an int, so that no exception leaves the library.
template <class F>
int guarded(F f) noexcept {
    try {
        return f();
    } catch (const core::engine_error& e) {
        log_message(AURA_LOG_ERR, e.what());
        return fail(e.error());
    } catch (const std::bad_alloc&) {
        return fail(ENOMEM);
    }
}

} // namespace aura::capi

struct aura_engine {
    aura_engine(const aura::core::engine_options& options, aura::core::ring_selection mode, unsigned rings,
                std::span<const unsigned> cpus);
    ~aura_engine();

    /// The shard a new operation of the calling thread goes to. Throws engine_error, bad_alloc.
    aura::core::shard& select();

    /// A free slot; null when there is no memory.
    aura::capi::request_slot* allocate() noexcept;
    /// By the thread that drives the slot's shard.
    void recycle(aura::capi::request_slot& r) noexcept;
    /// By the thread that called allocate(), when nothing was started.
    void abandon(aura::capi::request_slot& r) noexcept;

    /// After a thread has been in the engine: see outside_wait.
    void left() {
        if (outside.load(std::memory_order_acquire))
            outside.load(std::memory_order_relaxed)->arm();
    }

    unsigned ring_count() const noexcept { return selector_.ring_count(); }

    /// The loop's, with what the selection of rings knows.
    aura::core::engine_stats stats() const;

    aura::core::buffer_pool buffers; // outlives the loop, whose last callbacks give buffers back
    aura::core::engine loop;
    std::atomic<bool> closing{false};     // relaxed: set by the only thread that may still use the engine
    const std::atomic<bool> never{false}; // the stop flag of those who do not stop
    std::atomic<aura::core::outside_wait*> outside{nullptr}; // release/acquire: whoever sees it sees it whole

    std::mutex run_mutex; // guards runners, making `outside`, and the clearing of run_stop
    unsigned runners = 0; // threads in aura_run()
    std::atomic<bool> run_stop{false};

private:
    struct alignas(64) ring {
        aura::capi::request_cache cache; // its shard's driver
        // Rings of the selector get their shards in the order of their first use, so that no shard is made
        // for a processor that submits nothing. Release/acquire: whoever sees the shard sees it whole.
        std::atomic<aura::core::shard*> shard{nullptr};
    };
    aura::core::shard& shard_of(unsigned ring_index);
    aura::core::ring_load load_of(unsigned ring_index) const noexcept;

    const std::uint64_t id_; // never the same twice in a process
    const std::uint32_t capacity_;
    aura::core::ring_selector selector_;
    std::unique_ptr<ring[]> rings_; // [i].cache: of shard i; [i].shard: of the selector's ring i
    std::mutex assign_mutex_;
    unsigned assigned_ = 0;
};
