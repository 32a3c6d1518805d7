// device_gate: reads and writes of the background, which yield to the foreground's.
#include "core/storage/device_gate.hpp"

#include "support/fake_backend.hpp"

#include <auraio/core/report/engine_stats.hpp>
#include <core/storage/storage_user.hpp>

#include <chrono>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;
using test::outcome;
using test::plain_io;
using namespace std::chrono_literals;

// One shard and one device. Requests are told apart by their offset; those of the background begin at 1000.
class BackgroundGate : public testing::Test {
protected:
    void limit(unsigned count) { e.storage().set(device, {.max_in_flight = count}); }

    descriptor& open(io_class which = io_class::foreground) {
        descriptor* d = descriptor::create(e.shard_at(0), -1);
        d->set_storage(device);
        d->set_io_class(which);
        return *d;
    }

    void start(descriptor& d, std::uint64_t first, unsigned count, request_kind kind = request_kind::read) {
        for (unsigned i = 0; i < count; ++i) {
            io_request r;
            r.kind = kind;
            r.offset = first + i;
            r.length = 4096;
            auto& op = *new plain_io(result, r);
            d.for_transfer(op)->start(op);
        }
    }
    void turn() {
        e.restart(); // it stops when the last operation is gone
        e.run(0);
    }

    test::fake_backend& backend() { return *machine.backends.at(0); }
    using offsets = std::vector<std::uint64_t>;
    static std::uint64_t offset_of(const io_operation& op) {
        return static_cast<const plain_io&>(op).offset();
    }
    offsets at_device() {
        offsets all;
        for (const io_operation* op : backend().submitted)
            all.push_back(offset_of(*op));
        return all;
    }
    std::size_t background_at_device() {
        std::size_t count = 0;
        for (const std::uint64_t offset : at_device())
            count += offset >= 1000;
        return count;
    }
    /// The oldest request at the device completes.
    std::uint64_t complete_one() {
        io_operation& op = *backend().submitted.front();
        const std::uint64_t offset = offset_of(op);
        backend().complete(op, 4096);
        turn();
        return offset;
    }
    void complete_all() {
        const auto deadline = std::chrono::steady_clock::now() + 20s;
        while (e.has_work() && std::chrono::steady_clock::now() < deadline) {
            if (backend().submitted.empty())
                turn();
            else
                complete_one();
        }
        EXPECT_FALSE(e.has_work());
    }
    void close(std::initializer_list<descriptor*> files) {
        for (descriptor* d : files)
            d->close_and_forget();
    }

    storage_device device{{4095, 1}};
    test::fake_machine machine;
    outcome result; // of all operations of start()
    engine e{machine.options()};
};

TEST_F(BackgroundGate, HasTheWholeDeviceWhileThereIsNoForeground) {
    descriptor& scrub = open(io_class::background);
    start(scrub, 1000, 100);
    turn();
    EXPECT_EQ(background_at_device(), 100u);
    complete_all();
    EXPECT_EQ(result.completed, 100);
    EXPECT_EQ(e.stats().total().gate_waits, 0u);
    EXPECT_EQ(device.stats().completed, 100u);
    EXPECT_EQ(device.stats().bytes, 409600u);
    close({&scrub});
}

TEST_F(BackgroundGate, HasASmallShareWhileTheForegroundIsActiveThoughTheGateIsOpen) {
    descriptor& user = open();
    descriptor& scrub = open(io_class::background);
    start(user, 0, 8);
    start(scrub, 1000, 20);
    turn();
    EXPECT_EQ(at_device(), (offsets{0, 1, 2, 3, 4, 5, 6, 7, 1000}));
    EXPECT_EQ(device.stats().delayed, 0u) << "the controller has not held it back";
    EXPECT_EQ(e.stats().total().gate_waits, 19u);
    EXPECT_EQ(device.stats().background_waiting, 19u);
    EXPECT_EQ(device.stats().background_delayed, 19u);
    EXPECT_EQ(device.stats().waiting, 0u);
    start(user, 8, 4); // these go at once
    turn();
    EXPECT_EQ(at_device().back(), 11u);
    complete_all();
    EXPECT_EQ(result.completed, 32);
    EXPECT_EQ(device.stats().completed, 32u);
    EXPECT_EQ(device.stats().background_waiting, 0u);
    EXPECT_EQ(device.stats().background_delayed, 19u);
    close({&user, &scrub});
}

