// core::buffer_pool: alignment, sizes, bounds, what is kept and what goes back, threads that free and end.
#include "auraio/core/memory/buffer_pool.hpp"

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using aura::core::buffer_pool;
using aura::core::buffer_pool_options;
using aura::core::buffer_pool_stats;
using aura::core::size_classes;

constexpr std::size_t KiB = 1024;
constexpr std::size_t MiB = 1024 * KiB;

std::vector<void*> take(buffer_pool& pool, std::size_t size, std::size_t count) {
    std::vector<void*> buffers;
    for (std::size_t i = 0; i < count; ++i)
        if (void* b = pool.allocate(size))
            buffers.push_back(b);
    return buffers;
}

void give(std::vector<void*>& buffers) {
    for (void* b : buffers)
        buffer_pool::deallocate(b);
    buffers.clear();
}

buffer_pool_options without_caches() {
    buffer_pool_options o;
    o.thread_cache_bytes = 0;
    return o;
}

TEST(BufferPool, GivesAlignedMemoryOfAtLeastTheSizeAskedFor) {
    buffer_pool pool;
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, 4 * KiB, 4 * KiB + 1, 100 * KiB, 1 * MiB,
                                   1 * MiB + 1, 2 * MiB, 5 * MiB + 123}) {
        void* b = pool.allocate(size);
        ASSERT_NE(b, nullptr) << size;
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b) % 4096, 0u) << size;
        EXPECT_GE(buffer_pool::capacity(b), size);
        EXPECT_EQ(buffer_pool::capacity(b) % 4096, 0u);
        EXPECT_EQ(&buffer_pool::owner(b), &pool);
        std::memset(b, 0xa5, buffer_pool::capacity(b));
        buffer_pool::deallocate(b);
    }
    buffer_pool::deallocate(nullptr);
    EXPECT_EQ(pool.allocate(SIZE_MAX), nullptr);
    EXPECT_EQ(pool.stats().failures, 1u);
}

TEST(BufferPool, BuffersInUseDoNotOverlap) {
    buffer_pool pool;
    std::vector<void*> buffers;
    for (std::size_t size = 1; size <= 1 * MiB; size = size * 3 / 2 + 1)
        for (void* b : take(pool, size, 20)) {
            std::memset(b, 0, buffer_pool::capacity(b));
            buffers.push_back(b);
        }
    std::sort(buffers.begin(), buffers.end());
    for (std::size_t i = 1; i < buffers.size(); ++i)
        ASSERT_LE(static_cast<char*>(buffers[i - 1]) + buffer_pool::capacity(buffers[i - 1]), buffers[i]);
    give(buffers);
}

TEST(BufferPool, AThreadGetsBackWhatItGaveLast) {
    buffer_pool pool;
    void* b = pool.allocate(8 * KiB);
    buffer_pool::deallocate(b);
    EXPECT_EQ(pool.allocate(8 * KiB), b);
    buffer_pool::deallocate(b);
    const buffer_pool_stats s = pool.stats();
    EXPECT_EQ(s.refills, 1u);
    EXPECT_EQ(s.allocations, 2u);
    EXPECT_EQ(s.deallocations, 2u);
    EXPECT_EQ(s.in_use_bytes, 0u);
    EXPECT_EQ(s.thread_caches, 1u);
}

TEST(BufferPool, CountsWhatIsInUseAndWhatIsKept) {
    buffer_pool pool;
    std::vector<void*> buffers = take(pool, 64 * KiB, 10);
    void* large = pool.allocate(3 * MiB);
    buffer_pool_stats s = pool.stats();
    EXPECT_EQ(s.in_use_bytes, 640 * KiB + 3 * MiB);
    EXPECT_EQ(s.total_bytes, s.in_use_bytes + s.cached_bytes);
    EXPECT_EQ(s.classes[size_classes::class_of(64 * KiB)].allocations, 10u);
    EXPECT_EQ(s.arenas, 1u);
    give(buffers);
    buffer_pool::deallocate(large);
    s = pool.stats();
    EXPECT_EQ(s.in_use_bytes, 0u);
    EXPECT_LE(s.cached_bytes, 256 * KiB);
    EXPECT_EQ(s.allocations, 11u);
    EXPECT_EQ(s.deallocations, 11u);
}

TEST(BufferPool, GoesToTheDepotByTheHalf) {
    buffer_pool pool;
    std::vector<void*> buffers = take(pool, 4 * KiB, 64);
    EXPECT_EQ(pool.stats().refills, 4u); // of 16
    give(buffers);
    EXPECT_EQ(pool.stats().flushes, 2u);
    for (int i = 0; i < 100; ++i) { // at the boundary, without going back and forth
        std::vector<void*> one = take(pool, 4 * KiB, 1);
        give(one);
    }
    EXPECT_EQ(pool.stats().refills, 4u);
    EXPECT_EQ(pool.stats().flushes, 2u);
}

