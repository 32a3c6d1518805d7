// descriptor: accepts and waits of a listening socket, by hand-made results of its requests.
#include "support/descriptor_famine.hpp"
#include "support/fake_backend.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <functional>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

using namespace aura::core;
using namespace test;

namespace {

int some_descriptor() {
    return ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}
bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}
bool is_readable(int fd) {
    pollfd p{fd, POLLIN, 0};
    return ::poll(&p, 1, 0) == 1;
}

class Listener : public testing::Test {
protected:
    Listener()
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
    ~Listener() override {
        if (descriptor_)
            close();
        for (const int c : connections_)
            ::close(c);
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

    io_operation& start(outcome& o, const io_request& r) {
        auto* op = new plain_io(o, r);
        descriptor_->start(*op);
        return *op;
    }
    io_operation& accept(outcome& o, bool report_aborted = false) {
        io_request r;
        r.kind = request_kind::accept_now;
        r.fd = listener_;
        r.flags = report_aborted ? reports_aborted : 0;
        return start(o, r);
    }
    io_operation& poll(outcome& o, int events = POLLIN) {
        io_request r;
        r.kind = request_kind::poll;
        r.fd = listener_;
        r.flags = static_cast<std::uint32_t>(events);
        r.listens = 1;
        return start(o, r);
    }
    /// What the backend has: one request at most, whatever waits.
    io_operation& pending() {
        EXPECT_EQ(io().submitted.size(), 1u);
        return *io().submitted.at(0);
    }
    bool waits_for_connection() {
        return pending().awaits_readiness() && pending().stand_in() >= 0 && pending().stand_in() != listener_;
    }
    int connection() { return connections_.emplace_back(some_descriptor()); }
    /// A client of the listening socket, seen by everybody who has it open.
    void connect() {
        sockaddr_in to{};
        socklen_t size = sizeof to;
        ASSERT_EQ(::getsockname(listener_, reinterpret_cast<sockaddr*>(&to), &size), 0);
        const int client = connections_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::connect(client, reinterpret_cast<sockaddr*>(&to), size), 0);
    }

    fake_machine machine_;
    engine engine_;
    shard& home_;
    int listener_ = -1;
    descriptor* descriptor_ = nullptr;
    std::vector<int> connections_;
};

TEST_F(Listener, AcceptsAreServedInTheirOrderAndTakeOneConnectionEach) {
    outcome first, second;
    inside([&] {
        accept(first);
        accept(second);
        io().complete(pending(), connection());
    });
    EXPECT_EQ(first.result, connections_[0]);
    EXPECT_EQ(second.completed, 0);
    if (waits_for_connection())
        inside([&] { io().complete(pending(), POLLIN); });
    inside([&] { io().complete(pending(), connection()); });
    EXPECT_EQ(second.result, connections_[1]);
    EXPECT_TRUE(io().submitted.empty()) << "nobody asks for a connection";
}

TEST_F(Listener, AnAcceptThatFindsNothingWaitsWithoutHoldingTheSocket) {
    outcome o;
    inside([&] {
        accept(o);
        EXPECT_FALSE(pending().awaits_readiness()) << "there may be a connection already";
        io().complete(pending(), -EAGAIN);
    });
    EXPECT_EQ(o.completed, 0);
    ASSERT_TRUE(waits_for_connection());
    EXPECT_FALSE(is_readable(pending().stand_in()));
    connect();
    EXPECT_TRUE(is_readable(pending().stand_in()));
    inside([&] { io().complete(pending(), POLLIN); });
    EXPECT_FALSE(pending().awaits_readiness());
    inside([&] { io().complete(pending(), -EAGAIN); }); // somebody else was faster
    EXPECT_TRUE(waits_for_connection());
    inside([&] { io().complete(pending(), POLLIN); });
    inside([&] { io().complete(pending(), connection()); });
    EXPECT_EQ(o.result, connections_.back());
}