TEST_F(BackgroundGate, HasNothingMoreWhileTheForegroundWaits) {
    limit(4);
    descriptor& user = open();
    descriptor& scrub = open(io_class::background);
    const auto began = std::chrono::steady_clock::now();
    start(scrub, 1000, 10);
    turn();
    ASSERT_EQ(background_at_device(), 4u);
    start(user, 0, 8); // they wait for it to leave
    turn();
    offsets order;
    for (int i = 0; i < 8; ++i)
        order.push_back(complete_one());
    // Each place that becomes free is the foreground's, but for one after a tenth of a second.
    if (std::chrono::steady_clock::now() - began < 100ms) {
        EXPECT_EQ(order, (offsets{1000, 1001, 1002, 1003, 0, 1, 2, 3}));
        EXPECT_EQ(at_device(), (offsets{4, 5, 6, 7}));
    }
    complete_all();
    EXPECT_EQ(result.completed, 18);
    close({&user, &scrub});
}

TEST_F(BackgroundGate, GoesOnByItselfWhenTheForegroundHasGone) {
    descriptor& user = open();
    descriptor& scrub = open(io_class::background);
    start(user, 0, 1);
    start(scrub, 1000, 10);
    turn();
    ASSERT_EQ(background_at_device(), 1u);
    EXPECT_EQ(complete_one(), 0u);
    // Nothing completes any more: the ring's ticks let the others go.
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (background_at_device() < 10 && std::chrono::steady_clock::now() < deadline)
        turn();
    EXPECT_EQ(background_at_device(), 10u);
    complete_all();
    close({&user, &scrub});
}

TEST_F(BackgroundGate, NeverStarves) {
    limit(1);
    descriptor& user = open();
    descriptor& scrub = open(io_class::background);
    start(user, 0, 4);
    start(scrub, 1000, 1, request_kind::write);
    turn();
    std::uint64_t next = 4;
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (background_at_device() == 0 && std::chrono::steady_clock::now() < deadline) {
        start(user, next++, 1); // so that the foreground waits all the time
        complete_one();
    }
    EXPECT_EQ(background_at_device(), 1u);
    complete_all();
    EXPECT_EQ(device.stats().completed, next + 1);
    close({&user, &scrub});
}

TEST_F(BackgroundGate, WhatWaitsIsCancelledAndClosedLikeAnyOther) {
    descriptor& user = open();
    descriptor& first = open(io_class::background);
    descriptor& second = open(io_class::background);
    start(user, 0, 1);
    start(first, 1000, 3);
    start(second, 2000, 3);
    turn();
    ASSERT_EQ(at_device(), (offsets{0, 1000}));
    first.cancel();
    turn();
    EXPECT_GE(result.completed, 2) << "the device may keep the third";
    EXPECT_EQ(result.result, -ECANCELED);
    second.close_and_forget();
    complete_all();
    EXPECT_EQ(result.completed, 7);
    EXPECT_TRUE(at_device().empty());
    EXPECT_EQ(device.stats().in_flight + device.stats().waiting, 0u);
    close({&user, &first});
}

TEST_F(BackgroundGate, FilesOfTheBackgroundTakeTurns) {
    limit(1);
    descriptor& first = open(io_class::background);
    descriptor& second = open(io_class::background);
    start(first, 1000, 4);
    start(second, 2000, 2);
    turn();
    offsets order;
    while (e.has_work())
        order.push_back(complete_one());
    EXPECT_EQ(order, (offsets{1000, 1001, 2000, 1002, 2001, 1003}));
    close({&first, &second});
}

