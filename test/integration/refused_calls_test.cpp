// refused calls: the kernel refuses io_uring_enter(2) or io_uring_register(2) for a moment, or for good.
// Nothing is lost, no error ends the process, and none is kept quiet.
#include <auraio/auraio.hpp>

#include "support/injected_faults.hpp"
#include "support/older_kernel.hpp"
#include "support/ring_configurations.hpp"
#include "support/scratch_file.hpp"

#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <chrono>
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

using socket_type = net::generic::stream_protocol::socket::rebind_executor<aura::executor>::other;

/// Something of everything on two rings, one of which has no thread of its own: an exchange over a socket
/// pair, reads of a file, timers, posts between the rings. Every operation counts once.
class workload {
public:
    static constexpr int rounds = 4;
    static constexpr int expected = rounds * 4;

    explicit workload(aura::io_context& ctx, unsigned other_ring)
        : here_(ctx.ring_executor(0))
        , there_(ctx.ring_executor(other_ring))
        , contents_(4096)
        , file_(there_, contents_.path(), aura::file_base::read_only)
        , timer_(there_) {
        int ends[2];
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        a_.emplace(here_, net::generic::stream_protocol(AF_UNIX, 0), ends[0]);
        b_.emplace(there_, net::generic::stream_protocol(AF_UNIX, 0), ends[1]);
    }

    void start() {
        net::post(there_, [this] { serve(); });
        net::post(here_, [this] { send(rounds); });
        net::post(there_, [this] { read(rounds); });
        net::post(there_, [this] { tick(rounds); });
        net::post(here_, [this] { hop(rounds); });
    }

    int right() const noexcept { return right_; }

private:
    void send(int left) {
        if (left == 0) {
            a_->close();
            return;
        }
        a_->async_send(net::buffer("x", 1), [this, left](aura::error_code ec, std::size_t) {
            EXPECT_FALSE(ec) << ec.message();
            a_->async_receive(net::buffer(answer_), [this, left](aura::error_code e, std::size_t n) {
                EXPECT_FALSE(e) << e.message();
                right_ += n == 1 && answer_[0] == 'x';
                send(left - 1);
            });
        });
    }
    void serve() {
        b_->async_receive(net::buffer(request_), [this](aura::error_code ec, std::size_t) {
            if (ec) {
                EXPECT_TRUE(ec == net::error::eof) << ec.message();
                return;
            }
            b_->async_send(net::buffer(request_), [this](aura::error_code e, std::size_t) {
                EXPECT_FALSE(e) << e.message();
                serve();
            });
        });
    }
    void read(int left) {
        if (left == 0)
            return;
        file_.async_read_some_at(0, net::buffer(data_), [this, left](aura::error_code ec, std::size_t n) {
            EXPECT_FALSE(ec) << ec.message();
            right_ += scratch_file::matches(data_, n, 0) && n == sizeof data_;
            read(left - 1);
        });
    }
    void tick(int left) {
        if (left == 0)
            return;
        timer_.expires_after(left == 1 ? 2ms : 100us);
        timer_.async_wait([this, left](aura::error_code ec) {
            right_ += !ec;
            tick(left - 1);
        });
    }
    void hop(int left) {
        if (left == 0)
            return;
        net::post(there_, [this, left] {
            net::post(here_, [this, left] {
                ++right_;
                hop(left - 1);
            });
        });
    }

    aura::executor here_, there_;
    scratch_file contents_;
    std::optional<socket_type> a_, b_;
    aura::random_access_file file_;
    aura::basic_waitable_timer<std::chrono::steady_clock> timer_;
    char request_[1] = {}, answer_[1] = {}, data_[4096] = {};
    int right_ = 0;
};

class RefusedCalls : public testing::TestWithParam<ring_configuration> {
protected:
    void SetUp() override {
        if (!GetParam().has_rings())
            GTEST_SKIP() << "the epoll backend makes none of the calls that are refused here";
    }
    void TearDown() override { enter_faults::stop_failing(); }
    unsigned other_ring() const { return GetParam().task_work == aura::task_run::deferred ? 0 : 1; }
};
INSTANTIATE_TEST_SUITE_P(Flags, RefusedCalls, testing::ValuesIn(all_rings), configuration_name);

