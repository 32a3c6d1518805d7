// poison: tells AddressSanitizer which buffers nobody holds; without it, nothing.
#pragma once

#include <cstddef>

#if defined(__SANITIZE_ADDRESS__)
#define AURAIO_ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AURAIO_ADDRESS_SANITIZER
#endif
#endif
#if defined(AURAIO_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#endif

namespace aura::core {

inline void poison([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if defined(AURAIO_ADDRESS_SANITIZER)
    __asan_poison_memory_region(memory, size);
#endif
}

inline void unpoison([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t size) noexcept {
#if defined(AURAIO_ADDRESS_SANITIZER)
    __asan_unpoison_memory_region(memory, size);
#endif
}

} // namespace aura::core
