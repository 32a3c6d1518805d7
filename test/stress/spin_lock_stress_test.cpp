// spin_lock under contention: no waiter is left asleep.
#include "auraio/core/base/spin_lock.hpp"
#include "core/base/usable_cpus.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <pthread.h>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>

using namespace aura;

namespace {

void pin(unsigned cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    EXPECT_EQ(::pthread_setaffinity_np(::pthread_self(), sizeof set, &set), 0);
}

bool sleeps(pid_t thread) {
    std::ifstream stat("/proc/self/task/" + std::to_string(thread) + "/stat");
    std::string line;
    std::getline(stat, line);
    const std::size_t name_end = line.rfind(')');
    return name_end != std::string::npos && line[name_end + 2] == 'S';
}

} // namespace

TEST(SpinLockStress, AWaiterIsFoundWhoeverComesBetween) {
    // One thread sleeps on the lock, another comes and spins, and just then the holder gives it back. If the
    // one that spins gets it, it still has to wake the one that sleeps: when it does not, the test does not
    // end. The moment is swept over what a thread takes to spin.
    const core::usable_cpus cpus = core::find_usable_cpus();
    if (cpus.ids.size() < 2)
        GTEST_SKIP() << "two threads have to run at once: one processor";
    pin(cpus.ids.front());
    for (unsigned round = 0; round < 300; ++round) {
        core::spin_lock lock;
        std::atomic<pid_t> sleeper_id{0};
        std::atomic<bool> coming{false};
        lock.lock();
        std::thread sleeper([&] {
            pin(cpus.ids.back());
            sleeper_id = ::gettid();
            const std::lock_guard guard(lock);
        });
        while (sleeper_id == 0 || !sleeps(sleeper_id))
            ::sched_yield();
        std::thread spinner([&] {
            pin(cpus.ids.back());
            coming = true;
            const std::lock_guard guard(lock);
        });
        while (!coming) {
        }
        for (volatile unsigned wait = 4 * round; wait != 0;)
            wait = wait - 1;
        lock.unlock();
        sleeper.join();
        spinner.join();
    }
    cpu_set_t all;
    CPU_ZERO(&all);
    for (const unsigned cpu : cpus.ids)
        CPU_SET(cpu, &all);
    EXPECT_EQ(::pthread_setaffinity_np(::pthread_self(), sizeof all, &all), 0);
}
