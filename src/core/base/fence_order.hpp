// fence_order: what a fence orders, for tools that look for races, which do not know fences.
#pragma once

#include "auraio/core/base/observer.hpp"

namespace aura::core {

// As happens_before() and happens_after(), but also in code that is compiled with ThreadSanitizer: there atomics stand
// for themselves, fences do not.
#if defined(AURAIO_THREAD_SANITIZER)
namespace observer {
// Of ThreadSanitizer's interface, by other names, for these are reserved.
void tsan_acquire(void* address) noexcept __asm__("__tsan_acquire");
void tsan_release(void* address) noexcept __asm__("__tsan_release");
} // namespace observer

inline void happens_before_fence(const void* address) noexcept {
    observer::tsan_release(const_cast<void*>(address));
}
inline void happens_after_fence(const void* address) noexcept {
    observer::tsan_acquire(const_cast<void*>(address));
}
#else
inline void happens_before_fence(const void* address) noexcept {
    happens_before(address);
}
inline void happens_after_fence(const void* address) noexcept {
    happens_after(address);
}
#endif

} // namespace aura::core
