// locked memory: what an unprivileged user may lock is often 64 KiB, and a ring of the default size takes
// more.
#include <auraio/auraio.hpp>

#include "support/locked_memory.hpp"
#include "support/other_process.hpp"
#include "support/ring_configurations.hpp"
#include "support/sanitizers.hpp"

#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace net = aura::net;
using namespace std::chrono_literals;

namespace {

TEST(LockedMemory, ARingTakesWhatThereIs) {
    test::in_another_process([] {
        test::limit_locked_memory(64 * 1024);
        aura::io_context ctx(test::on_rings());
        aura::random_access_file file(ctx, "/dev/zero", aura::file_base::read_only);
        static char data[256][16];
        std::size_t right = 0;
        bool fired = false;
        for (std::size_t i = 0; i < 256; ++i) // more than the queues may hold
            file.async_read_some_at(i, net::buffer(data[i]), [&](aura::error_code ec, std::size_t n) {
                right += !ec && n == sizeof data[0];
            });
        aura::steady_timer timer(ctx, 1ms);
        timer.async_wait([&](aura::error_code ec) { fired = !ec; });
        ctx.run_for(20s);
        EXPECT_EQ(right, 256u);
        EXPECT_TRUE(fired);
    });
}

TEST(LockedMemory, AnErrorNamesTheLimit) {
    test::in_another_process([] {
        test::limit_locked_memory(0);
        std::string what;
        try {
            aura::io_context ctx(test::on_rings());
            ctx.run();
            net::post(ctx, [] {});
            ctx.restart();
            ctx.run();
        } catch (const std::exception& e) {
            what = e.what();
        }
        if (what.empty())
            test::exit_skipping("rings do not count as locked memory here");
        EXPECT_NE(what.find("RLIMIT_MEMLOCK"), std::string::npos) << what;
    });
}

TEST(LockedMemory, WhereAddressSpaceIsWhatLacksAnErrorNamesThat) {
    if (AURAIO_TEST_ASAN || AURAIO_TEST_TSAN)
        GTEST_SKIP() << "the sanitizer needs the address space that would be limited";
    test::in_another_process([] {
        std::string what;
        try {
            aura::io_context ctx(test::on_rings());
            // As much as there is, and not a page for even the smallest queues.
            std::size_t pages = 0;
            std::ifstream("/proc/self/statm") >> pages;
            const rlim_t bytes = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
            const rlimit limit{bytes, bytes};
            ASSERT_EQ(::setrlimit(RLIMIT_AS, &limit), 0);
            aura::steady_timer timer(ctx, 1ms); // posts alone need no ring
            timer.async_wait([](aura::error_code) {});
            ctx.run();
        } catch (const std::exception& e) {
            what = e.what();
        }
        EXPECT_NE(what.find("RLIMIT_AS"), std::string::npos) << what;
        EXPECT_EQ(what.find("RLIMIT_MEMLOCK"), std::string::npos) << what;
    });
}

} // namespace
