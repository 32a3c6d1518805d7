// operations: each operation of the C++ layer, with a callback and awaited.
#include "support.hpp"

#include <chrono>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>

using namespace test;
using namespace std::chrono_literals;

namespace {

struct CppOperations : testing::Test {
    aura::Engine engine;
    scratch_file file{1 << 16};
    unique_fd fd{::open(file.path().c_str(), O_RDWR | O_CLOEXEC)};

    /// Starts an operation by `start(callback)`, runs it, and returns its result.
    template <class Start>
    ssize_t result_of(Start start) {
        ssize_t result = -99999;
        const aura::Request request = start([&](aura::Request& r, ssize_t n) {
            EXPECT_TRUE(r.handle());
            result = n;
        });
        EXPECT_TRUE(request.handle());
        EXPECT_TRUE(engine.drain(20s));
        return result;
    }
    /// The result of what is awaited.
    template <class Awaited>
    ssize_t result_of_awaited(Awaited awaited) {
        return engine.block_on(
            [](Awaited a) -> aura::Task<ssize_t> { co_return co_await std::move(a); }(std::move(awaited)));
    }
};

} // namespace

TEST_F(CppOperations, ReadAndWrite) {
    char data[100];
    const int f = fd.get();
    EXPECT_EQ(result_of([&](auto cb) { return engine.read(f, data, sizeof data, 500, cb); }), 100);
    EXPECT_TRUE(scratch_file::matches(data, sizeof data, 500));
    EXPECT_EQ(result_of([&](auto cb) { return engine.write(f, data, sizeof data, 0, cb); }), 100);
    EXPECT_EQ(result_of_awaited(engine.async_read(f, data, sizeof data, 0)), 100);
    EXPECT_TRUE(scratch_file::matches(data, sizeof data, 500));
    EXPECT_EQ(result_of_awaited(engine.async_write(f, "abc", 3, 1 << 16)), 3);
    EXPECT_EQ(result_of_awaited(engine.async_read(f, data, sizeof data, 1 << 16)), 3);
    EXPECT_EQ(std::string(data, 3), "abc");
}

TEST_F(CppOperations, ReadvAndWritev) {
    char a[10];
    char b[20];
    const iovec both[2] = {{a, sizeof a}, {b, sizeof b}};
    const int f = fd.get();
    EXPECT_EQ(result_of([&](auto cb) { return engine.readv(f, both, 2, 0, cb); }), 30);
    EXPECT_TRUE(scratch_file::matches(b, sizeof b, 10));
    EXPECT_EQ(result_of([&](auto cb) { return engine.writev(f, both, 2, 100, cb); }), 30);
    EXPECT_EQ(result_of_awaited(engine.async_readv(f, both, 2, 100)), 30);
    EXPECT_TRUE(scratch_file::matches(b, sizeof b, 10));
    EXPECT_EQ(result_of_awaited(engine.async_writev(f, both, 2, 200)), 30);
}

TEST_F(CppOperations, SyncsAndSizes) {
    const int f = fd.get();
    EXPECT_EQ(result_of([&](auto cb) { return engine.fsync(f, cb); }), 0);
    EXPECT_EQ(result_of([&](auto cb) { return engine.fdatasync(f, cb); }), 0);
    EXPECT_EQ(result_of([&](auto cb) { return engine.sync_file_range(f, 0, 4096, 0, cb); }), 0);
    EXPECT_EQ(result_of([&](auto cb) { return engine.ftruncate(f, 100, cb); }), 0);
    const ssize_t allocated = result_of([&](auto cb) { return engine.fallocate(f, 0, 0, 5000, cb); });
    EXPECT_TRUE(allocated == 0 || allocated == -EOPNOTSUPP);
    EXPECT_EQ(result_of_awaited(engine.async_fsync(f)), 0);
    EXPECT_EQ(result_of_awaited(engine.async_fdatasync(f)), 0);
    EXPECT_EQ(result_of_awaited(engine.async_sync_file_range(f, 0, 0, 0)), 0);
    EXPECT_EQ(result_of_awaited(engine.async_ftruncate(f, 200)), 0);
    EXPECT_EQ(result_of_awaited(engine.async_fallocate(f, 0, 0, 5000).nothrow()), allocated);
    EXPECT_EQ(::lseek(f, 0, SEEK_END), allocated == 0 ? 5000 : 200);
}

TEST_F(CppOperations, Paths) {
    const std::string dir = file.path() + ".dir";
    const std::string there = dir + "/there";
    const char* const d = dir.c_str();
    const char* const path = file.path().c_str();
    EXPECT_EQ(result_of([&](auto cb) { return engine.mkdirat(AT_FDCWD, d, 0700, cb); }), 0);
    EXPECT_EQ(result_of([&](auto cb) { return engine.unlinkat(AT_FDCWD, d, AT_REMOVEDIR, cb); }), 0);
    EXPECT_EQ(result_of_awaited(engine.async_mkdirat(AT_FDCWD, d, 0700)), 0);
    EXPECT_EQ(
        result_of([&](auto cb) { return engine.renameat(AT_FDCWD, path, AT_FDCWD, there.c_str(), 0, cb); }),
        0);
    EXPECT_EQ(result_of_awaited(engine.async_renameat(AT_FDCWD, there.c_str(), AT_FDCWD, path)), 0);
    EXPECT_EQ(error_of([&] { result_of_awaited(engine.async_unlinkat(AT_FDCWD, there.c_str())); }), ENOENT);
    EXPECT_EQ(result_of_awaited(engine.async_unlinkat(AT_FDCWD, d, AT_REMOVEDIR)), 0);

    struct statx of_file;
    EXPECT_EQ(result_of([&](auto cb) { return engine.statx(AT_FDCWD, path, 0, STATX_SIZE, &of_file, cb); }),
              0);
    EXPECT_EQ(of_file.stx_size, 1u << 16);
    EXPECT_EQ(result_of_awaited(engine.async_statx(AT_FDCWD, path, 0, STATX_SIZE, &of_file)), 0);

    const auto opened =
        result_of([&](auto cb) { return engine.openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0, cb); });
    ASSERT_GE(opened, 0);
    EXPECT_EQ(result_of([&](auto cb) { return engine.close(static_cast<int>(opened), cb); }), 0);
    const auto again = static_cast<int>(result_of_awaited(engine.async_openat(AT_FDCWD, path, O_RDONLY)));
    EXPECT_EQ(result_of_awaited(engine.async_close(again)), 0);
}