TEST_P(RefusedCalls, ErrorsThatPassAreSeenByNobodyWhicheverCallHasThem) {
    for (const int error : {EAGAIN, EBUSY, EINTR, ENOMEM})
        for (const unsigned count : {1u, 3u})
            for (std::uint64_t first = 1; first <= 24; ++first) {
                SCOPED_TRACE(std::string(std::strerror(error)) + ", " + std::to_string(count) +
                             " from call " + std::to_string(first));
                aura::io_context ctx(GetParam().options());
                workload work(ctx, other_ring());
                work.start();
                enter_faults::fail(first, count, error);
                ctx.run_for(20s);
                ASSERT_EQ(work.right(), workload::expected);
                ASSERT_TRUE(ctx.stopped());
            }
}

/// Also those calls that come of destructors.
TEST_P(RefusedCalls, ErrorsThatPassWhileEverythingIsDestroyed) {
    for (const int error : {EAGAIN, EBUSY, EINTR, ENOMEM})
        for (std::uint64_t first = 1; first <= 12; ++first) {
            SCOPED_TRACE(std::string(std::strerror(error)) + " from call " + std::to_string(first));
            const auto owned = std::make_shared<int>(0);
            {
                aura::io_context ctx(GetParam().options());
                int ends[2];
                ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
                socket_type a(ctx.ring_executor(0), net::generic::stream_protocol(AF_UNIX, 0), ends[0]),
                    b(ctx.ring_executor(other_ring()), net::generic::stream_protocol(AF_UNIX, 0), ends[1]);
                char letter[1];
                a.async_receive(net::buffer(letter), [owned](aura::error_code, std::size_t) {});
                b.async_receive(net::buffer(letter), [owned](aura::error_code, std::size_t) {});
                ctx.poll();
                enter_faults::fail(first, 3, error);
                ctx.poll();
            }
            enter_faults::stop_failing();
            ASSERT_EQ(owned.use_count(), 1);
        }
}

TEST_P(RefusedCalls, AShortageThatLastsIsNoLoopAtFullSpeed) {
    aura::io_context ctx(GetParam().options());
    aura::steady_timer timer(ctx, 1ms);
    bool fired = false;
    timer.async_wait([&](aura::error_code ec) { fired = !ec; });
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    socket_type a(ctx, net::generic::stream_protocol(AF_UNIX, 0), ends[0]);
    char letter[1];
    bool received = false;
    a.async_receive(net::buffer(letter), [&](aura::error_code ec, std::size_t) { received = !ec; });
    ctx.poll();
    enter_faults::fail(1, 200, ENOMEM); // each is answered by a pause of a millisecond
    const std::uint64_t before = enter_faults::injected();
    const auto begin = std::chrono::steady_clock::now();
    std::thread later([&] {
        // The number first, then the time: a machine that is busy runs this thread late.
        while (enter_faults::injected() - before < 100 && std::chrono::steady_clock::now() - begin < 20s)
            std::this_thread::yield();
        EXPECT_GE(std::chrono::steady_clock::now() - begin, 75ms);
        EXPECT_EQ(::write(ends[1], "x", 1), 1);
    });
    ctx.run_for(20s);
    later.join();
    EXPECT_TRUE(fired);
    EXPECT_TRUE(received);
    ::close(ends[1]);
}

/// It leaves run() as an exception, and when the kernel has changed its mind everything completes.
TEST_P(RefusedCalls, AnErrorThatDoesNotPassLeavesRun) {
    int thrown = 0;
    for (std::uint64_t first = 1; first <= 24; ++first) {
        SCOPED_TRACE(first);
        aura::io_context ctx(GetParam().options());
        workload work(ctx, other_ring());
        work.start();
        enter_faults::fail(first, 1, EPERM);
        for (int i = 0; i < 4 && !ctx.stopped(); ++i)
            try {
                ctx.run_for(20s);
            } catch (const std::exception& e) {
                ++thrown;
                EXPECT_NE(std::string(e.what()).find("io_uring_enter"), std::string::npos) << e.what();
            }
        ASSERT_EQ(work.right(), workload::expected);
    }
    EXPECT_GE(thrown, 4);
}

