// observer: finds out whether a tool watches the program, and tells it.
#include "auraio/core/base/observer.hpp"

#include "core/base/valgrind.hpp"

#if !defined(AURAIO_THREAD_SANITIZER)
namespace aura::core::observer {

constinit bool listens = false;

// Two functions of ThreadSanitizer's interface, by other names, for these are reserved. Null where no part of
// the program was compiled with it.
[[gnu::weak]] void tsan_acquire(void* address) noexcept __asm__("__tsan_acquire");
[[gnu::weak]] void tsan_release(void* address) noexcept __asm__("__tsan_release");

namespace {

[[gnu::constructor(101)]] void look_around() noexcept { // the first that is not the compiler's own
    listens = valgrind::looks_for_races() || (tsan_acquire && tsan_release);
}

} // namespace

[[gnu::cold]] void happens_before(const void* address) noexcept {
    if (tsan_release)
        tsan_release(const_cast<void*>(address));
    valgrind::happens_before(address);
}

[[gnu::cold]] void happens_after(const void* address) noexcept {
    if (tsan_acquire)
        tsan_acquire(const_cast<void*>(address));
    valgrind::happens_after(address);
}

} // namespace aura::core::observer
#endif
