// engine: the engine of the C++ layer: operations are started on it, and it runs their callbacks.
#pragma once

#include "auraio/cpp/chain.hpp"
#include "auraio/cpp/options.hpp"
#include "auraio/cpp/registration.hpp"
#include "auraio/cpp/stats.hpp"
#include "auraio/cpp/task.hpp"

#include <algorithm>
#include <chrono>
#include <climits>
#include <memory>
#include <utility>
#include <vector>

namespace aura {

/**
 * An engine: the rings, and everything pending on them. FileOperations, SocketOperations and Registration, its bases,
 * have the operations. aura.h says what holds for all of them, about threads, callbacks, memory, submission and
 * fork(2).
 *
 *     aura::Engine engine;
 *     auto buffer = engine.allocate_buffer(4096);
 *     engine.read(fd, buffer, 4096, 0, [&](aura::Request&, ssize_t n) { ... });
 *     engine.wait();
 *
 * Any thread may call anything at any time, except that moving and destroying it are for one thread alone.
 *
 * Exceptions. What a callback, or a coroutine that belongs to nobody, throws does not enter C: the function in whose
 * call it happened (poll(), wait(), run(), drain(), unregister(), block_on()) throws it before it returns, and the
 * callbacks that were due have been called by then. Of several the first is thrown, the others by the next calls. It
 * ends run() in every thread that is in it, as stop() does: the others return. While the engine is destroyed nobody
 * is left to be told, and it is dropped.
 *
 * Destroying it cancels what is pending and calls every callback, in this thread; what those start fails with
 * ESHUTDOWN. Buffers must have been given back. In a callback of its own, or while another thread polls, waits, runs
 * or drains, it cannot be destroyed: std::terminate().
 */
class Engine final : public Registration {
public:
    /// \throw Error as aura_create_with_options(): EINVAL, ENOMEM, EMFILE, or why io_uring cannot be used.
    Engine()
        : Engine(Options()) {}
    explicit Engine(const Options& options) {
        const aura_options_t c_options = options.c_options();
        aura_engine_t* const engine = aura_create_with_options(&c_options);
        if (!engine)
            cpp_detail::raise(errno, "Engine");
        try {
            state_ = std::make_unique<cpp_detail::engine_state>(engine);
        } catch (...) {
            aura_destroy(engine);
            throw;
        }
        handle_ = engine;
    }
    /// Operations, requests, buffers and tasks of `other` are this one's. What was moved from throws EINVAL.
    Engine(Engine&& other) noexcept
        : Registration()
        , state_(std::move(other.state_)) {
        handle_ = std::exchange(other.handle_, nullptr);
    }
    Engine& operator=(Engine&& other) noexcept {
        Engine taken(std::move(other));
        std::swap(handle_, taken.handle_);
        std::swap(state_, taken.state_);
        return *this;
    }
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;
    ~Engine() = default;

    /// Memory of at least `size` bytes, from a cache of the calling thread where possible. \throw Error EINVAL, ENOMEM.
    Buffer allocate_buffer(std::size_t size) { return Buffer(handle_, size); }

    /// Runs the callbacks of what has completed, without blocking. \return How many ran.
    int poll() {
        return driven("poll", [](aura_engine_t* e) { return aura_poll(e); });
    }
    /**
     * Waits until something has completed, for at most so many milliseconds (-1: without limit), and runs callbacks.
     * \return How many ran; 0: the time is over, or nothing is pending, in which case it returns at once.
     */
    int wait(int timeout_ms = -1) {
        return std::max(driven("wait", [=](aura_engine_t* e) { return aura_wait(e, timeout_ms); }), 0);
    }
    int wait(std::chrono::milliseconds timeout) { return wait(whole(timeout)); }
    /// Runs callbacks, whether something is pending or not, until stop(): the fastest way.
    void run() {
        driven("run", [](aura_engine_t* e) { return aura_run(e); }, true);
    }
    /// Ends run() in every thread that is in it; when none is, the next run() returns at once.
    void stop() noexcept { aura_stop(handle_); }
    /// Runs callbacks until nothing is pending, for at most so long. \return Whether nothing is.
    bool drain(int timeout_ms = -1) {
        return driven("drain", [=](aura_engine_t* e) { return aura_drain(e, timeout_ms); }) >= 0;
    }
    bool drain(std::chrono::milliseconds timeout) { return drain(whole(timeout)); }
    /// Submits what has been started.
    void flush() { cpp_detail::checked(aura_flush(handle_), "flush"); }
    /// See aura_set_batch_threshold().
    void set_batch_threshold(unsigned requests) {
        cpp_detail::checked(aura_set_batch_threshold(handle_, requests), "set_batch_threshold");
    }
    /// A descriptor that is readable when poll() has something to do. It belongs to the engine.
    int poll_fd() { return cpp_detail::checked(aura_get_poll_fd(handle_), "poll_fd"); }

