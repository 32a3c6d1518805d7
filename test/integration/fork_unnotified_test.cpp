// fork without notify_fork(): whatever the child does with what it inherited, the parent goes on undisturbed.
#include <auraio/auraio.hpp>
#include <auraio/core/io/signal_set.hpp>
#include <auraio/core/loop/engine.hpp>
#include <auraio/stall_report.hpp>

#include "support/ring_configurations.hpp"
#include "support/sanitizers.hpp"
#include "support/scratch_file.hpp"

#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;

namespace {

/// A context with a receive, a timer and an accept under way.
struct busy_context {
    explicit busy_context(const aura::io_context_options& options) {
        context.emplace(options);
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        socket.emplace(*context, net::generic::stream_protocol(AF_UNIX, 0), ends[0]);
        acceptor.emplace(*context, aura::ip::tcp::endpoint(aura::ip::address_v4::loopback(), 0));
        timer.emplace(*context);
        socket->async_receive(net::buffer(letter), [this](aura::error_code ec, std::size_t n) {
            received = !ec && n == 1 && letter[0] == 'a';
            socket_error = ec;
        });
        acceptor->async_accept([this](aura::error_code ec, aura::ip::tcp::socket) { accepted = !ec; });
        do { // all are pending: not so where the machine was busy with other things for 30 ms
            fired = false;
            timer->expires_after(30ms);
            timer->async_wait([this](aura::error_code ec) { fired = !ec; });
            context->poll();
        } while (fired);
    }
    ~busy_context() {
        if (ends[1] >= 0)
            ::close(ends[1]);
    }

    /// All three complete as if nothing had happened, and another exchange after them.
    void expect_goes_on() {
        ASSERT_EQ(::write(ends[1], "a", 1), 1);
        aura::ip::tcp::socket client(*context);
        client.connect(acceptor->local_endpoint());
        context->restart();
        context->run_for(5s);
        EXPECT_TRUE(received) << socket_error.message();
        EXPECT_TRUE(fired);
        EXPECT_TRUE(accepted);
        bool sent = false;
        socket->async_send(net::buffer("b", 1), [&](aura::error_code ec, std::size_t) { sent = !ec; });
        context->restart();
        context->run_for(5s);
        EXPECT_TRUE(sent);
        char b = 0;
        EXPECT_EQ(::read(ends[1], &b, 1), 1);
        EXPECT_EQ(b, 'b');
    }

