// sleeping_threads: threads that are in run(), and whether all of them sleep there.
#pragma once

#include <atomic>
#include <chrono>
#include <fstream>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace test {

/// So many threads in `Context`'s run(). The destructor joins them: whatever keeps the context at work is to be
/// gone, or the context stopped, by then.
template <class Context>
class running_threads {
public:
    running_threads(Context& ctx, unsigned count)
        : kernel_ids_(count) {
        for (unsigned i = 0; i < count; ++i)
            threads_.emplace_back([this, &ctx, i] {
                kernel_ids_[i].store(::gettid());
                ctx.run();
            });
        for (const std::thread& t : threads_)
            ids_.push_back(t.get_id());
    }
    ~running_threads() { join(); }

    void join() {
        for (std::thread& t : threads_)
            if (t.joinable())
                t.join();
    }

    std::thread::id id(unsigned i) const { return ids_[i]; }
    int kernel_id(unsigned i) const { return kernel_ids_[i].load(); }

    /// Returns when each of them sleeps in the kernel; false: not within ten seconds.
    bool await_sleep() const {
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        for (const auto& id : kernel_ids_)
            while (!sleeps(id.load())) {
                if (std::chrono::steady_clock::now() > end)
                    return false;
                std::this_thread::yield();
            }
        return true;
    }

private:
    static bool sleeps(int thread) {
        if (thread == 0)
            return false;
        std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/stat");
        std::string line;
        std::getline(file, line);
        const auto name_ends = line.rfind(')'); // the name may hold anything
        return name_ends != std::string::npos && line.compare(name_ends, 3, ") S") == 0;
    }

    std::vector<std::atomic<int>> kernel_ids_;
    std::vector<std::thread> threads_;
    std::vector<std::thread::id> ids_; // known after join(), too
};

/// How often each thread has been here; any thread.
class thread_tally {
public:
    thread_tally() = default;
    thread_tally(thread_tally&& other) noexcept
        : counts_(std::move(other.counts_)) {}

    void count(std::thread::id id = std::this_thread::get_id()) {
        std::lock_guard guard(mutex_);
        ++counts_[id];
    }
    int of(std::thread::id id) const {
        std::lock_guard guard(mutex_);
        const auto found = counts_.find(id);
        return found == counts_.end() ? 0 : found->second;
    }
    std::size_t threads() const {
        std::lock_guard guard(mutex_);
        return counts_.size();
    }

private:
    mutable std::mutex mutex_;
    std::map<std::thread::id, int> counts_;
};

} // namespace test
