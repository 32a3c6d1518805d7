// chain: operations of the C++ layer that run one after the other.
#include "support.hpp"

#include <chrono>
#include <fcntl.h>
#include <string>

using namespace test;
using namespace std::chrono_literals;

namespace {

struct CppChain : testing::Test {
    aura::Engine engine;
    scratch_file file;
    unique_fd fd{::open(file.path().c_str(), O_RDWR | O_CLOEXEC)};
};

} // namespace

TEST_F(CppChain, RunsInOrder) {
    std::string order;
    char data[8] = {};
    const auto requests = engine.link()
                              .write(fd.get(), "abc", 3, 0, [&](ssize_t n) { order += n == 3 ? 'w' : '!'; })
                              .fdatasync(fd.get())
                              .read(fd.get(), data, 3, 0, [&](aura::Request&, ssize_t) { order += 'r'; })
                              .fsync(fd.get(), [&] { order += 's'; })
                              .submit();
    ASSERT_EQ(requests.size(), 4u);
    EXPECT_TRUE(requests.back().pending());
    EXPECT_TRUE(engine.drain());
    EXPECT_EQ(order, "wrs");
    EXPECT_EQ(std::string(data), "abc");
}

TEST_F(CppChain, AShortTransferCancelsTheRest) {
    char data[8];
    ssize_t first = 0;
    ssize_t second = 0;
    engine.link()
        .read(fd.get(), data, 8, 0, [&](ssize_t n) { first = n; })
        .fsync(fd.get(), [&](ssize_t n) { second = n; })
        .submit();
    EXPECT_TRUE(engine.drain());
    EXPECT_EQ(first, 0);
    EXPECT_EQ(second, -ECANCELED);
}

TEST_F(CppChain, EachMayBeCancelledAlone) {
    const pipe_ends ends;
    char data[8];
    ssize_t result = 0;
    const auto requests = engine.link()
                              .read(ends.read_end, data, 8, AURA_CURRENT_POSITION)
                              .fsync(fd.get(), [&](ssize_t n) { result = n; })
                              .submit();
    EXPECT_TRUE(requests[0].cancel());
    EXPECT_TRUE(engine.drain());
    EXPECT_EQ(result, -ECANCELED);
}

TEST_F(CppChain, IsAwaitedAsOne) {
    char data[8] = {};
    const auto copies = [&]() -> aura::Task<ssize_t> {
        const iovec part{data, 4};
        co_return co_await engine.link()
            .write(fd.get(), "defg", 4, 0)
            .fsync(fd.get())
            .readv(fd.get(), &part, 1, 0)
            .ftruncate(fd.get(), 2)
            .writev(fd.get(), &part, 1, 2)
            .submit_async();
    };
    EXPECT_EQ(engine.block_on(copies()), 4);
    EXPECT_EQ(std::string(data), "defg");
    EXPECT_EQ(::lseek(fd.get(), 0, SEEK_END), 6);
}

TEST_F(CppChain, AwaitedItThrowsTheFirstFailure) {
    const pipe_ends ends;
    const auto fails = [&]() -> aura::Task<> {
        co_await engine.link()
            .write(ends.read_end, "a", 1, AURA_CURRENT_POSITION)
            .fsync(fd.get())
            .submit_async();
    };
    EXPECT_EQ(error_of([&] { engine.block_on(fails()); }), EBADF);
    const auto is_short = [&]() -> aura::Task<> {
        char data[8];
        co_await engine.link().read(fd.get(), data, 8, 0).fsync(fd.get()).submit_async();
    };
    EXPECT_EQ(error_of([&] { engine.block_on(is_short()); }), ECANCELED);
    const auto cannot_start = [&]() -> aura::Task<> { co_await engine.link().fsync(-1).submit_async(); };
    EXPECT_EQ(error_of([&] { engine.block_on(cannot_start()); }), EBADF);
    EXPECT_EQ(error_of([&] { (void)engine.link().fsync(0, [] {}).submit_async(); }), EINVAL);
    EXPECT_EQ(error_of([&] { engine.link().submit(); }), EINVAL);
}

TEST_F(CppChain, MayBeMovedAndUsedAgain) {
    int calls = 0;
    aura::Chain first = engine.link();
    first.fsync(fd.get(), [&] { ++calls; });
    aura::Chain second(std::move(first));
    second.submit();
    second.fsync(fd.get(), [&] { ++calls; }).close(fd.release()).submit();
    EXPECT_TRUE(engine.drain());
    EXPECT_EQ(calls, 2);
}
