// device_gate: what waits for a device, in which order it goes, and how it ends when it does not.
#include "core/storage/device_gate.hpp"

#include "support/fake_backend.hpp"

#include <auraio/core/report/engine_stats.hpp>
#include <core/storage/storage_user.hpp>

#include <array>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;
using test::outcome;
using test::plain_io;

// One shard and one device, at which four requests may be at once. Requests are told apart by their offset.
class Gate : public testing::Test {
protected:
    Gate() { limit(4); }

    void limit(unsigned count) { e.storage().set(device, {.max_in_flight = count}); }

    descriptor& open() {
        descriptor* d = descriptor::create(e.shard_at(0), -1);
        d->set_storage(device);
        return *d;
    }

    static io_request request(request_kind kind, std::uint64_t offset) {
        io_request r;
        r.kind = kind;
        r.offset = offset;
        r.length = 4096;
        return r;
    }
    plain_io& operation(outcome& o, std::uint64_t offset, request_kind kind = request_kind::read) {
        return *new plain_io(o, request(kind, offset));
    }
    void start(descriptor& d, std::uint64_t first, unsigned count, request_kind kind = request_kind::read) {
        for (unsigned i = 0; i < count; ++i)
            d.start(operation(result, first + i, kind));
    }
    void turn() {
        e.restart(); // it stops when the last operation is gone
        e.run(0);
    }

    test::fake_backend& backend() { return *machine.backends.at(0); }
    std::vector<std::uint64_t> at_device() {
        std::vector<std::uint64_t> all;
        for (const io_operation* op : backend().submitted)
            all.push_back(static_cast<const plain_io*>(op)->offset());
        return all;
    }
    /// The oldest request at the device completes.
    std::uint64_t complete_one() {
        io_operation& op = *backend().submitted.front();
        const std::uint64_t offset = static_cast<const plain_io&>(op).offset();
        backend().complete(op, 4096);
        turn();
        return offset;
    }

    using offsets = std::vector<std::uint64_t>;

    storage_device device{{4095, 1}};
    test::fake_machine machine;
    outcome result; // of all operations of start()
    engine e{machine.options()};
};

TEST_F(Gate, LetsSoManyThroughAndTheOthersInTheirOrder) {
    descriptor& d = open();
    start(d, 0, 10);
    turn();
    EXPECT_EQ(at_device(), (offsets{0, 1, 2, 3}));
    EXPECT_EQ(e.stats().total().gate_waits, 6u);
    for (std::uint64_t i = 0; i < 10; ++i) {
        EXPECT_LE(backend().submitted.size(), 4u);
        EXPECT_EQ(complete_one(), i);
    }
    EXPECT_EQ(result.completed, 10);
    EXPECT_EQ(result.result, 4096);
    EXPECT_FALSE(e.has_work());
    const device_stats s = device.stats();
    EXPECT_EQ(s.limit, 4u);
    EXPECT_EQ(s.submitted, 10u);
    EXPECT_EQ(s.completed, 10u);
    EXPECT_EQ(s.delayed, 7u); // the first one had to ask for a share
    EXPECT_EQ(s.bytes, 40960u);
    EXPECT_EQ(s.in_flight + s.waiting, 0u);
    d.close_and_forget();
}

TEST_F(Gate, OperationsInsideHandlersWaitBehindThoseThatWaited) {
    descriptor& d = open();
    start(d, 0, 6);
    turn();
    backend().complete(*backend().submitted.front(), 4096);
    start(d, 100, 1); // room now, but 4 and 5 have waited longer
    turn();
    EXPECT_EQ(at_device(), (offsets{1, 2, 3, 4}));
    for (const std::uint64_t expected : offsets{1, 2, 3, 4, 5, 100})
        EXPECT_EQ(complete_one(), expected);
    d.close_and_forget();
}

