// The gate before a storage device, in the path of real files: bounded on purpose, so that requests wait.
#include "support/scratch_file.hpp"

#include <auraio/auraio.hpp>
#include <auraio/prometheus.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <asio.hpp>
#include <gtest/gtest.h>

namespace {

using namespace std::chrono_literals;

constexpr std::size_t block = 4096;
constexpr std::size_t blocks = 64;

/// Outcomes of reads, counted from any ring.
struct tally {
    std::atomic<unsigned> good{0};
    std::atomic<unsigned> aborted{0};
    std::atomic<unsigned> other{0};
    unsigned all() const { return good + aborted + other; }
    void add(const aura::error_code& ec) {
        if (!ec)
            ++good;
        else if (ec == asio::error::operation_aborted)
            ++aborted;
        else
            ++other;
    }
};

class StorageGate : public testing::Test {
protected:
    void read(aura::random_access_file& file, unsigned i, std::function<void()> then = {}) {
        file.async_read_some_at(i % blocks * block, asio::buffer(buffers_[i % buffers_.size()]),
                                [this, then = std::move(then)](aura::error_code ec, std::size_t) {
                                    ends.add(ec);
                                    if (then)
                                        then();
                                });
    }
    void read_many(aura::random_access_file& file, unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            read(file, i);
    }
    aura::random_access_file open(aura::io_context& context) {
        return aura::random_access_file(context, scratch_.path(), aura::random_access_file::read_only);
    }
    static aura::device_stats device(const aura::io_context& context) {
        const auto all = context.stats().devices;
        EXPECT_EQ(all.size(), 1u);
        return all.at(0);
    }

    const test::scratch_file scratch_{blocks * block};
    const aura::device_id here_ = aura::device_of(scratch_.path());
    std::vector<std::array<char, block>> buffers_ = std::vector<std::array<char, block>>(600);
    tally ends;
};

TEST_F(StorageGate, NeverLetsMoreThroughThanItMay) {
    aura::io_context context(1);
    context.set_max_in_flight(4, here_);
    aura::random_access_file file = open(context);
    std::uint64_t most = 0;
    for (unsigned i = 0; i < 500; ++i)
        read(file, i, [&] { most = std::max(most, device(context).in_flight); });
    context.run();
    EXPECT_EQ(ends.good, 500u);
    EXPECT_LE(most, 4u);
    EXPECT_GE(context.stats().total().gate_waits, 490u);
    const aura::device_stats d = device(context);
    EXPECT_EQ(d.limit, 4u);
    EXPECT_EQ(d.in_flight + d.waiting, 0u);
    EXPECT_GE(d.bytes, 500 * block);
}

TEST_F(StorageGate, IsOpenByDefault) {
    aura::io_context context(1);
    aura::random_access_file file = open(context);
    read_many(file, 500);
    context.run();
    EXPECT_EQ(ends.good, 500u);
    EXPECT_EQ(context.stats().total().gate_waits, 0u);
    EXPECT_EQ(device(context).limit, aura::core::no_limit);
}

TEST_F(StorageGate, HoldsBackAFileThatWasOpenedAsynchronously) {
    aura::io_context context(1);
    context.set_max_in_flight(2);
    aura::random_access_file file(context);
    file.async_open(scratch_.path(), aura::random_access_file::read_only, [&](aura::error_code ec) {
        ASSERT_FALSE(ec);
        read_many(file, 20);
    });
    context.run();
    EXPECT_EQ(ends.good, 20u);
    EXPECT_GE(context.stats().total().gate_waits, 17u);
}

TEST_F(StorageGate, NeverSeesPipes) {
    aura::io_context context(1);
    context.set_max_in_flight(1);
    int ends_of_pipe[2];
    ASSERT_EQ(::pipe(ends_of_pipe), 0);
    aura::stream_file in(context, ends_of_pipe[0]);
    aura::stream_file out(context, ends_of_pipe[1]);
    std::array<char, 4> got{};
    in.async_read_some(asio::buffer(got), [&](aura::error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 4u);
    });
    out.async_write_some(asio::buffer("abc", 4), [](aura::error_code ec, std::size_t) { EXPECT_FALSE(ec); });
    context.run();
    EXPECT_TRUE(context.stats().devices.empty());
}

TEST_F(StorageGate, CancellingEndsWhatWaits) {
    aura::io_context context(1);
    context.set_max_in_flight(1);
    aura::random_access_file file = open(context);
    asio::post(context, [&] {
        read_many(file, 100);
        file.cancel();
    });
    context.run();
    EXPECT_EQ(ends.all(), 100u);
    EXPECT_GE(ends.aborted, 99u);
    EXPECT_EQ(ends.other, 0u);
}

TEST_F(StorageGate, CancelsOneByItsSlot) {
    aura::io_context context(1);
    context.set_max_in_flight(1);
    aura::random_access_file file = open(context);
    asio::cancellation_signal signal;
    asio::post(context, [&] {
        read_many(file, 10);
        file.async_read_some_at(
            0, asio::buffer(buffers_[20]),
            asio::bind_cancellation_slot(signal.slot(),
                                         [this](aura::error_code ec, std::size_t) { ends.add(ec); }));
        signal.emit(asio::cancellation_type::total);
    });
    context.run();
    EXPECT_EQ(ends.good, 10u);
    EXPECT_EQ(ends.aborted, 1u);
}

TEST_F(StorageGate, ClosingFromAfarEndsWhatWaits) {
    aura::io_context context(1);
    context.set_max_in_flight(1);
    aura::random_access_file file = open(context);
    std::latch started(1);
    std::latch closed(1);
    asio::post(context, [&] {
        read_many(file, 100);
        started.count_down();
        closed.wait();
    });
    std::jthread runner([&] { context.run(); });
    started.wait();
    file.close();
    closed.count_down();
    runner.join();
    EXPECT_EQ(ends.all(), 100u);
    EXPECT_GE(ends.aborted, 99u);
    EXPECT_EQ(ends.other, 0u);
    EXPECT_EQ(device(context).waiting, 0u);
}

