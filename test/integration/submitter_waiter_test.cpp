// Who submitted a request and who waits for it may be different threads: whatever the submitter does
// afterwards (sleeps in a system call, computes, has ended), each request completes exactly once, for whoever
// drives the ring.
#include <auraio/auraio.hpp>

#include "support/ring_configurations.hpp"
#include "support/scratch_file.hpp"
#include "support/submitter.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <iostream>
#include <latch>
#include <optional>
#include <thread>
#include <tuple>
#include <vector>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

namespace {

enum class kind { buffered_read, direct_read, polled_read, fsync, timer, post, cancel };

const char* name_of(kind k) {
    constexpr const char* names[] = {"buffered_read", "direct_read", "polled_read", "fsync",
                                     "timer",         "post",        "cancel"};
    return names[static_cast<int>(k)];
}

using parameters = std::tuple<ring_configuration, afterwards, kind>;

class SubmitterWaiter : public testing::TestWithParam<parameters> {};

constexpr std::size_t block = 4096;
constexpr std::size_t blocks = 64;

/// Everything a case needs; the requests are started by start(), in the submitter.
struct scene {
    scene(aura::io_context& c, kind k)
        : work(c.get_executor())
        , what(k)
        , file(blocks * block)
        , memory(blocks * block)
        , ring(c.ring_executor(0))
        , random(ring)
        , stream(ring)
        , timer(ring) {
        const auto direct = k == kind::direct_read ? aura::file_base::direct : aura::file_base::flags{};
        random.open(file.path(), aura::file_base::read_write | direct);
        EXPECT_EQ(::pipe2(pipe, O_CLOEXEC), 0);
        stream.assign(pipe[0]);
    }
    ~scene() { ::close(pipe[1]); }

    void start() {
        triggered = clock_type::now(); // for what completes by itself
        switch (what) {
        case kind::buffered_read:
        case kind::direct_read:
            for (std::size_t i = 0; i < blocks; ++i)
                random.async_read_some_at(i * block, net::buffer(at(i), block),
                                          [this, i](aura::error_code ec, std::size_t n) {
                                              EXPECT_FALSE(ec) << ec.message();
                                              EXPECT_EQ(n, block);
                                              EXPECT_TRUE(scratch_file::matches(at(i), n, i * block));
                                              done();
                                          });
            expected = blocks;
            break;
        case kind::polled_read:
            stream.async_read_some(net::buffer(at(0), block), [this](aura::error_code ec, std::size_t n) {
                EXPECT_FALSE(ec) << ec.message();
                EXPECT_EQ(n, 5u);
                done();
            });
            break;
        case kind::cancel:
            stream.async_read_some(net::buffer(at(0), block), [this](aura::error_code ec, std::size_t n) {
                EXPECT_EQ(ec, net::error::operation_aborted);
                EXPECT_EQ(n, 0u);
                done();
            });
            break;
        case kind::fsync:
            random.async_sync_all([this](aura::error_code ec) {
                EXPECT_FALSE(ec) << ec.message();
                done();
            });
            break;
        case kind::timer:
            timer.expires_after(20ms);
            timer.async_wait([this](aura::error_code ec) {
                EXPECT_FALSE(ec) << ec.message();
                EXPECT_GE(clock_type::now(), timer.expiry());
                done();
            });
            break;
        case kind::post:
            break; // the wake is the waiter's business: see trigger()
        }
    }

    /// What makes the request complete, for those that would not by themselves; in a third thread.
    void trigger() {
        if (what == kind::polled_read) {
            triggered = clock_type::now();
            EXPECT_EQ(::write(pipe[1], "hello", 5), 5);
        } else if (what == kind::cancel) {
            triggered = clock_type::now();
            stream.cancel();
        } else if (what == kind::post) {
            triggered = clock_type::now();
            net::post(ring, [this] { done(); });
        }
    }

    void done() {
        if (++completed == expected) {
            latency = clock_type::now() - (what == kind::timer ? timer.expiry() : triggered.load());
            work.reset(); // run_for() returns once nothing is pending any more
        }
    }

    char* at(std::size_t i) { return static_cast<char*>(memory.data()) + i * block; }

    net::executor_work_guard<aura::executor> work;
    kind what;
    scratch_file file;
    aligned_buffer memory;
    aura::executor ring;
    aura::random_access_file random;
    aura::stream_file stream;
    aura::steady_timer timer;
    int pipe[2];
    std::size_t completed = 0;
    std::size_t expected = 1;
    // What orders its writer before its reader may be the kernel alone, which ThreadSanitizer does not see.
    std::atomic<clock_type::time_point> triggered{clock_type::time_point()};
    clock_type::duration latency{};
};

TEST_P(SubmitterWaiter, CompletesExactlyOnce) {
    const auto& [configuration, fate, what] = GetParam();
    aura::io_context ctx(configuration.options());
    std::optional<scene> s;
    try {
        s.emplace(ctx, what);
    } catch (const aura::system_error& e) {
        if (what == kind::direct_read)
            GTEST_SKIP() << "no direct I/O in the current directory: " << e.what();
        throw;
    }
    net::post(s->ring, [&] { s->start(); });
    const submitter first([&] { ctx.run_one(); }, fate); // start(), on this thread's ring

    // The waiter is in run(), and asleep as far as it can be, before what it waits for happens.
    std::latch waiting(1);
    std::thread waiter([&] {
        net::post(s->ring, [&] { waiting.count_down(); });
        ctx.run_for(20s);
    });
    waiting.wait();
    s->trigger();
    waiter.join();

    EXPECT_EQ(s->completed, s->expected);
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(s->latency).count();
    RecordProperty("latency_us", static_cast<int>(us));
    std::cout << "latency " << configuration.name << ' ' << name_of(what) << " submitter " << name_of(fate)
              << ": " << us << " us\n";
    // Nothing more arrives afterwards.
    ctx.restart();
    ctx.poll();
    EXPECT_EQ(s->completed, s->expected);
}

INSTANTIATE_TEST_SUITE_P(
    Matrix, SubmitterWaiter,
    testing::Combine(testing::ValuesIn(adoptable_rings),
                     testing::Values(afterwards::sleeps, afterwards::computes, afterwards::has_ended),
                     testing::Values(kind::buffered_read, kind::direct_read, kind::polled_read, kind::fsync,
                                     kind::timer, kind::post, kind::cancel)),
    [](const testing::TestParamInfo<parameters>& cell) {
        return std::string(std::get<0>(cell.param).name) + "_" + name_of(std::get<1>(cell.param)) + "_" +
               name_of(std::get<2>(cell.param));
    });

} // namespace
