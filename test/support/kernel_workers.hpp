// kernel_workers: how many threads of the kernel work for this process, and the most of them there were.
#pragma once

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

namespace test {

/// Counts until it is destroyed or asked; may miss some that live for less than a look takes.
class kernel_workers {
public:
    kernel_workers()
        : watcher_([this] {
            while (!over_.load(std::memory_order_relaxed)) {
                most_.store(std::max(most_.load(std::memory_order_relaxed), count()),
                            std::memory_order_relaxed);
                std::this_thread::yield();
            }
        }) {}
    ~kernel_workers() {
        over_.store(true, std::memory_order_relaxed);
        watcher_.join();
    }
    kernel_workers(const kernel_workers&) = delete;

    /// With those that there are now, for who watches may not have been run yet: one that has nothing to do stays for
    /// some seconds.
    unsigned most() const { return std::max(most_.load(std::memory_order_relaxed), count()); }

    static unsigned count() {
        unsigned found = 0;
        std::error_code gone; // threads end meanwhile
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", gone)) {
            std::string name;
            std::ifstream(task.path() / "comm") >> name;
            found += name.rfind("iou-wrk", 0) == 0;
        }
        return found;
    }

private:
    std::atomic<bool> over_{false};
    std::atomic<unsigned> most_{0}; // relaxed: a count
    std::thread watcher_;
};

} // namespace test
