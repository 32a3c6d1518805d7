// Files: every failure reaches its handler with the real errno, and none is lost.
#include "support/flavour.hpp"
#include "support/handlers.hpp"
#include "support/scratch_file.hpp"

#include <auraio/auraio.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using aura::error_code;
using aura::file_base;
using test::scratch_file;
namespace net = aura::net;

namespace {

/// Runs `ctx` until the one operation that `start` begins has ended; its error.
template <class Start>
error_code outcome(aura::io_context& ctx, Start start) {
    error_code result = net::error::would_block;
    {
        test::initiation inside;
        start([&](error_code ec, auto...) { result = ec; });
    }
    ctx.restart();
    EXPECT_EQ(ctx.run(), 1u);
    return result;
}

error_code os_error(int value) {
    return error_code(value, aura::detail::system_category());
}

TEST(FileErrors, Opening) {
    aura::io_context ctx;
    aura::random_access_file file(ctx);
    error_code ec;
    file.open("./does-not-exist", file_base::read_only, ec);
    EXPECT_EQ(ec, os_error(ENOENT));
    file.open(".", file_base::read_write, ec);
    EXPECT_EQ(ec, os_error(EISDIR));
    EXPECT_FALSE(file.is_open());
    EXPECT_THROW(file.open("./does-not-exist", file_base::read_only), aura::system_error);
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_open("./does-not-exist", file_base::read_only, h); }),
              os_error(ENOENT));
}

/// While one exists, this process is nobody: no permission of a file concerns root.
class unprivileged {
public:
    unprivileged()
        : before_(::geteuid()) {
        if (before_ == 0) {
            EXPECT_EQ(::seteuid(65534), 0);
        }
    }
    unprivileged(const unprivileged&) = delete;
    ~unprivileged() {
        EXPECT_EQ(::seteuid(before_), 0);
        ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); // which a change of user takes away, and LeakSanitizer needs
    }

private:
    ::uid_t before_;
};

TEST(FileErrors, OpeningWithoutPermission) {
    aura::io_context ctx;
    net::post(ctx, [] {});
    ctx.poll(); // the ring exists: some systems allow io_uring to root only
    scratch_file contents(10);
    ASSERT_EQ(::chmod(contents.path().c_str(), 0), 0);
    const unprivileged here;
    aura::random_access_file file(ctx);
    error_code ec;
    file.open(contents.path(), file_base::read_only, ec);
    EXPECT_EQ(ec, os_error(EACCES));
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_open(contents.path(), file_base::read_only, h); }),
              os_error(EACCES));
    EXPECT_FALSE(file.is_open());
    EXPECT_EQ(outcome(ctx, [&](auto h) { aura::async_mkdir(ctx.get_executor(), "/auraio-test", h); }),
              os_error(EACCES));
}

TEST(FileErrors, AFailedAsyncOpenCanBeTriedAgainAfterClose) {
    aura::io_context ctx;
    scratch_file contents(10);
    aura::random_access_file file(ctx);
    EXPECT_TRUE(outcome(ctx, [&](auto h) { file.async_open("./does-not-exist", file_base::read_only, h); }));
    EXPECT_FALSE(file.is_open());
    EXPECT_FALSE(outcome(ctx, [&](auto h) { file.async_open(contents.path(), file_base::read_only, h); }));
    EXPECT_TRUE(file.is_open());
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_open(contents.path(), file_base::read_only, h); }),
              error_code(net::error::already_open));
}

TEST(FileErrors, ReadingADirectory) {
    aura::io_context ctx;
    aura::random_access_file file(ctx, ".", file_base::read_only);
    char data[8];
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_read_some_at(0, net::buffer(data), h); }),
              os_error(EISDIR));
    error_code ec;
    file.read_some_at(0, net::buffer(data), ec);
    EXPECT_EQ(ec, os_error(EISDIR));
}

TEST(FileErrors, TheEnd) {
    aura::io_context ctx;
    scratch_file contents(100);
    aura::random_access_file file(ctx, contents.path(), file_base::read_only);
    char data[64];
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_read_some_at(100, net::buffer(data), h); }),
              error_code(net::error::eof));
    EXPECT_FALSE(outcome(ctx, [&](auto h) { file.async_read_some_at(99, net::buffer(data), h); }));
    std::size_t got = 0;
    net::async_read_at(file, 90, net::buffer(data), [&](error_code ec, std::size_t n) {
        EXPECT_EQ(ec, error_code(net::error::eof));
        got = n;
    });
    ctx.restart();
    ctx.run();
    EXPECT_EQ(got, 10u);
    // No buffer at all is no end of file.
    EXPECT_FALSE(outcome(ctx, [&](auto h) { file.async_read_some_at(100, net::buffer(data, 0), h); }));
}

