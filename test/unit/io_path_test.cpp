// io_path: a request's way through several attempts, by hand-completed requests on real descriptors.
#include "support/fake_backend.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace aura::core;
using namespace test;

namespace {

class ShardIo : public testing::Test {
protected:
    ShardIo()
        : engine_(machine_.options())
        , home_(engine_.shard_at(0)) {
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair_), 0);
    }
    ~ShardIo() override {
        ::close(pair_[0]);
        ::close(pair_[1]);
    }

    template <class F>
    void inside(F f) {
        home_.post(function(f));
        engine_.restart();
        engine_.run(0);
    }
    fake_backend& io() { return *machine_.backends.at(0); }

    /// Starts a request on pair_[0], as the C library does.
    void start(request_kind kind, std::uint32_t flags = 0) {
        io_request r;
        r.kind = kind;
        r.fd = pair_[0];
        r.flags = flags;
        r.offset = current_position;
        start(r);
    }
    void start(const io_request& r) {
        inside([&] { home_.loose().start(*new plain_io(outcome_, r)); });
        EXPECT_EQ(io().submitted.size(), 1u);
    }
    io_operation& request() { return *io().submitted.at(0); }
    void complete(int result) {
        inside([&] { io().complete(request(), result); });
    }
    static bool is_readable(int fd) {
        pollfd p{fd, POLLIN, 0};
        return ::poll(&p, 1, 0) == 1;
    }

    fake_machine machine_;
    engine engine_;
    shard& home_;
    outcome outcome_;
    int pair_[2] = {-1, -1};
};

/// As many threads as there may be: each ends with the request cancelled.
TEST_F(ShardIo, WhatAThreadsEndHasCancelledIsSubmittedAgainAnyNumberOfTimes) {
    inside([] {});
    io().only_submitter = false;
    start(request_kind::recv);
    for (int i = 0; i < 300; ++i) {
        std::thread([&] { inside([] {}); }).join();
        complete(i % 2 ? -ECANCELED : -EINTR);
        ASSERT_EQ(outcome_.completed, 0) << i;
        ASSERT_EQ(io().submitted.size(), 1u);
        EXPECT_FALSE(request().awaits_readiness());
    }
    complete(3);
    EXPECT_EQ(outcome_.result, 3);
}

TEST_F(ShardIo, MetadataIsDealtWithHereWhenTheKernelStartsNoThread) {
    start(request_kind::fsync);
    EXPECT_FALSE(request().is_for_system_call());
    complete(-ECANCELED);
    ASSERT_EQ(outcome_.completed, 0);
    EXPECT_TRUE(request().is_for_system_call());
    complete(0);
    EXPECT_EQ(outcome_.result, 0);
}

TEST_F(ShardIo, AnInterruptionThatRepeatsIsTheAnswer) {
    start(request_kind::read);
    complete(-EINTR);
    ASSERT_EQ(outcome_.completed, 0);
    complete(-EINTR);
    EXPECT_EQ(outcome_.completed, 1);
    EXPECT_EQ(outcome_.result, -EINTR);
}

TEST_F(ShardIo, ARefusalIsWaitedForFirstByAPollThenByAChange) {
    start(request_kind::recv);
    complete(-EAGAIN);
    ASSERT_TRUE(request().awaits_readiness());
    EXPECT_EQ(request().readiness_events(), static_cast<std::uint32_t>(POLLIN));
    EXPECT_LT(request().stand_in(), 0);
    complete(POLLIN); // says the poll
    ASSERT_FALSE(request().awaits_readiness());
    complete(-EAGAIN); // but somebody else was faster
    ASSERT_TRUE(request().awaits_readiness());
    const int aid = request().stand_in();
    ASSERT_GE(aid, 0);
    EXPECT_FALSE(is_readable(aid));
    ASSERT_EQ(::send(pair_[1], "x", 1, 0), 1);
    EXPECT_TRUE(is_readable(aid));
    complete(POLLIN);
    ASSERT_FALSE(request().awaits_readiness());
    complete(-EAGAIN); // again
    ASSERT_TRUE(request().awaits_readiness());
    EXPECT_EQ(request().stand_in(), aid) << "the same";
    EXPECT_FALSE(is_readable(aid)) << "what is there still is nothing new";
    ASSERT_EQ(::send(pair_[1], "y", 1, 0), 1);
    EXPECT_TRUE(is_readable(aid));
    complete(POLLIN);
    complete(2);
    EXPECT_EQ(outcome_.result, 2);
    EXPECT_LT(::fcntl(aid, F_GETFD), 0) << "it is closed";
}