TEST_F(Gate, OtherRequestsOfTheFilePass) {
    descriptor& d = open();
    start(d, 0, 10);
    start(d, 50, 1, request_kind::fsync);
    start(d, 51, 1, request_kind::fallocate);
    turn();
    EXPECT_EQ(at_device(), (offsets{0, 1, 2, 3, 50, 51}));
    while (!backend().submitted.empty())
        complete_one();
    EXPECT_EQ(result.completed, 12);
    EXPECT_EQ(device.stats().completed, 10u);
    d.close_and_forget();
}

TEST_F(Gate, FilesTakeTurns) {
    descriptor& crowd = open();
    descriptor& lonely = open();
    start(crowd, 0, 100);
    start(lonely, 1000, 3);
    turn();
    offsets order;
    for (int i = 0; i < 103; ++i)
        order.push_back(complete_one());
    const offsets beginning(order.begin(), order.begin() + 11);
    EXPECT_EQ(beginning, (offsets{0, 1, 2, 3, 4, 1000, 5, 1001, 6, 1002, 7}));
    crowd.close_and_forget();
    lonely.close_and_forget();
}

TEST_F(Gate, ReadsAndWritesTakeTurns) {
    descriptor& d = open();
    start(d, 0, 8);
    start(d, 100, 4, request_kind::write);
    turn();
    offsets order;
    for (int i = 0; i < 12; ++i)
        order.push_back(complete_one());
    EXPECT_EQ(order, (offsets{0, 1, 2, 3, 100, 4, 101, 5, 102, 6, 103, 7}));
    d.close_and_forget();
}

TEST_F(Gate, CancellingAsksTheDeviceOnlyForWhatIsThere) {
    descriptor& d = open();
    start(d, 0, 10);
    turn();
    backend().complete_cancelled = false;
    d.cancel();
    EXPECT_EQ(backend().cancelled.size(), 4u);
    turn();
    EXPECT_EQ(result.completed, 6);
    EXPECT_EQ(result.result, -ECANCELED);
    EXPECT_EQ(device.stats().waiting, 0u);
    EXPECT_EQ(at_device().size(), 4u);
    start(d, 20, 1);
    turn();
    EXPECT_EQ(device.stats().waiting, 1u);
    while (!backend().submitted.empty())
        complete_one();
    EXPECT_EQ(result.completed, 11);
    d.close_and_forget();
}

TEST_F(Gate, CancellingOneLeavesTheOthersInTheirOrder) {
    descriptor& d = open();
    std::array<outcome, 4> outcomes;
    start(d, 0, 4);
    std::vector<cancel_handle> handles;
    for (unsigned i = 0; i < 4; ++i) {
        plain_io& op = operation(outcomes[i], 10 + i);
        handles.push_back(op.make_cancellable(e.shard_at(0)));
        d.start(op);
    }
    turn();
    handles[0].request(); // the first of the line
    handles[2].request();
    turn();
    EXPECT_TRUE(backend().cancelled.empty());
    EXPECT_EQ(outcomes[0].result, -ECANCELED);
    EXPECT_EQ(outcomes[2].result, -ECANCELED);
    for (int i = 0; i < 4; ++i)
        complete_one();
    EXPECT_EQ(at_device(), (offsets{11, 13}));
    handles[3].request(); // let through by now
    turn();
    EXPECT_EQ(backend().cancelled.size(), 1u);
    complete_one();
    EXPECT_EQ(outcomes[1].result, 4096);
    EXPECT_FALSE(e.has_work());
    d.close_and_forget();
}

TEST_F(Gate, ClosingEndsWhatWaitsAndOtherFilesGoOn) {
    descriptor& closed = open();
    descriptor& other = open();
    start(closed, 0, 10);
    start(other, 100, 2);
    turn();
    closed.close_and_forget(); // the fake ends what is at the device at once
    turn();
    turn();
    EXPECT_EQ(result.completed, 10);
    EXPECT_EQ(at_device(), (offsets{100, 101}));
    complete_one();
    complete_one();
    EXPECT_FALSE(e.has_work());
    other.close_and_forget();
}