/// A composed read that has got its first part when the rest of the file goes.
TEST(FileErrors, CutBetweenTheReadsOfOneOperation) {
    aura::io_context ctx;
    scratch_file contents(8192);
    aura::random_access_file file(ctx, contents.path(), file_base::read_write);
    std::vector<char> memory(8192);
    bool cut = false, called = false;
    const auto half_at_first = [&](const error_code& ec, std::size_t done) -> std::size_t {
        if (done == 4096 && !std::exchange(cut, true))
            file.resize(4096);
        return ec ? 0 : 4096 - done % 4096;
    };
    net::async_read_at(file, 0, net::buffer(memory), half_at_first, [&](error_code ec, std::size_t n) {
        EXPECT_EQ(ec, error_code(net::error::eof));
        EXPECT_EQ(n, 4096u);
        EXPECT_TRUE(scratch_file::matches(memory.data(), n, 0));
        called = true;
    });
    ctx.run();
    EXPECT_TRUE(called);
}

/// Reads in flight while another thread cuts the file: each gets what was there (all, or a part) or the end.
TEST(FileErrors, CutDuringReads) {
    constexpr std::size_t block = 4096, count = 256;
    scratch_file contents(block * count);
    aura::io_context ctx;
    aura::random_access_file file(ctx, contents.path(), file_base::read_only);
    std::vector<char> memory(block * count);
    std::size_t ended = 0;
    std::atomic<bool> begun = false;
    std::thread cutter([&] {
        begun.wait(false);
        for (std::size_t left = count; left-- != 0;)
            EXPECT_EQ(::truncate(contents.path().c_str(), static_cast<off_t>(left * block)), 0);
    });
    for (std::size_t i = 0; i < count; ++i)
        file.async_read_some_at(i * block, net::buffer(&memory[i * block], block),
                                [&](error_code ec, std::size_t n) {
                                    begun = true;
                                    begun.notify_one();
                                    ++ended;
                                    if (ec) {
                                        EXPECT_EQ(ec, error_code(net::error::eof));
                                        EXPECT_EQ(n, 0u);
                                    } else {
                                        EXPECT_GT(n, 0u);
                                    }
                                });
    ctx.run();
    EXPECT_EQ(ended, count);
    cutter.join();
    char data[64];
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_read_some_at(0, net::buffer(data), h); }),
              error_code(net::error::eof));
}

TEST(FileErrors, Offsets) {
    aura::io_context ctx;
    scratch_file contents(100);
    aura::random_access_file file(ctx, contents.path(), file_base::read_write);
    char data[8] = {};
    // -1 would mean "the current position" to the kernel: it must not get there.
    for (const std::uint64_t offset : {~std::uint64_t{0}, ~std::uint64_t{0} - 1, std::uint64_t{1} << 63}) {
        EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_read_some_at(offset, net::buffer(data), h); }),
                  os_error(EINVAL));
        EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_write_some_at(offset, net::buffer(data), h); }),
                  os_error(EINVAL));
        error_code refused;
        EXPECT_EQ(file.read_some_at(offset, net::buffer(data), refused), 0u);
        EXPECT_EQ(refused, os_error(EINVAL));
        EXPECT_EQ(file.write_some_at(offset, net::buffer(data), refused), 0u);
        EXPECT_EQ(refused, os_error(EINVAL));
    }
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_resize(~std::uint64_t{0}, h); }), os_error(EINVAL));
    std::signal(SIGXFSZ, SIG_IGN);
    const auto beyond = (std::uint64_t{1} << 63) - 4096;
    const error_code ec =
        outcome(ctx, [&](auto h) { file.async_write_some_at(beyond, net::buffer(data), h); });
    EXPECT_TRUE(ec == os_error(EFBIG) || ec == os_error(EINVAL)) << ec.message();
    EXPECT_EQ(file.size(), 100u);
}

TEST(FileErrors, NotOpen) {
    aura::io_context ctx;
    aura::random_access_file file(ctx);
    char data[8] = {};
    const error_code bad = net::error::bad_descriptor;
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_read_some_at(0, net::buffer(data), h); }), bad);
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_write_some_at(0, net::buffer(data), h); }), bad);
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_sync_all(h); }), bad);
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_resize(1, h); }), bad);
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_allocate(0, 1, h); }), bad);
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_stat(h); }), bad);
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_close(h); }), bad);
    error_code ec;
    file.size(ec);
    EXPECT_EQ(ec, bad);
    file.cancel(ec);
    EXPECT_EQ(ec, bad);
}

