// fork: called from a handler with operations pending, as on asio::io_context; both processes complete what
// is theirs.
#include <auraio/auraio.hpp>

#include "support/ring_configurations.hpp"
#include "support/scratch_file.hpp"

#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <sys/wait.h>
#include <vector>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;

namespace {

class Fork : public testing::TestWithParam<ring_configuration> {};
INSTANTIATE_TEST_SUITE_P(Flags, Fork, testing::ValuesIn(adoptable_rings), configuration_name);

TEST_P(Fork, FromAHandlerWithOperationsPending) {
    constexpr std::size_t block = 4096, count = 32;
    scratch_file contents(block * count);
    aura::io_context ctx(GetParam().options());
    aura::random_access_file file(ctx, contents.path(), aura::file_base::read_only);
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    aura::stream_file reader(ctx, pipe[0]);
    std::vector<char> memory(block * count);
    char letter[1] = {};
    std::size_t right = 0, fired = 0, polled = 0, started_after = 0;
    ::pid_t child = -1;

    aura::steady_timer timer(ctx, 20ms);
    timer.async_wait([&](aura::error_code ec) { fired += !ec; });
    net::post(ctx, [&] {
        for (std::size_t i = 0; i < count; ++i)
            file.async_read_some_at(i * block, net::buffer(&memory[i * block], block),
                                    [&, i](aura::error_code ec, std::size_t n) {
                                        right += !ec && n == block &&
                                                 scratch_file::matches(&memory[i * block], n, i * block);
                                    });
        reader.async_read_some(net::buffer(letter),
                               [&](aura::error_code ec, std::size_t n) { polled += !ec && n == 1; });
        ctx.flush(); // some are done, some are under way, the polled one waits
        ctx.notify_fork(net::execution_context::fork_prepare);
        child = ::fork();
        if (child == 0) {
            ctx.notify_fork(net::execution_context::fork_child);
            // The parent takes one of the two letters, the child the other.
        } else {
            ctx.notify_fork(net::execution_context::fork_parent);
            EXPECT_EQ(::write(pipe[1], "ab", 2), 2);
        }
        net::post(ctx, [&] { ++started_after; });
    });
    ctx.run();
    const bool good = right == count && fired == 1 && polled == 1 && started_after == 1;
    if (child == 0)
        ::_exit(good ? 0 : 1);
    EXPECT_TRUE(good) << right << " reads, " << fired << " timers, " << polled << " polled, "
                      << started_after;
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child: " << status;
    ::close(pipe[1]);
}

} // namespace