TEST(BufferPool, KeepsItsLimit) {
    buffer_pool_options o;
    o.max_bytes = 1 * MiB;
    buffer_pool pool(o);
    std::vector<void*> buffers = take(pool, 4 * KiB, 1000);
    EXPECT_EQ(buffers.size(), 256u);
    EXPECT_EQ(pool.stats().total_bytes, 1 * MiB);
    EXPECT_EQ(pool.stats().failures, 744u);
    EXPECT_EQ(pool.allocate(2 * MiB), nullptr);
    give(buffers);
    // Other sizes get what this one no longer needs.
    buffers = take(pool, 256 * KiB, 10);
    EXPECT_EQ(buffers.size(), 4u);
    give(buffers);
    buffers = take(pool, 1 * MiB, 2);
    EXPECT_EQ(buffers.size(), 1u);
    give(buffers);
}

TEST(BufferPool, KeepsItsLimitForLargeBuffers) {
    buffer_pool_options o;
    o.max_bytes = 4 * MiB;
    buffer_pool pool(o);
    std::vector<void*> buffers = take(pool, 3 * MiB, 2);
    EXPECT_EQ(buffers.size(), 1u);
    EXPECT_EQ(take(pool, 2 * MiB, 1).size(), 0u);
    give(buffers);
    buffers = take(pool, 4 * KiB, 512);
    EXPECT_EQ(buffers.size(), 512u);
    give(buffers);
    buffers = take(pool, 3 * MiB, 1); // needs what the small ones have left
    EXPECT_EQ(buffers.size(), 1u);
    give(buffers);
}

TEST(BufferPool, TakesFromOtherShardsAtTheLimit) {
    buffer_pool_options o;
    o.shards = 4;
    o.max_bytes = 128 * KiB;
    buffer_pool pool(o);
    std::vector<void*> held = take(pool, 4 * KiB, 1); // of 16: this thread keeps the others
    for (int i = 0; i < 8; ++i) {                     // each of these has another shard, in turn
        std::jthread([&] {
            std::vector<void*> buffers = take(pool, 4 * KiB, 17);
            EXPECT_EQ(buffers.size(), 16u) << i;
            give(buffers);
        }).join();
    }
    EXPECT_EQ(pool.stats().arenas, 2u);
    give(held);
}

TEST(BufferPool, TrimReturnsEverythingNobodyUses) {
    buffer_pool pool;
    std::vector<void*> buffers = take(pool, 16 * KiB, 1000);
    void* kept = pool.allocate(128 * KiB);
    give(buffers);
    EXPECT_EQ(pool.trim(), 1000 * 16 * KiB);
    const buffer_pool_stats s = pool.stats();
    EXPECT_EQ(s.arenas, 1u);
    EXPECT_EQ(s.cached_bytes, 0u);
    std::memset(kept, 1, 128 * KiB);
    buffer_pool::deallocate(kept);
    pool.trim();
    EXPECT_EQ(pool.stats().mapped_bytes, 0u);
    EXPECT_EQ(pool.stats().total_bytes, 0u);
}

TEST(BufferPool, DoesNotKeepMoreThanItIsToldTo) {
    buffer_pool_options o;
    o.retain_bytes = 4 * MiB;
    buffer_pool pool(o);
    std::vector<void*> buffers = take(pool, 64 * KiB, 1024); // 64 MiB
    EXPECT_GE(pool.stats().mapped_bytes, 64 * MiB);
    give(buffers);
    EXPECT_LE(pool.stats().mapped_bytes, 4 * MiB + 2 * MiB); // and the one the cache's buffers belong to
}

TEST(BufferPool, ReservesInAdvance) {
    buffer_pool_options o;
    o.max_bytes = 3 * MiB;
    buffer_pool pool(o);
    EXPECT_TRUE(pool.reserve(4 * KiB, 512));
    EXPECT_EQ(pool.stats().total_bytes, 2 * MiB);
    EXPECT_EQ(pool.stats().in_use_bytes, 0u);
    EXPECT_FALSE(pool.reserve(4 * KiB, 769));
    std::vector<void*> buffers = take(pool, 4 * KiB, 512);
    EXPECT_EQ(buffers.size(), 512u);
    give(buffers);
}

