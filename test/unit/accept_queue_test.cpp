// accept_queue: arming, delivering, keeping and withdrawing, by hand-made results of the multishot request.
#include "support/fake_backend.hpp"

#include <auraio/core/accept_queue.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <functional>
#include <future>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace aura::core;
using namespace aura_test;

namespace {

/// Any request without a handler; owns the descriptor it may result in.
class plain_request final : public io_operation {
public:
    plain_request(outcome& o, const io_request& r)
        : io_operation(&run, r)
        , outcome_(o) {}

private:
    static void run(operation& base, action what) {
        auto& self = static_cast<plain_request&>(base);
        switch (what) {
        case action::arrive:
            self.on_arrive();
            return;
        case action::cancel:
            self.on_cancel();
            return;
        case action::more:
            return;
        case action::complete:
            ++self.outcome_.completed;
            break;
        case action::destroy:
            ++self.outcome_.destroyed;
            break;
        }
        self.outcome_.result = self.result();
        delete &self;
    }
    outcome& outcome_;
};

int some_descriptor() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}
bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

class AcceptQueue : public testing::Test {
protected:
    AcceptQueue()
        : engine_(machine_.options())
        , home_(engine_.shard_at(0)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in any{};
        any.sin_family = AF_INET;
        any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&any), sizeof any), 0);
        EXPECT_EQ(::listen(listener_, 16), 0);
        descriptor_ = descriptor::create(home_, listener_);
    }
    ~AcceptQueue() override {
        if (descriptor_)
            close();
    }

    template <class F>
    void inside(F f) {
        home_.post(function(f));
        engine_.restart();
        engine_.run(0);
    }
    void close() {
        inside([&] { std::exchange(descriptor_, nullptr)->close_and_forget(); });
    }
    fake_backend& io() { return *machine_.backends.at(0); }

    io_operation& accept(outcome& o, bool report_aborted = false) {
        io_request r;
        r.kind = request_kind::accept;
        r.fd = listener_;
        r.length = report_aborted ? 1 : 0;
        auto* op = new plain_request(o, r);
        descriptor_->start(*op);
        return *op;
    }
    io_operation& poll(outcome& o) {
        io_request r;
        r.kind = request_kind::poll;
        r.fd = listener_;
        r.flags = POLLIN;
        auto* op = new plain_request(o, r);
        descriptor_->start(*op);
        return *op;
    }
    /// The request that serves all: the only one the backend has.
    io_operation& multishot() {
        EXPECT_EQ(io().submitted.size(), 1u);
        EXPECT_EQ(io().submitted.at(0)->request().kind, request_kind::accept_multishot);
        return *io().submitted.at(0);
    }
    bool armed() { return !io().submitted.empty(); }
    int connection() { return connections_.emplace_back(some_descriptor()); }

    fake_machine machine_;
    engine engine_;
    shard& home_;
    int listener_ = -1;
    descriptor* descriptor_ = nullptr;
    std::vector<int> connections_;
};

TEST_F(AcceptQueue, OneRequestServesAllInOrder) {
    outcome first, second;
    inside([&] {
        accept(first);
        accept(second);
        io().yield(multishot(), connection());
        io().yield(multishot(), connection());
    });
    EXPECT_EQ(first.result, connections_[0]);
    EXPECT_EQ(second.result, connections_[1]);
    EXPECT_TRUE(armed()) << "withdrawn although it can go on";
    ::close(connections_[0]);
    ::close(connections_[1]);
}

TEST_F(AcceptQueue, WhatNobodyWaitsForIsKeptForTheNextAccept) {
    outcome first, second, third;
    inside([&] {
        accept(first);
        for (int i = 0; i < 3; ++i)
            io().yield(multishot(), connection());
        accept(second);
    });
    EXPECT_EQ(second.result, connections_[1]);
    EXPECT_EQ(descriptor_->accept_now(SOCK_CLOEXEC, false), connections_[2]);
    inside([&] { accept(third); });
    EXPECT_EQ(third.completed, 0);
    close();
    EXPECT_EQ(third.result, -ECANCELED);
    for (const int c : connections_)
        EXPECT_EQ(::close(c), 0);
}

TEST_F(AcceptQueue, KeptConnectionsAreClosedWithTheListeningSocket) {
    outcome first;
    inside([&] {
        accept(first);
        for (int i = 0; i < 3; ++i)
            io().yield(multishot(), connection());
    });
    close();
    EXPECT_TRUE(is_open(connections_[0]));
    EXPECT_FALSE(is_open(connections_[1]));
    EXPECT_FALSE(is_open(connections_[2]));
    ::close(connections_[0]);
}

TEST_F(AcceptQueue, AConnectionThatComesAfterTheCloseIsClosed) {
    outcome first;
    io_operation* request = nullptr;
    inside([&] {
        accept(first);
        request = &multishot();
        io().complete_cancelled = false;
        std::exchange(descriptor_, nullptr)->close_and_forget();
        io().yield(*request, connection());
    });
    EXPECT_EQ(first.result, -ECANCELED);
    EXPECT_FALSE(is_open(connections_[0]));
    inside([&] {
        io().complete(*request, connection());
        home_.reap();
    });
    EXPECT_FALSE(is_open(connections_[1])) << "the last result is a connection like the others";
}

