// run: the functions in which callbacks run.
#include "engine.hpp"

#include <climits>
#include <string>

using namespace aura;
using namespace aura::capi;

namespace {

/// Refuses what would run callbacks inside a callback, or in a child of the process that made the engine.
int check(const aura_engine_t* engine, const char* function) noexcept {
    if (!engine)
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    if (!callback_frame::find(*engine)) [[likely]]
        return 0;
    log_message(AURA_LOG_WARNING, (std::string("auraio: ") + function +
                                   "() in a callback of its engine would wait for itself: nothing is done")
                                      .c_str());
    return fail(EDEADLK);
}

/// 0 for 0; `never` for a negative time.
core::nanoseconds_t deadline_after(int milliseconds) noexcept {
    if (milliseconds < 0)
        return core::never;
    if (milliseconds == 0)
        return 0;
    return core::monotonic_now() + static_cast<core::nanoseconds_t>(milliseconds) * 1'000'000u;
}

int as_int(std::size_t count) noexcept {
    return count < INT_MAX ? static_cast<int>(count) : INT_MAX;
}

/// Whether something is pending, whose end will stop the engine. (The first look costs others nothing.)
bool begin_wait(aura_engine_t& engine) noexcept {
    return engine.loop.has_work() && engine.loop.restart_for_work();
}

int wait_until(aura_engine_t& engine, core::nanoseconds_t deadline) {
    while (begin_wait(engine)) {
        const std::size_t count = engine.loop.run_turn(deadline, engine.loop.stop_flag());
        engine.left();
        if (count != 0)
            return as_int(count);
        if (deadline != core::never && (deadline == 0 || core::monotonic_now() >= deadline))
            return engine.loop.has_work() ? fail(ETIMEDOUT) : 0;
    }
    return 0;
}

/// In aura_run(). The last thread to leave takes back the request to stop.
class runner {
public:
    explicit runner(aura_engine_t& e)
        : engine_(e) {
        std::lock_guard guard(engine_.run_mutex);
        ++engine_.runners;
    }
    ~runner() {
        std::lock_guard guard(engine_.run_mutex);
        if (--engine_.runners == 0)
            engine_.run_stop.store(false, std::memory_order_seq_cst);
    }
    runner(const runner&) = delete;

private:
    aura_engine_t& engine_;
};

int drain(aura_engine_t& engine, int timeout_ms) {
    const core::nanoseconds_t deadline = deadline_after(timeout_ms);
    std::size_t count = 0;
    while (engine.loop.restart_for_work()) {
        // A program that always starts something new is never done: with no time it gets one turn.
        count += deadline == 0 ? engine.loop.run_turn(0, engine.loop.stop_flag())
                               : engine.loop.run(deadline, engine.loop.stop_flag());
        engine.left();
        if (deadline != core::never && engine.loop.has_work() &&
            (deadline == 0 || core::monotonic_now() >= deadline))
            return fail(ETIMEDOUT);
    }
    return as_int(count);
}

} // namespace

int aura_poll(aura_engine_t* engine) {
    if (const int error = check(engine, "aura_poll"))
        return error;
    return guarded([&] {
        const std::size_t count = engine->loop.run_turn(0, engine->never);
        engine->left();
        return as_int(count);
    });
}

int aura_wait(aura_engine_t* engine, int timeout_ms) {
    if (const int error = check(engine, "aura_wait"))
        return error;
    return guarded([&] { return wait_until(*engine, deadline_after(timeout_ms)); });
}

int aura_run(aura_engine_t* engine) {
    if (const int error = check(engine, "aura_run"))
        return error;
    return guarded([&] {
        const runner here(*engine);
        while (!engine->run_stop.load(std::memory_order_seq_cst))
            engine->loop.run(core::never, engine->run_stop);
        engine->left();
        return 0;
    });
}

void aura_stop(aura_engine_t* engine) {
    if (!engine || engine->is_inherited())
        return;
    core::happens_before(&engine->run_stop);
    // seq_cst: a thread in aura_run() publishes sleep and then reads the flag.
    engine->run_stop.store(true, std::memory_order_seq_cst);
    engine->loop.rouse_all();
}

int aura_drain(aura_engine_t* engine, int timeout_ms) {
    if (const int error = check(engine, "aura_drain"))
        return error;
    return guarded([&] { return drain(*engine, timeout_ms); });
}

int aura_flush(aura_engine_t* engine) {
    if (!engine)
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    return guarded([&] {
        engine->loop.flush_all();
        if (!callback_frame::find(*engine))
            engine->left();
        return 0;
    });
}

int aura_get_poll_fd(aura_engine_t* engine) {
    if (!engine)
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    return guarded([&] {
        std::lock_guard guard(engine->run_mutex);
        core::outside_wait* waiting = engine->outside.load(std::memory_order_relaxed);
        if (!waiting) {
            waiting = new core::outside_wait(engine->loop);
            engine->outside.store(waiting, std::memory_order_release);
        }
        return waiting->fd();
    });
}