TEST(FileErrors, WritingWhatIsOnlyForReading) {
    aura::io_context ctx;
    scratch_file contents(10);
    aura::random_access_file file(ctx, contents.path(), file_base::read_only);
    char data[8] = {};
    EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_write_some_at(0, net::buffer(data), h); }),
              os_error(EBADF));
}

TEST(FileErrors, OutOfDescriptors) {
    aura::io_context ctx;
    scratch_file contents(10);
    aura::random_access_file file(ctx);
    ctx.poll(); // the ring exists before descriptors run out
    rlimit before;
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
    error_code sync, async;
    aura::steady_timer timer(ctx, std::chrono::seconds(0));
    timer.async_wait([&](error_code) {
        rlimit none = before;
        none.rlim_cur = 3;
        ::setrlimit(RLIMIT_NOFILE, &none);
        file.open(contents.path(), file_base::read_only, sync);
        file.async_open(contents.path(), file_base::read_only, [&](error_code ec) { async = ec; });
    });
    ctx.restart();
    ctx.run();
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(sync, os_error(EMFILE));
    EXPECT_EQ(async, os_error(EMFILE));
}

TEST(FileErrors, AFullDisk) {
    char where[] = "./auraio-disk-XXXXXX";
    ASSERT_NE(::mkdtemp(where), nullptr);
    if (::mount("none", where, "tmpfs", 0, "size=64k") != 0) {
        const int why = errno;
        ::rmdir(where);
        GTEST_SKIP() << "a small tmpfs cannot be mounted here: " << os_error(why).message();
    }
    {
        aura::io_context ctx;
        aura::random_access_file file(ctx, std::string(where) + "/f",
                                      file_base::read_write | file_base::create);
        const std::vector<char> data(1 << 20);
        std::size_t written = 0;
        error_code result;
        net::async_write_at(file, 0, net::buffer(data), [&](error_code ec, std::size_t n) {
            result = ec;
            written = n;
        });
        ctx.run();
        EXPECT_EQ(result, os_error(ENOSPC));
        EXPECT_GT(written, 0u);
        EXPECT_LE(written, 65536u);
        EXPECT_EQ(outcome(ctx, [&](auto h) { file.async_allocate(0, 1 << 20, h); }), os_error(ENOSPC));
    }
    ::umount(where);
    ::rmdir(where);
}

TEST(FileErrors, DirectIoSaysWhichAlignmentItNeeds) {
    aura::io_context ctx;
    scratch_file contents(8192);
    aura::random_access_file file(ctx);
    error_code ec;
    file.open(contents.path(), file_base::read_only | file_base::direct, ec);
    if (ec)
        GTEST_SKIP() << "no direct I/O in the current directory: " << ec.message();
    test::aligned_buffer memory(8192);
    char* base = static_cast<char*>(memory.data());
    if (::pread(file.native_handle(), base + 1, 4096, 0) >= 0)
        GTEST_SKIP() << "the file system of the current directory asks for no alignment";
    for (const auto& [offset, at, size] : {std::tuple{1u, 0u, 4096u}, {0u, 1u, 4096u}, {0u, 0u, 100u}}) {
        const error_code refused =
            outcome(ctx, [&](auto h) { file.async_read_some_at(offset, net::buffer(base + at, size), h); });
        EXPECT_TRUE(refused) << offset << ' ' << at << ' ' << size;
        EXPECT_STREQ(refused.category().name(), "auraio.direct_alignment");
        EXPECT_EQ(refused.default_error_condition().value(), EINVAL);
        // What the code says (or, where the file system tells nothing, the usual) is said in words, too.
        const auto unit = static_cast<unsigned>(refused.value()) & 0xffff;
        EXPECT_NE(refused.message().find(std::to_string(unit ? unit : 512)), std::string::npos)
            << refused.message();
        file.read_some_at(offset, net::buffer(base + at, size), ec);
        EXPECT_EQ(ec, refused);
    }
    EXPECT_FALSE(outcome(ctx, [&](auto h) { file.async_read_some_at(4096, net::buffer(base, 4096), h); }));
}

TEST(FileErrors, Paths) {
    aura::io_context ctx;
    auto ex = ctx.get_executor();
    EXPECT_EQ(outcome(ctx, [&](auto h) { aura::async_unlink(ex, "./does-not-exist", h); }), os_error(ENOENT));
    EXPECT_EQ(outcome(ctx, [&](auto h) { aura::async_rename(ex, "./does-not-exist", "./x", h); }),
              os_error(ENOENT));
    EXPECT_EQ(outcome(ctx, [&](auto h) { aura::async_mkdir(ex, ".", h); }), os_error(EEXIST));
}

} // namespace
