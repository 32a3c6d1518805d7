// aura::buffer_pool with Asio's buffer sequences, with containers, and under direct I/O.
#include "support/flavour.hpp"
#include "support/scratch_file.hpp"

#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

namespace {

namespace net = test::net;

static_assert(!std::is_copy_constructible_v<aura::pooled_buffer>);
static_assert(std::is_nothrow_move_constructible_v<aura::pooled_buffer>);
static_assert(sizeof(aura::pooled_buffer) == 2 * sizeof(void*));

TEST(BufferPool, ABufferIsABufferSequence) {
    aura::buffer_pool pool;
    aura::pooled_buffer b = pool.allocate(5000);
    const net::mutable_buffer m = net::buffer(b);
    EXPECT_EQ(m.data(), b.data());
    EXPECT_EQ(m.size(), 5000u);
    EXPECT_EQ(net::buffer(b, 100).size(), 100u);
    const net::mutable_buffer converted = b;
    EXPECT_EQ(converted.size(), 5000u);
    EXPECT_EQ(net::buffer_copy(net::buffer(b), net::buffer("text", 4)), 4u);
    EXPECT_EQ(std::memcmp(b.data(), "text", 4), 0);
}

TEST(BufferPool, ABufferMovesAndIsGivenBack) {
    aura::buffer_pool pool;
    aura::pooled_buffer a = pool.allocate(10);
    std::byte* const memory = a.data();
    aura::pooled_buffer b = std::move(a);
    EXPECT_FALSE(a);
    EXPECT_EQ(a.capacity(), 0u);
    EXPECT_TRUE(b);
    EXPECT_EQ(b.data(), memory);
    EXPECT_EQ(b.size(), 10u);
    b.resize(4096);
    EXPECT_EQ(net::buffer(b).size(), 4096u);
    b = pool.allocate(20);
    EXPECT_EQ(pool.stats().in_use_bytes, 4096u);
    b.reset();
    EXPECT_FALSE(b);
    EXPECT_EQ(pool.stats().in_use_bytes, 0u);
}

TEST(BufferPool, ThrowsOrNotWhenTheLimitIsReached) {
    aura::buffer_pool_options o;
    o.max_bytes = 4096;
    aura::buffer_pool pool(o);
    const aura::pooled_buffer only = pool.allocate(1);
    EXPECT_THROW(pool.allocate(1), std::bad_alloc);
    const aura::pooled_buffer none = pool.try_allocate(1);
    EXPECT_FALSE(none);
    EXPECT_EQ(none.size(), 0u);
}

TEST(BufferPool, IsAnAllocatorOfContainers) {
    aura::buffer_pool pool;
    {
        std::vector<int, aura::pool_allocator<int>> v(pool.get_allocator<int>());
        for (int i = 0; i < 100'000; ++i)
            v.push_back(i);
        EXPECT_EQ(v[99'999], 99'999);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(v.data()) % 4096, 0u);
        EXPECT_EQ(net::buffer(v).size(), 400'000u); // and so a buffer sequence, too
        EXPECT_GT(pool.stats().in_use_bytes, 0u);
        EXPECT_THROW(v.reserve(SIZE_MAX / sizeof(int)), std::exception);
    }
    EXPECT_EQ(pool.stats().in_use_bytes, 0u);
    aura::buffer_pool other;
    EXPECT_EQ(pool.get_allocator<int>(), pool.get_allocator<char>());
    EXPECT_NE(pool.get_allocator<int>(), other.get_allocator<int>());
}

TEST(BufferPool, HoldsWhatADirectReadReads) {
    constexpr std::size_t size = 16 * 4096;
    const test::scratch_file scratch(size);
    aura::io_context context;
    aura::buffer_pool pool;
    aura::random_access_file file(context, scratch.path(),
                                  aura::random_access_file::read_only | aura::random_access_file::direct);
    std::optional<std::size_t> got;
    aura::pooled_buffer b = pool.allocate(size);
    const auto bytes = net::buffer(b);
    file.async_read_some_at(0, bytes, [&, b = std::move(b)](test::error_code ec, std::size_t n) {
        EXPECT_FALSE(ec) << ec.message();
        EXPECT_TRUE(test::scratch_file::matches(b.data(), n, 0));
        got = n;
    });
    context.run();
    EXPECT_EQ(got, size);
    EXPECT_EQ(pool.stats().in_use_bytes, 0u); // given back with the handler
}

} // namespace