TEST_F(Listener, AfterAConnectionTheNextIsTriedAtOnceOnlyIfThereIsOne) {
    outcome o[4];
    inside([&] {
        accept(o[0]);
        pending().note_more_connections();
        io().complete(pending(), connection());
    });
    inside([&] {
        accept(o[1]);
        accept(o[2]);
        EXPECT_FALSE(pending().awaits_readiness());
        pending().note_more_connections();
        io().complete(pending(), connection());
    });
    EXPECT_FALSE(pending().awaits_readiness()) << "the same for one that has waited in line";
    inside([&] { io().complete(pending(), connection()); });
    inside([&] { accept(o[3]); });
    EXPECT_TRUE(waits_for_connection());
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(o[i].result, connections_[static_cast<std::size_t>(i)]);
    close();
    EXPECT_EQ(o[3].result, -ECANCELED);
}

TEST_F(Listener, CancellingOneLeavesTheOthers) {
    outcome first, second, third;
    inside([&] {
        accept(first);
        io_operation& op = accept(second);
        accept(third);
        op.cancel();
        EXPECT_TRUE(io().cancelled.empty()) << "it is not in the kernel";
        io().complete(pending(), -EAGAIN);
    });
    EXPECT_EQ(second.result, -ECANCELED);
    inside([&] { pending().cancel(); });
    EXPECT_EQ(first.result, -ECANCELED);
    EXPECT_TRUE(waits_for_connection());
    inside([&] { io().complete(pending(), POLLIN); });
    inside([&] { io().complete(pending(), connection()); });
    EXPECT_EQ(third.result, connections_[0]);
}

TEST_F(Listener, ACancelledAcceptIsAbortedUnlessItHasAConnection) {
    for (const int found : {-EAGAIN, -ECANCELED, -ECONNABORTED, 0}) {
        outcome o;
        inside([&] {
            accept(o);
            if (pending().awaits_readiness())
                io().complete(pending(), POLLIN);
        });
        inside([&] {
            io().complete_cancelled = false;
            pending().cancel();
            io().complete(pending(), found == 0 ? connection() : found);
        });
        EXPECT_TRUE(io().submitted.empty());
        EXPECT_EQ(o.result, found == 0 ? connections_[0] : found == -ECONNABORTED ? found : -ECANCELED);
    }
}

TEST_F(Listener, WhatConcernsOneConnectionIsPassedOver) {
    outcome o;
    inside([&] { accept(o); });
    for (const int error : {ECONNABORTED, EPROTO, ENETDOWN, EHOSTUNREACH, ECANCELED, EINTR, EAGAIN}) {
        inside([&] { io().complete(pending(), -error); });
        EXPECT_TRUE(waits_for_connection()) << error;
        inside([&] { io().complete(pending(), POLLIN); });
    }
    for (int i = 0; i < 40; ++i) // a wait that ends with its thread is taken up again, however often
        inside([&] { io().complete(pending(), -ECANCELED); });
    EXPECT_EQ(o.completed, 0);
    close(); // before what the pending operation refers to goes
}

TEST_F(Listener, AbortedConnectionsAreReportedToThoseWhoAsked) {
    outcome first, second;
    inside([&] {
        accept(first, true);
        accept(second, false);
        io().complete(pending(), -ECONNABORTED);
    });
    EXPECT_EQ(first.result, -ECONNABORTED);
    if (pending().awaits_readiness())
        inside([&] { io().complete(pending(), POLLIN); });
    inside([&] { io().complete(pending(), -ECONNABORTED); });
    EXPECT_EQ(second.completed, 0);
    close();
}

TEST_F(Listener, EachWaitingAcceptLearnsOnceThatDescriptorsHaveRunOut) {
    for (const int error : {EMFILE, ENFILE}) {
        outcome first, second;
        inside([&] {
            accept(first);
            accept(second);
            io().complete(pending(), -error);
        });
        EXPECT_EQ(first.result, -error);
        EXPECT_EQ(second.completed, 0);
        if (pending().awaits_readiness())
            inside([&] { io().complete(pending(), POLLIN); });
        inside([&] { io().complete(pending(), -error); });
        EXPECT_EQ(second.result, -error);
        EXPECT_TRUE(io().submitted.empty()) << "attempts that nobody waits for";
    }
}

TEST_F(Listener, WithoutADescriptorForTheWaitTheAcceptSaysSoAndLaterOnesWork) {
    outcome first, second, third;
    test::descriptor_famine famine;
    inside([&] {
        accept(first);
        accept(second);
        famine.begin();
        io().complete(pending(), -EAGAIN);
    });
    EXPECT_EQ(first.result, -EMFILE);
    EXPECT_FALSE(pending().awaits_readiness()) << "the next one learns for itself";
    inside([&] { io().complete(pending(), -EMFILE); });
    EXPECT_EQ(second.result, -EMFILE);
    famine.end();
    inside([&] { accept(third); });
    EXPECT_TRUE(waits_for_connection());
    close();
}

