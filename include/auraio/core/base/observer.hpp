// observer: what tools that look for races cannot see of this library and are told; without them, nothing.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define AURAIO_THREAD_SANITIZER
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define AURAIO_THREAD_SANITIZER
#endif
#endif

namespace aura::core {

// Who compiles a program with ThreadSanitizer mostly links this library as it is. Its mutexes are seen there
// all the same, its atomics are not: what they order has to be told, or handlers that run one after the other
// count as a race. These two stand beside the atomic operation that gives the order, on its address (which
// makes them one with the inline functions of these headers that the program has compiled itself), so what is
// told is what is true. Valgrind's Helgrind and DRD are told the same. In instrumented code they are nothing:
// there the atomics must stand for themselves.
//
// Cost: a load and a branch that is not taken, beside a read-modify-write or a system call.

#if defined(AURAIO_THREAD_SANITIZER)
inline void happens_before(const void*) noexcept {}
inline void happens_after(const void*) noexcept {}
inline bool is_watched() noexcept {
    return false;
}
#else
namespace observer {
extern bool listens; // constant since before the first object of namespace scope was made
[[gnu::cold]] void happens_before(const void* address) noexcept;
[[gnu::cold]] void happens_after(const void* address) noexcept;
} // namespace observer

/// Before an atomic operation that releases: what this thread has done happens before what follows a
/// happens_after() of the same address.
inline void happens_before(const void* address) noexcept {
    if (observer::listens) [[unlikely]]
        observer::happens_before(address);
}

/// After an atomic operation that acquires.
inline void happens_after(const void* address) noexcept {
    if (observer::listens) [[unlikely]]
        observer::happens_after(address);
}

/// Whether anybody is told, for who would ask too often.
inline bool is_watched() noexcept {
    return observer::listens;
}
#endif

} // namespace aura::core
