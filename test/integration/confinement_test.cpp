// confinement: rings do what the library does and nothing else, and the kernel's threads are so many at most.
#include <auraio/auraio.hpp>

#include "core/base/usable_cpus.hpp"
#include "support/kernel_workers.hpp"
#include "support/other_process.hpp"
#include "support/ring_descriptors.hpp"
#include "support/scratch_file.hpp"

#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <sched.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace net = aura::net;
using namespace test;

namespace {

constexpr unsigned register_probe = 8, register_worker_limits = 19; // IORING_REGISTER_PROBE, IOWQ_MAX_WORKERS

int register_with(int ring, unsigned opcode, void* argument, unsigned count) {
    return ::syscall(__NR_io_uring_register, ring, opcode, argument, count) < 0 ? errno : 0;
}

/// A context with a ring, and that ring.
struct ringed {
    explicit ringed(aura::io_context_options options)
        : ctx(with_rings(options)) {
        give_up_what_is_kept();
        const auto before = ring_descriptors();
        net::post(ctx, [] {});
        ctx.run();
        ctx.restart();
        for (const int fd : ring_descriptors())
            if (std::find(before.begin(), before.end(), fd) == before.end())
                ring = fd;
        EXPECT_GE(ring, 0);
    }
    static aura::io_context_options with_rings(aura::io_context_options options) {
        options.backend = aura::backend_kind::uring;
        return options;
    }
    /// By former contexts: what is found is to be new.
    static void give_up_what_is_kept() {
        aura::io_context_options none;
        none.keep_ring = false;
        aura::io_context other(none);
        net::post(other, [] {});
        other.run();
    }
    aura::io_context ctx;
    int ring = -1;
};

TEST(Confinement, ARingRefusesWhatTheLibraryDoesNot) {
    std::array<std::byte, 16 + 256 * 8> answer{};
    aura::io_context_options options;
    options.restrict_rings = false;
    const ringed open(options);
    EXPECT_EQ(register_with(open.ring, register_probe, answer.data(), 256), 0);
    const ringed confined{aura::io_context_options()};
    EXPECT_EQ(register_with(confined.ring, register_probe, answer.data(), 256), EACCES);
}

/// It is made before the context has any other.
TEST(Confinement, TheRingOfATableDoesNothingElse) {
    std::array<std::byte, 16 + 256 * 8> answer{};
    const auto before = ring_descriptors();
    aura::io_context_options options;
    options.backend = aura::backend_kind::uring;
    aura::io_context ctx(options);
    aura::file_registration table(ctx, 2);
    unsigned found = 0;
    for (const int fd : ring_descriptors())
        if (std::find(before.begin(), before.end(), fd) == before.end()) {
            ++found;
            EXPECT_EQ(register_with(fd, register_probe, answer.data(), 256), EACCES);
        }
    EXPECT_EQ(found, 1u);
}

unsigned default_workers() {
    return std::max(8u, 4 * aura::core::find_usable_cpus().count);
}

TEST(Confinement, APinnedThreadHasEightWorkers) {
    test::in_another_process([] {
        cpu_set_t allowed, one;
        ASSERT_EQ(::sched_getaffinity(0, sizeof allowed, &allowed), 0);
        std::size_t first = 0;
        while (!CPU_ISSET(first, &allowed))
            ++first;
        CPU_ZERO(&one);
        CPU_SET(first, &one);
        ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
        aura::io_context_options options;
        options.restrict_rings = false; // to be asked
        unsigned limits[2] = {0, 0};
        const ringed pinned(options);
        if (register_with(pinned.ring, register_worker_limits, limits, 2) != 0)
            test::exit_skipping("this kernel has no such bound (Linux 5.15 has)");
        EXPECT_EQ(limits[0], 8u);
    });
}

TEST(Confinement, TheNumberOfWorkersIsTheOneAskedFor) {
    aura::io_context_options options;
    options.restrict_rings = false; // to be asked
    unsigned limits[2] = {0, 0};    // asks without changing
    const ringed by_default(options);
    if (register_with(by_default.ring, register_worker_limits, limits, 2) != 0)
        GTEST_SKIP() << "this kernel has no such bound (Linux 5.15 has)";
    EXPECT_EQ(limits[0], default_workers());
    EXPECT_EQ(limits[1], 512u);
    options.worker_limit = 3;
    const ringed limited(options);
    limits[0] = limits[1] = 0;
    EXPECT_EQ(register_with(limited.ring, register_worker_limits, limits, 2), 0);
    EXPECT_EQ(limits[0], 3u);
    EXPECT_EQ(limits[1], 3u);
}

TEST(Confinement, TheEnvironmentSetsBoth) {
    ASSERT_EQ(::setenv("AURAIO_WORKER_LIMIT", "5", 1), 0);
    ASSERT_EQ(::setenv("AURAIO_RESTRICT_RINGS", "off", 1), 0);
    EXPECT_EQ(aura::options_from_environment().worker_limit, 5u);
    EXPECT_FALSE(aura::options_from_environment().restrict_rings);
    ASSERT_EQ(::unsetenv("AURAIO_WORKER_LIMIT"), 0);
    ASSERT_EQ(::unsetenv("AURAIO_RESTRICT_RINGS"), 0);
}

constexpr std::size_t requests = 4096, block = 4096;

/// 4096 buffered reads of what is not in memory, then as many writes, all at once.
void transfer_all(aura::io_context& ctx, const std::string& path) {
    aura::random_access_file file(ctx, path, aura::file_base::read_write);
    ASSERT_EQ(::posix_fadvise(file.native_handle(), 0, 0, POSIX_FADV_DONTNEED), 0);
    std::vector<char> data(requests * block);
    std::size_t done = 0;
    const auto count = [&](aura::error_code ec, std::size_t n) { done += !ec && n == block; };
    for (const bool writes : {false, true})
        for (std::size_t i = 0; i < requests; ++i) {
            const std::uint64_t place = i * 2731 % requests * block; // in no order a disk foresees
            const auto memory = net::buffer(data.data() + i * block, block);
            if (writes)
                file.async_write_some_at(place, memory, count);
            else
                file.async_read_some_at(place, memory, count);
        }
    ctx.run();
    EXPECT_EQ(done, 2 * requests);
}

/// In processes of their own: workers outlive their context by seconds, and are the thread's.
TEST(Confinement, ColdReadsAndWritesStayWithinTheBound) {
    for (const unsigned limit : {0u, 2u})
        test::in_another_process([&] {
            const scratch_file contents(requests * block);
            aura::io_context_options options;
            options.worker_limit = limit;
            ringed one(options);
            one.ctx.set_adaptive(false); // all of them at once, whatever the disk makes of it
            const kernel_workers workers;
            transfer_all(one.ctx, contents.path());
            // None of this is of the second kind.
            EXPECT_LE(workers.most(), limit != 0 ? limit : default_workers());
        });
}

/// Each takes a worker for as long as the file system lets it.
TEST(Confinement, SyncsAndOpensStayWithinTheBound) {
    test::in_another_process([] {
        const scratch_file contents(block);
        aura::io_context_options options;
        options.worker_limit = 1;
        ringed one(options);
        const kernel_workers workers;
        std::vector<std::unique_ptr<aura::random_access_file>> files;
        std::size_t done = 0;
        for (std::size_t i = 0; i < 300; ++i) {
            files.push_back(std::make_unique<aura::random_access_file>(one.ctx));
            files.back()->async_open(contents.path(), aura::file_base::read_write,
                                     [&, i](aura::error_code ec) {
                                         EXPECT_FALSE(ec) << ec.message();
                                         files[i]->async_sync_all([&](aura::error_code e) { done += !e; });
                                     });
        }
        one.ctx.run();
        EXPECT_EQ(done, files.size());
        EXPECT_GE(workers.most(), 1u);
        EXPECT_LE(workers.most(), 2u);
    });
}

/// io_uring would give each a thread to wait in, of the kind that has no bound of its own.
TEST(Confinement, ConnectsToAFullBacklogInTheUnixDomainTakeNone) {
    test::in_another_process([] {
        const scratch_file place(1);
        const std::string path = place.path() + ".socket";
        ringed one{aura::io_context_options()};
        aura::local::stream_protocol::acceptor acceptor(one.ctx);
        acceptor.open();
        acceptor.bind(path);
        acceptor.listen(1);
        const kernel_workers workers;
        std::vector<std::unique_ptr<aura::local::stream_protocol::socket>> clients;
        std::size_t ended = 0;
        for (int i = 0; i < 400; ++i) {
            clients.push_back(std::make_unique<aura::local::stream_protocol::socket>(one.ctx));
            clients.back()->async_connect(path, [&](aura::error_code) { ++ended; });
        }
        one.ctx.run_for(std::chrono::milliseconds(50));
        for (auto& c : clients)
            c->close();
        one.ctx.restart();
        one.ctx.run_for(std::chrono::seconds(20));
        EXPECT_EQ(ended, clients.size());
        EXPECT_EQ(workers.most(), 0u);
        ::unlink(path.c_str());
    });
}

} // namespace
