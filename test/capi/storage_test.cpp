// storage: the gate before storage devices as the C library has it: settings, what waits, and what is shown
// of it.
#include "support.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

using namespace test;

namespace {

constexpr std::size_t block = 4096, blocks = 64;

aura_device_stats_t device(const engine_ptr& e) {
    aura_device_stats_t s{};
    s.struct_size = sizeof s;
    EXPECT_EQ(aura_get_device_stats(e.get(), 0, &s), 0);
    return s;
}

class CStorage : public testing::Test {
protected:
    /// What is known of a device is of the whole process: `before` is what other tests have left.
    void SetUp() override {
        tally first(e);
        ASSERT_TRUE(read(first, fd.get(), 0));
        run_until(first, 1);
        before = device(e);
    }

    /// Counts what has ended, and notes the most that was ever in flight.
    struct tally {
        explicit tally(const engine_ptr& e)
            : engine(e) {}
        const engine_ptr& engine;
        unsigned good = 0, cancelled = 0, other = 0;
        std::uint64_t most = 0;
        unsigned all() const { return good + cancelled + other; }

        static void note(aura_request_t*, ssize_t result, void* self) {
            auto& t = *static_cast<tally*>(self);
            ++(result == static_cast<ssize_t>(block) ? t.good : result == -ECANCELED ? t.cancelled : t.other);
            t.most = std::max(t.most, device(t.engine).in_flight);
        }
    };

    void set(aura_storage_t s, const char* path = nullptr) {
        EXPECT_EQ(aura_set_storage(e.get(), path, &s), 0);
    }
    static aura_storage_t bound(int max_in_flight) {
        aura_storage_t s;
        aura_storage_init(&s);
        s.max_in_flight = max_in_flight;
        return s;
    }
    aura_request_t* read(tally& t, int file, unsigned i) {
        return aura_read(e.get(), file, aura_buf(memory[i % memory.size()].data()), block,
                         static_cast<off_t>(i % blocks * block), tally::note, &t);
    }
    void run_until(const tally& t, unsigned count) {
        while (t.all() < count)
            ASSERT_GT(aura_wait(e.get(), 20000), 0);
    }

    engine_ptr e = make_engine(1);
    scratch_file contents{blocks * block};
    unique_fd fd{::open(contents.path().c_str(), O_RDONLY | O_CLOEXEC)};
    aura_device_stats_t before{};
    std::vector<std::array<char, block>> memory = std::vector<std::array<char, block>>(400);
};

} // namespace

TEST_F(CStorage, NeverLetsMoreThroughThanItMay) {
    set(bound(4), contents.path().c_str());
    tally t(e);
    for (unsigned i = 0; i < 400; ++i)
        ASSERT_TRUE(read(t, fd.get(), i));
    run_until(t, 400);
    EXPECT_EQ(t.good, 400u);
    EXPECT_LE(t.most, 4u);
    EXPECT_GT(t.most, 0u);
    for (unsigned i = 0; i < 400; ++i)
        EXPECT_TRUE(scratch_file::matches(memory[i].data(), block, i % blocks * block));
    const aura_device_stats_t s = device(e);
    EXPECT_EQ(s.limit, 4u);
    EXPECT_EQ(s.completed - before.completed, 400u);
    EXPECT_EQ(s.bytes - before.bytes, 400u * block);
    EXPECT_GE(s.delayed - before.delayed, 390u);
    EXPECT_EQ(s.waiting, 0u);
    EXPECT_GE(s.rings, 1u);
    EXPECT_NE(s.name[0], '\0');
    EXPECT_TRUE(aura_phase_name(s.phase));
    EXPECT_EQ(s.reason[0] == '\0', s.phase_changes == 0);
}

TEST_F(CStorage, WhatWaitsCanBeCancelled) {
    set(bound(1));
    tally t(e);
    std::vector<aura_request_t*> handles;
    for (unsigned i = 0; i < 64; ++i)
        handles.push_back(read(t, fd.get(), i));
    for (unsigned i = 1; i < 64; i += 2)
        EXPECT_EQ(aura_cancel(e.get(), handles[i]), 0);
    run_until(t, 64);
    EXPECT_GE(t.cancelled, 30u); // but for those under way
    EXPECT_EQ(t.good + t.cancelled, 64u);
}

