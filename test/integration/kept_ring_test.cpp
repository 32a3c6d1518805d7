// A ring that the end of one context leaves to the next: what is left with it, and what is not.
#include <auraio/auraio.hpp>

#include "support/older_kernel.hpp"
#include "support/other_process.hpp"
#include "support/refusals.hpp"
#include "support/ring_descriptors.hpp"

#include <asio/buffer.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

namespace net = aura::net;
using stream = net::local::stream_protocol;
using socket_type = net::basic_stream_socket<stream, aura::io_context::executor_type>;
using namespace std::chrono_literals;

namespace {

/// Whether any is kept here: one that wakes by messages (Linux 6.13).
bool are_kept() {
    auto options = aura::options_from_environment();
    if (!options.keep_ring || options.wake == aura::wake_mechanism::event ||
        options.task_work == aura::task_run::deferred || aura::io_context(1).backend() != "uring")
        return false;
    options.wake = aura::wake_mechanism::message;
    options.keep_ring = false;
    try {
        aura::io_context ctx(options);
        net::post(ctx, [] {});
        ctx.run();
    } catch (const aura::system_error&) {
        return false;
    }
    return true;
}

/// Bytes from one end of a pair to the other, one after the other, in one stay in run().
void pass_bytes(aura::io_context& ctx, int count) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    socket_type one(ctx, stream(), ends[0]);
    socket_type other(ctx, stream(), ends[1]);
    int passed = 0;
    char sent = 'x', received = 0;
    const std::function<void()> pass = [&] {
        other.async_read_some(net::buffer(&received, 1), [&](aura::error_code e, std::size_t) {
            EXPECT_FALSE(e);
            EXPECT_EQ(received, 'x');
            if (++passed < count)
                pass();
        });
        one.async_write_some(net::buffer(&sent, 1), [](aura::error_code e, std::size_t) { EXPECT_FALSE(e); });
    };
    pass();
    ctx.run();
    ctx.restart();
    EXPECT_EQ(passed, count);
}

void pass_a_byte(aura::io_context& ctx) {
    pass_bytes(ctx, 1);
}

void live(const aura::io_context_options& options = aura::options_from_environment()) {
    aura::io_context ctx(options);
    pass_a_byte(ctx);
}

TEST(KeptRing, IsThatOfTheNextContext) {
    test::in_another_process([] {
        if (!are_kept())
            test::exit_skipping("no ring is kept here");
        live();
        EXPECT_TRUE(test::ring_descriptors().empty()) << "of a context that may be the only one";
        live();
        const auto kept = test::ring_descriptors();
        EXPECT_EQ(kept.size(), 1u);
        for (int i = 0; i < 10; ++i) {
            aura::io_context ctx;
            pass_a_byte(ctx);
            EXPECT_EQ(test::ring_descriptors(), kept);
        }
        EXPECT_EQ(test::ring_descriptors(), kept);
    });
}

TEST(KeptRing, IsNotThatOfAnOnlyContextOfManyThreads) {
    test::in_another_process([] {
        {
            aura::io_context ctx;
            auto guard = net::make_work_guard(ctx);
            std::vector<std::jthread> threads;
            for (int i = 0; i < 3; ++i)
                threads.emplace_back([&] { ctx.run(); });
            net::post(ctx, [&] { guard.reset(); });
        }
        EXPECT_TRUE(test::ring_descriptors().empty());
    });
}

TEST(KeptRing, IsLeftToContextsWithTheSameOptions) {
    if (!are_kept())
        GTEST_SKIP() << "no ring is kept here";
    live();
    live();
    ASSERT_EQ(test::ring_descriptors().size(), 1u);
    auto other = aura::options_from_environment();
    other.cq_entries = 8192;
    aura::io_context ctx(other);
    pass_a_byte(ctx);
    EXPECT_EQ(test::ring_descriptors().size(), 1u) << "for another nothing is kept";
}

TEST(KeptRing, IsNoneWhereNobodyWantsIt) {
    if (!are_kept())
        GTEST_SKIP() << "no ring is kept here";
    live();
    live();
    auto options = aura::options_from_environment();
    options.keep_ring = false;
    live(options);
    live(options);
    EXPECT_TRUE(test::ring_descriptors().empty());
    ASSERT_EQ(::setenv("AURAIO_KEEP_RING", "off", 1), 0);
    EXPECT_FALSE(aura::options_from_environment().keep_ring);
    ASSERT_EQ(::unsetenv("AURAIO_KEEP_RING"), 0);
    EXPECT_TRUE(aura::options_from_environment().keep_ring);
}

TEST(KeptRing, HasNoTables) {
    if (!are_kept())
        GTEST_SKIP() << "no ring is kept here";
    live();
    live();
    {
        aura::io_context ctx;
        std::array<char, 4096> memory{};
        const auto registered = aura::register_buffers(ctx, net::buffer(memory));
        pass_a_byte(ctx);
    }
    EXPECT_TRUE(test::ring_descriptors().empty());
    live();
}

TEST(KeptRing, OneIsKept) {
    if (!are_kept())
        GTEST_SKIP() << "no ring is kept here";
    live();
    {
        aura::io_context a;
        aura::io_context b;
        pass_a_byte(a);
        pass_a_byte(b);
        EXPECT_EQ(test::ring_descriptors().size(), 2u);
    }
    EXPECT_EQ(test::ring_descriptors().size(), 1u);
}