TEST_F(AcceptQueue, ReleaseClosesWhatIsKeptAndNotTheSocket) {
    outcome first;
    inside([&] {
        accept(first);
        io().yield(multishot(), connection());
        io().yield(multishot(), connection());
        EXPECT_EQ(std::exchange(descriptor_, nullptr)->release_and_forget(), listener_);
    });
    EXPECT_TRUE(is_open(listener_));
    EXPECT_FALSE(is_open(connections_[1]));
    ::close(listener_);
    ::close(connections_[0]);
}

TEST_F(AcceptQueue, WithTooMuchKeptTheRequestIsWithdrawnUntilSomebodyAsks) {
    outcome first;
    inside([&] {
        accept(first);
        io().yield(multishot(), connection());
        for (int i = 0; i < 64; ++i) {
            EXPECT_TRUE(io().cancelled.empty());
            io().yield(multishot(), connection());
        }
        EXPECT_EQ(io().cancelled.size(), 1u);
    });
    EXPECT_FALSE(armed());
    std::vector<outcome> rest(65);
    inside([&] {
        for (auto& o : rest)
            accept(o);
    });
    for (std::size_t i = 0; i < 64; ++i)
        EXPECT_EQ(rest[i].result, connections_[i + 1]);
    EXPECT_EQ(rest[64].completed, 0);
    EXPECT_TRUE(armed());
    close();
    for (const int c : connections_)
        ::close(c);
}

TEST_F(AcceptQueue, AnAcceptThatComesDuringTheWithdrawalIsServed) {
    outcome first, second;
    inside([&] {
        accept(first);
        io().complete_cancelled = false;
        descriptor_->cancel();
        io().complete_cancelled = true;
        accept(second);
        io().complete(multishot(), -ECANCELED);
    });
    EXPECT_EQ(first.result, -ECANCELED);
    EXPECT_EQ(second.completed, 0);
    EXPECT_TRUE(armed());
    inside([&] { io().yield(multishot(), connection()); });
    EXPECT_EQ(second.result, connections_[0]);
    ::close(connections_[0]);
}

TEST_F(AcceptQueue, CancellingOneLeavesTheOthers) {
    outcome first, second;
    inside([&] {
        io_operation& op = accept(first);
        accept(second);
        op.cancel();
        EXPECT_TRUE(io().cancelled.empty());
        io().yield(multishot(), connection());
    });
    EXPECT_EQ(first.result, -ECANCELED);
    EXPECT_EQ(second.result, connections_[0]);
    ::close(connections_[0]);
}

TEST_F(AcceptQueue, WithoutMultishotItIsArmedAgainWhileSomebodyWaits) {
    outcome first, second;
    inside([&] {
        accept(first);
        accept(second);
        io().complete(multishot(), connection());
    });
    EXPECT_EQ(first.result, connections_[0]);
    EXPECT_TRUE(armed());
    inside([&] { io().complete(multishot(), connection()); });
    EXPECT_EQ(second.result, connections_[1]);
    EXPECT_FALSE(armed());
    ::close(connections_[0]);
    ::close(connections_[1]);
}

TEST_F(AcceptQueue, WhatConcernsOneConnectionIsPassedOver) {
    outcome o;
    inside([&] { accept(o); });
    for (const int error : {ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ECANCELED, EINTR})
        inside([&] { io().complete(multishot(), -error); });
    EXPECT_EQ(o.completed, 0);
    EXPECT_TRUE(armed());
    close(); // before what the pending operation refers to goes
}

TEST_F(AcceptQueue, AbortedConnectionsAreReportedToThoseWhoAsked) {
    outcome first, second;
    inside([&] {
        accept(first, true);
        accept(second, false);
        io().complete(multishot(), -ECONNABORTED);
    });
    inside([&] { io().complete(multishot(), -ECONNABORTED); });
    EXPECT_EQ(first.result, -ECONNABORTED);
    EXPECT_EQ(second.completed, 0);
    close();
}

TEST_F(AcceptQueue, EachWaitingAcceptLearnsOnceThatDescriptorsHaveRunOut) {
    for (const int error : {EMFILE, ENFILE}) {
        outcome first, second;
        inside([&] {
            accept(first);
            accept(second);
            io().complete(multishot(), -error);
        });
        EXPECT_EQ(first.result, -error);
        EXPECT_EQ(second.completed, 0);
        inside([&] { io().complete(multishot(), -error); });
        EXPECT_EQ(second.result, -error);
        EXPECT_FALSE(armed()) << "attempts that nobody waits for";
    }
}

