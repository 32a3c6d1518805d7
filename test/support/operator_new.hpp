// operator_new: the program's operator new, which counts and fails as a test says. In one source file of a
// program. Not under ThreadSanitizer, whose runtime has one that cannot be replaced.
#pragma once

#include "support/sanitizers.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

#define AURAIO_TEST_REPLACES_NEW (!AURAIO_TEST_TSAN)

namespace test {

/// Of the calling thread: how many allocations there were, and from which of them on, counted down, how many
/// fail. Negative: none does.
inline thread_local constinit std::size_t allocations = 0;
inline thread_local constinit int until_failure = -1;
inline thread_local constinit bool fails_for_good = false; // and not once

#if AURAIO_TEST_REPLACES_NEW
/// Null where it is to fail, or there is no memory.
inline void* counted_allocation(std::size_t size, std::size_t alignment = 0) noexcept {
    ++allocations;
    if (until_failure == 0) {
        if (!fails_for_good)
            until_failure = -1;
        return nullptr;
    }
    if (until_failure > 0)
        --until_failure;
    return alignment == 0 ? std::malloc(size ? size : 1)
                          : std::aligned_alloc(alignment, (size + alignment - 1) & ~(alignment - 1));
}
#endif

} // namespace test

#if AURAIO_TEST_REPLACES_NEW
void* operator new(std::size_t size) {
    void* const p = test::counted_allocation(size);
    if (!p)
        throw std::bad_alloc();
    return p;
}
void* operator new(std::size_t size, std::align_val_t alignment) {
    void* const p = test::counted_allocation(size, static_cast<std::size_t>(alignment));
    if (!p)
        throw std::bad_alloc();
    return p;
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return test::counted_allocation(size);
}
// Not inlined: the compiler would see memory of operator new go to free(), and warn of it.
[[gnu::noinline]] void operator delete(void* p) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, const std::nothrow_t&) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
    std::free(p);
}
#endif
