// counter: a number that threads wait for, which whoever has waited may destroy.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace test {

/// A number that others wait for, twenty seconds at most. It may be a local of a test whose threads live longer than
/// that: who adds tells under the lock, and the destructor lets out who waits. Those who wait for a std::latch, a
/// std::barrier or a shared future read it once more after they have been woken, when it may be gone.
class counter {
public:
    counter() = default;
    counter(const counter&) = delete;
    ~counter() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return inside_ == 0; });
    }

    void add() {
        const std::lock_guard guard(mutex_);
        add_one();
    }
    /// False: it has not come to that in time.
    [[nodiscard]] bool await(int value) {
        std::unique_lock lock(mutex_);
        return wait(lock, value);
    }
    /// Counts the caller, and waits for the others.
    [[nodiscard]] bool meet(int value) {
        std::unique_lock lock(mutex_);
        add_one();
        return wait(lock, value);
    }

private:
    void add_one() {
        ++value_;
        changed_.notify_all();
    }
    bool wait(std::unique_lock<std::mutex>& lock, int value) {
        ++inside_;
        const bool come = changed_.wait_for(lock, std::chrono::seconds(20), [&] { return value_ >= value; });
        if (--inside_ == 0)
            changed_.notify_all();
        return come;
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    int value_ = 0, inside_ = 0;
};

} // namespace test
