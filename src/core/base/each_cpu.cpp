// each_cpu: starting, pinning and joining them.
#include "auraio/core/base/each_cpu.hpp"

#include "core/base/usable_cpus.hpp"

#include <exception>
#include <mutex>
#include <sched.h>
#include <thread>
#include <vector>

namespace aura::core {

namespace {

/// Of the calling thread.
void stay_on(unsigned cpu) noexcept {
    const std::size_t size = CPU_ALLOC_SIZE(cpu + 1);
    cpu_set_t* const set = CPU_ALLOC(cpu + 1);
    if (!set)
        return;
    CPU_ZERO_S(size, set);
    CPU_SET_S(cpu, size, set);
    (void)::sched_setaffinity(0, size, set); // refused: it runs all the same
    CPU_FREE(set);
}

/// The first exception of several threads.
class first_exception {
public:
    void keep(std::exception_ptr e) noexcept {
        std::lock_guard guard(mutex_);
        if (!kept_)
            kept_ = std::move(e);
    }
    /// Nobody is in keep() any more.
    void rethrow() const {
        if (kept_)
            std::rethrow_exception(kept_);
    }

private:
    std::mutex mutex_;
    std::exception_ptr kept_;
};

/// Joins them, whatever happens.
struct joined_threads {
    std::vector<std::thread> threads;
    ~joined_threads() {
        for (std::thread& t : threads)
            t.join();
    }
};

} // namespace

unsigned usable_cpu_count() {
    return find_usable_cpus().count;
}

void on_each_cpu(const each_cpu_options& options, const std::function<void()>& body) {
    const usable_cpus cpus = find_usable_cpus();
    const std::vector<unsigned> order = options.pin ? in_numa_order(cpus.ids) : std::vector<unsigned>();
    const unsigned count = options.threads != 0 ? options.threads : cpus.count;
    first_exception thrown;
    {
        joined_threads started;
        started.threads.reserve(count);
        for (unsigned i = 0; i < count; ++i)
            try {
                started.threads.emplace_back([&, i] {
                    if (!order.empty())
                        stay_on(order[i % order.size()]);
                    try {
                        body();
                    } catch (...) {
                        thrown.keep(std::current_exception());
                    }
                });
            } catch (const std::exception&) {
                if (i == 0)
                    throw;
                break; // those that there are will do
            }
    }
    thrown.rethrow();
}

} // namespace aura::core
