// Files of the background on a real backend: they yield to those of the foreground, and go on when these are done.
#include "support/scratch_file.hpp"

#include <auraio/auraio.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <asio.hpp>
#include <gtest/gtest.h>

namespace {

using clock_type = std::chrono::steady_clock;

constexpr std::size_t block = 4096;
constexpr std::size_t blocks = 64;

class IoClass : public testing::Test {
protected:
    struct tally {
        std::atomic<unsigned> good{0};
        std::atomic<unsigned> other{0};
    };
    /// Each has memory of its own while it is under way, and a block that differs from that of its neighbours and of
    /// the other class with the same number: a completion that went to another one shows.
    template <class Then>
    void read(aura::random_access_file& file, tally& t, unsigned i, Then then) {
        const bool scrubs_it = &t == &scrubs;
        const std::uint64_t offset = (scrubs_it ? i + blocks / 2 : i) % blocks * block;
        auto& buffer = buffers_[(scrubs_it ? 300 : 0) + i];
        file.async_read_some_at(
            offset, asio::buffer(buffer), [&t, &buffer, offset, then](aura::error_code ec, std::size_t n) {
                const bool good = !ec && n == block && test::scratch_file::matches(buffer.data(), n, offset);
                ++(good ? t.good : t.other);
                then();
            });
    }
    aura::random_access_file open(aura::io_context& context, aura::io_class which) {
        aura::random_access_file file(context, scratch_.path(), aura::random_access_file::read_only);
        file.io_class(which);
        return file;
    }
    /// So many of the background may have gone though the foreground waited: one each tenth of a second.
    static unsigned gone_by_patience(clock_type::time_point since) {
        return 1 + static_cast<unsigned>((clock_type::now() - since) / std::chrono::milliseconds(100));
    }

    const test::scratch_file scratch_{blocks * block};
    std::vector<std::array<char, block>> buffers_ = std::vector<std::array<char, block>>(600);
    tally users, scrubs;
};

TEST_F(IoClass, YieldsWhileTheForegroundWaits) {
    aura::io_context context(1);
    context.set_max_in_flight(4);
    auto user = open(context, aura::io_class::foreground);
    auto scrub = open(context, aura::io_class::background);
    unsigned scrubbed = 0, allowed = 0;
    asio::post(context, [&] {
        const auto began = clock_type::now();
        for (unsigned i = 0; i < 200; ++i)
            read(user, users, i, [&, began] {
                if (users.good != 196) // the last one that waited has been let through
                    return;
                scrubbed = scrubs.good;
                allowed = gone_by_patience(began);
            });
        for (unsigned i = 0; i < 100; ++i)
            read(scrub, scrubs, i, [] {});
    });
    context.run();
    EXPECT_EQ(users.good, 200u);
    EXPECT_EQ(scrubs.good, 100u);
    EXPECT_EQ(users.other + scrubs.other, 0u);
    EXPECT_LE(scrubbed, allowed);
}

TEST_F(IoClass, OfAnotherRingYieldsAsWell) {
    aura::io_context context(2);
    context.set_max_in_flight(4);
    auto user = open(context, aura::io_class::foreground);
    auto scrub = open(context, aura::io_class::background);
    asio::post(context, [&] {
        for (unsigned i = 0; i < 200; ++i)
            read(user, users, i, [] {});
    });
    asio::post(context, [&] {
        for (unsigned i = 0; i < 200; ++i)
            read(scrub, scrubs, i, [] {});
    });
    std::thread other([&] { context.run(); });
    context.run();
    other.join();
    EXPECT_EQ(users.good, 200u);
    EXPECT_EQ(scrubs.good, 200u);
    EXPECT_EQ(users.other + scrubs.other, 0u);
}

TEST_F(IoClass, HasTheDeviceToItselfWhereThereIsNoForeground) {
    aura::io_context context(1);
    auto scrub = open(context, aura::io_class::background);
    for (unsigned i = 0; i < 300; ++i)
        read(scrub, scrubs, i, [] {});
    context.run();
    EXPECT_EQ(scrubs.good, 300u);
    EXPECT_EQ(context.stats().total().gate_waits, 0u);
}

TEST_F(IoClass, IsHeldBackWithAnOpenGateAsWell) {
    aura::io_context context(1);
    context.set_adaptive(false);
    auto user = open(context, aura::io_class::foreground);
    auto scrub = open(context, aura::io_class::background);
    asio::post(context, [&] {
        for (unsigned i = 0; i < 16; ++i)
            read(user, users, i, [] {});
        for (unsigned i = 0; i < 50; ++i)
            read(scrub, scrubs, i, [] {});
    });
    context.run();
    EXPECT_EQ(users.good, 16u);
    EXPECT_EQ(scrubs.good, 50u);
    EXPECT_GE(context.stats().total().gate_waits, 40u);
}

TEST_F(IoClass, WhatWaitsEndsWithItsFile) {
    aura::io_context context(1);
    context.set_max_in_flight(1);
    auto user = open(context, aura::io_class::foreground);
    auto scrub = open(context, aura::io_class::background);
    asio::post(context, [&] {
        for (unsigned i = 0; i < 20; ++i)
            read(user, users, i, [] {});
        for (unsigned i = 0; i < 20; ++i)
            read(scrub, scrubs, i, [] {});
        scrub.close();
    });
    context.run();
    EXPECT_EQ(users.good, 20u);
    EXPECT_EQ(scrubs.good + scrubs.other, 20u);
    EXPECT_GE(scrubs.other, 19u);
}

TEST_F(IoClass, BelongsToTheOpenFile) {
    aura::io_context context(1);
    aura::random_access_file file(context);
    aura::error_code ec;
    file.io_class(aura::io_class::background, ec);
    EXPECT_EQ(ec, asio::error::bad_descriptor);
    EXPECT_THROW(file.io_class(aura::io_class::background), aura::system_error);
    EXPECT_EQ(file.io_class(), aura::io_class::foreground);
    file.open(scratch_.path(), aura::random_access_file::read_only);
    EXPECT_EQ(file.io_class(), aura::io_class::foreground);
    file.io_class(aura::io_class::background);
    aura::random_access_file moved(std::move(file));
    EXPECT_EQ(moved.io_class(), aura::io_class::background);
    moved.close();
    moved.open(scratch_.path(), aura::random_access_file::read_only);
    EXPECT_EQ(moved.io_class(), aura::io_class::foreground);
}

TEST_F(IoClass, StreamsAndWhatIsNoStorageHaveOneAsWell) {
    aura::io_context context(1);
    aura::stream_file stream(context, scratch_.path(), aura::stream_file::read_only);
    stream.io_class(aura::io_class::background);
    std::vector<char> all(blocks * block);
    asio::async_read(stream, asio::buffer(all), [&](aura::error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, all.size());
    });
    int ends_of_pipe[2];
    ASSERT_EQ(::pipe(ends_of_pipe), 0);
    aura::stream_file in(context, ends_of_pipe[0]);
    aura::stream_file out(context, ends_of_pipe[1]);
    in.io_class(aura::io_class::background);
    out.io_class(aura::io_class::background);
    std::array<char, 4> got{};
    in.async_read_some(asio::buffer(got), [](aura::error_code ec, std::size_t n) {
        EXPECT_FALSE(ec);
        EXPECT_EQ(n, 3u);
    });
    out.async_write_some(asio::buffer("abc", 3), [](aura::error_code ec, std::size_t) { EXPECT_FALSE(ec); });
    context.run();
    EXPECT_TRUE(test::scratch_file::matches(all.data(), all.size(), 0));
}

} // namespace