TEST_F(CppOperations, Streams) {
    const stream_pair pair;
    const auto [a, b] = pair.fds;
    char data[8];
    EXPECT_EQ(result_of([&](auto cb) { return engine.send(a, "abc", 3, MSG_NOSIGNAL, cb); }), 3);
    EXPECT_EQ(result_of([&](auto cb) { return engine.recv(b, data, sizeof data, 0, cb); }), 3);
    EXPECT_EQ(result_of_awaited(engine.async_send(a, "defg", 4)), 4);
    EXPECT_EQ(result_of([&](auto cb) { return engine.ready(b, POLLIN, cb); }), POLLIN);
    EXPECT_EQ(result_of_awaited(engine.async_ready(b, POLLIN)), POLLIN);
    EXPECT_EQ(result_of_awaited(engine.async_recv(b, data, sizeof data)), 4);
    EXPECT_EQ(std::string(data, 4), "defg");

    iovec part{data, 4};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    EXPECT_EQ(result_of([&](auto cb) { return engine.sendmsg(a, &message, MSG_NOSIGNAL, cb); }), 4);
    EXPECT_EQ(result_of([&](auto cb) { return engine.recvmsg(b, &message, 0, cb); }), 4);
    EXPECT_EQ(result_of_awaited(engine.async_sendmsg(a, &message)), 4);
    EXPECT_EQ(result_of_awaited(engine.async_recvmsg(b, &message)), 4);
}

TEST_F(CppOperations, AcceptAndConnect) {
    const unique_fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(listener.get(), generic, size), 0);
    ASSERT_EQ(::listen(listener.get(), 4), 0);
    ASSERT_EQ(::getsockname(listener.get(), generic, &size), 0);

    ssize_t accepted = -1;
    engine.accept(listener.get(), nullptr, nullptr, SOCK_CLOEXEC, [&](ssize_t n) { accepted = n; });
    const unique_fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(result_of([&](auto cb) { return engine.connect(client.get(), generic, size, cb); }), 0);
    const unique_fd served(static_cast<int>(accepted));
    EXPECT_GE(served.get(), 0);

    const unique_fd second(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(result_of_awaited(engine.async_connect(second.get(), generic, size)), 0);
    const unique_fd second_served(static_cast<int>(result_of_awaited(engine.async_accept(listener.get()))));
    EXPECT_GE(second_served.get(), 0);
}

TEST_F(CppOperations, Timers) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(result_of([&](auto cb) { return engine.timeout(2ms, cb); }), 0);
    EXPECT_EQ(result_of_awaited(engine.async_timeout(2ms)), 0);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 4ms);
    EXPECT_EQ(result_of([&](auto cb) { return engine.timeout(-1s, cb); }), 0);
}

TEST_F(CppOperations, OnRegisteredBuffersAndFiles) {
    alignas(4096) static char memory[2][4096];
    const iovec buffers[2] = {{memory[0], 4096}, {memory[1], 4096}};
    engine.register_buffers(buffers);
    const int files[2] = {fd.get(), -1};
    engine.register_files(files);
    const int f = engine.fixed_file(0);
    EXPECT_EQ(result_of([&](auto cb) { return engine.read(f, aura::BufferRef::fixed(1, 96), 4000, 0, cb); }),
              4000);
    EXPECT_TRUE(scratch_file::matches(memory[1] + 96, 4000, 0));
    EXPECT_EQ(result_of_awaited(engine.async_read(AURA_FIXED_FILE | 0, aura_buf_fixed(0, 0), 4096, 0)), 4096);
    engine.update_file(1, fd.get());
    EXPECT_EQ(result_of_awaited(engine.async_fsync(engine.fixed_file(1))), 0);

    bool over = false;
    engine.timeout(0ns, [&] { engine.unregister(AURA_REG_BUFFERS); }); // in a callback it only asks
    engine.request_unregister(AURA_REG_FILES, [&](ssize_t n) { over = n == 0; });
    EXPECT_TRUE(engine.drain());
    EXPECT_TRUE(over);
    EXPECT_EQ(error_of([&] { engine.fixed_file(0); }), ENOENT);
    EXPECT_EQ(error_of([&] { engine.unregister(AURA_REG_BUFFERS); }), ENOENT);
    EXPECT_EQ(error_of([&] { engine.read(0, aura::BufferRef::fixed(0), 1, 0, nullptr); }), ENOENT);

    engine.register_buffers(buffers);
    EXPECT_EQ(result_of_awaited(engine.async_unregister(AURA_REG_BUFFERS)), 0);
    engine.register_buffers(buffers);
    engine.request_unregister(AURA_REG_BUFFERS);
    EXPECT_TRUE(engine.drain());
    engine.register_buffers(buffers);
    engine.unregister(AURA_REG_BUFFERS);
}
