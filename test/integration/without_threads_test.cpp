// Where the kernel may start no thread for the process (RLIMIT_NPROC; a limit of a container's alike), what
// is asked of files is done all the same.
#include <auraio/auraio.hpp>

#include "support/sanitizers.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

/// In a child that is another user, and has one process too many already. What went wrong, or "".
std::string all_kinds(const std::string& path) {
    aura::io_context ctx;
    ctx.poll();
    const rlimit one{1, 1};
    if (::setrlimit(RLIMIT_NPROC, &one) != 0 || ::setgid(61234) != 0 || ::setuid(61234) != 0)
        return "-no other user";
    std::string wrong;
    const auto expect = [&](const char* what, auto start) {
        bool ended = false;
        aura::error_code result;
        start([&](aura::error_code ec, auto&&...) {
            result = ec;
            ended = true;
        });
        ctx.restart();
        ctx.run_for(20s);
        if (!ended || result)
            wrong += std::string(what) + ": " + (ended ? result.message() : "pending") + "; ";
    };
    char data[4096] = {};
    aura::random_access_file f(ctx);
    expect("open", [&](auto h) { f.async_open(path, aura::file_base::read_write, h); });
    expect("write", [&](auto h) { f.async_write_some_at(0, aura::buffer(data), h); });
    expect("read", [&](auto h) { f.async_read_some_at(0, aura::buffer(data), h); });
    expect("sync", [&](auto h) { f.async_sync_all(h); });
    expect("sync data", [&](auto h) { f.async_sync_data(h); });
    expect("resize", [&](auto h) { f.async_resize(100, h); });
    expect("stat", [&](auto h) { f.async_stat(h); });
    expect("allocate", [&](auto h) { f.async_allocate(0, 100, h); });
    expect("close", [&](auto h) { f.async_close(h); });
    return wrong;
}

TEST(WithoutThreads, FilesDoWhatTheyAreAsked) {
    if (::geteuid() != 0)
        GTEST_SKIP() << "needs root, to become a user whose processes are counted";
    const char* const named = std::getenv("AURAIO_BACKEND");
    if (AURAIO_TEST_TSAN && named && std::string(named) == "epoll")
        GTEST_SKIP()
            << "ThreadSanitizer ends a child of fork(2) that makes threads, and files want them on epoll";
    char path[] = "/tmp/auraio-without-threads-XXXXXX";
    const int fd = ::mkstemp(path);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(::fchmod(fd, 0666), 0);
    ::close(fd);
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
        const std::string said = all_kinds(path) + ".";
        (void)!::write(ends[1], said.data(), said.size());
        ::_exit(0);
    }
    ::close(ends[1]);
    char said[1024] = {};
    EXPECT_GT(::read(ends[0], said, sizeof said - 1), 0);
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    ::unlink(path);
    if (said[0] == '-')
        GTEST_SKIP() << said;
    EXPECT_STREQ(said, ".");
}

} // namespace
