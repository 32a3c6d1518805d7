// running: how what a callback throws comes out of the function that runs it, and not into C.
#pragma once

#include "auraio/cpp/error.hpp"

#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace aura::cpp_detail {

/// What an Engine has beside its C engine. It stays where it is when the Engine is moved.
class engine_state {
public:
    explicit engine_state(aura_engine_t* engine) noexcept
        : engine_(engine) {}
    inline ~engine_state();
    engine_state(const engine_state&) = delete;
    engine_state& operator=(const engine_state&) = delete;

    aura_engine_t* engine() const noexcept { return engine_; }

    /// For a later call, where one call has more than one to throw.
    void keep(std::exception_ptr thrown) noexcept {
        try {
            std::lock_guard guard(mutex_);
            kept_.push_back(std::move(thrown));
            // Relaxed: who sees it late throws one call later; the exception itself is read under the lock.
            any_.store(true, std::memory_order_relaxed);
        } catch (...) { // without memory the first one has to do, which tells of the same call
        }
    }

    /// Throws one that was kept, if there is any.
    void throw_kept() {
        if (!any_.load(std::memory_order_relaxed)) [[likely]]
            return;
        std::exception_ptr thrown;
        {
            std::lock_guard guard(mutex_);
            if (kept_.empty())
                return;
            thrown = std::move(kept_.front());
            kept_.erase(kept_.begin());
            any_.store(!kept_.empty(), std::memory_order_relaxed);
        }
        std::rethrow_exception(std::move(thrown));
    }

private:
    aura_engine_t* const engine_;
    std::mutex mutex_;
    std::vector<std::exception_ptr> kept_;
    std::atomic<bool> any_{false};
};

/// A thread's stay in a function that runs callbacks: the innermost one takes what a callback throws.
class run_frame {
public:
    run_frame(engine_state& state, bool is_run) noexcept
        : state_(state)
        , is_run_(is_run)
        , outer_(std::exchange(innermost_, this)) {}
    ~run_frame() {
        innermost_ = outer_;
        if (first_) [[unlikely]] // something else is being thrown
            state_.keep(std::move(first_));
    }
    run_frame(const run_frame&) = delete;
    run_frame& operator=(const run_frame&) = delete;

    /// Takes what a callback has thrown. There is nowhere to put it where C runs the callbacks itself.
    static void carry(std::exception_ptr thrown) noexcept {
        run_frame* const here = innermost_;
        if (!here)
            std::terminate();
        if (here->first_)
            here->state_.keep(std::move(thrown));
        else
            here->first_ = std::move(thrown);
        if (here->is_run_)
            aura_stop(here->state_.engine());
    }

    bool has_thrown() const noexcept { return first_ != nullptr; }
    /// Throws what was carried here.
    void rethrow() {
        if (first_) [[unlikely]]
            std::rethrow_exception(std::move(first_));
    }

private:
    engine_state& state_;
    const bool is_run_;
    run_frame* const outer_;
    std::exception_ptr first_;
    static inline thread_local constinit run_frame* innermost_ = nullptr;
};

// What callbacks throw while everything ends has nobody left to hear it. Destroyed in a callback of its own, or while
// another thread waits, the engine would go on without its owner.
inline engine_state::~engine_state() {
    run_frame frame(*this, false);
    if (aura_destroy(engine_) != 0)
        std::terminate();
}

} // namespace aura::cpp_detail
