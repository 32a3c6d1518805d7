// buffers: the pool, through the C interface.
#include "support.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <thread>

using namespace test;

namespace {

aura_buffer_stats_t stats_of(const engine_ptr& e) {
    aura_buffer_stats_t s{};
    s.struct_size = sizeof s;
    EXPECT_EQ(aura_get_buffer_stats(e.get(), &s), 0);
    EXPECT_EQ(s.struct_size, sizeof s);
    return s;
}

} // namespace

TEST(CBuffers, AreAlignedAndCounted) {
    const engine_ptr e = make_engine();
    void* a = aura_buffer_alloc(e.get(), 1);
    void* b = aura_buffer_alloc(e.get(), 100'000);
    ASSERT_NE(a, nullptr);
    ASSERT_NE(b, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(a) % 4096, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(b) % 4096, 0u);
    std::memset(b, 1, 100'000);
    EXPECT_GE(stats_of(e).in_use_bytes, 104'096u);
    EXPECT_EQ(stats_of(e).allocations, 2u);
    aura_buffer_free(e.get(), a);
    std::thread([&] { aura_buffer_free(e.get(), b); }).join();
    EXPECT_EQ(stats_of(e).in_use_bytes, 0u);
    EXPECT_EQ(stats_of(e).deallocations, 2u);
}

TEST(CBuffers, HoldDirectReads) {
    const engine_ptr e = make_engine();
    const scratch_file file(65536);
    const unique_fd fd(::open(file.path().c_str(), O_RDONLY | O_DIRECT | O_CLOEXEC));
    if (fd.get() < 0)
        GTEST_SKIP() << "no O_DIRECT in this directory";
    void* buffer = aura_buffer_alloc(e.get(), 65536);
    ended done;
    ASSERT_NE(aura_read(e.get(), fd.get(), aura_buf(buffer), 65536, 0, ended::note, &done), nullptr);
    EXPECT_EQ(finish(e, done), 65536);
    EXPECT_TRUE(scratch_file::matches(buffer, 65536, 0));
    aura_buffer_free(e.get(), buffer);
}

TEST(CBuffers, MayBeGivenBackWhileTheEngineIsDestroyed) {
    struct state {
        aura_engine_t* engine;
        void* buffer;
    } s{aura_create(), nullptr};
    pipe_ends pipe;
    s.buffer = aura_buffer_alloc(s.engine, 10);
    ASSERT_NE(aura_read(
                  s.engine, pipe.read_end, aura_buf(s.buffer), 10, 0,
                  [](aura_request_t*, ssize_t, void* p) {
                      auto& self = *static_cast<state*>(p);
                      aura_buffer_free(self.engine, self.buffer);
                      self.buffer = nullptr;
                  },
                  &s),
              nullptr);
    EXPECT_EQ(aura_destroy(s.engine), 0);
    EXPECT_EQ(s.buffer, nullptr);
}

TEST(CBuffers, RefuseWhatMakesNoSense) {
    const engine_ptr e = make_engine();
    errno = 0;
    EXPECT_EQ(aura_buffer_alloc(nullptr, 1), nullptr);
    EXPECT_EQ(errno, EINVAL);
    errno = 0;
    EXPECT_EQ(aura_buffer_alloc(e.get(), 0), nullptr);
    EXPECT_EQ(errno, EINVAL);
    errno = 0;
    EXPECT_EQ(aura_buffer_alloc(e.get(), SIZE_MAX / 2), nullptr);
    EXPECT_EQ(errno, ENOMEM);
    aura_buffer_free(e.get(), nullptr);
    aura_buffer_stats_t s{};
    s.struct_size = sizeof s;
    EXPECT_EQ(aura_get_buffer_stats(nullptr, &s), -EINVAL);
    EXPECT_EQ(aura_get_buffer_stats(e.get(), nullptr), -EINVAL);
    s.struct_size = 8;
    EXPECT_EQ(aura_get_buffer_stats(e.get(), &s), -EINVAL);
    s.failures = 77;
    s.struct_size = offsetof(aura_buffer_stats_t, failures); // of an older program
    EXPECT_EQ(aura_get_buffer_stats(e.get(), &s), 0);
    EXPECT_EQ(s.failures, 77u);
}
