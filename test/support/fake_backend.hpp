// fake_backend: a backend whose requests the test completes by hand; no kernel.
#pragma once

#include <auraio/core/loop/engine.hpp>
#include <auraio/core/timer/timer.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <vector>

namespace test {

/// What the tests see of every backend an engine has made, in the order of its shards' first use.
class fake_backend;
struct fake_machine {
    std::vector<fake_backend*> backends;
    std::function<void(fake_backend&)> on_detach;                                ///< a thread leaves
    std::function<void(fake_backend&, aura::core::nanoseconds_t until)> on_wait; ///< one is about to block
    std::function<void(fake_backend&)> on_look; ///< one looks for completions before it may block
    aura::core::engine_options options();
};

class fake_backend : public aura::core::backend {
public:
    explicit fake_backend(fake_machine& m)
        : machine_(m) {
        std::lock_guard guard(all_);
        machine_.backends.push_back(this);
    }
    ~fake_backend() override {
        std::lock_guard guard(all_);
        std::erase(machine_.backends, this);
    }

    // ---- the test's side; the driving thread, or any while none drives ----
    std::vector<aura::core::io_operation*> submitted;
    std::vector<aura::core::io_operation*> cancelled;
    bool only_submitter = true;     ///< what is_only_submitter() says
    bool complete_cancelled = true; ///< as the kernel does for requests that can be cancelled
    bool takes_nothing = false;     ///< as the kernel does when it is short of memory
    int number_in_use = -1;         ///< what a thread has been given to look up

    void complete(aura::core::io_operation& op, int result) {
        std::erase(submitted, &op);
        op.set_result(result);
        finished_.push(op);
    }

    // ---- the engine's side ----
    void submit(aura::core::io_operation& op) override {
        submitted.push_back(&op);
        ++pending_;
    }
    void cancel(aura::core::io_operation& op) override {
        cancelled.push_back(&op);
        if (complete_cancelled && std::find(submitted.begin(), submitted.end(), &op) != submitted.end())
            complete(op, -ECANCELED);
    }
    void flush() override {}
    bool nothing_queued() const noexcept override { return !takes_nothing; }
    bool may_name(int fd) const noexcept override { return fd == number_in_use; }
    bool has_completions() const noexcept override {
        if (machine_.on_look)
            machine_.on_look(*const_cast<fake_backend*>(this));
        return !finished_.empty();
    }
    void poll(aura::core::op_queue& done) override {
        pending_ -= finished_.size();
        done.splice(finished_);
    }
    bool wait(aura::core::op_queue& done, aura::core::nanoseconds_t deadline) override {
        if (machine_.on_wait)
            machine_.on_wait(*this, deadline);
        if (finished_.empty()) {
            std::unique_lock lock(mutex_);
            const auto woken = [this] { return woken_; };
            if (deadline == aura::core::never)
                wake_.wait(lock, woken);
            else
                wake_.wait_until(lock,
                                 std::chrono::steady_clock::time_point(
                                     std::chrono::nanoseconds(static_cast<std::int64_t>(deadline))),
                                 woken);
            woken_ = false;
        }
        poll(done);
        return false;
    }
    void wake() noexcept override {
        {
            std::lock_guard lock(mutex_);
            woken_ = true;
        }
        wake_.notify_all();
    }
    std::size_t pending() const noexcept override { return pending_; }
    void attach_thread() override {}
    void detach_thread() override {
        if (machine_.on_detach)
            machine_.on_detach(*this);
    }
    void attach_visitor() noexcept override {}
    bool end_requests_on(int) noexcept override { return true; }
    bool obeys_this_thread() const noexcept override { return true; }
    bool is_only_submitter() const noexcept override { return only_submitter; }
    int readiness_fd() const noexcept override { return -1; }
    void arm_wake() override {}
    void watch(int, unsigned) override {}
    void unwatch(unsigned) noexcept override {}
    bool watch_fired(unsigned) const noexcept override { return true; }
    void quiesce() override {}
    void abandon_after_fork() override {}

protected:
    bool has_finished() const noexcept { return !finished_.empty(); }

private:
    inline static std::mutex all_;
    fake_machine& machine_;
    aura::core::op_queue finished_;
    std::size_t pending_ = 0;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool woken_ = false;
};

inline aura::core::engine_options fake_machine::options() {
    aura::core::engine_options o;
    o.make_backend = [](const aura::core::engine_options&, void* m) -> std::unique_ptr<aura::core::backend> {
        return std::make_unique<fake_backend>(*static_cast<fake_machine*>(m));
    };
    o.make_backend_argument = this;
    return o;
}

/// What became of an operation.
struct outcome {
    int completed = 0;
    int destroyed = 0;
    int result = 1;
};

/// A request without a handler: writes its end into an outcome.
class plain_io final : public aura::core::extended_operation {
public:
    plain_io(outcome& o, int fd = -1)
        : plain_io(o, request_for(fd)) {}
    plain_io(outcome& o, const aura::core::io_request& r)
        : aura::core::extended_operation(&run, r)
        , outcome_(o) {}

    /// Whatever the kind: tests tell requests apart by it.
    std::uint64_t offset() const noexcept { return extension_.offset; }

private:
    static aura::core::io_request request_for(int fd) {
        aura::core::io_request r;
        r.kind = aura::core::request_kind::fsync;
        r.fd = fd;
        return r;
    }
    static void run(aura::core::operation& base, aura::core::action what) {
        auto& self = static_cast<plain_io&>(base);
        if (stays_pending(self, what))
            return;
        if (what == aura::core::action::complete) {
            ++self.outcome_.completed;
            self.outcome_.result = self.result();
        } else {
            ++self.outcome_.destroyed;
        }
        delete &self;
    }
    outcome& outcome_;
};

/// A wait without a handler.
class plain_wait final : public aura::core::wait_operation {
public:
    explicit plain_wait(outcome& o)
        : aura::core::wait_operation(&run)
        , outcome_(o) {}

private:
    static void run(aura::core::operation& base, aura::core::action what) {
        auto& self = static_cast<plain_wait&>(base);
        if (stays_pending(self, what))
            return;
        if (what == aura::core::action::complete) {
            ++self.outcome_.completed;
            self.outcome_.result = self.result();
        } else {
            ++self.outcome_.destroyed;
        }
        delete &self;
    }
    outcome& outcome_;
};

/// A posted function.
template <class F>
class plain_function final : public aura::core::operation {
public:
    explicit plain_function(F f)
        : aura::core::operation(&run)
        , function_(std::move(f)) {}

private:
    static void run(aura::core::operation& base, aura::core::action what) {
        auto& self = static_cast<plain_function&>(base);
        F f(std::move(self.function_));
        delete &self;
        if (what == aura::core::action::complete)
            f();
    }
    F function_;
};
template <class F>
aura::core::operation& function(F f) {
    return *new plain_function<F>(std::move(f));
}

/// A timer on the monotonic clock that counts how many are alive.
class plain_timer final : public aura::core::timer {
public:
    explicit plain_timer(aura::core::shard& home)
        : aura::core::timer(home, kind) {
        ++alive;
    }
    inline static std::atomic<int> alive{0};

private:
    ~plain_timer() { --alive; }
    static void free(aura::core::timer& t) { delete static_cast<plain_timer*>(&t); }
    static constexpr behaviour kind{nullptr, &free};
};

} // namespace test
