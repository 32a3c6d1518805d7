// attempt_mark: who waits for an attempt lets it go on, whatever its priority, and does not wait for ever.
#include <backend/epoll/attempt_mark.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <pthread.h>
#include <sched.h>
#include <thread>

namespace {

using aura::core::epoll::attempt_mark;
using clock_type = std::chrono::steady_clock;

TEST(AttemptMark, IsLeftWhenNothingIsUnderWay) {
    attempt_mark mark;
    EXPECT_TRUE(mark.wait_until_left());
    mark.enter();
    mark.leave();
    EXPECT_TRUE(mark.wait_until_left());
}

TEST(AttemptMark, IsLeftWhenTheNextAttemptIsUnderWay) {
    attempt_mark mark;
    std::atomic<bool> over{false};
    std::thread driver([&] {
        while (!over.load(std::memory_order_relaxed)) {
            mark.enter();
            mark.leave();
        }
    });
    for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE(mark.wait_until_left());
    over = true;
    driver.join();
}

TEST(AttemptMark, AnAttemptThatDoesNotEndIsGivenUp) {
    attempt_mark mark;
    mark.enter();
    const auto began = clock_type::now();
    EXPECT_FALSE(mark.wait_until_left());
    EXPECT_GE(clock_type::now() - began, std::chrono::seconds(2));
    mark.leave();
    EXPECT_TRUE(mark.wait_until_left());
}

/// On one processor, to which yielding does not help who has a lower priority.
TEST(AttemptMark, WhoWaitsLetsALowerPriorityGoOn) {
    std::atomic<bool> entered{false}, allowed{true}, left{false};
    attempt_mark mark;
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(static_cast<std::size_t>(::sched_getcpu()), &first);
    std::atomic<bool> waits{false};
    std::thread driver([&] {
        ::pthread_setaffinity_np(::pthread_self(), sizeof first, &first);
        mark.enter();
        entered = true;
        while (!waits)
            ::sched_yield();
        mark.leave();
    });
    std::thread closer([&] {
        while (!entered)
            std::this_thread::yield();
        const sched_param priority{1};
        allowed = ::pthread_setschedparam(::pthread_self(), SCHED_FIFO, &priority) == 0 &&
                  ::pthread_setaffinity_np(::pthread_self(), sizeof first, &first) == 0;
        waits = true;
        left = !allowed || mark.wait_until_left();
    });
    closer.join();
    driver.join();
    if (!allowed)
        GTEST_SKIP() << "no real-time priority to be had here";
    EXPECT_TRUE(left);
}

} // namespace
