// fork: called from a handler with operations pending; both processes complete all of them.
#include "support/libraries.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using test::error_code;

/// What reads from a pipe: in plain Asio there is no file without io_uring.
template <class Library>
struct pipe_reader {
    using type = net::posix::basic_stream_descriptor<typename Library::executor>;
};
template <>
struct pipe_reader<test::this_library> {
    using type = aura::stream_file;
};

template <class Library>
class Fork : public testing::Test {};
TYPED_TEST_SUITE(Fork, test::libraries, test::library_names);

TYPED_TEST(Fork, FromAHandlerWithOperationsPending) {
    typename TypeParam::context ctx;
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    typename pipe_reader<TypeParam>::type reader(ctx, ends[0]);
    typename TypeParam::steady_timer soon(ctx, 20ms), never(ctx, 1h);
    char letter[1] = {};
    int fired = 0, aborted = 0, polled = 0, posted = 0;
    ::pid_t child = -1;
    soon.async_wait([&](error_code ec) {
        fired += !ec;
        never.cancel();
    });
    never.async_wait([&](error_code ec) { aborted += ec == net::error::operation_aborted; });
    reader.async_read_some(net::buffer(letter),
                           [&](error_code ec, std::size_t n) { polled += !ec && n == 1; });
    ctx.poll(); // all are under way
    net::post(ctx, [&] {
        net::post(ctx, [&] { ++posted; });
        ctx.notify_fork(net::execution_context::fork_prepare);
        child = ::fork();
        if (child == 0) {
            ctx.notify_fork(net::execution_context::fork_child);
        } else {
            ctx.notify_fork(net::execution_context::fork_parent);
            EXPECT_EQ(::write(ends[1], "ab", 2), 2); // one for each
        }
        net::post(ctx, [&] { ++posted; });
    });
    ctx.run();
    const bool good = fired == 1 && aborted == 1 && polled == 1 && posted == 2;
    if (child == 0)
        ::_exit(good ? 0 : 1);
    EXPECT_TRUE(good) << fired << ' ' << aborted << ' ' << polled << ' ' << posted;
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child: " << status;
    ::close(ends[1]);
}

TYPED_TEST(Fork, AChildMayGoOnAlone) {
    typename TypeParam::context ctx;
    typename TypeParam::steady_timer timer(ctx, 1ms);
    timer.async_wait([](error_code) {});
    ctx.run();
    ctx.restart();
    ctx.notify_fork(net::execution_context::fork_prepare);
    const ::pid_t child = ::fork();
    ctx.notify_fork(child == 0 ? net::execution_context::fork_child : net::execution_context::fork_parent);
    timer.expires_after(1ms);
    bool fired = false;
    timer.async_wait([&](error_code ec) { fired = !ec; });
    ctx.run();
    if (child == 0)
        ::_exit(fired ? 0 : 1);
    EXPECT_TRUE(fired);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child: " << status;
}

} // namespace
