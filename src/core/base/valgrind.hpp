// valgrind: requests to Valgrind, where its headers were there when the library was built; else nothing.
#pragma once

#include <cstddef>

#if __has_include(<valgrind/helgrind.h>) && __has_include(<valgrind/memcheck.h>)
#define AURAIO_HAS_VALGRIND
#include <valgrind/helgrind.h> // DRD understands what is used of it
#include <valgrind/memcheck.h>
#endif

namespace aura::core::valgrind {

#if defined(AURAIO_HAS_VALGRIND)
// Macros of C, in functions.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wcast-qual"

inline bool runs_the_program() noexcept {
    return RUNNING_ON_VALGRIND != 0;
}
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
constexpr bool runs_the_program() noexcept {
    return false;
}
inline void happens_before(const void*) noexcept {}
inline void happens_after(const void*) noexcept {}
inline void was_written(const void*, std::size_t) noexcept {}
#endif

} // namespace aura::core::valgrind
