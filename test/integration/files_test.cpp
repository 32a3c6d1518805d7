// Files under every ring set-up, with 1, 2 and 4 threads in run(): many operations in flight, from
// everywhere.
#include <auraio/auraio.hpp>

#include "support/ring_configurations.hpp"
#include "support/scratch_file.hpp"

#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/post.hpp>
#include <asio/read_at.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/write_at.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <tuple>
#include <vector>

namespace net = aura::net;
using namespace test;

namespace {

using parameters = std::tuple<ring_configuration, unsigned>;
class Files : public testing::TestWithParam<parameters> {
protected:
    void run(aura::io_context& ctx) {
        std::vector<std::thread> others;
        for (unsigned i = 1; i < std::get<1>(GetParam()); ++i)
            others.emplace_back([&] { ctx.run(); });
        ctx.run();
        for (auto& t : others)
            t.join();
    }
    aura::io_context_options options() { return std::get<0>(GetParam()).options(); }
};

std::string name_of(const testing::TestParamInfo<parameters>& cell) {
    return std::string(std::get<0>(cell.param).name) + "_" + std::to_string(std::get<1>(cell.param)) +
           "_threads";
}
INSTANTIATE_TEST_SUITE_P(Adoptable, Files,
                         testing::Combine(testing::ValuesIn(adoptable_rings), testing::Values(1u, 2u, 4u)),
                         name_of);
INSTANTIATE_TEST_SUITE_P(Deferred, Files,
                         testing::Combine(testing::ValuesIn(deferred_rings), testing::Values(1u)), name_of);

constexpr std::size_t block = 4096;

TEST_P(Files, ThousandsOfReadsInFlightOnOneObject) {
    aura::io_context ctx(options());
    constexpr std::size_t count = 4000, distinct = 256;
    scratch_file contents(distinct * block);
    aura::random_access_file file(ctx.ring_executor(0), contents.path(), aura::file_base::read_only);
    std::vector<char> memory(count * block);
    std::size_t done = 0; // not atomic: all handlers run on the ring that was asked for
    for (std::size_t i = 0; i < count; ++i)
        file.async_read_some_at(i % distinct * block, net::buffer(&memory[i * block], block),
                                [&, i](aura::error_code ec, std::size_t n) {
                                    EXPECT_FALSE(ec) << ec.message();
                                    EXPECT_EQ(n, block);
                                    EXPECT_TRUE(
                                        scratch_file::matches(&memory[i * block], n, i % distinct * block));
                                    ++done;
                                });
    run(ctx);
    EXPECT_EQ(done, count);
}

TEST_P(Files, ChainsOfReadsFromEveryRing) {
    aura::io_context ctx(options());
    const unsigned rings = std::get<1>(GetParam());
    constexpr std::size_t blocks = 128;
    scratch_file contents(blocks * block);
    std::atomic<std::size_t> done{0};
    struct chain {
        aura::random_access_file file;
        std::vector<char> buffer = std::vector<char>(block);
        std::atomic<std::size_t>& done;
        std::size_t at = 0;
        void next() {
            if (at == blocks)
                return;
            file.async_read_some_at(at * block, net::buffer(buffer),
                                    [this](aura::error_code ec, std::size_t n) {
                                        EXPECT_FALSE(ec) << ec.message();
                                        EXPECT_TRUE(scratch_file::matches(buffer.data(), n, at * block));
                                        ++done;
                                        ++at;
                                        next();
                                    });
        }
    };
    std::vector<std::unique_ptr<chain>> chains;
    for (unsigned i = 0; i < rings * 8; ++i) {
        chains.push_back(std::unique_ptr<chain>(
            new chain{aura::random_access_file(ctx.ring_executor(i % rings), contents.path(),
                                               aura::file_base::read_only),
                      std::vector<char>(block), done}));
        chains.back()->next();
    }
    run(ctx);
    EXPECT_EQ(done, rings * 8 * blocks);
}

TEST_P(Files, CoroutinesWriteAndReadBack) {
    aura::io_context ctx(options());
    scratch_file where;
    std::atomic<int> finished{0};
    constexpr int count = 16;
    for (int i = 0; i < count; ++i)
        net::co_spawn(
            ctx,
            [&, i]() -> net::awaitable<void> {
                aura::random_access_file file(ctx, where.path(), aura::file_base::read_write);
                const std::vector<char> out(10000, static_cast<char>('a' + i));
                const auto offset = static_cast<std::uint64_t>(i) * out.size();
                co_await net::async_write_at(file, offset, net::buffer(out), net::use_awaitable);
                co_await file.async_sync_data(net::use_awaitable);
                std::vector<char> in(out.size());
                co_await net::async_read_at(file, offset, net::buffer(in), net::use_awaitable);
                EXPECT_EQ(in, out);
                co_await file.async_close(net::use_awaitable);
                ++finished;
            },
            [](std::exception_ptr e) {
                if (e)
                    std::rethrow_exception(e);
            });
    run(ctx);
    EXPECT_EQ(finished, count);
}

TEST_P(Files, VectoredTransfersKeepTheirOrder) {
    aura::io_context ctx(options());
    scratch_file contents(3 * block);
    aura::random_access_file file(ctx, contents.path(), aura::file_base::read_only);
    std::vector<std::vector<char>> parts;
    std::vector<net::mutable_buffer> buffers;
    for (std::size_t size : {1u, 0u, 1000u, 4096u, 3u, 5000u}) {
        parts.emplace_back(size);
        buffers.push_back(net::buffer(parts.back()));
    }
    bool called = false;
    net::async_read_at(file, 100, buffers, [&](aura::error_code ec, std::size_t n) {
        called = true;
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_EQ(n, 10100u);
        std::uint64_t at = 100;
        for (const auto& part : parts) {
            EXPECT_TRUE(scratch_file::matches(part.data(), part.size(), at));
            at += part.size();
        }
    });
    run(ctx);
    EXPECT_TRUE(called);
}

TEST_P(Files, DestroyedWithReadsInFlight) {
    constexpr std::size_t count = 512;
    scratch_file contents(count * block);
    std::vector<aligned_buffer> buffers;
    for (std::size_t i = 0; i < count; ++i)
        buffers.emplace_back(block);
    for (const auto direct : {aura::file_base::flags{}, aura::file_base::direct}) {
        aura::io_context ctx(options());
        aura::random_access_file file(ctx);
        aura::error_code ec;
        file.open(contents.path(), aura::file_base::read_only | direct, ec);
        if (ec && direct) {
            GTEST_SKIP() << "no direct I/O in the current directory: " << ec.message();
        }
        for (std::size_t i = 0; i < count; ++i)
            file.async_read_some_at(i * block, net::buffer(buffers[i].data(), block),
                                    [](aura::error_code, std::size_t) {});
        net::post(ctx, [] {});
        ctx.run_one(); // submits; most reads are still in flight, or reaped and not handled
    }
    // The contexts are gone: the kernel no longer writes to these buffers, so they may be.
}

} // namespace
