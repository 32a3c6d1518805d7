// Forks in handlers whose rings others have taken.
#include "auraio/core/base/thread_mark.hpp"
#include "support/lost_rings.hpp"
#include "support/sanitizers.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <future>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using TakeoverAndFork = test::takeover_fixture;

TEST_F(TakeoverAndFork, AChildForkedInTheHandlerGoesOnAsItsParent) {
    if (AURAIO_TEST_TSAN)
        GTEST_SKIP() << "ThreadSanitizer does not follow a process of several threads into its child";
    in_a_handler_that_has_lost([&] {
        const pid_t child = ::fork();
        if (child == 0)
            ::_exit(test::timer_fires(*ctx) ? 0 : 1);
        int status = -1;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    });
}

TEST_F(TakeoverAndFork, AForkOfTwoContextsIsAnnouncedInTheHandler) {
    if (AURAIO_TEST_TSAN)
        GTEST_SKIP() << "ThreadSanitizer does not follow a process of several threads into its child";
    using context = net::execution_context;
    aura::io_context other;
    in_a_handler_that_has_lost([&] {
        ctx->notify_fork(context::fork_prepare);
        net::post(ctx->ring_executor(0), [] {}); // from a thread that holds what who takes over would hold
        aura::steady_timer timer(other, 1h);
        other.notify_fork(context::fork_prepare);
        const pid_t child = ::fork();
        if (child == 0) {
            ::alarm(30);
            other.notify_fork(context::fork_child);
            ctx->notify_fork(context::fork_child);
            ::_exit(test::timer_fires(other) && test::timer_fires(*ctx) ? 0 : 1);
        }
        other.notify_fork(context::fork_parent);
        ctx->notify_fork(context::fork_parent);
        int status = -1;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    });
}

/// It may hold what who forks waits for.
TEST_F(TakeoverAndFork, AHandlerThatHasLostDoesNotWaitForAForkThatAnotherThreadHasAnnounced) {
    using context = net::execution_context;
    in_a_handler_that_has_lost([&] {
        std::promise<void> announced, entered;
        bool waited = true;
        std::thread other([&] {
            ctx->notify_fork(context::fork_prepare);
            announced.set_value();
            waited = entered.get_future().wait_for(test::patience) != std::future_status::ready;
            ctx->notify_fork(context::fork_parent);
        });
        announced.get_future().wait();
        {
            const aura::core::mark_entry entry;
        } // with which all that a program calls begins
        entered.set_value();
        other.join();
        EXPECT_FALSE(waited);
    });
}

std::size_t threads_of_this_process() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& thread : std::filesystem::directory_iterator("/proc/self/task"))
        ++count;
    return count;
}

TEST_F(TakeoverAndFork, AChildForkedInARunInsideTheHandlerIsOneThreadAfterwards) {
    if (AURAIO_TEST_TSAN)
        GTEST_SKIP() << "ThreadSanitizer does not follow a process of several threads into its child";
    pid_t child = -1;
    const auto run = [&] {
        ctx->run();
        if (child != 0)
            return;
        ctx->restart();
        ::_exit(test::timer_fires(*ctx) && threads_of_this_process() == 1 ? 0
                                                                          : 1); // and nobody who watches it
    };
    const auto work = net::make_work_guard(*ctx);
    std::thread a(run), b(run);
    std::promise<void> over;
    net::post(*ctx, [&] {
        test::lose_ring();
        const auto me = std::this_thread::get_id();
        std::function<void()> fork_here = [&, me] {
            if (std::this_thread::get_id() != me) {
                net::post(*ctx, fork_here);
                return;
            }
            child = ::fork();
            if (child == 0) {
                ::alarm(30);
                ctx->stop();
            }
        };
        net::post(*ctx, fork_here);
        while (child == -1)
            ctx->run_one_for(1ms);
        if (child == 0)
            return;
        int status = -1;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
        over.set_value();
    });
    over.get_future().wait();
    ctx->stop();
    a.join();
    b.join();
}

} // namespace
