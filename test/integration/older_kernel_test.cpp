// Kernels that lack something, or forbid it: the error says what and why, and what can be done without it is.
#include <auraio/auraio.hpp>

#include "support/locked_memory.hpp"
#include "support/older_kernel.hpp"
#include "support/other_process.hpp"
#include "support/ring_configurations.hpp"
#include "support/scratch_file.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <future>
#include <string>
#include <thread>
#include <unistd.h>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;

namespace {

void require(bool installed) {
    if (!installed)
        test::exit_skipping(std::string("seccomp filters are not allowed here: ") + std::strerror(errno));
}

/// Expects f() to throw a system_error with this errno whose text contains `reason`.
template <class F>
void expect_error(int error, const std::string& reason, F f) {
    try {
        f();
        ADD_FAILURE() << "no error; expected " << std::strerror(error);
    } catch (const aura::system_error& e) {
        EXPECT_EQ(e.code().value(), error) << e.what();
        EXPECT_NE(std::string(e.what()).find(reason), std::string::npos) << e.what();
    }
}

/// A context makes its first ring when there is something to run.
void make_ring(const aura::io_context_options& options) {
    aura::io_context ctx(options);
    net::post(ctx, [] {});
    ctx.poll();
}

/// Everything the library does, briefly: files, paths, timers, wakes from another thread, two rings.
void expect_everything_works() {
    scratch_file contents(8192);
    const std::string other = contents.path() + ".other", folder = contents.path() + ".folder";
    aura::io_context ctx;
    auto work = net::make_work_guard(ctx);
    std::thread runner([&] { ctx.run(); });
    std::thread second([&] { ctx.run(); });
    const auto wait_for = [&](auto start) {
        std::promise<aura::error_code> ended;
        start([&](aura::error_code ec, auto...) { ended.set_value(ec); });
        auto future = ended.get_future();
        EXPECT_EQ(future.get(), aura::error_code());
    };
    for (unsigned i = 0; i < 2; ++i) {
        const auto ring = ctx.ring_executor(i);
        aura::random_access_file file(ring);
        wait_for([&](auto h) { file.async_open(contents.path(), aura::file_base::read_write, h); });
        char data[16];
        wait_for([&](auto h) { file.async_read_some_at(4000, net::buffer(data), h); });
        EXPECT_TRUE(scratch_file::matches(data, sizeof data, 4000));
        wait_for([&](auto h) { file.async_resize(8000, h); });
        EXPECT_EQ(file.size(), 8000u);
        wait_for([&](auto h) { aura::async_rename(ring, contents.path(), other, h); });
        wait_for([&](auto h) { aura::async_rename(ring, other, contents.path(), h); });
        wait_for([&](auto h) { aura::async_mkdir(ring, folder, h); });
        EXPECT_EQ(::rmdir(folder.c_str()), 0);
        wait_for([&](auto h) { file.async_close(h); });
        aura::steady_timer timer(ring, 1ms);
        wait_for([&](auto h) { timer.async_wait(h); });
        wait_for([&](auto h) { net::post(ring, [h] { h(aura::error_code()); }); });
    }
    work.reset();
    runner.join();
    second.join();
    ctx.restart();
    aura::error_code removed = net::error::would_block;
    aura::async_unlink(ctx.get_executor(), contents.path(), [&](aura::error_code ec) { removed = ec; });
    ctx.run(); // one thread serves both rings
    EXPECT_EQ(removed, aura::error_code());
}

TEST(OlderKernel, WhereIoUringIsForbidden) {
    test::in_another_process([] {
        require(older_kernel::without_rings(EPERM));
        expect_error(EPERM, "a seccomp filter refuses it. Docker", [] { aura::io_context ctx(on_rings()); });
    });
}

TEST(OlderKernel, WithoutIoUring) {
    test::in_another_process([] {
        require(older_kernel::without_rings(ENOSYS));
        expect_error(ENOSYS, "a seccomp filter refuses it", [] { aura::io_context ctx(on_rings()); });
    });
}

TEST(OlderKernel, WithTooLittleLockedMemoryForTheFirstRing) {
    test::in_another_process([] {
        require(older_kernel::without_rings(ENOMEM));
        expect_error(ENOMEM, "RLIMIT_MEMLOCK", [] { aura::io_context ctx(on_rings()); });
    });
}

TEST(OlderKernel, WithTooLittleLockedMemoryForAnotherRing) {
    test::in_another_process([] {
        aura::io_context ctx(on_rings());
        net::post(ctx, [] {});
        ctx.poll();
        require(older_kernel::without_rings(ENOMEM));
        bool ran = false;
        net::post(ctx.ring_executor(1), [&] { ran = true; });
        ctx.restart();
        expect_error(ENOMEM, "RLIMIT_MEMLOCK", [&] { ctx.run(); });
        EXPECT_FALSE(ran);
    });
}

TEST(OlderKernel, WithoutAFeatureThereIsNoWayAround) {
    test::in_another_process([] {
        require(older_kernel::with_only(~0u, ~unsigned{IORING_FEAT_EXT_ARG}));
        expect_error(ENOSYS, "IORING_FEAT_EXT_ARG", [] { aura::io_context ctx(on_rings()); });
    });
}

TEST(OlderKernel, WithoutRegisteredOperationsEverythingWorks) {
    test::in_another_process([] {
        require(older_kernel::without_registration());
        expect_everything_works();
        aura::io_context_options options;
        options.wake = aura::wake_mechanism::message;
        expect_error(ENOSYS, "wake_mechanism::automatic", [&] { make_ring(options); });
    });
}

TEST(OlderKernel, WithoutNewSetupFlagsEverythingWorks) {
    test::in_another_process([] {
        require(older_kernel::with_only(IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP, ~0u));
        expect_everything_works();
        aura::io_context_options options;
        options.task_work = aura::task_run::deferred;
        expect_error(EINVAL, "IORING_SETUP_DEFER_TASKRUN", [&] { make_ring(options); });
    });
}

/// Kernels before 5.12 charge rings to RLIMIT_MEMLOCK; later ones do not, and nothing else here needs locked
/// memory.
TEST(OlderKernel, WithoutLockedMemoryAndPrivilegesItWorksOrSaysSo) {
    test::in_another_process([] {
        test::limit_locked_memory(0);
        try {
            aura::io_context ctx;
            aura::steady_timer timer(ctx, 1ms);
            bool fired = false;
            timer.async_wait([&](aura::error_code ec) { fired = !ec; });
            ctx.run();
            EXPECT_TRUE(fired);
        } catch (const aura::system_error& e) {
            if (e.code().value() == EPERM)
                test::exit_skipping(e.what()); // kernel.io_uring_disabled=1 forbids it without privileges
            EXPECT_EQ(e.code().value(), ENOMEM) << e.what();
            EXPECT_NE(std::string(e.what()).find("RLIMIT_MEMLOCK"), std::string::npos) << e.what();
        }
    });
}

} // namespace