TEST_F(BackgroundGate, WhatAStoppedContextHoldsTakesNoShare) {
    limit(1);
    descriptor& scrub = open(io_class::background);
    const nanoseconds_t before = monotonic_now();
    start(scrub, 1000, 3);
    turn();
    ASSERT_EQ(background_at_device(), 1u);
    EXPECT_EQ(device.look_at_foreground(before).value().background_rings, 1u);
    // As another ring sees it that looks a second later: no turn has come since.
    EXPECT_EQ(device.look_at_foreground(monotonic_now() + 1'000'000'000).value().background_rings, 0u);
    complete_all();
    EXPECT_EQ(result.completed, 3);
    close({&scrub});
}

// What waits for another context's foreground, on a ring without a thread of its own, is looked after by ticks
// alone. They are due by the exact clock, a turn goes by the coarse one, which may be milliseconds behind.
TEST_F(BackgroundGate, ATickOfARingWithoutAThreadIsNotWaitedForTwice) {
    test::fake_machine others_machine;
    engine other(others_machine.options());
    other.storage().set(device, {.max_in_flight = 1});
    descriptor* user = descriptor::create(other.shard_at(0), -1);
    user->set_storage(device);
    start(*user, 0, 3);
    other.run(0); // two wait
    shard& orphan = e.shard_at(1);
    descriptor* scrub = descriptor::create(orphan, -1);
    scrub->set_storage(device);
    scrub->set_io_class(io_class::background);
    nanoseconds_t last = 0;
    unsigned waits = 0, in_vain = 0;
    machine.on_wait = [&](test::fake_backend&, nanoseconds_t until) {
        in_vain += until <= last;
        last = monotonic_now();
        if (++waits == 8)
            e.stop();
    };
    start(*scrub, 1000, 1);
    e.restart();
    e.run(monotonic_now() + 20'000'000'000);
    machine.on_wait = nullptr;
    EXPECT_EQ(waits, 8u);
    EXPECT_EQ(in_vain, 0u) << "the wait before was over no earlier";
    scrub->close_and_forget();
    user->close_and_forget();
    const nanoseconds_t patience = monotonic_now() + 20'000'000'000;
    while ((e.has_work() || other.has_work()) && monotonic_now() < patience) {
        turn();
        other.restart();
        other.run(0);
    }
    EXPECT_EQ(result.completed, 4);
}

// With a limit below the number of rings, the one of the background that went whoever waits has taken the
// foreground's share with it.
TEST_F(BackgroundGate, AShareThatItMayNotUseGoesBackToTheForegroundAtOnce) {
    limit(1);
    test::fake_machine others_machine;
    engine other(others_machine.options());
    other.storage().set(device, {.max_in_flight = 1});
    descriptor* user = descriptor::create(other.shard_at(0), -1);
    user->set_storage(device);
    const auto turn_other = [&] {
        other.restart();
        other.run(0);
    };
    start(*user, 0, 3);
    turn_other();
    descriptor& scrub = open(io_class::background);
    start(scrub, 1000, 8);
    auto& users = others_machine.backends.at(0)->submitted;
    unsigned checked = 0;
    const nanoseconds_t patience = monotonic_now() + 30'000'000'000;
    while (checked < 3 && monotonic_now() < patience) {
        const nanoseconds_t began = monotonic_now();
        if (!users.empty()) {
            start(*user, 0, 1); // so that some wait all the time
            others_machine.backends.at(0)->complete(*users.front(), 4096);
        }
        turn_other();
        turn();
        if (!users.empty() || background_at_device() != 1)
            continue;
        complete_one();
        turn_other();
        if (monotonic_now() - began > 90'000'000) // the next one may go, or a ring counts as stopped
            continue;
        EXPECT_EQ(users.size(), 1u);
        ++checked;
    }
    EXPECT_EQ(checked, 3u);
    scrub.close_and_forget();
    user->close_and_forget();
    while ((e.has_work() || other.has_work()) && monotonic_now() < patience) {
        turn();
        turn_other();
    }
    EXPECT_FALSE(e.has_work() || other.has_work());
}

TEST_F(BackgroundGate, AFileMayChangeItsClass) {
    descriptor& user = open();
    descriptor& file = open();
    start(user, 0, 1);
    EXPECT_EQ(file.get_io_class(), io_class::foreground);
    file.set_io_class(io_class::background);
    EXPECT_EQ(file.get_io_class(), io_class::background);
    start(file, 1000, 2);
    file.set_io_class(io_class::foreground);
    start(file, 10, 2);
    turn();
    EXPECT_EQ(at_device(), (offsets{0, 1000, 10, 11}));
    complete_all();
    EXPECT_EQ(result.completed, 5);
    close({&user, &file});
}

} // namespace