TEST_F(CStorage, DestroyingTheEngineEndsWhatWaits) {
    set(bound(1));
    engine_ptr doomed = make_engine(1);
    const aura_storage_t one = bound(1);
    ASSERT_EQ(aura_set_storage(doomed.get(), nullptr, &one), 0);
    std::array<ended, 100> all;
    for (unsigned i = 0; i < all.size(); ++i)
        ASSERT_TRUE(
            aura_read(doomed.get(), fd.get(), aura_buf(memory[i].data()), block, 0, ended::note, &all[i]));
    aura_poll(doomed.get());
    doomed.reset();
    for (const ended& x : all)
        EXPECT_EQ(x.calls, 1);
}

TEST_F(CStorage, FilesTakeTurns) {
    set(bound(1));
    const unique_fd other(::open(contents.path().c_str(), O_RDONLY | O_CLOEXEC));
    tally many(e), few(e);
    for (unsigned i = 0; i < 200; ++i)
        read(many, fd.get(), i);
    for (unsigned i = 0; i < 3; ++i)
        read(few, other.get(), i);
    run_until(few, 3);
    EXPECT_LT(many.all(), 100u);
    run_until(many, 200);
    EXPECT_EQ(many.good, 200u);
}

TEST_F(CStorage, PipesPassNoGate) {
    set(bound(1));
    const pipe_ends pipe;
    tally files(e);
    ended piped;
    char letter = 0;
    ASSERT_TRUE(aura_read(e.get(), pipe.read_end, aura_buf(&letter), 1, -1, ended::note, &piped));
    for (unsigned i = 0; i < 50; ++i)
        read(files, fd.get(), i);
    run_until(files, 50); // whatever the pipe does
    EXPECT_EQ(piped.calls, 0);
    EXPECT_EQ(::write(pipe.write_end, "x", 1), 1);
    EXPECT_EQ(finish(e, piped), 1);
}

TEST_F(CStorage, RegisteredFilesPassTheirDevicesGate) {
    set(bound(2));
    const int files[] = {fd.get()};
    ASSERT_EQ(aura_register_files(e.get(), files, 1), 0);
    tally t(e);
    for (unsigned i = 0; i < 100; ++i)
        ASSERT_TRUE(read(t, AURA_FIXED_FILE | 0, i));
    run_until(t, 100);
    EXPECT_EQ(t.good, 100u);
    EXPECT_LE(t.most, 2u);
    EXPECT_EQ(device(e).completed - before.completed, 100u);
    EXPECT_EQ(aura_unregister(e.get(), AURA_REG_FILES), 0);
}

TEST_F(CStorage, ReadsOfTheBackgroundYield) {
    set(bound(4));
    // Of the same file: it is each operation that has a class here.
    tally users(e), scrubs(e);
    const auto began = std::chrono::steady_clock::now();
    for (unsigned i = 0; i < 200; ++i)
        ASSERT_TRUE(read(users, fd.get(), i));
    for (unsigned i = 0; i < 100; ++i)
        ASSERT_TRUE(read(scrubs, AURA_BACKGROUND | fd.get(), 200 + i));
    run_until(users, 190); // those behind them still wait
    const auto tenths = (std::chrono::steady_clock::now() - began) / std::chrono::milliseconds(100);
    if (users.all() <= 196) {
        EXPECT_LE(scrubs.all(), 1 + static_cast<unsigned>(tenths));
    }
    run_until(users, 200);
    run_until(scrubs, 100);
    EXPECT_EQ(device(e).background_waiting, 0u);
    EXPECT_GE(device(e).background_delayed - before.background_delayed, 90u);
    EXPECT_EQ(users.good, 200u);
    EXPECT_EQ(scrubs.good, 100u);
    for (unsigned i = 0; i < 300; ++i)
        EXPECT_TRUE(scratch_file::matches(memory[i].data(), block, i % blocks * block));
}

