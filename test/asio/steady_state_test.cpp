// Steady state: once warm, waits, posts and file operations allocate nothing.
#include "support/flavour.hpp"
#include "support/sanitizers.hpp"
#include "support/scratch_file.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdlib>
#include <new>

// Counts what this program allocates, per thread. Not under the sanitizers, whose allocator should stay in
// place.
#define AURAIO_TEST_COUNTS (!AURAIO_TEST_ASAN && !AURAIO_TEST_TSAN)

#if AURAIO_TEST_COUNTS
#include "support/operator_new.hpp"
#else
namespace test {
constexpr std::size_t allocations = 0;
}
#endif

namespace {

namespace net = test::net;
using namespace std::chrono_literals;
using test::allocations;
using test::error_code;
using test::scratch_file;

constexpr int warm_up = 100, rounds = 1000;

class SteadyState : public testing::Test {
public:
    /// Called by every handler; counts from the warm_up-th call on. True: start the next operation.
    bool again() {
        if (++calls_ == warm_up)
            before_ = allocations;
        if (calls_ < warm_up + rounds)
            return true;
        after_ = allocations;
        return false;
    }

protected:
    void SetUp() override {
        if (!AURAIO_TEST_COUNTS)
            GTEST_SKIP() << "allocations are the sanitizer's here";
    }

    /// Starts operations one after the other, each in the handler of the one before.
    template <class Start>
    void expect_no_allocation(Start start) {
        struct chain {
            void operator()(error_code ec = {}, std::size_t = 0) const {
                EXPECT_FALSE(ec) << ec.message();
                if (test->again())
                    start(*this);
            }
            SteadyState* test;
            Start start;
        };
        start(chain{this, start});
        ctx.run();
        expect_no_allocation();
    }
    void expect_no_allocation() const {
        EXPECT_EQ(calls_, warm_up + rounds);
        EXPECT_EQ(after_ - before_, 0u) << "allocations in " << rounds << " operations";
    }

    aura::io_context ctx;
    scratch_file contents{8192};
    aura::random_access_file file{ctx, contents.path(), aura::file_base::read_write};
    aura::steady_timer timer{ctx};
    char data[100] = {};

private:
    int calls_ = 0;
    std::size_t before_ = 0;
    std::size_t after_ = 0;
};

TEST_F(SteadyState, TheCounterCounts) {
    const auto start = allocations;
    ::operator delete(::operator new(1));
    EXPECT_EQ(allocations, start + 1);
}

TEST_F(SteadyState, PostsToTheContext) {
    expect_no_allocation([&](auto handler) { net::post(ctx, handler); });
}

TEST_F(SteadyState, PostsToARing) {
    const auto ring = ctx.ring_executor(0);
    expect_no_allocation([&](auto handler) { net::post(ring, handler); });
}

TEST_F(SteadyState, PostsThroughATypeErasedExecutor) {
    const net::any_io_executor any = ctx.get_executor();
    expect_no_allocation([&](auto handler) { net::post(any, handler); });
}

TEST_F(SteadyState, PostsToAStrand) {
    auto strand = net::make_strand(ctx.get_executor());
    expect_no_allocation([&](auto handler) { net::post(strand, handler); });
}

TEST_F(SteadyState, TimersThatFire) {
    expect_no_allocation([&](auto handler) {
        timer.expires_after(1us);
        timer.async_wait(handler);
    });
}

TEST_F(SteadyState, TimersThatAreSetAgainBeforeTheyFire) {
    expect_no_allocation([&](auto handler) {
        timer.expires_after(1h);
        timer.async_wait([](error_code) {});
        timer.expires_after(1us);
        timer.async_wait(handler);
    });
}

TEST_F(SteadyState, Reads) {
    expect_no_allocation([&](auto handler) { file.async_read_some_at(0, net::buffer(data), handler); });
}

TEST_F(SteadyState, ReadsThatAreComposed) {
    expect_no_allocation([&](auto handler) { net::async_read_at(file, 0, net::buffer(data), handler); });
}

TEST_F(SteadyState, WritesOfSeveralBuffers) {
    const std::array<net::const_buffer, 2> both{net::buffer(data, 50), net::buffer(data, 20)};
    expect_no_allocation([&](auto handler) { file.async_write_some_at(0, both, handler); });
}

TEST_F(SteadyState, OperationsOnAStrand) {
    auto strand = net::make_strand(ctx.get_executor());
    expect_no_allocation([&](auto handler) {
        file.async_read_some_at(0, net::buffer(data), net::bind_executor(strand, handler));
    });
}

TEST_F(SteadyState, OperationsThatCanBeCancelledOneByOne) {
    net::cancellation_signal signal;
    expect_no_allocation([&](auto handler) {
        file.async_read_some_at(0, net::buffer(data), net::bind_cancellation_slot(signal.slot(), handler));
    });
}

TEST_F(SteadyState, Coroutines) {
    auto main = [&]() -> net::awaitable<void> {
        do {
            co_await file.async_read_some_at(0, net::buffer(data), net::use_awaitable);
            co_await net::async_write_at(file, 0, net::buffer(data), net::use_awaitable);
            timer.expires_after(1us);
            co_await timer.async_wait(net::use_awaitable);
            co_await net::post(ctx, net::use_awaitable);
        } while (again());
    };
    net::co_spawn(ctx, main, net::detached);
    ctx.run();
    expect_no_allocation();
}

} // namespace
