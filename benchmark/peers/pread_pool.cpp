// Asynchronous reads without io_uring: a loop hands reads to a pool of threads and gets completions back.
//
// Jobs and completions go over in batches under one lock each way: no pool hands over for less.
#include "support/affinity.hpp"
#include "support/arguments.hpp"
#include "support/read_workload.hpp"

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include <unistd.h>

namespace {

using namespace benchmark;

struct job {
    unsigned slot;
    std::uint64_t offset;
};

struct completion {
    unsigned slot;
    std::int64_t result;
};

class pool {
public:
    pool(read_workload& workload, unsigned threads, unsigned places)
        : workload_(workload) {
        for (unsigned i = 0; i < threads; ++i)
            threads_.emplace_back([this, place = i % places] {
                pin_this_thread(place);
                work();
            });
    }

    ~pool() {
        {
            const std::lock_guard lock(jobs_mutex_);
            stopping_ = true;
        }
        jobs_changed_.notify_all();
        for (std::thread& thread : threads_)
            thread.join();
    }

    void submit(const std::vector<job>& batch) {
        std::size_t to_wake = 0;
        {
            const std::lock_guard lock(jobs_mutex_);
            jobs_.insert(jobs_.end(), batch.begin(), batch.end());
            to_wake = std::min(idle_, batch.size());
        }
        for (; to_wake > 0; --to_wake)
            jobs_changed_.notify_one();
    }

    // Waits for at least one completion and takes all there are.
    void take(std::vector<completion>& taken) {
        taken.clear();
        std::unique_lock lock(completions_mutex_);
        completions_changed_.wait(lock, [this] { return !completions_.empty(); });
        taken.swap(completions_);
    }

private:
    void work() {
        for (;;) {
            job mine{};
            {
                std::unique_lock lock(jobs_mutex_);
                ++idle_;
                jobs_changed_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
                --idle_;
                if (jobs_.empty())
                    return;
                mine = jobs_.front();
                jobs_.pop_front();
            }
            const auto read = ::pread(workload_.fd(), workload_.buffer(mine.slot), block_size,
                                      static_cast<off_t>(mine.offset));
            finish({mine.slot, read < 0 ? -errno : read});
        }
    }

    void finish(completion done) {
        bool was_empty = false;
        {
            const std::lock_guard lock(completions_mutex_);
            was_empty = completions_.empty();
            completions_.push_back(done);
        }
        if (was_empty)
            completions_changed_.notify_one();
    }

    read_workload& workload_;
    std::mutex jobs_mutex_;
    std::condition_variable jobs_changed_;
    std::deque<job> jobs_;
    std::size_t idle_ = 0;
    bool stopping_ = false;
    std::mutex completions_mutex_;
    std::condition_variable completions_changed_;
    std::vector<completion> completions_;
    std::vector<std::thread> threads_;
};

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "pread_pool");
    // Before any thread is pinned, while the process still sees all its processors.
    const unsigned places = std::min(static_cast<unsigned>(args.number("places", 1)), place_count());
    pin_this_thread(0);
    read_workload workload(args);
    const auto threads = static_cast<unsigned>(args.number("threads", workload.depth()));
    args.reject_unknown();

    pool workers(workload, threads, places);
    std::vector<job> batch;
    for (unsigned slot = 0; slot < workload.depth(); ++slot)
        batch.push_back({slot, workload.next_offset(slot)});
    workers.submit(batch);
    std::vector<completion> done;
    for (unsigned in_flight = workload.depth(); in_flight > 0;) {
        workers.take(done);
        batch.clear();
        for (const completion& one : done) {
            if (workload.completed(one.slot, one.result))
                batch.push_back({one.slot, workload.next_offset(one.slot)});
            else
                --in_flight;
        }
        workers.submit(batch);
    }
    workload.print(args);
}