TEST_F(CStorage, TheMarkOfTheBackgroundStandsForWhatItMarks) {
    const int files[] = {fd.get()};
    ASSERT_EQ(aura_register_files(e.get(), files, 1), 0);
    tally t(e);
    const aura_request_t* marked = read(t, AURA_BACKGROUND | fd.get(), 0);
    ASSERT_TRUE(marked);
    EXPECT_EQ(aura_request_fd(marked), fd.get());
    ASSERT_TRUE(read(t, AURA_BACKGROUND | AURA_FIXED_FILE | 0, 1));
    ASSERT_TRUE(read(t, AURA_BACKGROUND | aura_get_fixed_file(e.get(), 0), 2));
    iovec vector{memory[3].data(), block};
    ASSERT_TRUE(aura_readv(e.get(), AURA_BACKGROUND | fd.get(), &vector, 1, 3 * block, tally::note, &t));
    run_until(t, 4);
    EXPECT_EQ(t.good, 4u);
    for (unsigned i = 0; i < 4; ++i)
        EXPECT_TRUE(scratch_file::matches(memory[i].data(), block, i * block));
    ended synced;
    ASSERT_TRUE(aura_fdatasync(e.get(), AURA_BACKGROUND | fd.get(), ended::note, &synced));
    EXPECT_EQ(finish(e, synced), 0);
    // What takes no registered file takes no mark either, and what is no file stays none.
    EXPECT_FALSE(aura_close(e.get(), AURA_BACKGROUND | fd.get(), ended::note, nullptr));
    EXPECT_EQ(errno, EBADF);
    EXPECT_FALSE(aura_ftruncate(e.get(), AURA_BACKGROUND | fd.get(), 0, ended::note, nullptr));
    EXPECT_EQ(errno, EBADF);
    EXPECT_FALSE(read(t, AURA_BACKGROUND | -1, 0));
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(aura_unregister(e.get(), AURA_REG_FILES), 0);
}

TEST_F(CStorage, AnExemptEngineIsNeverHeldBack) {
    aura_storage_t s = bound(1);
    s.adaptive = 0;
    set(s);
    tally t(e);
    for (unsigned i = 0; i < 100; ++i)
        read(t, fd.get(), i);
    run_until(t, 100);
    EXPECT_EQ(t.good, 100u);
    EXPECT_EQ(device(e).delayed, before.delayed);
}

TEST_F(CStorage, RefusesWhatMakesNoSense) {
    aura_storage_t s;
    aura_storage_init(&s);
    aura_storage_init(nullptr);
    EXPECT_EQ(s.struct_size, sizeof s);
    EXPECT_EQ(aura_set_storage(nullptr, nullptr, &s), -EINVAL);
    EXPECT_EQ(aura_set_storage(e.get(), nullptr, nullptr), -EINVAL);
    EXPECT_EQ(aura_set_storage(e.get(), "./no such file", &s), -ENOENT);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(aura_set_storage(e.get(), contents.path().c_str(), &s), 0);
    const auto refused = [&](auto member, auto value) {
        aura_storage_t bad = s;
        bad.*member = value;
        return aura_set_storage(e.get(), nullptr, &bad) == -EINVAL;
    };
    EXPECT_TRUE(refused(&aura_storage_t::struct_size, std::size_t{8}));
    EXPECT_TRUE(refused(&aura_storage_t::max_p99_latency_ns, std::int64_t{-2}));
    EXPECT_TRUE(refused(&aura_storage_t::min_in_flight, 0));
    EXPECT_TRUE(refused(&aura_storage_t::max_in_flight, -2));
    EXPECT_TRUE(refused(&aura_storage_t::adaptive, 2));

    EXPECT_EQ(aura_set_batch_threshold(nullptr, 1), -EINVAL);
    EXPECT_EQ(aura_set_batch_threshold(e.get(), 1), 0);
    EXPECT_EQ(aura_phase_name(-1), nullptr);
    EXPECT_EQ(aura_phase_name(7), nullptr);
    EXPECT_STREQ(aura_phase_name(AURA_PHASE_CONVERGED), "converged");
}

TEST_F(CStorage, DeviceStatisticsNeedADeviceAndRoom) {
    aura_device_stats_t s{};
    s.struct_size = sizeof s;
    const engine_ptr unused = make_engine(1);
    EXPECT_EQ(aura_get_device_stats(unused.get(), 0, &s), -ENOENT);
    EXPECT_EQ(aura_get_device_stats(e.get(), 1, &s), -ENOENT);
    EXPECT_EQ(aura_get_device_stats(e.get(), -1, &s), -EINVAL);
    EXPECT_EQ(aura_get_device_stats(nullptr, 0, &s), -EINVAL);
    EXPECT_EQ(aura_get_device_stats(e.get(), 0, nullptr), -EINVAL);
    s.struct_size = 4;
    EXPECT_EQ(aura_get_device_stats(e.get(), 0, &s), -EINVAL);
    tally t(e);
    read(t, fd.get(), 0);
    run_until(t, 1);
    // An older program's struct: what is beyond is not touched.
    std::memset(&s, 0xff, sizeof s);
    s.struct_size = offsetof(aura_device_stats_t, limit);
    EXPECT_EQ(aura_get_device_stats(e.get(), 0, &s), 0);
    EXPECT_GE(s.rings, 1u);
    EXPECT_EQ(s.limit, std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(s.completed, std::numeric_limits<std::uint64_t>::max());
}
