// run_on_each_cpu: how many threads, where they run, and what becomes of exceptions.
#include <auraio/auraio.hpp>
#include <auraio/run_on_each_cpu.hpp>

#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <sched.h>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace std::chrono_literals;

namespace {

cpu_set_t affinity_of_this_thread() {
    cpu_set_t set;
    CPU_ZERO(&set);
    EXPECT_EQ(::sched_getaffinity(0, sizeof set, &set), 0);
    return set;
}

/// The processors that the calling thread may use, for the time of a test.
class confined {
public:
    explicit confined(std::size_t cpu)
        : before_(affinity_of_this_thread()) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        EXPECT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    }
    ~confined() { ::sched_setaffinity(0, sizeof before_, &before_); }

private:
    const cpu_set_t before_;
};

/// Threads that handlers ran in, once so many handlers have been there at the same time.
struct gathering {
    explicit gathering(unsigned n)
        : wanted(n) {}
    void attend() {
        std::unique_lock lock(mutex);
        threads.insert(std::this_thread::get_id());
        masks.push_back(affinity_of_this_thread());
        changed.notify_all();
        EXPECT_TRUE(changed.wait_for(lock, 10s, [&] { return masks.size() >= wanted; }));
    }

    const unsigned wanted;
    std::mutex mutex;
    std::condition_variable changed;
    std::set<std::thread::id> threads;
    std::vector<cpu_set_t> masks;
};

TEST(RunOnEachCpu, AsManyThreadsAsProcessorsAndRingsAsThreads) {
    aura::io_context_options options = aura::options_from_environment();
    options.implicit_strands = true; // who comes late would take over a ring from those that wait for it
    aura::io_context ctx(options);
    const unsigned count = aura::usable_cpu_count();
    ASSERT_GE(count, 1u);
    gathering all(count);
    for (unsigned i = 0; i < count; ++i)
        net::post(ctx, [&] { all.attend(); });
    EXPECT_EQ(aura::run_on_each_cpu(ctx), count);
    EXPECT_TRUE(ctx.stopped());
    EXPECT_EQ(all.threads.size(), count);
    EXPECT_EQ(ctx.ring_count(), count);
}

TEST(RunOnEachCpu, CountsWhatTheAffinityMaskAllows) {
    const cpu_set_t all = affinity_of_this_thread();
    std::size_t last = 0;
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &all))
            last = cpu;
    const confined here(last);
    EXPECT_EQ(aura::usable_cpu_count(), 1u);
    aura::io_context ctx;
    gathering one(1);
    net::post(ctx, [&] { one.attend(); });
    EXPECT_EQ(aura::run_on_each_cpu(ctx, {.pin = true}), 1u);
    EXPECT_EQ(ctx.ring_count(), 1u);
    ASSERT_EQ(one.masks.size(), 1u);
    EXPECT_TRUE(CPU_ISSET(last, &one.masks[0]));
}

TEST(RunOnEachCpu, PinnedThreadsHaveAProcessorEach) {
    const cpu_set_t usable = affinity_of_this_thread();
    const auto processors = static_cast<unsigned>(CPU_COUNT(&usable));
    aura::io_context ctx;
    const unsigned count = 2 * processors; // the second round begins with the first processor again
    gathering all(count);
    for (unsigned i = 0; i < count; ++i)
        net::post(ctx, [&] { all.attend(); });
    EXPECT_EQ(aura::run_on_each_cpu(ctx, {.threads = count, .pin = true}), count);
    std::vector<int> threads_on(CPU_SETSIZE, 0);
    for (const cpu_set_t& mask : all.masks) {
        EXPECT_EQ(CPU_COUNT(&mask), 1);
        for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
            threads_on[cpu] += CPU_ISSET(cpu, &mask) ? 1 : 0;
    }
    for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        EXPECT_EQ(threads_on[cpu], CPU_ISSET(cpu, &usable) ? 2 : 0);
    const cpu_set_t after = affinity_of_this_thread();
    EXPECT_TRUE(CPU_EQUAL(&after, &usable)) << "the caller's own";
}

TEST(RunOnEachCpu, TheFirstExceptionComesOutWhenTheOthersHaveRunToTheEnd) {
    aura::io_context ctx;
    constexpr unsigned count = 3;
    gathering all(count);
    std::atomic<int> later{0};
    for (unsigned i = 0; i < count; ++i)
        net::post(ctx, [&, i] {
            all.attend();
            if (i == 0)
                throw std::runtime_error("of a handler");
        });
    for (unsigned i = 0; i < count; ++i) // also on the ring of the thread that leaves
        net::post(ctx.ring_executor(i), [&] { ++later; });
    try {
        aura::run_on_each_cpu(ctx, {.threads = count});
        FAIL() << "no exception";
    } catch (const std::runtime_error& e) {
        EXPECT_STREQ(e.what(), "of a handler");
    }
    EXPECT_EQ(later, static_cast<int>(count));
    EXPECT_TRUE(ctx.stopped());
    ctx.restart();
    net::post(ctx, [&] { ++later; });
    EXPECT_EQ(aura::run_on_each_cpu(ctx, {.threads = count}), 1u);
    EXPECT_EQ(later, static_cast<int>(count) + 1);
}

TEST(RunOnEachCpu, StopEndsAllOfThem) {
    aura::io_context ctx;
    aura::steady_timer never_fires(ctx, 1h);
    never_fires.async_wait([](aura::error_code) { FAIL(); });
    net::post(ctx, [&] { ctx.stop(); });
    EXPECT_EQ(aura::run_on_each_cpu(ctx, {.threads = 3}), 1u);
}

} // namespace