TEST(KeptRing, HasNothingOfTheFormerContext) {
    live();
    char never = 0;
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    {
        aura::io_context ctx;
        aura::steady_timer far(ctx, 20ms); // an alarm of the ring
        far.async_wait([](aura::error_code) {});
        socket_type waits(ctx, stream(), ::dup(ends[0]));
        waits.async_read_some(net::buffer(&never, 1), [](aura::error_code, std::size_t) {});
        ctx.run_one_for(1ms); // finds nothing, or under load the timer
    }
    EXPECT_EQ(::write(ends[1], "x", 1), 1); // which nobody takes any more
    aura::io_context ctx;
    const auto began = std::chrono::steady_clock::now();
    aura::steady_timer timer(ctx, 60ms);
    timer.async_wait([](aura::error_code e) { EXPECT_FALSE(e); });
    EXPECT_EQ(ctx.run(), 1u);
    EXPECT_GE(std::chrono::steady_clock::now() - began, 60ms);
    EXPECT_EQ(never, 0);
    char got = 0;
    EXPECT_EQ(::recv(ends[0], &got, 1, MSG_DONTWAIT), 1);
    ::close(ends[0]);
    ::close(ends[1]);
}

void pass_on_a_thread() {
    std::thread([] { live(); }).join();
}

TEST(KeptRing, GoesFromThreadToThread) {
    for (int i = 0; i < 20; ++i)
        std::thread([] {
            aura::io_context ctx;
            pass_bytes(ctx, 100); // so many that the thread registers its ring's descriptor
            const auto guard = net::make_work_guard(ctx);
            std::thread waker([&] { net::post(ctx, [&] { ctx.stop(); }); });
            ctx.run();
            waker.join();
        }).join();
}

TEST(KeptRing, IsTheParents) {
    live();
    live();
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        const bool none = test::ring_descriptors().empty();
        live();
        live();
        pass_on_a_thread();
        ::_exit(none && !::testing::Test::HasFailure() ? 0 : 1);
    }
    const auto kept = test::ring_descriptors();
    live();
    EXPECT_EQ(test::ring_descriptors(), kept);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    live();
    EXPECT_EQ(test::ring_descriptors(), kept);
}

TEST(KeptRing, LeavesItsNumberToWhoHasGotIt) {
    if (!are_kept())
        GTEST_SKIP() << "no ring is kept here";
    live();
    live();
    const auto kept = test::ring_descriptors();
    ASSERT_EQ(kept.size(), 1u);
    ::close(kept[0]); // as programs do that close all that there is
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ASSERT_EQ(::dup3(ends[1], kept[0], O_CLOEXEC), kept[0]);
    live();
    live();
    EXPECT_EQ(::write(kept[0], "x", 1), 1);
    char got = 0;
    EXPECT_EQ(::read(ends[0], &got, 1), 1);
    for (const int number : {ends[0], ends[1], kept[0]})
        ::close(number);
}

TEST(KeptRing, IsGivenUpForWantOfDescriptors) {
    if (!are_kept())
        GTEST_SKIP() << "no ring is kept here";
    live();
    live();
    ASSERT_EQ(test::ring_descriptors().size(), 1u);
    auto other = aura::options_from_environment();
    other.cq_entries = 8192;
    aura::io_context ctx(other); // with no object, so that nothing is kept for its ring
    rlimit limit{}, before{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    std::vector<int> taken; // all below the next free number
    do
        taken.push_back(::dup(STDIN_FILENO));
    while (taken.back() < test::ring_descriptors()[0]);
    limit = before;
    limit.rlim_cur = static_cast<rlim_t>(taken.back());
    ::close(taken.back());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
    bool ran = false;
    net::post(ctx, [&] { ran = true; });
    EXPECT_NO_THROW(ctx.run());
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
    EXPECT_TRUE(ran);
    EXPECT_EQ(test::ring_descriptors().size(), 1u);
    taken.pop_back();
    for (const int number : taken)
        ::close(number);
}

/// What has it may need others: a second thread's, a registration's.
TEST(KeptRing, IsGivenUpWhereNoOtherCanBeMadeAnyMore) {
    test::in_another_process([] {
        if (!are_kept())
            test::exit_skipping("no ring is kept here");
        live();
        live();
        test::refusal{"io_uring_setup", __NR_io_uring_setup, EPERM}.install();
        live(); // without rings
        EXPECT_TRUE(test::ring_descriptors().empty());
    });
}

TEST(KeptRing, IsGivenUpWhereTheKernelDoesNotLetAnybodyInAnyMore) {
    test::in_another_process([] {
        live();
        live();
        test::refusal{"io_uring_enter", __NR_io_uring_enter, EPERM}.install();
        {
            aura::io_context ctx;
            try {
                pass_a_byte(ctx);
            } catch (const aura::system_error& e) { // as in a process that has kept none
                EXPECT_EQ(e.code().value(), EPERM);
            }
        }
        EXPECT_TRUE(test::ring_descriptors().empty());
    });
}

TEST(KeptRing, EndsWithAProcessThatMayNotEnterIt) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_EXIT(
        {
            live();
            live();
            if (!test::older_kernel::forbid(__NR_io_uring_enter))
                test::exit_skipping("seccomp filters are not allowed here");
            std::exit(testing::Test::HasFailure() ? 1 : 0); // destroys what is static
        },
        [](int status) {
            return WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == test::skipped);
        },
        "");
}

TEST(KeptRing, CountsForItsContextAlone) {
    live();
    live();
    aura::io_context ctx;
    pass_a_byte(ctx);
    EXPECT_EQ(ctx.stats().total().submitted, 2u);
}

} // namespace
