// engine: the life of an engine of the C++ layer, and the functions that run callbacks.
#include "support.hpp"

#include <chrono>
#include <poll.h>
#include <thread>

using namespace test;
using namespace std::chrono_literals;

TEST(CppEngine, IsMadeWithOptions) {
    aura::Engine engine({.ring_count = 2, .queue_depth = 64, .ring_select = AURA_SELECT_ROUND_ROBIN});
    EXPECT_EQ(engine.ring_count(), 2);
    EXPECT_TRUE(engine.backend() == AURA_BACKEND_URING || engine.backend() == AURA_BACKEND_EPOLL);
    EXPECT_NE(engine.backend_reason(), nullptr);
    EXPECT_EQ(error_of([] { aura::Engine refused({.ring_count = -1}); }), EINVAL);
}

TEST(CppEngine, MovesWithWhatIsPending) {
    aura::Engine first;
    const pipe_ends ends;
    char data[8];
    ssize_t result = -1;
    aura::Buffer buffer = first.allocate_buffer(100);
    first.read(ends.read_end, data, sizeof data, AURA_CURRENT_POSITION, [&](ssize_t n) { result = n; });

    aura::Engine second(std::move(first));
    EXPECT_EQ(first.handle(), nullptr); // NOLINT(bugprone-use-after-move): what it says
    EXPECT_EQ(error_of([&] { first.wait(); }), EINVAL);
    EXPECT_EQ(error_of([&] { first.fsync(0, nullptr); }), EINVAL);
    ASSERT_EQ(::write(ends.write_end, "abc", 3), 3);
    EXPECT_EQ(second.wait(), 1);
    EXPECT_EQ(result, 3);

    aura::Engine third;
    third.timeout(1h, nullptr); // ends with the engine that is assigned to
    buffer = {};
    third = std::move(second);
    EXPECT_EQ(third.wait(), 0);
}

TEST(CppEngine, DestroyingItCallsEveryCallback) {
    const pipe_ends ends;
    char data[8];
    ssize_t result = 0;
    int error = 0;
    {
        aura::Engine engine;
        engine.read(ends.read_end, data, sizeof data, AURA_CURRENT_POSITION, [&](ssize_t n) {
            result = n;
            error = error_of([&] { engine.timeout(1s, nullptr); });
        });
    }
    EXPECT_EQ(result, -ECANCELED);
    EXPECT_EQ(error, ESHUTDOWN);
}

TEST(CppEngine, WaitTellsHowManyRan) {
    aura::Engine engine;
    EXPECT_EQ(engine.wait(), 0); // nothing is pending
    EXPECT_EQ(engine.wait(1h), 0);
    engine.timeout(1h, nullptr);
    EXPECT_EQ(engine.wait(1), 0); // something is
    EXPECT_EQ(engine.wait(1ms), 0);
    EXPECT_EQ(engine.wait(-5s), 0); // over already
    EXPECT_EQ(engine.poll(), 0);
    bool called = false;
    engine.timeout(0ns, [&] { called = true; });
    EXPECT_EQ(engine.wait(), 1);
    EXPECT_TRUE(called);
}

TEST(CppEngine, DrainTellsWhetherNothingIsPending) {
    aura::Engine engine;
    EXPECT_TRUE(engine.drain());
    const aura::Request hour = engine.timeout(1h, nullptr);
    EXPECT_FALSE(engine.drain(1));
    EXPECT_TRUE(hour.cancel());
    EXPECT_TRUE(engine.drain(20s));
    EXPECT_FALSE(hour.pending());
    EXPECT_FALSE(hour.cancel());
    EXPECT_FALSE(engine.cancel(hour));
}

TEST(CppEngine, RunEndsWithStop) {
    aura::Engine engine;
    std::thread runs([&] { engine.run(); });
    engine.timeout(1ms, [&] { engine.stop(); });
    runs.join();
}

TEST(CppEngine, RunningItInACallbackIsRefused) {
    aura::Engine engine;
    aura_set_log_handler(nullptr, nullptr); // it would warn
    int error = 0;
    engine.timeout(0ns, [&] { error = error_of([&] { engine.wait(); }); });
    engine.wait();
    EXPECT_EQ(error, EDEADLK);
}

TEST(CppEngine, APollerOfOthersSeesItReady) {
    aura::Engine engine;
    engine.timeout(1ms, nullptr);
    engine.flush();
    pollfd entry{engine.poll_fd(), POLLIN, 0};
    int n = 0;
    do
        n = ::poll(&entry, 1, 20000);
    while (n < 0 && errno == EINTR);
    EXPECT_EQ(n, 1);
    while (engine.poll() == 0)
        ASSERT_GE(::poll(&entry, 1, 20000), -1);
}

TEST(CppEngine, Counts) {
    aura::Engine engine;
    const scratch_file file(4096);
    const unique_fd fd(::open(file.path().c_str(), O_RDONLY | O_CLOEXEC));
    aura::Buffer buffer = engine.allocate_buffer(4096);
    engine.set_batch_threshold(1);
    engine.set_storage(nullptr, {.max_in_flight = 8});
    engine.read(fd.get(), buffer, 4096, 0, nullptr);
    EXPECT_TRUE(engine.drain());
    EXPECT_EQ(engine.stats().completed, 1u);
    EXPECT_EQ(engine.stats().rings, 1u);
    EXPECT_EQ(engine.ring_stats(0).completed, 1u);
    EXPECT_GE(engine.buffer_stats().in_use_bytes, 4096u);
    EXPECT_GE(engine.histogram(AURA_OP_READ).percentile(0.99).count(), 0);
    EXPECT_LE(engine.device_stats().size(), 1u); // tmpfs has none
    EXPECT_EQ(error_of([&] { engine.ring_stats(-5); }), EINVAL);
    EXPECT_EQ(error_of([&] { engine.set_storage("/does/not/exist", {.adaptive = 0}); }), ENOENT);
}

TEST(CppBuffer, IsGivenBackOnce) {
    aura::Engine engine;
    EXPECT_EQ(error_of([&] { engine.allocate_buffer(0); }), EINVAL);
    {
        aura::Buffer a = engine.allocate_buffer(5000);
        EXPECT_EQ(a.size(), 5000u);
        EXPECT_EQ(a.bytes().size(), 5000u);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a.data()) % 4096, 0u);
        aura::Buffer b(std::move(a));
        EXPECT_FALSE(a); // NOLINT(bugprone-use-after-move): what it says
        EXPECT_TRUE(b);
        aura::Buffer c = engine.allocate_buffer(1);
        c = std::move(b);
        EXPECT_EQ(c.size(), 5000u);
    }
    const aura::BufferStats stats = engine.buffer_stats();
    EXPECT_EQ(stats.in_use_bytes, 0u);
    EXPECT_EQ(stats.allocations, 2u);
    EXPECT_EQ(stats.deallocations, 2u);
}

static_assert(!std::is_constructible_v<aura::BufferRef, aura::Buffer&&>, "it would dangle");
static_assert(std::is_nothrow_move_constructible_v<aura::Engine> &&
              !std::is_copy_constructible_v<aura::Engine>);
static_assert(std::is_base_of_v<std::system_error, aura::Error>);