    /**
     * Begins a task, runs callbacks until it is done, and returns its result or throws its exception. What a callback
     * throws meanwhile is thrown in place of a result when the task is done, and not before: what the task uses
     * may be the caller's. Not in a callback of this engine. Other threads may run the engine too: when one of them
     * ends the task, this call notices within 10 ms.
     * \throw Error also where the engine cannot go on, as wait(); the task then goes on alone.
     */
    template <class T>
    T block_on(Task<T> task) {
        constexpr int look_again_ms = 10;
        if (!state_)
            cpp_detail::raise(EINVAL, "block_on");
        state_->throw_kept();
        cpp_detail::run_frame frame(*state_, false);
        task.start();
        while (!task.done()) {
            const int result = aura_wait(handle_, look_again_ms);
            if (result == 0 && !task.done()) // it waits for something else: so that there is a wait
                timeout(std::chrono::milliseconds(look_again_ms), nullptr);
            else if (result != -ETIMEDOUT)
                cpp_detail::checked(result, "block_on");
        }
        if (frame.has_thrown()) [[unlikely]] {
            try {
                (void)task.get();
            } catch (...) {
                state_->keep(std::current_exception());
            }
            frame.rethrow();
        }
        return task.get();
    }

    /// Operations that run one after the other.
    Chain link() noexcept { return Chain(handle_); }
    /// As Request::cancel().
    bool cancel(const Request& request) { return Request(handle_, request.handle()).cancel(); }

    /**
     * Ends a registration and waits for it, running callbacks: afterwards the kernel holds neither memory nor files.
     * In a callback it does not wait, but is request_unregister().
     */
    void unregister(aura_reg_type_t type) {
        driven("unregister", [=](aura_engine_t* e) { return aura_unregister(e, type); });
    }

    /// How many rings there are, used or not.
    int ring_count() const noexcept { return aura_get_ring_count(handle_); }
    /// An aura_backend_t.
    int backend() const { return cpp_detail::checked(aura_get_backend(handle_), "backend"); }
    /// Why it was chosen, for people. It lives as long as the engine.
    const char* backend_reason() const noexcept { return aura_get_backend_reason(handle_); }

    /// Counters of all rings together, or of one.
    Stats stats() const {
        Stats stats;
        cpp_detail::checked(aura_get_stats(handle_, &stats), "stats");
        return stats;
    }
    Stats ring_stats(int ring) const {
        Stats stats;
        cpp_detail::checked(aura_get_ring_stats(handle_, ring, &stats), "ring_stats");
        return stats;
    }
    BufferStats buffer_stats() const {
        BufferStats stats;
        cpp_detail::checked(aura_get_buffer_stats(handle_, &stats), "buffer_stats");
        return stats;
    }
    /// Writes to `fd` what is pending and what it waits for; see aura_dump().
    void dump(int fd) const { cpp_detail::checked(aura_dump(handle_, fd), "dump"); }
    /// Until the engine ends, or `path` is null; see aura_serve_statistics(). Returns the port for Prometheus.
    int serve_statistics(const char* path, int prometheus_port = -1) const {
        return cpp_detail::checked(aura_serve_statistics(handle_, path, prometheus_port), "serve_statistics");
    }
    /// `type` is AURA_OP_READ or AURA_OP_WRITE.
    Histogram histogram(aura_op_type_t type, int ring = AURA_ALL_RINGS) const {
        Histogram histogram;
        cpp_detail::checked(aura_get_histogram(handle_, ring, type, &histogram), "histogram");
        return histogram;
    }
    /// What the loops measure of callbacks: AURA_LOOP_QUEUE_DELAY or AURA_LOOP_HANDLER_TIME.
    Histogram loop_histogram(aura_loop_time_t which, int ring = AURA_ALL_RINGS) const {
        Histogram histogram;
        cpp_detail::checked(aura_get_loop_histogram(handle_, ring, which, &histogram), "loop_histogram");
        return histogram;
    }
    /// The storage devices that the engine has used, in the order of first use.
    std::vector<DeviceStats> device_stats() const { return cpp_detail::all_device_stats(handle_); }
    /// Of the device that `path` lies on, or with null of all; see aura_set_storage().
    void set_storage(const char* path, const StorageSettings& settings) {
        const aura_storage_t storage = settings.c_storage();
        cpp_detail::checked(aura_set_storage(handle_, path, &storage), "set_storage");
    }

private:
    /// Calls what runs callbacks, and throws what those have thrown. -ETIMEDOUT is a result.
    template <class Call>
    int driven(const char* what, Call call, bool is_run = false) {
        if (!state_)
            cpp_detail::raise(EINVAL, what);
        state_->throw_kept();
        cpp_detail::run_frame frame(*state_, is_run);
        const int result = call(handle_);
        frame.rethrow();
        return result == -ETIMEDOUT ? result : cpp_detail::checked(result, what);
    }
    /// In milliseconds as C has them; what is negative is over.
    static int whole(std::chrono::milliseconds timeout) noexcept {
        return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(timeout.count(), 0, INT_MAX));
    }
    std::unique_ptr<cpp_detail::engine_state> state_;
};

} // namespace aura
