// device_gate: writes that give way to reads with a ceiling, and syncs that wait with them.
#include "core/storage/device_gate.hpp"

#include "support/fake_backend.hpp"

#include <auraio/core/report/engine_stats.hpp>
#include <core/storage/storage_user.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;
using test::outcome;
using test::plain_io;
using namespace std::chrono_literals;

// One shard, one device and one file, of which four reads and sixteen writes are under way at any time. A read may take
// a nanosecond, so each takes too long.
class WriteGate : public testing::Test {
protected:
    WriteGate() {
        e.storage().set(device, {.max_p99_latency = nanoseconds_t{1}});
        file->set_storage(device);
    }

    io_operation& start(request_kind kind, outcome& o) {
        io_request r;
        r.kind = kind;
        r.length = 4096;
        auto& op = *new plain_io(o, r);
        file->start(op);
        return op;
    }
    void turn() {
        e.restart(); // it stops when the last operation is gone
        e.run(0);
    }
    std::size_t at_device(request_kind kind) {
        const auto& all = machine.backends.at(0)->submitted;
        return static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [&](const io_operation* op) { return op->request().kind == kind; }));
    }
    void complete(std::initializer_list<request_kind> kinds) {
        const auto all = machine.backends.at(0)->submitted;
        for (io_operation* op : all)
            if (std::find(kinds.begin(), kinds.end(), op->request().kind) != kinds.end())
                machine.backends.at(0)->complete(*op, transfers_file_data(op->request().kind) ? 4096 : 0);
    }
    /// What there is at the device ends, and the same begins again, until it is so.
    template <class What>
    bool go_on_until(What what) {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        for (; std::chrono::steady_clock::now() < deadline;
             complete({request_kind::read, request_kind::write})) {
            for (; reads_started < reads.completed + 4; ++reads_started)
                start(request_kind::read, reads);
            for (; writes_started < writes.completed + 16; ++writes_started)
                start(request_kind::write, writes);
            turn();
            if (what())
                return true;
        }
        return false;
    }
    bool paused() { return device.stats().waiting != 0 && at_device(request_kind::write) == 0; }
    void end() {
        const auto deadline = std::chrono::steady_clock::now() + 30s;
        while (e.has_work() && std::chrono::steady_clock::now() < deadline) {
            complete({request_kind::read, request_kind::write, request_kind::fsync});
            turn();
        }
        EXPECT_FALSE(e.has_work());
        EXPECT_EQ(reads.completed, reads_started);
        EXPECT_EQ(writes.completed, writes_started);
        file->close_and_forget();
    }

    storage_device device{{4095, 1}};
    test::fake_machine machine;
    outcome reads, writes, syncs;
    int reads_started = 0, writes_started = 0;
    engine e{machine.options()};
    descriptor* file = descriptor::create(e.shard_at(0), -1);
};

TEST_F(WriteGate, WritesGiveWayAndReadsDoNot) {
    ASSERT_TRUE(go_on_until([&] { return paused() && at_device(request_kind::read) != 0; }));
    const int pending = reads_started + writes_started - reads.completed - writes.completed;
    EXPECT_EQ(device.stats().waiting + device.stats().in_flight, static_cast<std::uint64_t>(pending));
    EXPECT_LT(device.stats().write_share, 1);
    // One at a time goes on.
    const int so_far = writes.completed;
    EXPECT_TRUE(go_on_until([&] { return writes.completed > so_far; }));
    end();
}

TEST_F(WriteGate, ASyncWaitsForThePauseToEnd) {
    ASSERT_TRUE(go_on_until([&] {
        if (!paused())
            return false;
        start(request_kind::fsync, syncs);
        turn();
        if (at_device(request_kind::fsync) == 0)
            return true;
        complete({request_kind::fsync}); // the pause was over
        turn();
        return false;
    }));
    const int before = syncs.completed;
    EXPECT_TRUE(go_on_until([&] { return at_device(request_kind::fsync) == 1; }));
    complete({request_kind::fsync});
    turn();
    EXPECT_EQ(syncs.completed, before + 1);
    EXPECT_EQ(syncs.result, 0);
    end();
}

TEST_F(WriteGate, ASyncThatWaitsGoesOnWhenThereIsNothingElse) {
    ASSERT_TRUE(go_on_until([&] { return paused(); }));
    start(request_kind::fsync, syncs);
    end();
    EXPECT_EQ(syncs.result, 0);
}

TEST_F(WriteGate, ASyncThatWaitsIsCancelledWithItsFile) {
    ASSERT_TRUE(go_on_until([&] {
        if (!paused())
            return false;
        start(request_kind::fsync, syncs);
        turn();
        if (at_device(request_kind::fsync) == 0)
            return true;
        complete({request_kind::fsync});
        turn();
        return false;
    }));
    file->cancel();
    turn();
    EXPECT_EQ(syncs.result, -ECANCELED);
    end();
}

TEST_F(WriteGate, WithoutACeilingSyncsAndWritesPass) {
    e.storage().set(device, {.max_p99_latency = nanoseconds_t{0}});
    for (int i = 0; i < 20; ++i)
        EXPECT_TRUE(go_on_until([&] { return at_device(request_kind::write) == 16; }));
    EXPECT_TRUE(std::isinf(device.stats().write_share));
    start(request_kind::fsync, syncs);
    turn();
    EXPECT_EQ(at_device(request_kind::fsync), 1u);
    end();
}

} // namespace