TEST_F(StorageGate, DestructionDropsWhatWaits) {
    auto alive = std::make_shared<int>(0);
    {
        aura::io_context context(1);
        context.set_max_in_flight(1);
        aura::random_access_file file = open(context);
        for (unsigned i = 0; i < 100; ++i)
            read(file, i, [alive] { ADD_FAILURE() << "a handler ran"; });
        aura::random_access_file also = open(context);
        asio::post(context, [&] {
            for (unsigned i = 0; i < 100; ++i)
                read(also, i, [alive] { ADD_FAILURE() << "a handler ran"; });
            context.stop();
        });
        context.run();
        EXPECT_GT(alive.use_count(), 190);
        ends.good = 0;
    }
    EXPECT_EQ(alive.use_count(), 1);
}

TEST_F(StorageGate, StoppedAndStartedAgainGoesOn) {
    aura::io_context context(1);
    context.set_max_in_flight(1);
    aura::random_access_file file = open(context);
    read(file, 0, [&] { context.stop(); });
    read_many(file, 50);
    context.run();
    EXPECT_LT(ends.all(), 51u);
    context.restart();
    context.run();
    EXPECT_EQ(ends.good, 51u);
}

// Closed loops, eight reads deep, on several rings of two contexts.
TEST_F(StorageGate, RingsOfSeveralContextsShareADevice) {
    aura::io_context first;
    aura::io_context second;
    first.set_max_in_flight(3);
    struct loop {
        explicit loop(aura::random_access_file f)
            : file(std::move(f)) {}
        aura::random_access_file file;
        unsigned left = 300;
        unsigned done = 0;
        std::function<void()> next;
    };
    std::vector<std::unique_ptr<loop>> loops;
    for (unsigned ring = 0; ring < 4; ++ring) {
        aura::io_context& context = ring % 2 == 0 ? first : second;
        loops.push_back(std::make_unique<loop>(aura::random_access_file(
            context.ring_executor(ring / 2), scratch_.path(), aura::random_access_file::read_only)));
        loop& l = *loops.back();
        l.next = [this, &l, ring] {
            if (l.left == 0)
                return;
            --l.left;
            l.file.async_read_some_at(l.left % blocks * block, asio::buffer(buffers_[ring]),
                                      [this, &l](aura::error_code ec, std::size_t) {
                                          ends.add(ec);
                                          ++l.done;
                                          l.next();
                                      });
        };
        for (int i = 0; i < 8; ++i)
            l.next();
    }
    {
        std::vector<std::jthread> runners;
        for (int i = 0; i < 2; ++i) {
            runners.emplace_back([&] { first.run(); });
            runners.emplace_back([&] { second.run(); });
        }
    }
    EXPECT_EQ(ends.good, 1200u);
    for (const auto& l : loops)
        EXPECT_EQ(l->done, 300u);
    const aura::device_stats d = device(first);
    EXPECT_EQ(d.rings, 4u);
    EXPECT_EQ(d.limit, 3u);
    EXPECT_EQ(d.in_flight + d.waiting, 0u);
}

TEST_F(StorageGate, TakesSettingsAndShowsItselfWhileRingsRun) {
    aura::io_context context;
    aura::random_access_file file = open(context);
    std::atomic<bool> enough{false};
    std::function<void()> next = [&] {
        if (!enough)
            read(file, 0, next);
    };
    for (int i = 0; i < 16; ++i)
        next();
    std::jthread runner([&] { context.run(); });
    for (unsigned i = 0; i < 200; ++i) {
        context.set_max_in_flight(i % 5);
        context.set_min_in_flight(1 + i % 3, here_);
        context.set_max_p99_latency(i % 2 * 1ms);
        context.set_adaptive(i % 7 != 0, here_);
        const auto stats = context.stats();
        EXPECT_LE(stats.devices.size(), 1u);
    }
    enough = true;
    runner.join();
    EXPECT_EQ(ends.other + ends.aborted, 0u);
}

TEST_F(StorageGate, PrometheusTextHasTheDevice) {
    aura::io_context context(1);
    context.set_max_in_flight(4);
    aura::random_access_file file = open(context);
    read_many(file, 10);
    context.run();
    const aura::engine_stats stats = context.stats();
    const aura::device_stats& d = stats.devices.at(0);
    aura::prometheus_text text;
    text.add("main", stats);
    const std::string out = text.str();
    const std::string labels = "{context=\"main\",device=\"" + d.name + "\"} ";
    EXPECT_NE(out.find("auraio_device_limit" + labels + "4\n"), std::string::npos) << out;
    EXPECT_NE(out.find("auraio_device_requests_waiting" + labels + "0\n"), std::string::npos);
    EXPECT_NE(out.find(std::string("phase=\"") + name(d.phase) + "\"} 1\n"), std::string::npos);
}

TEST_F(StorageGate, WhatWaitsAtAForkEndsInBothProcesses) {
    aura::io_context context(1);
    context.set_max_in_flight(1);
    aura::random_access_file file = open(context);
    asio::post(context, [&] {
        read_many(file, 30);
        context.stop();
    });
    context.run();
    context.restart();
    context.notify_fork(aura::io_context::fork_prepare);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
        context.notify_fork(aura::io_context::fork_child);
        context.run();
        ::_exit(ends.good == 30 ? 0 : 1);
    }
    context.notify_fork(aura::io_context::fork_parent);
    context.run();
    EXPECT_EQ(ends.good, 30u);
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "child: " << status;
}

} // namespace