TEST_F(Gate, DestructionDestroysWhatWaits) {
    outcome o;
    {
        test::fake_machine m;
        engine short_lived(m.options());
        short_lived.storage().set(device, {.max_in_flight = 2});
        descriptor* d = descriptor::create(short_lived.shard_at(0), -1);
        d->set_storage(device);
        for (unsigned i = 0; i < 10; ++i)
            d->start(operation(o, i));
        short_lived.run(0);
        EXPECT_EQ(m.backends.at(0)->submitted.size(), 2u);
        EXPECT_EQ(device.stats().rings, 1u);
        short_lived.shutdown();
        EXPECT_EQ(o.destroyed, 10);
        EXPECT_EQ(o.completed, 0);
        EXPECT_FALSE(short_lived.has_work());
        EXPECT_EQ(device.stats().rings, 0u);
        d->start(operation(o, 11)); // a late one is cancelled, and reaches no gate
        d->close_and_forget();
    }
    EXPECT_EQ(o.destroyed, 11);
    EXPECT_EQ(device.stats().rings, 0u);
}

TEST_F(Gate, StopAndRestartKeepTheLine) {
    descriptor& d = open();
    start(d, 0, 6);
    turn();
    e.stop();
    backend().complete(*backend().submitted.front(), 4096);
    e.run(0);
    EXPECT_EQ(at_device().size(), 3u);
    EXPECT_TRUE(e.has_work());
    e.restart();
    turn();
    EXPECT_EQ(at_device(), (offsets{1, 2, 3, 4}));
    while (!backend().submitted.empty())
        complete_one();
    EXPECT_EQ(result.completed, 6);
    EXPECT_FALSE(e.has_work());
    d.close_and_forget();
}

TEST_F(Gate, AStreamsNextReadTakesTheLaneWhenTheOneThatWaitedIsCancelled) {
    descriptor& other = open();
    start(other, 0, 4);
    descriptor& stream = open();
    outcome first;
    outcome second;
    plain_io& a = operation(first, current_position);
    const cancel_handle cancel_first = a.make_cancellable(e.shard_at(0));
    stream.start(a);
    stream.start(operation(second, current_position));
    turn();
    EXPECT_EQ(device.stats().waiting, 1u) << "the second waits for the first, not for the device";
    cancel_first.request();
    turn();
    EXPECT_EQ(first.result, -ECANCELED);
    EXPECT_EQ(device.stats().waiting, 1u);
    for (int i = 0; i < 5; ++i)
        complete_one();
    EXPECT_EQ(second.result, 4096);
    EXPECT_FALSE(e.has_work());
    other.close_and_forget();
    stream.close_and_forget();
}

// Another context on the same device.
struct other_context {
    explicit other_context(storage_device& device, unsigned limit = 0) {
        e.storage().set(device, {.max_in_flight = limit});
        file = descriptor::create(e.shard_at(0), -1);
        file->set_storage(device);
    }
    ~other_context() {
        file->close_and_forget();
        e.shutdown();
    }
    void start(unsigned count) {
        io_request r;
        r.kind = request_kind::read;
        r.length = 4096;
        for (unsigned i = 0; i < count; ++i)
            file->start(*new plain_io(result, r));
    }
    void turn() {
        e.restart();
        e.run(0);
    }
    std::size_t at_device() const {
        return machine.backends.empty() ? 0 : machine.backends[0]->submitted.size();
    }
    void complete_all() {
        for (auto& submitted = machine.backends.at(0)->submitted; !submitted.empty(); turn())
            machine.backends.at(0)->complete(*submitted.front(), 4096);
    }

    test::fake_machine machine;
    outcome result;
    engine e{machine.options()};
    descriptor* file;
};

// A closed loop that the controller takes for one that queues in the device.
void engage(other_context& context, const storage_device& device) {
    context.start(64);
    while (device.stats().phase == controller_phase::passthrough)
        context.turn();
}

