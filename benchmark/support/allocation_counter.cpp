// The allocation functions of this program, in front of glibc's own.
#include "allocation_counter.hpp"

#include "failure.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <new>

#include <sys/mman.h>

// glibc's allocator under the names that an interposed malloc can still reach.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
}

namespace benchmark {
namespace {

// One per thread: counting costs the measured program no shared cache line and no locked instruction.
struct alignas(64) counter {
    std::atomic<std::uint64_t> value{0};
};

constexpr std::size_t counters_max = 1024;
std::array<counter, counters_max> own_counters;
std::array<counter, counters_max>* counters = &own_counters;
std::atomic<std::size_t> threads{0};
thread_local counter* mine = nullptr;

void count() {
    if (mine == nullptr)
        mine = &(*counters)[threads.fetch_add(1, std::memory_order_relaxed) % counters_max];
    // Two threads share a counter only beyond counters_max of them; a lost count is harmless there.
    mine->value.store(mine->value.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

} // namespace

std::uint64_t allocation_count() {
    std::uint64_t sum = 0;
    for (const counter& one : *counters)
        sum += one.value.load(std::memory_order_relaxed);
    return sum;
}

void share_allocation_count() {
    void* const memory =
        ::mmap(nullptr, sizeof own_counters, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("mmap", errno);
    counters = new (memory) std::array<counter, counters_max>;
    mine = nullptr;
}

void leave_allocation_count() {
    mine = &own_counters.back();
}

} // namespace benchmark

extern "C" {

void* malloc(std::size_t size) {
    benchmark::count();
    return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
    benchmark::count();
    return __libc_calloc(count, size);
}

void* realloc(void* old, std::size_t size) {
    benchmark::count();
    return __libc_realloc(old, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
    benchmark::count();
    return __libc_memalign(alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
    benchmark::count();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** result, std::size_t alignment, std::size_t size) {
    benchmark::count();
    *result = __libc_memalign(alignment, size);
    return *result != nullptr ? 0 : ENOMEM;
}

} // extern "C"
