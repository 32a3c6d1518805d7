// thread_times: what the kernel tells of threads' and processors' time.
#include "core/base/thread_times.hpp"

#include "auraio/core/base/clock.hpp"

#include <gtest/gtest.h>

#include <sys/syscall.h>
#include <unistd.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t patience = 30'000'000'000;

int this_thread() {
    return static_cast<int>(::syscall(SYS_gettid));
}

/// Asks for the processor until `f` says so. False: it has not for a long time.
template <class F>
bool compute_until(F f) {
    for (const nanoseconds_t end = monotonic_now() + patience; monotonic_now() < end;)
        if (f())
            return true;
    return false;
}

TEST(ThreadTimes, TheAccountOfAThreadThatComputesGrows) {
    if (::access("/proc/self/schedstat", R_OK) != 0)
        GTEST_SKIP() << "this kernel keeps no such account";
    const processor_account before = account_of(this_thread()); // nothing, perhaps, before the first tick
    processor_account after;
    EXPECT_TRUE(
        compute_until([&] { return (after = account_of(this_thread())).had >= before.had + 5'000'000; }));
    EXPECT_GE(after.waited, before.waited);
}

TEST(ThreadTimes, NoThreadHasHadNothing) {
    for (const int nobody : {0, -1, 0x7fff'ffff}) {
        EXPECT_EQ(account_of(nobody).had, 0u);
        EXPECT_EQ(account_of(nobody).waited, 0u);
    }
}

TEST(ThreadTimes, TheAccountIsNoMoreThanTheTimeThatPasses) {
    const nanoseconds_t began = monotonic_now();
    const processor_account before = account_of(this_thread());
    EXPECT_TRUE(compute_until([&] { return monotonic_now() >= began + 20'000'000; }));
    const processor_account after = account_of(this_thread());
    const nanoseconds_t passed = monotonic_now() - began;
    EXPECT_LE((after.had - before.had) + (after.waited - before.waited),
              passed + 20'000'000); // a tick or two
}

TEST(ThreadTimes, IdleTimeOfProcessorsComesInStepsAndGrows) {
    const nanoseconds_t before = idle_time();
    EXPECT_EQ(before % 10'000'000, 0u);
    const nanoseconds_t began = monotonic_now();
    EXPECT_TRUE(compute_until([&] { return monotonic_now() >= began + 20'000'000; }));
    const nanoseconds_t after = idle_time();
    EXPECT_EQ(after == 0, before == 0);    // told, or not
    EXPECT_GE(after + 20'000'000, before); // the sum over processors is not of one moment
}

TEST(ThreadTimes, TimeInTheKernelGrowsWithSystemCalls) {
    const nanoseconds_t before = system_time_of(this_thread());
    EXPECT_TRUE(compute_until([&] { return system_time_of(this_thread()) > before; }));
}

} // namespace
