// socket_stress: a million operations on sockets, acceptors and timers, with cancellation, closing, moving,
// half-closing and destruction at random moments, from threads that drive the rings, that come and go, and
// that never do.
#include "acceptor_actor.hpp"
#include "datagram_actor.hpp"
#include "stream_actor.hpp"

#include <asio/executor_work_guard.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <malloc.h>
#include <string>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;

namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

constexpr std::uint64_t operations = sanitized ? 100'000 : 1'000'000;
constexpr unsigned rounds = 10;

/// For descriptors are counted.
aura::io_context_options without_kept_ring() {
    aura::io_context_options options = aura::options_from_environment();
    options.keep_ring = false;
    return options;
}

std::ptrdiff_t open_descriptors() {
    namespace fs = std::filesystem;
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

/// AURAIO_STRESS_SEED, or one nobody has chosen.
std::uint32_t seed() {
    if (const char* chosen = std::getenv("AURAIO_STRESS_SEED"))
        return static_cast<std::uint32_t>(std::strtoul(chosen, nullptr, 10));
    return std::random_device()();
}

/// How a round ends.
enum class ending {
    drained,  ///< everything is closed, and run() returns when the last handler has been called
    destroyed ///< the context goes with whatever is pending
};

class stress_round {
public:
    stress_round(std::uint32_t seed, ending how)
        : random_(seed)
        , how_(how)
        , world_{*context_, rings, operations / rounds} {
        for (unsigned i = 0; i < 6; ++i) {
            add<stream_actor<net::ip::tcp>>();
            add<stream_actor<net::local::stream_protocol>>();
            add<datagram_actor>();
        }
        for (unsigned i = 0; i < 2; ++i) {
            add<acceptor_actor<net::ip::tcp>>();
            add<acceptor_actor<net::local::stream_protocol>>();
            add<timer_actor>();
        }
    }

    void run() {
        start_threads();
        if (how_ == ending::destroyed)
            context_->stop();
        else
            retire();
        for (auto& thread : drivers_)
            thread.join();
        transient_.join();
        if (how_ == ending::destroyed) {
            world_.budget += 1000;
            for (int i = 0; i < 1000; ++i) // now nobody drives the rings
                random_actor(random_).step();
        } else {
            EXPECT_TRUE(context_->stopped()) << "operations are still pending";
        }
        actors_.clear();
        work_.reset(); // counts in the context
        context_.reset();
    }

    void check() const {
        const tally& t = world_.counts;
        EXPECT_EQ(t.called + t.dropped, t.started);
        EXPECT_EQ(t.repeated, 0u);
        if (how_ == ending::drained) {
            EXPECT_EQ(t.dropped, 0u);
        }
        EXPECT_EQ(t.surprises, 0u);
        EXPECT_EQ(t.ends_missed, 0u);
        EXPECT_EQ(t.foreign_bytes, 0u);
        EXPECT_EQ(t.actors, 0);
        EXPECT_GT(t.connections, 0u);
        EXPECT_GT(t.ends_seen, 0u);
        EXPECT_GT(t.aborted, 0u);
        EXPECT_GT(t.bytes, 0u);
    }

private:
    static constexpr unsigned rings = 4;

    std::uint32_t next() { return static_cast<std::uint32_t>(random_()); }
    template <class Actor>
    void add() {
        actors_.push_back(std::make_shared<Actor>(world_, next()));
    }

    /// Ends when the budget is spent; those in run() go on.
    void start_threads() {
        for (unsigned i = 0; i + 1 < rings; ++i)
            drivers_.emplace_back([this] { context_->run_for(100s); });
        // A ring that changes hands: what a thread has submitted outlives it.
        transient_ = std::thread([this] {
            while (!context_->stopped())
                std::thread([this] { context_->run_for(2ms); }).join();
        });
        std::vector<std::thread> others;
        for (unsigned i = 0; i < 2; ++i)
            others.emplace_back([this, s = next()] { stir(s); });
        for (auto& thread : others)
            thread.join();
    }

    /// From a thread that is not in run(): random steps of random actors.
    void stir(std::uint32_t seed) {
        std::mt19937 random(seed);
        while (!world_.spent())
            random_actor(random).step();
    }
    actor& random_actor(std::mt19937& random) const { return *actors_[random() % actors_.size()]; }

    void retire() {
        for (const auto& actor : actors_)
            actor->retire();
        work_.reset();
    }

    std::mt19937 random_;
    const ending how_;
    std::unique_ptr<aura::io_context> context_ = std::make_unique<aura::io_context>(without_kept_ring());
    net::executor_work_guard<aura::executor> work_{context_->get_executor()};
    world world_;
    std::vector<std::shared_ptr<actor>> actors_;
    std::vector<std::thread> drivers_;
    std::thread transient_;
};

TEST(SocketStress, AMillionOperationsLeaveNothingBehind) {
    const std::uint32_t first = seed();
    std::printf("AURAIO_STRESS_SEED=%u: %llu operations%s\n", first,
                static_cast<unsigned long long>(operations),
                sanitized ? " (a tenth, under a sanitizer)" : "");
    std::fflush(stdout);
    std::ptrdiff_t descriptors = 0;
    std::size_t memory = 0;
    for (unsigned i = 0; i < rounds && !HasFailure(); ++i) {
        // In a thread of its own, whose cache of free memory goes with it.
        std::thread([first, i] {
            stress_round round(first + i, i % 2 == 0 ? ending::drained : ending::destroyed);
            round.run();
            round.check();
        }).join();
        if (i == 1) { // one of each kind, to warm up
            descriptors = open_descriptors();
            memory = ::mallinfo2().uordblks;
        }
    }
    EXPECT_EQ(open_descriptors(), descriptors);
    if (sanitized) {
        std::printf("memory is not compared: the sanitizer manages it\n");
        return;
    }
    const std::size_t now = ::mallinfo2().uordblks;
    std::printf("memory in use: %zu bytes after two rounds, %zu after all\n", memory, now);
    EXPECT_LE(now, memory + 16384);
}

} // namespace