/// Cancelling finds the queue full and the kernel unwilling: it is done later.
TEST_P(RefusedCalls, ACancellationThatFindsNoEntryIsSentLater) {
    auto options = GetParam().options();
    options.sq_entries = 8;
    aura::io_context ctx(options);
    const aura::executor here = ctx.ring_executor(0);
    std::vector<socket_type> mine, peers;
    for (int i = 0; i < 24; ++i) {
        int ends[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        mine.emplace_back(here, net::generic::stream_protocol(AF_UNIX, 0), ends[0]);
        peers.emplace_back(here, net::generic::stream_protocol(AF_UNIX, 0), ends[1]);
    }
    char data[1];
    int cancelled = 0, refused = 0;
    mine[0].async_receive(net::buffer(data), [&](aura::error_code ec, std::size_t) {
        EXPECT_TRUE(ec == net::error::operation_aborted) << ec.message();
        ++cancelled;
        for (std::size_t i = 1; i < mine.size(); ++i)
            mine[i].close();
    });
    ctx.poll(); // the kernel has it
    net::post(here, [&] {
        enter_faults::fail(1, 1'000'000, EPERM);
        for (std::size_t i = 1; i < mine.size(); ++i)
            mine[i].async_receive(net::buffer(data),
                                  [&](aura::error_code ec, std::size_t) { refused += ec.value() == EPERM; });
        mine[0].cancel();
        enter_faults::stop_failing();
    });
    ctx.run_for(20s);
    EXPECT_TRUE(ctx.stopped());
    EXPECT_EQ(cancelled, 1);
    EXPECT_GE(refused, 1); // the queue was full
}

TEST_P(RefusedCalls, AContextThatIsRefusedForGoodCanBeDestroyed) {
    for (std::uint64_t first = 1; first <= 6; ++first) {
        SCOPED_TRACE(first);
        const auto owned = std::make_shared<int>(0);
        {
            aura::io_context ctx(GetParam().options());
            int ends[2];
            ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
            socket_type a(ctx, net::generic::stream_protocol(AF_UNIX, 0), ends[0]),
                b(ctx, net::generic::stream_protocol(AF_UNIX, 0), ends[1]);
            char letter[1];
            a.async_receive(net::buffer(letter), [owned](aura::error_code, std::size_t) {});
            enter_faults::fail(first, ~std::uint64_t{0} >> 1, EPERM);
            try {
                ctx.run_for(20ms);
            } catch (const std::exception&) {
            }
            b.async_receive(net::buffer(letter), [owned](aura::error_code, std::size_t) {});
            try {
                ctx.poll();
            } catch (const std::exception&) {
            }
        }
        enter_faults::stop_failing();
        ASSERT_EQ(owned.use_count(), 1);
    }
}

/// A sandbox that was put up after the features were probed: messages to rings are refused.
TEST(RefusedRegistration, WakesArriveWhateverTheAnswer) {
    for (const int error : {EPERM, EACCES, ENOMEM, EINVAL, ENOSYS}) {
        SCOPED_TRACE(std::strerror(error));
        const ::pid_t child = ::fork();
        if (child == 0) {
            ::alarm(20);
            aura::io_context ctx;
            auto guard = net::make_work_guard(ctx);
            std::thread one([&] { ctx.run(); }), two([&] { ctx.run(); });
            if (!older_kernel::without_registration(error)) // for this thread, which does the waking
                ::_exit(77);
            std::atomic<int> ran{0};
            for (int i = 0; i < 100; ++i) {
                net::post(ctx.ring_executor(static_cast<unsigned>(i) % 2), [&] {
                    ++ran;
                    ran.notify_all();
                });
                for (int seen = ran; seen <= i; seen = ran)
                    ran.wait(seen);
            }
            ctx.stop();
            one.join();
            two.join();
            ::_exit(0);
        }
        int status = -1;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
            GTEST_SKIP() << "seccomp filters are not allowed here";
        EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    }
}

} // namespace
