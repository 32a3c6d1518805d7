// descriptor: starting, cancelling and closing, by hand-completed requests.
#include "support/fake_backend.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace aura::core;
using namespace test;

namespace {

class Descriptor : public testing::Test {
protected:
    Descriptor()
        : engine_(machine_.options())
        , home_(engine_.shard_at(0)) {}

    /// Runs `f` in the shard's thread, inside run().
    template <class F>
    void inside(F f) {
        home_.post(function(f));
        engine_.restart();
        engine_.run(0);
    }
    fake_backend& io() { return *machine_.backends.at(0); }

    fake_machine machine_;
    engine engine_;
    shard& home_;
};

TEST_F(Descriptor, AnOperationCompletesWithItsResult) {
    outcome o;
    descriptor* d = descriptor::create(home_, -1);
    inside([&] {
        d->start(*new plain_io(o));
        ASSERT_EQ(io().submitted.size(), 1u);
        io().complete(*io().submitted[0], 42);
    });
    EXPECT_EQ(o.completed, 1);
    EXPECT_EQ(o.result, 42);
    EXPECT_EQ(d->close_and_forget(), 0);
}

TEST_F(Descriptor, StartedFromAfarItReachesTheBackendWhenTheShardIsDriven) {
    outcome o;
    descriptor* d = descriptor::create(home_, -1);
    d->start(*new plain_io(o)); // nobody drives the shard
    EXPECT_TRUE(machine_.backends.empty());
    inside([&] {});
    ASSERT_EQ(io().submitted.size(), 1u);
    inside([&] { io().complete(*io().submitted[0], 7); });
    EXPECT_EQ(o.completed, 1);
    EXPECT_EQ(o.result, 7);
    d->close_and_forget();
}

TEST_F(Descriptor, CancelCoversWhatWasStartedBeforeItAndNothingElse) {
    outcome before, after;
    descriptor* d = descriptor::create(home_, -1);
    inside([&] {
        d->start(*new plain_io(before));
        d->cancel();
        d->start(*new plain_io(after));
    });
    EXPECT_EQ(before.result, -ECANCELED);
    EXPECT_EQ(after.completed, 0);
    inside([&] { io().complete(*io().submitted.at(0), 0); });
    EXPECT_EQ(after.result, 0);
    d->close_and_forget();
}

TEST_F(Descriptor, CancelFromAfarFindsOperationsThatHaveNotArrivedYet) {
    outcome before, after;
    descriptor* d = descriptor::create(home_, -1);
    d->start(*new plain_io(before));
    d->cancel();
    d->start(*new plain_io(after));
    inside([&] {});
    EXPECT_EQ(before.completed, 1);
    EXPECT_EQ(before.result, -ECANCELED);
    EXPECT_EQ(after.completed, 0);
    d->close_and_forget();
    inside([&] {});
    EXPECT_EQ(after.result, -ECANCELED);
}

TEST_F(Descriptor, TheResultThatCameFirstIsKept) {
    outcome o;
    descriptor* d = descriptor::create(home_, -1);
    inside([&] {
        d->start(*new plain_io(o));
        io().complete_cancelled = false;
        d->cancel();
        EXPECT_EQ(io().cancelled.size(), 1u);
        d->cancel(); // once is enough
        EXPECT_EQ(io().cancelled.size(), 1u);
        io().complete(*io().submitted[0], 5);
    });
    EXPECT_EQ(o.result, 5);
    d->close_and_forget();
}

TEST_F(Descriptor, ClosedWithOperationsPendingItLivesUntilTheLast) {
    outcome one, two;
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(fd, 0);
    descriptor* d = descriptor::create(home_, fd);
    inside([&] {
        d->start(*new plain_io(one, fd));
        d->start(*new plain_io(two, fd));
        io().complete_cancelled = false;
        EXPECT_EQ(d->close_and_forget(), 0);
        EXPECT_LT(::fcntl(fd, F_GETFD), 0) << "still open after close";
    });
    EXPECT_EQ(io().cancelled.size(), 2u);
    inside([&] { io().complete(*io().submitted[0], -ECANCELED); });
    inside([&] { io().complete(*io().submitted[0], 3); });
    EXPECT_EQ(one.result, -ECANCELED);
    EXPECT_EQ(two.result, 3);
}

TEST_F(Descriptor, ReleaseKeepsTheFileOpen) {
    outcome o;
    const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    descriptor* d = descriptor::create(home_, fd);
    int released = -1;
    inside([&] {
        d->start(*new plain_io(o, fd));
        released = d->release_and_forget();
    });
    EXPECT_EQ(released, fd);
    EXPECT_GE(::fcntl(fd, F_GETFD), 0);
    EXPECT_EQ(o.result, -ECANCELED);
    ::close(fd);
}

TEST_F(Descriptor, ASignalFromAfarCancelsThatOperationAlone) {
    outcome one, two;
    descriptor* d = descriptor::create(home_, -1);
    auto* op = new plain_io(one);
    cancel_handle handle = op->make_cancellable(home_);
    inside([&] {
        d->start(*op);
        d->start(*new plain_io(two));
    });
    std::thread([&] { handle.request(); }).join();
    inside([&] {});
    EXPECT_EQ(one.result, -ECANCELED);
    EXPECT_EQ(two.completed, 0);
    handle.request(); // the operation is gone: nothing happens
    d->close_and_forget();
    inside([&] {});
    EXPECT_EQ(two.completed, 1);
}

TEST(DescriptorShutdown, PendingOperationsAreCancelledReapedAndDestroyed) {
    outcome started, afar;
    fake_machine machine;
    {
        engine e(machine.options());
        descriptor* d = descriptor::create(e.shard_at(0), -1);
        e.shard_at(0).post(function([&] { d->start(*new plain_io(started)); }));
        e.run(0);
        d->start(*new plain_io(afar));
        e.shutdown();
        EXPECT_EQ(started.destroyed, 1);
        EXPECT_EQ(afar.destroyed, 1);
        d->close_and_forget();
    }
    EXPECT_EQ(started.completed + afar.completed, 0);
    EXPECT_EQ(started.destroyed, 1);
    EXPECT_EQ(afar.destroyed, 1);
}

io_request of_kind(request_kind kind, std::uint64_t offset = current_position) {
    io_request r;
    r.kind = kind;
    r.fd = 5;
    r.offset = offset;
    return r;
}

TEST_F(Descriptor, RequestsOfOneLaneReachTheBackendOneAfterTheOther) {
    outcome o[5];
    descriptor* d = descriptor::create(home_, -1);
    inside([&] {
        d->start(*new plain_io(o[0], of_kind(request_kind::recv)));
        d->start(*new plain_io(o[1], of_kind(request_kind::send)));
        d->start(*new plain_io(o[2], of_kind(request_kind::recvmsg)));
        d->start(*new plain_io(o[3], of_kind(request_kind::sendmsg)));
        d->start(*new plain_io(o[4], of_kind(request_kind::recv)));
    });
    for (const int expected : {0, 1, 2, 3, 4}) {
        ASSERT_EQ(io().submitted.size(), expected == 4 ? 1u : 2u);
        inside([&] { io().complete(*io().submitted[0], expected); });
        EXPECT_EQ(o[expected].completed, 1);
        EXPECT_EQ(o[expected].result, expected);
    }
    d->close_and_forget();
}

TEST_F(Descriptor, WhatHasAnOffsetOrIsOutOfBandHasNoLane) {
    outcome o[4];
    descriptor* d = descriptor::create(home_, -1);
    io_request urgent = of_kind(request_kind::recv);
    urgent.flags = MSG_OOB;
    inside([&] {
        d->start(*new plain_io(o[0], of_kind(request_kind::read, 0)));
        d->start(*new plain_io(o[1], of_kind(request_kind::readv, 100)));
        d->start(*new plain_io(o[2], of_kind(request_kind::read)));
        d->start(*new plain_io(o[3], urgent));
        EXPECT_EQ(io().submitted.size(), 4u);
        d->close_and_forget();
    });
    engine_.restart();
    engine_.run(0);
    for (const outcome& one : o)
        EXPECT_EQ(one.result, -ECANCELED);
}

TEST_F(Descriptor, WhatWaitsForItsTurnIsCancelledWithoutTheBackend) {
    outcome o[3];
    descriptor* d = descriptor::create(home_, -1);
    inside([&] {
        for (outcome& one : o)
            d->start(*new plain_io(one, of_kind(request_kind::recv)));
    });
    io().complete_cancelled = false;
    inside([&] { d->cancel(); });
    EXPECT_EQ(io().cancelled.size(), 1u);
    EXPECT_EQ(o[0].completed, 0);
    EXPECT_EQ(o[1].result, -ECANCELED);
    EXPECT_EQ(o[2].result, -ECANCELED);
    outcome later;
    inside([&] { d->start(*new plain_io(later, of_kind(request_kind::recv))); });
    ASSERT_EQ(io().submitted.size(), 1u) << "the first one has not ended";
    inside([&] { io().complete(*io().submitted[0], 1); });
    EXPECT_EQ(o[0].result, 1);
    ASSERT_EQ(io().submitted.size(), 1u);
    inside([&] { io().complete(*io().submitted[0], 2); });
    EXPECT_EQ(later.result, 2);
    d->close_and_forget();
}

} // namespace
