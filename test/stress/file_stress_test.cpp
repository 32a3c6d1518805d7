// file_stress: reads by the thousand with random cancellation, closing, destruction and changes of thread.
#include <auraio/auraio.hpp>

#include "support/scratch_file.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t block = 4096, blocks = 256;

std::ptrdiff_t open_descriptors() {
    {
        const aura::io_context first;
    } // the process keeps two descriptors in reserve from the first engine on
    namespace fs = std::filesystem;
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

/// Counts what becomes of operations: started, and how each ended.
struct tally {
    std::atomic<std::size_t> started{0}, ok{0}, aborted{0}, closed{0}, other{0};

    void end(const aura::error_code& ec, bool right) {
        if (!ec && right)
            ++ok;
        else if (ec == net::error::operation_aborted)
            ++aborted;
        else if (ec == net::error::bad_descriptor)
            ++closed;
        else
            ++other;
    }
};

void use_files(aura::io_context& ctx, const scratch_file& contents, tally& t, unsigned seed) {
    std::minstd_rand random(seed);
    aura::error_code ignored;
    aura::random_access_file file(ctx.ring_executor(seed % 2));
    std::vector<std::unique_ptr<net::cancellation_signal>> signals;
    for (unsigned i = 0; i < 3000; ++i) {
        switch (random() % 64) {
        case 0:
            file.cancel(ignored);
            break;
        case 1:
            file.close(ignored);
            break;
        case 2:
            file = aura::random_access_file(ctx.ring_executor(random() % 2));
            break;
        case 3: {
            const int fd = file.release(ignored);
            if (fd >= 0)
                ::close(fd);
            break;
        }
        case 4:
            if (!signals.empty())
                signals[random() % signals.size()]->emit(net::cancellation_type::all);
            break;
        default:
            if (!file.is_open())
                file.open(contents.path(), aura::file_base::read_only, ignored);
            ++t.started;
            const std::uint64_t offset = random() % blocks * block;
            auto buffer = std::make_unique<char[]>(block);
            const auto view = net::buffer(buffer.get(), block);
            auto handler = [&t, offset, buffer = std::move(buffer)](aura::error_code ec, std::size_t n) {
                t.end(ec, n == block && scratch_file::matches(buffer.get(), n, offset));
            };
            if (random() % 4 == 0) {
                signals.push_back(std::make_unique<net::cancellation_signal>());
                file.async_read_some_at(
                    offset, view, net::bind_cancellation_slot(signals.back()->slot(), std::move(handler)));
            } else {
                file.async_read_some_at(offset, view, std::move(handler));
            }
            break;
        }
    }
    file.cancel(ignored);
    file.close(ignored);
    // The signals' slots must not be destroyed while their operations pend: hand them to the ring, behind
    // those.
    net::post(ctx.ring_executor(0), [s = std::move(signals)] {});
}

TEST(FileStress, EveryOperationEndsOnceWhateverHappensToItsFile) {
    scratch_file contents(blocks * block);
    const auto before = open_descriptors();
    tally t;
    {
        aura::io_context ctx;
        auto work = net::make_work_guard(ctx);
        std::atomic<bool> stop{false};
        std::thread steady([&] { ctx.run(); });
        std::thread guest([&] {
            while (!stop)
                ctx.run_for(1ms);
        });
        std::vector<std::thread> users;
        for (unsigned u = 0; u < 3; ++u)
            users.emplace_back([&, u] { use_files(ctx, contents, t, u + 1); });
        for (auto& user : users)
            user.join();
        work.reset();
        steady.join();
        stop = true;
        guest.join();
    }
    EXPECT_EQ(t.ok + t.aborted + t.closed, t.started);
    EXPECT_EQ(t.other, 0u);
    EXPECT_GT(t.ok, 0u);
    EXPECT_GT(t.aborted, 0u);
    EXPECT_EQ(open_descriptors(), before);
}

TEST(FileStress, FromHandlersOfTheirOwnRing) {
    scratch_file contents(blocks * block);
    const auto before = open_descriptors();
    tally t;
    {
        aura::io_context ctx;
        for (unsigned u = 0; u < 4; ++u)
            net::post(ctx.ring_executor(u % 2), [&, u] { use_files(ctx, contents, t, u + 11); });
        std::thread other([&] { ctx.run(); });
        ctx.run();
        other.join();
    }
    EXPECT_EQ(t.ok + t.aborted + t.closed, t.started);
    EXPECT_EQ(t.other, 0u);
    EXPECT_EQ(open_descriptors(), before);
}

TEST(FileStress, ContextsDestroyedWithEverythingInFlight) {
    scratch_file contents(blocks * block);
    aura::io_context_options options = aura::options_from_environment();
    options.keep_ring = false; // descriptors are counted
    {
        aura::io_context ctx(options); // ends what another test's has left
        net::post(ctx, [] {});
        ctx.run();
    }
    const auto before = open_descriptors();
    for (unsigned round = 0; round < 30; ++round) {
        std::vector<char> memory(blocks * block); // outlives the context, and nothing else
        aura::io_context ctx(options);
        auto file =
            std::make_shared<aura::random_access_file>(ctx, contents.path(), aura::file_base::read_only);
        aura::steady_timer timer(ctx, 1h);
        timer.async_wait([file](aura::error_code) {});
        for (std::size_t i = 0; i < blocks; ++i)
            file->async_read_some_at(i * block, net::buffer(&memory[i * block], block),
                                     [file](aura::error_code, std::size_t) {});
        std::thread([&] { // submits, leaves, ends
            net::post(ctx, [] {});
            ctx.poll_one();
        })
            .join();
    }
    EXPECT_EQ(open_descriptors(), before);
}

} // namespace