TEST_F(ShardIo, ASendThatIsRefusedThoughThereIsRoomIsTriedAgainAfterAWhile) {
    start(request_kind::sendmsg);
    complete(-EAGAIN);
    ASSERT_TRUE(request().awaits_readiness());
    complete(POLLOUT);
    for (int i = 0; i < 3; ++i) {
        complete(-EAGAIN);
        ASSERT_TRUE(request().awaits_readiness());
        const int aid = request().stand_in();
        ASSERT_GE(aid, 0);
        pollfd p{aid, POLLIN, 0};
        EXPECT_EQ(::poll(&p, 1, 10'000), 1) << "the time passes";
        complete(POLLIN);
        ASSERT_EQ(io().submitted.size(), 1u);
        EXPECT_FALSE(request().awaits_readiness());
    }
    complete(7);
    EXPECT_EQ(outcome_.result, 7);
}

TEST_F(ShardIo, CancelledWhileItWaitsForAChangeItEnds) {
    descriptor* d = descriptor::create(home_, ::dup(pair_[0]));
    io_request r;
    r.kind = request_kind::recv;
    r.fd = d->fd();
    inside([&] { d->start(*new plain_io(outcome_, r)); });
    complete(-EAGAIN);
    complete(POLLIN);
    complete(-EAGAIN);
    const int aid = request().stand_in();
    ASSERT_GE(aid, 0);
    inside([&] { d->cancel(); });
    EXPECT_EQ(outcome_.completed, 1);
    EXPECT_EQ(outcome_.result, -ECANCELED);
    EXPECT_LT(::fcntl(aid, F_GETFD), 0);
    d->close_and_forget();
}

TEST_F(ShardIo, AWaitIgnoresWhatItHasNotAskedFor) {
    start(request_kind::poll, POLLPRI | POLLERR);
    EXPECT_FALSE(request().awaits_readiness());
    ASSERT_EQ(::shutdown(pair_[1], SHUT_WR), 0);
    complete(POLLRDHUP);
    ASSERT_EQ(outcome_.completed, 0);
    ASSERT_TRUE(request().awaits_readiness());
    const int aid = request().stand_in();
    ASSERT_GE(aid, 0);
    EXPECT_FALSE(is_readable(aid));
    ::close(std::exchange(pair_[1], -1));
    EXPECT_TRUE(is_readable(aid));
    complete(POLLIN);
    EXPECT_EQ(outcome_.result, POLLHUP);
}

TEST_F(ShardIo, UrgentDataIsWaitedForFirst) {
    start(request_kind::recv, MSG_OOB);
    ASSERT_TRUE(request().awaits_readiness());
    EXPECT_EQ(request().readiness_events(), static_cast<std::uint32_t>(POLLPRI));
    complete(POLLPRI);
    ASSERT_FALSE(request().awaits_readiness());
    complete(-EINVAL);
    EXPECT_EQ(outcome_.result, -EINVAL) << "then it is an error like any other";
}

/// io_uring ends a connect with success where the socket holds its error.
TEST_F(ShardIo, TheSocketsErrorDecidesWhatBecameOfAConnect) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    const int closed = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); // bound, and not listening
    ASSERT_EQ(::bind(closed, generic, size), 0);
    ASSERT_EQ(::getsockname(closed, generic, &size), 0);
    for (const std::uint32_t known : {0u, connects_later}) {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        io_request r;
        r.kind = request_kind::connect;
        r.fd = fd;
        r.flags = known;
        outcome_ = {};
        ASSERT_NE(::connect(fd, generic, size), 0);
        ASSERT_EQ(errno, EINPROGRESS);
        pollfd p{fd, POLLOUT, 0};
        ASSERT_EQ(::poll(&p, 1, 10'000), 1);
        start(r);
        complete(0);
        EXPECT_EQ(outcome_.result, -ECONNREFUSED);
        ::close(fd);
    }
    ::close(closed);
}

TEST_F(ShardIo, AnEarlierDatagramsErrorIsNotThatOfAConnect) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::bind(fd, generic, size), 0);
    ASSERT_EQ(::getsockname(fd, generic, &size), 0);
    ::close(fd); // nobody has this port any more
    fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ASSERT_EQ(::connect(fd, generic, size), 0);
    ASSERT_EQ(::send(fd, "x", 1, 0), 1);
    pollfd p{fd, POLLERR, 0};
    ASSERT_EQ(::poll(&p, 1, 10'000), 1);
    io_request r;
    r.kind = request_kind::connect;
    r.fd = fd;
    start(r);
    complete(0);
    EXPECT_EQ(outcome_.result, 0);
    char c;
    EXPECT_LT(::recv(fd, &c, 1, MSG_DONTWAIT), 0);
    EXPECT_EQ(errno, ECONNREFUSED) << "the next operation gets it, as ever";
    ::close(fd);
}

} // namespace
