// Which of several idle threads takes work of the context.
#include <auraio/auraio.hpp>

#include "support/sleeping_threads.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>

namespace net = aura::net;
using namespace test;

namespace {

TEST(IdleThreads, TakePostsInTurn) {
    constexpr unsigned thread_count = 4;
    constexpr int posts = 200;
    aura::io_context ctx;
    auto work = net::make_work_guard(ctx);
    running_threads threads(ctx, thread_count);
    thread_tally tally;
    std::atomic<int> ran{0};
    for (int i = 0; i < posts; ++i) {
        ASSERT_TRUE(threads.await_sleep());
        net::post(ctx, [&] {
            tally.count();
            ++ran;
            ran.notify_one();
        });
        ran.wait(i);
    }
    std::array<int, thread_count> counts;
    for (unsigned i = 0; i < thread_count; ++i)
        counts[i] = tally.of(threads.id(i));
    const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
    EXPECT_GE(*least, posts / 8);
    EXPECT_LE(*most, posts / 2);
    work.reset();
}

} // namespace
