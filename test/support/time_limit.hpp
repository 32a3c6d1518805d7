// time_limit: ends the program with a message where something never ends.
#pragma once

#include <auraio/io_context.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <thread>

namespace test {

/// Of a scope. The context must outlive it.
class time_limit {
public:
    explicit time_limit(aura::io_context& ctx, std::chrono::seconds limit = std::chrono::seconds(120))
        : thread_([this, &ctx, limit] {
            std::unique_lock lock(mutex_);
            if (over_.wait_for(lock, limit, [this] { return ends_; }))
                return;
            std::cerr << "test: not over after " << limit.count() << " s; what is pending:\n";
            ctx.dump(std::cerr);
            std::abort();
        }) {}
    ~time_limit() {
        {
            std::lock_guard guard(mutex_);
            ends_ = true;
            over_.notify_all();
        }
        thread_.join();
    }
    time_limit(const time_limit&) = delete;

private:
    std::mutex mutex_;
    std::condition_variable over_;
    bool ends_ = false;
    std::thread thread_; // begins last
};

} // namespace test
