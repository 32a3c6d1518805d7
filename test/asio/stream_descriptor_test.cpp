// Stream descriptors and pipes: one test body on Asio's and on ours, and what only ours can do.
#include "support/handlers.hpp"
#include "support/libraries.hpp"
#include "support/scratch_file.hpp"

#include <auraio/asio/basic_readable_pipe.hpp>
#include <auraio/asio/basic_stream_descriptor.hpp>
#include <auraio/asio/basic_writable_pipe.hpp>

#include <gtest/gtest.h>

#include <array>
#include <csignal>
#include <fcntl.h>
#include <latch>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace net = test::net;
using test::error_code;
using test::exactly_once;

namespace {

template <class Library>
using descriptor_of = net::posix::basic_stream_descriptor<typename Library::executor>;

/// Both ends of a pipe, which others take over.
struct pipe_ends {
    explicit pipe_ends(int flags = 0) { EXPECT_EQ(::pipe2(fd, O_CLOEXEC | flags), 0); }
    int fd[2];
};

/// SIGPIPE as it is in most programs that write to pipes.
struct ignored_sigpipe {
    ignored_sigpipe() { old = std::signal(SIGPIPE, SIG_IGN); }
    ~ignored_sigpipe() { std::signal(SIGPIPE, old); }
    void (*old)(int);
};

template <class Library>
class StreamDescriptor : public testing::Test {
protected:
    typename Library::context ctx_;
    char memory_[64] = {};
};
TYPED_TEST_SUITE(StreamDescriptor, test::libraries, test::library_names);

TYPED_TEST(StreamDescriptor, SynchronousTransfer) {
    pipe_ends p;
    descriptor_of<TypeParam> in(this->ctx_, p.fd[0]), out(this->ctx_);
    error_code ec;
    out.write_some(net::buffer("x", 1), ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    out.assign(p.fd[1]);
    out.assign(p.fd[1], ec);
    EXPECT_EQ(ec, net::error::already_open);
    EXPECT_EQ(in.read_some(std::vector<net::mutable_buffer>(), ec), 0u);
    EXPECT_FALSE(ec) << "nothing to read";
    const std::array<net::const_buffer, 2> two{net::buffer("ab", 2), net::buffer("c", 1)};
    EXPECT_EQ(out.write_some(two), 3u);
    in.wait(descriptor_of<TypeParam>::wait_read);
    net::posix::descriptor_base::bytes_readable readable;
    in.io_control(readable);
    EXPECT_EQ(readable.get(), 3u);
    EXPECT_EQ(in.read_some(net::buffer(this->memory_)), 3u);
    in.non_blocking(true);
    EXPECT_TRUE(in.non_blocking());
    EXPECT_EQ(in.read_some(net::buffer(this->memory_), ec), 0u);
    EXPECT_EQ(ec, net::error::would_block);
    in.wait(descriptor_of<TypeParam>::wait_read, ec);
    EXPECT_EQ(ec, net::error::would_block);
    in.native_non_blocking(false, ec);
    EXPECT_EQ(ec, net::error::invalid_argument);
    out.close();
    EXPECT_EQ(in.read_some(net::buffer(this->memory_), ec), 0u);
    EXPECT_EQ(ec, net::error::eof);
    EXPECT_THROW(in.read_some(net::buffer(this->memory_)), test::system_error);
}

TYPED_TEST(StreamDescriptor, AsynchronousTransferAndTheEnd) {
    for (const int flags : {0, O_NONBLOCK}) {
        pipe_ends p(flags);
        descriptor_of<TypeParam> in(this->ctx_, p.fd[0]), out(this->ctx_, p.fd[1]);
        std::array<net::mutable_buffer, 2> halves{net::buffer(this->memory_, 1),
                                                  net::buffer(this->memory_ + 1, 9)};
        int called = 0;
        {
            test::initiation inside;
            in.async_read_some(halves, exactly_once([&](error_code ec, std::size_t n) {
                                   EXPECT_FALSE(ec);
                                   EXPECT_EQ(n, 3u);
                                   ++called;
                               }));
        }
        this->ctx_.restart();
        this->ctx_.poll();
        EXPECT_EQ(called, 0);
        out.async_write_some(net::buffer("abc", 3), exactly_once([&](error_code ec, std::size_t n) {
                                 EXPECT_FALSE(ec);
                                 EXPECT_EQ(n, 3u);
                                 ++called;
                             }));
        this->ctx_.restart();
        this->ctx_.run();
        EXPECT_EQ(called, 2);
        EXPECT_EQ(std::string(this->memory_, 3), "abc");
        in.async_read_some(net::buffer(this->memory_, 0), exactly_once([&](error_code ec, std::size_t n) {
                               EXPECT_FALSE(ec) << "no room: done at once";
                               EXPECT_EQ(n, 0u);
                               out.close();
                           }));
        this->ctx_.restart();
        this->ctx_.run();
        in.async_read_some(net::buffer(this->memory_), exactly_once([](error_code ec, std::size_t n) {
                               EXPECT_EQ(ec, net::error::eof);
                               EXPECT_EQ(n, 0u);
                           }));
        this->ctx_.restart();
        this->ctx_.run();
    }
}

TYPED_TEST(StreamDescriptor, PendingReadsAreServedInTheirOrder) {
    pipe_ends p;
    descriptor_of<TypeParam> in(this->ctx_, p.fd[0]), out(this->ctx_, p.fd[1]);
    std::string order;
    for (int i = 0; i < 6; ++i)
        in.async_read_some(net::buffer(this->memory_ + i, 1),
                           exactly_once([&, i](error_code ec, std::size_t) {
                               EXPECT_FALSE(ec);
                               order += static_cast<char>('0' + i);
                           }));
    this->ctx_.poll();
    out.write_some(net::buffer("abcdef", 6));
    this->ctx_.restart();
    this->ctx_.run();
    EXPECT_EQ(order, "012345");
    EXPECT_EQ(std::string(this->memory_, 6), "abcdef");
}

TYPED_TEST(StreamDescriptor, Readiness) {
    pipe_ends p;
    descriptor_of<TypeParam> in(this->ctx_, p.fd[0]), out(this->ctx_, p.fd[1]);
    std::string events;
    out.async_wait(descriptor_of<TypeParam>::wait_write, exactly_once([&](error_code ec) {
                       EXPECT_FALSE(ec);
                       events += 'w';
                   }));
    in.async_wait(descriptor_of<TypeParam>::wait_read, exactly_once([&](error_code ec) {
                      EXPECT_FALSE(ec);
                      events += 'r';
                  }));
    this->ctx_.run_one();
    EXPECT_EQ(events, "w");
    out.write_some(net::buffer("x", 1));
    this->ctx_.run();
    EXPECT_EQ(events, "wr");
}

TYPED_TEST(StreamDescriptor, CancelCloseReleaseAndDestruction) {
    int aborted = 0;
    const auto is_aborted = [&](error_code ec, std::size_t n) {
        EXPECT_EQ(ec, net::error::operation_aborted);
        EXPECT_EQ(n, 0u);
        ++aborted;
    };
    pipe_ends p;
    std::optional<descriptor_of<TypeParam>> in(std::in_place, this->ctx_, p.fd[0]);
    descriptor_of<TypeParam> out(this->ctx_, p.fd[1]);
    const auto start = [&] {
        in->async_read_some(net::buffer(this->memory_), exactly_once(is_aborted));
        in->async_read_some(net::buffer(this->memory_), exactly_once(is_aborted));
        this->ctx_.restart();
        this->ctx_.poll();
    };
    start();
    in->cancel();
    this->ctx_.run();
    EXPECT_EQ(aborted, 2);
    start();
    const int fd = in->release();
    EXPECT_EQ(fd, p.fd[0]);
    this->ctx_.run();
    EXPECT_EQ(aborted, 4);
    out.write_some(net::buffer("x", 1));
    char byte = 0;
    EXPECT_EQ(::read(fd, &byte, 1), 1) << "nothing pending has taken it";
    in->assign(fd);
    start();
    in->close();
    this->ctx_.run();
    EXPECT_EQ(aborted, 6);
    pipe_ends q;
    in->assign(q.fd[0]);
    start();
    in.reset();
    this->ctx_.run();
    EXPECT_EQ(aborted, 8);
    ::close(q.fd[1]);
}

TYPED_TEST(StreamDescriptor, ItsHandlerMayDestroyItAndItMayMoveMeanwhile) {
    pipe_ends p;
    auto in = std::make_unique<descriptor_of<TypeParam>>(this->ctx_, p.fd[0]);
    descriptor_of<TypeParam> out(this->ctx_, p.fd[1]);
    int called = 0;
    in->async_read_some(net::buffer(this->memory_), exactly_once([&](error_code ec, std::size_t) {
                            EXPECT_FALSE(ec);
                            ++called;
                            in.reset();
                        }));
    in = std::make_unique<descriptor_of<TypeParam>>(std::move(*in));
    out.write_some(net::buffer("x", 1));
    this->ctx_.run();
    EXPECT_EQ(called, 1);
}

TYPED_TEST(StreamDescriptor, OneReadIsCancelledByItsSlot) {
    pipe_ends p;
    descriptor_of<TypeParam> in(this->ctx_, p.fd[0]), out(this->ctx_, p.fd[1]);
    net::cancellation_signal signal;
    std::string events;
    const auto log = [&](char name) {
        return [&events, name](error_code ec, std::size_t) {
            events += name;
            events += ec == net::error::operation_aborted ? '!' : ec ? '?' : '.';
        };
    };
    in.async_read_some(net::buffer(this->memory_), net::bind_cancellation_slot(signal.slot(), log('a')));
    in.async_read_some(net::buffer(this->memory_), log('b'));
    this->ctx_.poll();
    signal.emit(net::cancellation_type::partial);
    this->ctx_.restart();
    this->ctx_.poll();
    EXPECT_EQ(events, "a!");
    out.write_some(net::buffer("x", 1));
    this->ctx_.restart();
    this->ctx_.run();
    EXPECT_EQ(events, "a!b.");
}

TYPED_TEST(StreamDescriptor, APipeNobodyReadsIsBroken) {
    ignored_sigpipe guard;
    pipe_ends p;
    ::close(p.fd[0]);
    descriptor_of<TypeParam> out(this->ctx_, p.fd[1]);
    error_code sync, async;
    out.write_some(net::buffer("x", 1), sync);
    out.async_write_some(net::buffer("x", 1), [&](error_code ec, std::size_t) { async = ec; });
    this->ctx_.run();
    EXPECT_EQ(sync, net::error::broken_pipe);
    EXPECT_EQ(async, net::error::broken_pipe);
}

TYPED_TEST(StreamDescriptor, PipesWithEveryKindOfToken) {
    net::basic_readable_pipe<typename TypeParam::executor> in(this->ctx_);
    net::basic_writable_pipe<typename TypeParam::executor> out(this->ctx_);
    net::connect_pipe(in, out);
    auto written = net::async_write(out, net::buffer("line one\nrest", 13), net::use_future);
    std::string line;
    net::co_spawn(
        this->ctx_,
        [&]() -> net::awaitable<void> {
            const std::size_t n =
                co_await net::async_read_until(in, net::dynamic_buffer(line), '\n', net::use_awaitable);
            EXPECT_EQ(n, 9u);
            out.close();
            auto [ec, more] =
                co_await in.async_read_some(net::buffer(this->memory_), test::as_tuple(net::use_awaitable));
            EXPECT_EQ(ec, net::error::eof);
            EXPECT_EQ(more, 0u);
        },
        net::detached);
    this->ctx_.run();
    EXPECT_EQ(written.get(), 13u);
    EXPECT_EQ(line, "line one\nrest");
    auto moved = std::move(in);
    error_code ec;
    in.read_some(net::buffer(this->memory_), ec);
    EXPECT_EQ(ec, net::error::bad_descriptor);
    EXPECT_TRUE(moved.is_open());
    moved.close();
    EXPECT_FALSE(moved.is_open());
}

#if AURAIO_TEST_HAS_AURA
using ring_descriptor = descriptor_of<test::this_library>;

TEST(RingStreamDescriptor, FilesThatCannotBePolledWork) {
    aura::io_context ctx;
    test::scratch_file contents(1000);
    ring_descriptor file(ctx, ::open(contents.path().c_str(), O_RDONLY | O_CLOEXEC)),
        null(ctx, ::open("/dev/null", O_RDWR | O_CLOEXEC));
    std::vector<char> data(2000);
    std::size_t got = 0;
    net::async_read(file, net::buffer(data), [&](error_code ec, std::size_t n) {
        EXPECT_EQ(ec, net::error::eof);
        got = n;
    });
    null.async_write_some(net::buffer(data), exactly_once([](error_code ec, std::size_t n) {
                              EXPECT_FALSE(ec);
                              EXPECT_EQ(n, 2000u);
                          }));
    null.async_read_some(net::buffer(data),
                         exactly_once([](error_code ec, std::size_t) { EXPECT_EQ(ec, net::error::eof); }));
    ctx.run();
    EXPECT_EQ(got, 1000u);
    EXPECT_TRUE(test::scratch_file::matches(data.data(), got, 0));
}

TEST(RingStreamDescriptor, ConvertsToAnotherExecutorAndToAsiosOwn) {
    aura::io_context ctx;
    pipe_ends p;
    ring_descriptor in(ctx, p.fd[0]);
    ring_descriptor::rebind_executor<net::strand<aura::executor>>::other stranded(
        net::strand<aura::executor>(ctx.get_executor()), p.fd[1]);
    EXPECT_EQ(stranded.write_some(net::buffer("ab", 2)), 2u);
    int called = 0;
    char byte;
    stranded.async_write_some(net::buffer("c", 1), [&](error_code ec, std::size_t) { called += !ec; });
    in.async_read_some(net::buffer(&byte, 1), [&](error_code ec, std::size_t) { called += !ec; });
    ctx.run();
    EXPECT_EQ(called, 2);
}

TEST(RingStreamDescriptor, ClosedByAnotherThreadItsQueuedWritesReachNothing) {
    // Eight bytes: what an eventfd would have taken.
    aura::io_context ctx;
    pipe_ends p;
    ring_descriptor out(ctx, p.fd[1]);
    std::latch queued(1), closed(1);
    error_code result;
    net::post(ctx, [&] {
        out.async_write_some(net::buffer("12345678", 8), [&](error_code ec, std::size_t) { result = ec; });
        queued.count_down(); // not submitted before this handler returns
        closed.wait();
    });
    std::thread runner([&] { ctx.run(); });
    queued.wait();
    out.close();
    closed.count_down();
    runner.join();
    EXPECT_EQ(result, net::error::operation_aborted);
    char byte;
    EXPECT_EQ(::read(p.fd[0], &byte, 1), 0) << "the end, and no bytes";
    ::close(p.fd[0]);
}
#endif

} // namespace