    std::optional<aura::io_context> context;
    std::optional<net::generic::stream_protocol::socket::rebind_executor<aura::executor>::other> socket;
    std::optional<aura::ip::tcp::acceptor> acceptor;
    std::optional<aura::steady_timer> timer;
    int ends[2] = {-1, -1};
    char letter[1] = {};
    bool received = false, fired = false, accepted = false;
    aura::error_code socket_error;
};

/// Runs `what` in a child, which has `limit` for it. Its exit status.
int in_child(const std::function<int()>& what, unsigned limit = 20) {
    const ::pid_t child = ::fork();
    if (child == 0) {
        ::alarm(limit);
        ::_exit(what());
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

class ForkUnnotified : public testing::TestWithParam<ring_configuration> {};
INSTANTIATE_TEST_SUITE_P(Flags, ForkUnnotified, testing::ValuesIn(all_rings), configuration_name);

TEST_P(ForkUnnotified, AChildThatOnlyExits) {
    busy_context c(GetParam().options());
    EXPECT_EQ(in_child([] { return 0; }), 0);
    c.expect_goes_on();
}

TEST_P(ForkUnnotified, AChildThatDestroysEverything) {
    busy_context c(GetParam().options());
    EXPECT_EQ(in_child([&] {
                  c.received = c.fired = c.accepted = false; // where all is slow the timer has fired before
                  c.timer.reset();
                  c.acceptor.reset();
                  c.socket.reset();
                  c.context.reset();
                  return c.received || c.fired || c.accepted;
              }),
              0);
    c.expect_goes_on();
}

TEST_P(ForkUnnotified, AChildThatDestroysTheContextFirst) {
    busy_context c(GetParam().options());
    std::optional<aura::random_access_file> file(std::in_place, *c.context, "/dev/zero",
                                                 aura::file_base::read_only);
    EXPECT_EQ(in_child([&] {
                  file.reset();
                  c.context->stop();
                  c.socket->cancel();
                  c.timer->cancel();
                  c.timer.reset();
                  c.acceptor.reset();
                  c.socket.reset();
                  c.context.reset();
                  return 0;
              }),
              0);
    c.expect_goes_on();
}

TEST_P(ForkUnnotified, AChildThatClosesItsCopies) {
    busy_context c(GetParam().options());
    EXPECT_EQ(in_child([&] {
                  aura::error_code ec;
                  c.socket->close(ec);
                  c.acceptor->close(ec);
                  c.timer->cancel();
                  return ec ? 1 : 0;
              }),
              0);
    c.expect_goes_on();
}

TEST_P(ForkUnnotified, AChildThatRunsTheContext) {
    busy_context c(GetParam().options());
    EXPECT_EQ(in_child([&] {
                  c.socket->cancel(); // what comes is for the parent
                  c.acceptor->cancel();
                  aura::steady_timer another(*c.context, 1ms);
                  bool both = false;
                  another.async_wait([&](aura::error_code ec) { both = !ec; });
                  c.context->restart();
                  c.context->run_for(5s);
                  return c.fired && both && !c.received && !c.accepted ? 0 : 1;
              }),
              0);
    c.expect_goes_on();
}

TEST_P(ForkUnnotified, AHandlerForksAndTheChildReturnsToTheLoop) {
    aura::io_context ctx(GetParam().options());
    int pipe[2];
    ASSERT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
    aura::stream_file reader(ctx, pipe[0]);
    char letter[1] = {};
    bool fired = false, polled = false;
    ::pid_t child = -1;
    aura::steady_timer timer(ctx, 20ms);
    timer.async_wait([&](aura::error_code ec) { fired = !ec; });
    reader.async_read_some(net::buffer(letter),
                           [&](aura::error_code ec, std::size_t n) { polled = !ec && n == 1; });
    ctx.poll();
    net::post(ctx, [&] {
        child = ::fork();
        if (child == 0)
            ::alarm(20);
        else
            EXPECT_EQ(::write(pipe[1], "ab", 2), 2); // one for each
    });
    ctx.run();
    if (child == 0)
        ::_exit(fired && polled ? 0 : 1);
    EXPECT_TRUE(fired);
    EXPECT_TRUE(polled);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child: " << status;
    ::close(pipe[1]);
}

class ForkUnnotifiedThreads : public testing::TestWithParam<ring_configuration> {};
INSTANTIATE_TEST_SUITE_P(Flags, ForkUnnotifiedThreads, testing::ValuesIn(adoptable_rings),
                         configuration_name);

TEST_P(ForkUnnotifiedThreads, OthersDriveTheRingsMeanwhile) {
    aura::io_context ctx(GetParam().options());
    auto guard = net::make_work_guard(ctx);
    std::thread one([&] { ctx.run(); }), two([&] { ctx.run(); });
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    using socket_type = net::generic::stream_protocol::socket::rebind_executor<aura::executor>::other;
    std::optional<socket_type> socket(std::in_place, ctx.ring_executor(0),
                                      net::generic::stream_protocol(AF_UNIX, 0), ends[0]);
    char letter[1] = {};
    std::atomic<int> received{0};
    const auto receive = [&] {
        socket->async_receive(net::buffer(letter), [&](aura::error_code ec, std::size_t n) {
            received = !ec && n == 1 ? 1 : 2;
            received.notify_all();
        });
    };
    std::atomic<bool> under_way{false};
    net::post(ctx.ring_executor(0), [&] {
        receive();
        ctx.flush();
        under_way = true;
        under_way.notify_all();
    });
    under_way.wait(false);
    EXPECT_EQ(in_child([&] {
                  socket->close(); // the thread that drove its ring does not exist here
                  ctx.stop();
                  ctx.restart();
                  aura::steady_timer timer(ctx, 1ms);
                  bool fired = false;
                  timer.async_wait([&](aura::error_code ec) { fired = !ec; });
                  while (!fired)
                      ctx.run_one();
                  return 0;
              }),
              0);
    ASSERT_EQ(::write(ends[1], "a", 1), 1);
    received.wait(0);
    EXPECT_EQ(received, 1);
    guard.reset();
    ctx.stop();
    one.join();
    two.join();
    socket.reset();
    ::close(ends[1]);
}

/// The thread that forks holds the token of a ring without a thread of its own, and has handlers of it left.
TEST_P(ForkUnnotifiedThreads, RingsThatAreLookedAfterLiveInTheChild) {
    for (const bool notify : {true, false}) {
        SCOPED_TRACE(notify ? "notified" : "not notified");
        aura::io_context ctx(GetParam().options());
        const auto ring0 = ctx.ring_executor(0), ring1 = ctx.ring_executor(1);
        int before = 0, after = 0;
        ::pid_t child = -1;
        const auto fork_here = [&] {
            if (notify)
                ctx.notify_fork(net::execution_context::fork_prepare);
            child = ::fork();
            if (child == 0)
                ::alarm(20);
            if (notify)
                ctx.notify_fork(child == 0 ? net::execution_context::fork_child
                                           : net::execution_context::fork_parent);
            net::post(ring1, [&] { ++after; });
        };
        net::post(ring0, [&] {
            net::post(ring1, [&] { ++before; }); // ready on ring 1 in the next turn
            net::post(ring0, fork_here);         // and this one runs before it
        });
        ctx.run_for(5s);
        const bool good = before == 1 && after == 1;
        if (child == 0)
            ::_exit(good ? 0 : 1);
        EXPECT_TRUE(good) << before << ' ' << after;
        int status = -1;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child: " << status;
    }
}

TEST_P(ForkUnnotifiedThreads, AHandlerOfARingThatIsLookedAfterForks) {
    aura::io_context ctx(GetParam().options());
    const auto ring1 = ctx.ring_executor(1);
    aura::steady_timer timer(ring1, 5ms);
    int fired = 0, posted = 0;
    ::pid_t child = -1;
    timer.async_wait([&](aura::error_code ec) { fired += !ec; });
    net::post(ring1, [&] {
        ctx.notify_fork(net::execution_context::fork_prepare);
        child = ::fork();
        if (child == 0)
            ::alarm(20);
        ctx.notify_fork(child == 0 ? net::execution_context::fork_child
                                   : net::execution_context::fork_parent);
        net::post(ring1, [&] { ++posted; });
    });
    ctx.run_for(5s);
    if (child == 0)
        ::_exit(fired == 1 && posted == 1 ? 0 : 1);
    EXPECT_EQ(fired, 1);
    EXPECT_EQ(posted, 1);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child: " << status;
}

TEST(ForkUnnotifiedMeanwhile, EnginesAreMadeAndDestroyed) {
    // In memory that shows when a member is read before it exists, or afterwards.
    struct alignas(aura::core::engine) room {
        unsigned char bytes[sizeof(aura::core::engine)];
    };
    std::atomic<bool> enough{false};
    std::atomic<unsigned> made{0};
    std::thread other([&] {
        const auto place = std::make_unique<room>();
        while (!enough) {
            std::memset(place->bytes, 0xff, sizeof place->bytes);
            auto* const engine = ::new (static_cast<void*>(place->bytes)) aura::core::engine({});
            engine->track();    // for else it looks at nothing
            engine->run_one(0); // makes the ring
            engine->untrack();
            engine->~engine();
            std::memset(place->bytes, 0xff, sizeof place->bytes);
            ++made;
            made.notify_one();
        }
    });
    made.wait(0);
    for (int i = 0; i < 200 && !HasFailure(); ++i)
        EXPECT_EQ(in_child([] { return 0; }), 0) << "fork " << i;
    enough = true;
    other.join();
}

/// What takes locks of the process in other threads, and then in the child.
struct process_wide {
    const char* name;
    void (*use)();
    bool makes_threads = false;
};

const process_wide process_wide_things[] = {
    {"Engines",
     [] {
         aura::io_context ctx;
         net::post(ctx, [] {});
         ctx.run();
     }},
    {"Signals",
     [] {
         aura::core::engine engine({});
         engine.run_one(0);
         for (int i = 0; i < 100; ++i)
             EXPECT_EQ(aura::core::signal_set::create(engine.shard_at(0))->add(SIGUSR1, 0), 0);
     }},
    {"Buffers",
     [] {
         aura::buffer_pool pool;
         EXPECT_TRUE(pool.allocate(4096));
     }},
    {"Files",
     [] {
         aura::io_context ctx;
         const scratch_file contents(4096);
         aura::random_access_file file(ctx, contents.path(), aura::file_base::read_only);
         char data[16];
         std::size_t got = 0;
         file.async_read_some_at(0, net::buffer(data), [&](aura::error_code, std::size_t n) { got = n; });
         ctx.run();
         EXPECT_EQ(got, sizeof data);
     }},
    {"Names",
     [] {
         aura::io_context ctx;
         aura::ip::tcp::resolver resolver(ctx);
         bool resolved = false;
         resolver.async_resolve("127.0.0.1", "80", [&](aura::error_code ec, auto) { resolved = !ec; });
         ctx.run();
         EXPECT_TRUE(resolved);
     },
     true},
    {"StallReports",
     [] {
         aura::set_stall_report(1);
         aura::io_context ctx;
         net::post(ctx, [] {});
         ctx.run();
         aura::set_stall_report(0);
     },
     true},
};

class ForkMeanwhile : public testing::TestWithParam<process_wide> {};
INSTANTIATE_TEST_SUITE_P(, ForkMeanwhile, testing::ValuesIn(process_wide_things),
                         [](const auto& which) { return which.param.name; });

TEST_P(ForkMeanwhile, OtherThreadsHoldNoLockInTheChild) {
    if (AURAIO_TEST_TSAN && GetParam().makes_threads)
        GTEST_SKIP() << "ThreadSanitizer allows no thread in a child";
    std::atomic<bool> enough{false};
    std::vector<std::thread> busy;
    for (int t = 0; t < 2; ++t)
        busy.emplace_back([&] {
            while (!enough)
                GetParam().use();
        });
    for (int i = 0; i < 20 && !HasFailure(); ++i)
        EXPECT_EQ(in_child([] {
                      GetParam().use();
                      return HasFailure() ? 1 : 0;
                  }),
                  0)
            << "fork " << i;
    enough = true;
    for (std::thread& t : busy)
        t.join();
}

} // namespace
