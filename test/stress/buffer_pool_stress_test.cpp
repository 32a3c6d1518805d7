// core::buffer_pool under threads that come and go, free each other's buffers, trim and pin.
#include "auraio/core/memory/buffer_pool.hpp"

#include <atomic>
#include <barrier>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using aura::core::buffer_pool;
using aura::core::buffer_pool_options;

// Writes who holds it to both ends of a buffer, and finds out when somebody else holds it too.
void sign(void* buffer, std::uint64_t owner) {
    std::memcpy(buffer, &owner, sizeof owner);
    std::memcpy(static_cast<char*>(buffer) + buffer_pool::capacity(buffer) - sizeof owner, &owner,
                sizeof owner);
}
bool signed_by(const void* buffer, std::uint64_t owner) {
    const auto* last = static_cast<const char*>(buffer) + buffer_pool::capacity(buffer) - sizeof owner;
    return std::memcmp(buffer, &owner, sizeof owner) == 0 && std::memcmp(last, &owner, sizeof owner) == 0;
}

struct held {
    void* buffer;
    std::uint64_t signature;
};

// Where threads leave buffers for each other.
class exchange {
public:
    void leave(held h) {
        std::lock_guard guard(mutex_);
        all_.push_back(h);
    }
    bool take(held& h) {
        std::lock_guard guard(mutex_);
        if (all_.empty())
            return false;
        h = all_.back();
        all_.pop_back();
        return true;
    }

private:
    std::mutex mutex_;
    std::vector<held> all_;
};

void release(const held& h, std::atomic<int>& mixed_up) {
    if (!signed_by(h.buffer, h.signature))
        ++mixed_up;
    buffer_pool::deallocate(h.buffer);
}

// A life: allocate, keep, free, hand over, free what others handed over, now and then trim or pin.
void live(buffer_pool& pool, exchange& others, std::atomic<int>& mixed_up, std::uint64_t seed, int steps) {
    std::mt19937_64 random(seed);
    std::vector<held> own;
    for (int step = 0; step < steps; ++step) {
        const std::uint64_t choice = random() % 1000;
        if (choice < 450) {
            const std::uint64_t bits = random() % 21;
            const std::size_t size = random() & ((std::uint64_t{1} << bits) - 1);
            if (void* b = pool.allocate(size)) {
                own.push_back({b, random()});
                sign(b, own.back().signature);
            }
        } else if (choice < 800 && !own.empty()) {
            std::swap(own[random() % own.size()], own.back());
            release(own.back(), mixed_up);
            own.pop_back();
        } else if (choice < 900 && !own.empty()) {
            others.leave(own.back());
            own.pop_back();
        } else if (choice < 990) {
            held h{};
            if (others.take(h))
                release(h, mixed_up);
        } else if (choice < 995) {
            pool.trim();
        } else {
            for (const iovec& arena : pool.pin()) // readable for as long as they are pinned
                if (arena.iov_len != 0)
                    mixed_up += arena.iov_base == nullptr;
            (void)pool.stats();
            pool.unpin();
        }
    }
    for (const held& h : own)
        release(h, mixed_up);
}

class BufferPoolStress : public testing::TestWithParam<buffer_pool_options> {};

TEST_P(BufferPoolStress, BuffersAreNobodyElses) {
    constexpr int thread_count = 4;
    constexpr int rounds = 6; // new threads each: caches come and go
    constexpr int steps = 2000;
    buffer_pool pool(GetParam());
    exchange others;
    std::atomic<int> mixed_up{0};
    for (int round = 0; round < rounds; ++round) {
        std::vector<std::jthread> threads;
        for (int t = 0; t < thread_count; ++t)
            threads.emplace_back([&, t, round] {
                live(pool, others, mixed_up, static_cast<std::uint64_t>(round * thread_count + t), steps);
            });
    }
    held h{};
    while (others.take(h))
        release(h, mixed_up);
    EXPECT_EQ(mixed_up.load(), 0);
    const auto s = pool.stats();
    EXPECT_EQ(s.in_use_bytes, 0u);
    EXPECT_EQ(s.allocations, s.deallocations);
    EXPECT_LE(s.total_bytes, s.max_bytes);
    EXPECT_LE(s.thread_caches, 1u); // this thread's, if threads have one
    pool.trim();
    EXPECT_EQ(pool.stats().total_bytes, 0u);
    EXPECT_EQ(pool.stats().mapped_bytes, 0u);
}

buffer_pool_options options(std::size_t max, std::size_t retain, std::size_t cache, unsigned shards) {
    buffer_pool_options o;
    o.max_bytes = max;
    o.retain_bytes = retain;
    o.thread_cache_bytes = cache;
    o.shards = shards;
    return o;
}

INSTANTIATE_TEST_SUITE_P(Options, BufferPoolStress,
                         testing::Values(options(SIZE_MAX, 32 << 20, 256 << 10, 0),
                                         options(8 << 20, 1 << 20, 64 << 10, 2), // the limit is always near
                                         options(SIZE_MAX, 0, 0, 4))); // every call goes to the depot

// Pools that end while threads that used them end too.
TEST(BufferPoolStress, PoolsAndThreadsEndAtTheSameTime) {
    constexpr int rounds = 200;
    std::barrier meet(3);
    std::unique_ptr<buffer_pool> pool;
    for (int round = 0; round < rounds; ++round) {
        pool = std::make_unique<buffer_pool>();
        std::vector<std::jthread> threads;
        for (int t = 0; t < 2; ++t)
            threads.emplace_back([&] {
                buffer_pool::deallocate(pool->allocate(4096));
                meet.arrive_and_wait(); // from here on this thread ends, and the pool does
            });
        meet.arrive_and_wait();
        pool.reset();
    }
}

} // namespace
