// descriptor: when a number is given up, and that nothing on the way there allocates.
#include "support/descriptor_famine.hpp"
#include "support/fake_backend.hpp"
#include "support/operator_new.hpp"

#include <core/io/inert_descriptor.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace aura::core;
using namespace test;

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

/// Whether the other end of a socket pair has been closed.
bool has_ended(int peer) {
    char byte;
    return ::recv(peer, &byte, 1, MSG_DONTWAIT) == 0;
}

class DescriptorClose : public testing::Test {
protected:
    DescriptorClose()
        : engine_(machine_.options())
        , home_(engine_.shard_at(0)) {
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_), 0);
    }
    ~DescriptorClose() override { ::close(ends_[1]); }

    template <class F>
    void inside(F f) {
        home_.post(function(f));
        engine_.restart();
        engine_.run(0);
    }
    /// Runs `f` in another thread, while the shard's is in a handler.
    template <class F>
    void during_a_handler(F f) {
        inside([&] { std::thread(f).join(); });
    }
    fake_backend& io() { return *machine_.backends.at(0); }

    fake_machine machine_;
    engine engine_;
    shard& home_;
    int ends_[2];
};

TEST_F(DescriptorClose, TheNumberIsKeptUntilTheKernelHasTakenTheQueue) {
    outcome o;
    descriptor* d = descriptor::create(home_, ends_[0]);
    inside([&] {
        d->start(*new plain_io(o, ends_[0]));
        io().takes_nothing = true;
        EXPECT_EQ(d->close_and_forget(), 0);
        EXPECT_TRUE(has_ended(ends_[1])) << "the file is closed at once";
        EXPECT_TRUE(is_open(ends_[0])) << "a queued request names it";
    });
    inside([&] { EXPECT_TRUE(is_open(ends_[0])); });
    io().takes_nothing = false;
    inside([] {});
    inside([] {});
    EXPECT_FALSE(is_open(ends_[0]));
    EXPECT_EQ(o.result, -ECANCELED);
}

TEST_F(DescriptorClose, TheNumberIsKeptUntilNoThreadMayLookItUp) {
    outcome o;
    descriptor* d = descriptor::create(home_, ends_[0]);
    io_operation* op = nullptr;
    inside([&] {
        io().complete_cancelled = false;
        d->start(*(op = new plain_io(o, ends_[0])));
        io().number_in_use = ends_[0];
        EXPECT_EQ(d->close_and_forget(), 0);
        EXPECT_TRUE(has_ended(ends_[1])) << "the file is closed at once";
        EXPECT_TRUE(is_open(ends_[0])) << "a thread is about to look it up";
    });
    inside([&] { EXPECT_TRUE(is_open(ends_[0])); });
    inside([&] {
        io().number_in_use = -1;
        io().complete(*op, 0); // of the inert one, or of the file: nobody knows
    });
    inside([] {});
    EXPECT_FALSE(is_open(ends_[0]));
    EXPECT_EQ(o.completed, 1);
}

TEST_F(DescriptorClose, ReleaseGivesAnotherNumberUntilTheKernelHasTakenTheQueue) {
    outcome o;
    descriptor* d = descriptor::create(home_, ends_[0]);
    int released = -1;
    inside([&] {
        d->start(*new plain_io(o, ends_[0]));
        io().takes_nothing = true;
        released = d->release_and_forget();
    });
    ASSERT_GE(released, 0);
    EXPECT_NE(released, ends_[0]);
    EXPECT_FALSE(has_ended(ends_[1]));
    io().takes_nothing = false;
    inside([] {});
    inside([] {});
    EXPECT_FALSE(is_open(ends_[0]));
    ::close(released);
    EXPECT_TRUE(has_ended(ends_[1]));
}

TEST_F(DescriptorClose, WithoutADescriptorLeftAClosedNumberIsStillReserved) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "UBSan needs descriptors of its own";
    outcome o;
    descriptor* d = descriptor::create(home_, ends_[0]);
    inside([&] { d->start(*new plain_io(o, ends_[0])); });
    io().complete_cancelled = false;
    test::descriptor_famine famine;
    famine.begin();
    during_a_handler([&] {
        EXPECT_EQ(d->close_and_forget(), 0);
        EXPECT_TRUE(has_ended(ends_[1]));
        EXPECT_TRUE(is_open(ends_[0]));
    });
    inside([] {});
    EXPECT_FALSE(is_open(ends_[0]));
    famine.end();
    inside([&] { io().complete(*io().submitted.at(0), -ECANCELED); });
    EXPECT_EQ(o.result, -ECANCELED);
}

TEST_F(DescriptorClose, WithoutADescriptorLeftAReleaseFromAfarFailsAndKeepsTheFile) {
    if (test::checks_need_descriptors)
        GTEST_SKIP() << "UBSan needs descriptors of its own";
    outcome o;
    descriptor* d = descriptor::create(home_, ends_[0]);
    inside([&] { d->start(*new plain_io(o, ends_[0])); });
    test::descriptor_famine famine;
    famine.begin();
    during_a_handler([&] {
        EXPECT_EQ(d->release_and_forget(), -EMFILE);
        EXPECT_EQ(d->fd(), ends_[0]);
    });
    famine.end();
    EXPECT_FALSE(has_ended(ends_[1]));
    int released = -1;
    inside([&] { released = d->release_and_forget(); });
    EXPECT_EQ(released, ends_[0]);
    ::close(released);
}