TEST_F(AcceptQueue, OutOfDescriptorsWithNobodyWaitingItRestsUntilSomebodyAsks) {
    outcome first, readiness, second;
    inside([&] {
        accept(first);
        io().yield(multishot(), connection());
        poll(readiness);
        io().complete(multishot(), -EMFILE);
    });
    ASSERT_EQ(io().submitted.size(), 1u);
    EXPECT_EQ(io().submitted[0]->request().kind, request_kind::poll) << "it can be told by the kernel only";
    inside([&] { io().complete(*io().submitted[0], POLLIN); });
    EXPECT_EQ(readiness.result, POLLIN);
    EXPECT_FALSE(armed());
    inside([&] {
        accept(second);
        io().yield(multishot(), connection());
    });
    EXPECT_EQ(second.result, connections_[1]);
    for (const int c : connections_)
        ::close(c);
}

TEST_F(AcceptQueue, ARefusalWaitsForReadinessFirst) {
    outcome o;
    inside([&] {
        accept(o);
        io().complete(multishot(), -EAGAIN);
    });
    EXPECT_EQ(o.completed, 0);
    EXPECT_TRUE(multishot().awaits_readiness());
    inside([&] { io().complete(multishot(), POLLIN); });
    EXPECT_FALSE(multishot().awaits_readiness());
    inside([&] { io().yield(multishot(), connection()); });
    EXPECT_EQ(o.result, connections_[0]);
    ::close(connections_[0]);
}

TEST_F(AcceptQueue, AWaitSeesWhatIsKept) {
    outcome first, early, late;
    inside([&] {
        accept(first);
        poll(early);
        io().yield(multishot(), connection());
        EXPECT_EQ(early.completed, 0);
        io().yield(multishot(), connection());
        poll(late);
    });
    EXPECT_EQ(early.result, POLLIN);
    EXPECT_EQ(late.result, POLLIN);
    EXPECT_EQ(descriptor_->wait_now(POLLIN, false), 0) << "and so does a synchronous one";
    ::close(connections_[0]);
}

TEST_F(AcceptQueue, AWaitAsksTheKernelOnceTheRequestIsOver) {
    outcome first, waiting;
    inside([&] {
        io_operation& op = accept(first);
        poll(waiting);
        op.cancel();
    });
    ASSERT_EQ(io().submitted.size(), 1u);
    EXPECT_EQ(io().submitted[0]->request().kind, request_kind::poll);
    inside([&] { io().complete(*io().submitted[0], POLLIN); });
    EXPECT_EQ(waiting.result, POLLIN);
}

TEST_F(AcceptQueue, ASynchronousAcceptThatBlocksGetsWhatTheRequestHadTaken) {
    outcome first;
    ASSERT_EQ(::fcntl(listener_, F_SETFL, O_NONBLOCK), 0) << "must not matter";
    inside([&] { accept(first); });
    inside([&] { io().yield(multishot(), connection()); });
    std::future<int> got;
    inside([&] {
        got = std::async(std::launch::async, [&] { return descriptor_->accept_now(SOCK_CLOEXEC, true); });
        io().yield(multishot(), connection());
        EXPECT_EQ(got.get(), connections_[1]);
    });
    ::close(connections_[0]);
    ::close(connections_[1]);
}

TEST_F(AcceptQueue, ClosedFromAfarItArmsNothingAndFailsNobodyElse) {
    outcome first, second, waiting;
    inside([&] {
        accept(first);
        accept(second);
        poll(waiting);
        io_operation& request = multishot();
        io().complete_cancelled = false;
        // Another thread closes while this one is in a handler; its message has not been taken.
        std::thread([&] { std::exchange(descriptor_, nullptr)->close_and_forget(); }).join();
        io().complete(request, -EINVAL); // what shutdown(2) makes of an accept
        home_.reap();
        EXPECT_FALSE(armed());
    });
    EXPECT_EQ(first.result, -ECANCELED);
    EXPECT_EQ(second.result, -ECANCELED);
    EXPECT_EQ(waiting.result, -ECANCELED);
    EXPECT_FALSE(armed());
}

TEST(AcceptQueueShutdown, WaitingAcceptsAreDestroyedAndKeptConnectionsClosed) {
    outcome served, waiting;
    const int connection = some_descriptor(), kept = some_descriptor();
    fake_machine machine;
    {
        engine e(machine.options());
        descriptor* d = descriptor::create(e.shard_at(0), some_descriptor());
        io_request r;
        r.kind = request_kind::accept;
        e.shard_at(0).post(function([&] {
            d->start(*new plain_request(served, r));
            auto& request = *machine.backends.at(0)->submitted.at(0);
            machine.backends[0]->yield(request, connection);
            machine.backends[0]->yield(request, kept);
        }));
        e.run(0);
        e.restart();
        EXPECT_EQ(d->accept_now(0, false), kept);
        const int again = kept;
        e.shard_at(0).post(function([&] {
            machine.backends[0]->yield(*machine.backends[0]->submitted.at(0), again);
            d->start(*new plain_request(served, r));
            d->start(*new plain_request(waiting, r));
        }));
        e.run(0);
        e.shutdown();
        EXPECT_EQ(waiting.destroyed, 1);
        d->close_and_forget();
    }
    EXPECT_EQ(served.completed, 2);
    EXPECT_EQ(waiting.completed, 0);
    ::close(connection);
    ::close(kept);
}

} // namespace