TEST(BufferPool, PinnedArenasStayWhereTheyAre) {
    buffer_pool_options o;
    o.retain_bytes = 0;
    buffer_pool pool(o);
    std::vector<void*> buffers = take(pool, 4 * KiB, 600);
    buffers.push_back(pool.allocate(1 * MiB));
    const std::vector<iovec> arenas = pool.pin();
    EXPECT_EQ(arenas.size(), 3u);
    for (void* b : buffers) {
        const std::size_t index = buffer_pool::arena_index(b);
        ASSERT_LT(index, arenas.size());
        const auto* base = static_cast<const char*>(arenas[index].iov_base);
        ASSERT_GE(b, base);
        ASSERT_LE(static_cast<const char*>(b) + buffer_pool::capacity(b), base + arenas[index].iov_len);
    }
    give(buffers);
    EXPECT_EQ(pool.trim(), 0u);
    EXPECT_EQ(pool.stats().arenas, 3u);
    pool.unpin();
    EXPECT_GT(pool.trim(), 0u);
    EXPECT_EQ(pool.stats().arenas, 0u);
    void* large = pool.allocate(2 * MiB);
    EXPECT_EQ(buffer_pool::arena_index(large), SIZE_MAX);
    buffer_pool::deallocate(large);
}

TEST(BufferPool, PlacesOfArenasAreUsedAgain) {
    buffer_pool pool;
    for (int i = 0; i < 10; ++i) {
        std::vector<void*> buffers = take(pool, 4 * KiB, 1000);
        give(buffers);
        pool.trim();
    }
    std::vector<void*> buffers = take(pool, 4 * KiB, 1000);
    EXPECT_EQ(pool.pin().size(), 2u);
    pool.unpin();
    give(buffers);
}

TEST(BufferPool, ABufferMayBeFreedByAnotherThread) {
    buffer_pool pool(without_caches());
    std::vector<void*> buffers = take(pool, 4 * KiB, 100);
    std::jthread([&] { give(buffers); }).join();
    EXPECT_EQ(pool.stats().in_use_bytes, 0u);
    EXPECT_EQ(pool.trim(), 400 * KiB);
}

TEST(BufferPool, AThreadThatEndsGivesBackWhatItKept) {
    buffer_pool pool;
    std::jthread([&] {
        std::vector<void*> buffers = take(pool, 4 * KiB, 40);
        give(buffers);
        EXPECT_GT(pool.stats().cached_bytes, 0u);
    }).join();
    const buffer_pool_stats s = pool.stats();
    EXPECT_EQ(s.thread_caches, 0u);
    EXPECT_EQ(s.cached_bytes, 0u);
    EXPECT_EQ(s.allocations, 40u); // what it did is not forgotten
    EXPECT_EQ(s.deallocations, 40u);
    EXPECT_EQ(pool.trim(), s.total_bytes);
}

// A thread_local object that outlives the thread's cache.
struct late_owner {
    void* buffer = nullptr;
    ~late_owner() { buffer_pool::deallocate(buffer); }
};

TEST(BufferPool, ABufferMayBeFreedAfterTheCacheOfItsThreadHasGone) {
    buffer_pool pool;
    std::jthread([&] {
        thread_local late_owner owner; // constructed before the cache, so destroyed after it
        owner.buffer = nullptr;
        owner.buffer = pool.allocate(4 * KiB);
    }).join();
    EXPECT_EQ(pool.stats().in_use_bytes, 0u);
    EXPECT_EQ(pool.stats().cached_bytes, 0u);
}

TEST(BufferPool, APoolMayEndBeforeTheThreadsThatUsedIt) {
    for (int i = 0; i < 50; ++i) { // pools of one address: none must be taken for another
        buffer_pool pool;
        std::vector<void*> buffers = take(pool, 4 * KiB, 40);
        std::set<void*> distinct(buffers.begin(), buffers.end());
        ASSERT_EQ(distinct.size(), 40u);
        for (void* b : buffers)
            ASSERT_EQ(&buffer_pool::owner(b), &pool);
        give(buffers);
        ASSERT_EQ(pool.stats().thread_caches, 1u);
    }
}

TEST(BufferPool, SeveralPoolsDoNotMix) {
    buffer_pool first;
    buffer_pool second;
    void* a = first.allocate(4 * KiB);
    void* b = second.allocate(4 * KiB);
    buffer_pool::deallocate(b);
    buffer_pool::deallocate(a);
    EXPECT_EQ(first.allocate(4 * KiB), a);
    EXPECT_EQ(second.allocate(4 * KiB), b);
    buffer_pool::deallocate(a);
    buffer_pool::deallocate(b);
    EXPECT_EQ(first.stats().allocations, 2u);
    EXPECT_EQ(second.stats().allocations, 2u);
}

} // namespace