TEST_F(Listener, AWaitForConnectionsHoldsNothingEither) {
    outcome connections, anything;
    inside([&] { poll(connections); });
    EXPECT_GE(pending().stand_in(), 0);
    EXPECT_NE(pending().stand_in(), listener_);
    inside([&] { io().complete(pending(), POLLIN); });
    EXPECT_EQ(connections.result, POLLIN);
    for (const int others : {POLLPRI | POLLERR | POLLHUP, POLLOUT}) {
        inside([&] { poll(anything, others); });
        const int set = pending().stand_in();
        EXPECT_GE(set, 0);
        EXPECT_NE(set, listener_);
        connect();
        EXPECT_FALSE(is_readable(set)) << "a connection is not what is waited for";
        inside([&] { pending().cancel(); });
        EXPECT_EQ(anything.result, -ECANCELED);
        EXPECT_FALSE(is_open(set));
    }
    inside([&] { poll(anything, POLLPRI | POLLERR | POLLHUP); });
    ::shutdown(listener_, SHUT_RDWR);
    EXPECT_TRUE(is_readable(pending().stand_in()));
    inside([&] { io().complete(pending(), POLLIN); });
    EXPECT_GT(anything.result, 0);
    close();
}

TEST_F(Listener, ASocketThatOthersHaveOpenIsWaitedForNoMoreOnceItIsGivenUp) {
    for (const bool release : {false, true}) {
        outcome o;
        const int others = ::dup(listener_);
        inside([&] {
            accept(o);
            if (!pending().awaits_readiness())
                io().complete(pending(), -EAGAIN);
        });
        const int set = ::dup(pending().stand_in());
        inside([&] {
            if (release)
                EXPECT_EQ(std::exchange(descriptor_, nullptr)->release_and_forget(), listener_);
            else
                std::exchange(descriptor_, nullptr)->close_and_forget();
        });
        EXPECT_EQ(is_open(listener_), release);
        EXPECT_EQ(o.result, -ECANCELED);
        if (release)
            ::close(listener_);
        listener_ = others;
        connect();
        EXPECT_FALSE(is_readable(set));
        ::close(set);
        descriptor_ = descriptor::create(home_, listener_);
    }
}

TEST_F(Listener, ClosedFromAfarItFailsNobodyElse) {
    outcome first, second, waiting;
    inside([&] {
        accept(first);
        accept(second);
        poll(waiting);
        io_operation& request = *io().submitted.at(0);
        io().complete_cancelled = false;
        // Another thread closes while this one is in a handler; its message has not been taken.
        std::thread([&] { std::exchange(descriptor_, nullptr)->close_and_forget(); }).join();
        io().complete(request, -EINVAL); // what the inert descriptor in its place makes of an accept
        io().complete_cancelled = true;
        home_.reap();
    });
    EXPECT_EQ(first.result, -ECANCELED);
    EXPECT_EQ(second.result, -ECANCELED);
    EXPECT_EQ(waiting.result, -ECANCELED);
    EXPECT_TRUE(io().submitted.empty());
}

TEST(ListenerShutdown, WaitingAcceptsAreDestroyed) {
    outcome served, waiting;
    const int connection = some_descriptor();
    fake_machine machine;
    {
        engine e(machine.options());
        descriptor* d = descriptor::create(e.shard_at(0), some_descriptor());
        io_request r;
        r.kind = request_kind::accept_now;
        e.shard_at(0).post(function([&] {
            d->start(*new plain_io(served, r));
            d->start(*new plain_io(waiting, r));
            machine.backends.at(0)->complete(*machine.backends[0]->submitted.at(0), connection);
            e.stop();
        }));
        e.run(0);
        e.shutdown();
        EXPECT_EQ(waiting.destroyed, 1);
        d->close_and_forget();
    }
    EXPECT_EQ(served.completed + served.destroyed, 1);
    EXPECT_EQ(waiting.completed, 0);
    ::close(connection);
}

} // namespace
