// valgrind: requests to Valgrind, where its headers were there when the library was built; else nothing.
#pragma once

#include <cstddef>

#if __has_include(<valgrind/helgrind.h>) && __has_include(<valgrind/memcheck.h>) &&                           \
    __has_include(<valgrind/drd.h>)
#define AURAIO_HAS_VALGRIND
#include <valgrind/drd.h>
#include <valgrind/helgrind.h>
#include <valgrind/memcheck.h>
#endif

namespace aura::core::valgrind {

#if defined(AURAIO_HAS_VALGRIND)
// Macros of C, in functions.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wcast-qual"
#pragma GCC diagnostic ignored "-Wsign-conversion"

/// Whether the tool is one of those that are told something. Others (Callgrind counts instructions) are not to
/// see different code. A tool answers requests of its own only.
inline bool looks_for_races() noexcept {
    char shadow = 0;
    return RUNNING_ON_VALGRIND != 0 &&
           (VALGRIND_HG_GET_ABITS(&shadow, &shadow, 1ul) == 1 || DRD_GET_VALGRIND_THREADID != 0);
}
inline bool looks_at_memory() noexcept {
    char looked_at = 0, shadow = 0;
    return RUNNING_ON_VALGRIND != 0 && VALGRIND_GET_VBITS(&looked_at, &shadow, 1) == 1;
}
// DRD understands these as well.
inline void happens_before(const void* address) noexcept {
    ANNOTATE_HAPPENS_BEFORE(address);
}
inline void happens_after(const void* address) noexcept {
    ANNOTATE_HAPPENS_AFTER(address);
}
inline void was_written(const void* address, std::size_t size) noexcept {
    (void)VALGRIND_MAKE_MEM_DEFINED(address, size);
}

#pragma GCC diagnostic pop
#else
constexpr bool looks_for_races() noexcept {
    return false;
}
constexpr bool looks_at_memory() noexcept {
    return false;
}
inline void happens_before(const void*) noexcept {}
inline void happens_after(const void*) noexcept {}
inline void was_written(const void*, std::size_t) noexcept {}
#endif

} // namespace aura::core::valgrind