TEST_F(DescriptorClose, ManySignalsFromAfarNeedOneMessage) {
    outcome o[3];
    descriptor* d = descriptor::create(home_, -1);
    during_a_handler([&] {
        for (outcome& one : o) {
            d->start(*new plain_io(one));
            d->cancel();
        }
    });
    inside([] {});
    inside([] {});
    for (const outcome& one : o)
        EXPECT_EQ(one.result, -ECANCELED);
    outcome later;
    inside([&] { d->start(*new plain_io(later)); });
    EXPECT_EQ(later.completed, 0);
    during_a_handler([&] {
        d->cancel();
        d->close_and_forget();
    });
    inside([] {});
    EXPECT_EQ(later.result, -ECANCELED);
}

TEST_F(DescriptorClose, CancellingAndClosingNeedNoMemory) {
    if (!AURAIO_TEST_REPLACES_NEW)
        GTEST_SKIP() << "the sanitizer's operator new cannot be replaced";
    outcome by_slot, by_object;
    descriptor* d = descriptor::create(home_, ends_[0]);
    auto* op = new plain_io(by_slot, ends_[0]);
    const cancel_handle handle = op->make_cancellable(home_);
    inside([&] {
        d->start(*op);
        d->start(*new plain_io(by_object, ends_[0]));
    });
    during_a_handler([&] {
        test::fails_for_good = true;
        test::until_failure = 0;
        handle.request();
        handle.request();
        d->cancel();
        d->close_and_forget();
        test::until_failure = -1;
        test::fails_for_good = false;
    });
    inside([] {});
    EXPECT_EQ(by_slot.result, -ECANCELED);
    EXPECT_EQ(by_object.result, -ECANCELED);
    EXPECT_TRUE(has_ended(ends_[1]));
    EXPECT_FALSE(is_open(ends_[0]));
}

io_request closing(int fd) {
    io_request r;
    r.kind = request_kind::close;
    r.fd = fd;
    return r;
}

TEST_F(DescriptorClose, AnAsynchronousCloseIsNotCancelled) {
    outcome o;
    descriptor* d = descriptor::create(home_, ends_[0]);
    auto* op = new plain_io(o, closing(-1));
    const cancel_handle handle = op->make_cancellable(home_);
    inside([&] { d->close_and_forget(*op); });
    ASSERT_EQ(io().submitted.size(), 1u);
    EXPECT_EQ(io().submitted[0]->request().kind, request_kind::close);
    EXPECT_EQ(io().submitted[0]->request().fd, ends_[0]);
    inside([&] { handle.request(); });
    EXPECT_TRUE(io().cancelled.empty());
    inside([&] {
        ::close(ends_[0]);
        io().complete(*io().submitted[0], -EINTR); // which has closed it all the same
    });
    EXPECT_EQ(o.completed, 1);
    EXPECT_TRUE(io().submitted.empty()) << "the number may be somebody else's by now";
}

TEST_F(DescriptorClose, AnAsynchronousCloseThatMeetsTheEndOfTheEngineHappens) {
    outcome o;
    descriptor* d = descriptor::create(home_, ends_[0]);
    inside([] {});
    std::thread([&] { d->close_and_forget(*new plain_io(o, closing(-1))); }).join();
    engine_.shutdown();
    EXPECT_EQ(o.completed + o.destroyed, 1);
    EXPECT_FALSE(is_open(ends_[0]));
    EXPECT_TRUE(has_ended(ends_[1]));
}

TEST_F(DescriptorClose, AnAsynchronousCloseComesAfterWhatNamesTheNumber) {
    outcome read, close;
    descriptor* d = descriptor::create(home_, ends_[0]);
    io_request r;
    r.kind = request_kind::recv;
    r.fd = ends_[0];
    during_a_handler([&] {
        d->start(*new plain_io(read, r));
        d->close_and_forget(*new plain_io(close, closing(-1)));
        EXPECT_TRUE(is_open(ends_[0]));
    });
    inside([] {});
    EXPECT_EQ(read.result, -ECANCELED);
    ASSERT_EQ(io().submitted.size(), 1u);
    EXPECT_EQ(io().submitted[0]->request().kind, request_kind::close);
    inside([&] {
        ::close(ends_[0]);
        io().complete(*io().submitted[0], 0);
    });
    EXPECT_EQ(close.result, 0);
}

TEST(InertDescriptor, CanBeNeitherReadNorWritten) {
    reserve_inert_descriptors();
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ASSERT_TRUE(make_inert(ends[0]));
    char byte;
    EXPECT_LT(::read(ends[0], &byte, 1), 0);
    EXPECT_LT(::write(ends[0], &byte, 1), 0);
    {
        const second_number other(ends[1]);
        ASSERT_TRUE(other);
        EXPECT_NE(other.get(), ends[1]);
    }
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST(InertDescriptor, AChildOfForkWaitsForNoThreadOfItsParent) {
    reserve_inert_descriptors();
    std::atomic<bool> is_held{false}, is_over{false};
    std::thread holds([&] {
        descriptor_famine famine;
        famine.begin();
        const second_number reserved(0);
        EXPECT_TRUE(reserved);
        is_held = true;
        is_held.notify_one();
        is_over.wait(false);
    });
    is_held.wait(false);
    const ::pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20);
        reserve_inert_descriptors();
        ::_exit(0);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    is_over = true;
    is_over.notify_one();
    holds.join();
}

} // namespace
