// core::buffer_pool beside malloc and aligned_alloc: one thread, several, and buffers that another thread
// frees.
//
// What is timed is taking and giving back; `touched` also writes to every page, as whoever reads into it
// does. Run it on an otherwise idle machine and compare the CPU column.
#include "auraio/core/memory/buffer_pool.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <vector>

#include <benchmark/benchmark.h>

namespace {

struct from_pool {
    static aura::core::buffer_pool& pool() {
        static aura::core::buffer_pool p;
        return p;
    }
    static void* take(std::size_t size) { return pool().allocate(size); }
    static void give(void* b) { aura::core::buffer_pool::deallocate(b); }
};

struct from_malloc {
    static void* take(std::size_t size) { return std::malloc(size); }
    static void give(void* b) { std::free(b); }
};

struct from_aligned_alloc {
    static void* take(std::size_t size) {
        return std::aligned_alloc(4096, (size + 4095) & ~std::size_t{4095});
    }
    static void give(void* b) { std::free(b); }
};

// Holds `depth` buffers and replaces one after the other, as a server with that many requests in flight does.
template <class Source>
void replace(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    const auto depth = static_cast<std::size_t>(state.range(1));
    std::vector<void*> held(depth);
    for (void*& b : held)
        b = Source::take(size);
    std::size_t at = 0;
    for (auto _ : state) {
        Source::give(held[at]);
        held[at] = Source::take(size);
        benchmark::DoNotOptimize(held[at]);
        at = at + 1 == depth ? 0 : at + 1;
    }
    for (void* b : held)
        Source::give(b);
}

// All taken, touched, and all given back: memory that comes and goes with the load.
template <class Source>
void touched(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    const auto depth = static_cast<std::size_t>(state.range(1));
    std::vector<void*> held(depth);
    for (auto _ : state) {
        for (void*& b : held) {
            b = Source::take(size);
            for (std::size_t i = 0; i < size; i += 4096)
                static_cast<volatile char*>(b)[i] = 1;
        }
        for (void* b : held)
            Source::give(b);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(depth));
}

// Each thread frees what the other has taken.
template <class Source>
void crossed(benchmark::State& state) {
    static std::array<std::atomic<void*>, 256> slots;
    const auto size = static_cast<std::size_t>(state.range(0));
    std::size_t at = static_cast<std::size_t>(state.thread_index()) * 128;
    for (auto _ : state) {
        // acq_rel: what the taker wrote to the buffer comes before what the one who frees it does.
        if (void* other = slots[at].exchange(Source::take(size), std::memory_order_acq_rel))
            Source::give(other);
        at = (at + 1) % slots.size();
    }
    if (state.thread_index() == 0)
        for (auto& s : slots)
            if (void* b = s.exchange(nullptr))
                Source::give(b);
}

const std::vector<std::vector<std::int64_t>> sizes_and_depths{{4096, 65536, 262144}, {1, 128}};

} // namespace

#define AURAIO_BENCHMARK(source)                                                                             \
    BENCHMARK_TEMPLATE(replace, source)->ArgsProduct(sizes_and_depths);                                      \
    BENCHMARK_TEMPLATE(replace, source)->Args({4096, 128})->Threads(2);                                      \
    BENCHMARK_TEMPLATE(touched, source)->Args({4096, 128})->Args({65536, 128})->Args({262144, 128});         \
    BENCHMARK_TEMPLATE(crossed, source)->Arg(4096)->Threads(2)

AURAIO_BENCHMARK(from_pool);
AURAIO_BENCHMARK(from_malloc);
AURAIO_BENCHMARK(from_aligned_alloc);

BENCHMARK_MAIN();