TEST_F(Gate, OpensWhenTheLastRingHasLeft) {
    {
        other_context only(device);
        engage(only, device);
        only.complete_all();
    }
    const device_stats s = device.stats();
    EXPECT_EQ(s.rings, 0u);
    EXPECT_EQ(s.phase, controller_phase::passthrough);
    EXPECT_EQ(s.trace.back().reason, controller_reason::abandoned);
    EXPECT_EQ(s.limit, no_limit);
}

TEST_F(Gate, OpensWhenTheLastRingThatTicksHasLeft) {
    other_context idle(device);
    idle.start(1);
    idle.turn();
    idle.e.work_started(); // it is run although nothing is to be done
    idle.complete_all();
    while (idle.e.shard_at(0).next_deadline() != never) // until it ticks no more
        idle.turn();
    idle.e.work_finished();
    {
        other_context busy(device);
        engage(busy, device);
        busy.complete_all();
    }
    const device_stats s = device.stats();
    EXPECT_EQ(s.rings, 1u);
    EXPECT_EQ(s.phase, controller_phase::passthrough);
    EXPECT_EQ(s.trace.back().reason, controller_reason::abandoned);
}

TEST_F(Gate, ALoadAfterALongPauseOfTicksIsANewOne) {
    other_context only(device);
    engage(only, device);
    only.complete_all();
    ASSERT_NE(device.stats().phase, controller_phase::passthrough);
    device.tick(*only.e.shard_at(0).path().gate_for(device), monotonic_now() + 2'000'000'000);
    EXPECT_EQ(device.stats().phase, controller_phase::passthrough);
    EXPECT_EQ(device.stats().trace.back().reason, controller_reason::abandoned);
}

// A context is stopped, or a handler does not return, while requests are at the device and others wait.
TEST_F(Gate, WhatNobodyLooksAfterHasNoShare) {
    descriptor& d = open();
    start(d, 0, 20);
    turn();
    EXPECT_EQ(at_device().size(), 4u);
    other_context running(device);
    running.start(20);
    while (running.at_device() != 4)
        running.turn();
    EXPECT_EQ(device.stats().in_flight, 8u);
    // It goes on, and gets back what is its.
    for (int i = 0; i < 4; ++i)
        complete_one();
    while (at_device().empty()) {
        turn();
        running.turn();
        if (running.at_device() == 4)
            running.machine.backends.at(0)->complete(*running.machine.backends.at(0)->submitted.front(),
                                                     4096);
    }
    running.complete_all();
    while (result.completed != 20) {
        turn();
        if (!backend().submitted.empty())
            complete_one();
    }
    d.close_and_forget();
}

TEST_F(Gate, OpensForAContextThatDoesNotWantIt) {
    descriptor& d = open();
    start(d, 0, 10);
    turn();
    e.storage().set(device, {.adaptive = false});
    EXPECT_EQ(complete_one(), 0u);
    EXPECT_EQ(at_device().size(), 9u);
    while (!backend().submitted.empty())
        complete_one();
    d.close_and_forget();
}

TEST_F(Gate, ABoundForAllDevicesYieldsToTheOneForThisDevice) {
    descriptor& d = open();
    e.storage().set({.max_in_flight = 1});
    start(d, 0, 10);
    turn();
    EXPECT_EQ(at_device().size(), 4u);
    limit(0); // said of this device: none
    complete_one();
    EXPECT_EQ(at_device().size(), 9u);
    while (!backend().submitted.empty())
        complete_one();
    d.close_and_forget();
}

TEST_F(Gate, MeasuresLatencyOfOneIn64) {
    limit(0);
    descriptor& d = open();
    // All are let through before a tick of the clock can find the device slow, of which every operation is measured.
    start(d, 0, 640);
    turn();
    EXPECT_EQ(at_device().size(), 640u);
    while (!backend().submitted.empty())
        complete_one();
    EXPECT_EQ(e.stats().total().read_latency.count(), 10u);
    EXPECT_EQ(e.stats().total().gate_waits, 0u);
    d.close_and_forget();
}

} // namespace
