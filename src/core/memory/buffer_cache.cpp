// buffer_cache: exchange with the depot, by the half.
#include "core/memory/buffer_cache.hpp"

#include "core/memory/buffer_depot.hpp"

#include <algorithm>

namespace aura::core {

// By the half: a thread that allocates and frees at the boundary goes to the depot once in half a cache, not
// each time.

void* buffer_cache::refill(std::size_t size_class) noexcept {
    slots& s = slots_[size_class];
    bump(refills_);
    const unsigned wanted = std::max(capacity_[size_class] / 2u, 1u);
    const unsigned got = depot_.take(home_, size_class, s.buffers.data(), wanted);
    if (got == 0)
        return nullptr;
    bump(s.allocations);
    s.kept.store(got - 1, std::memory_order_relaxed);
    return s.buffers[got - 1];
}

std::uint32_t buffer_cache::make_room(std::size_t size_class) noexcept {
    slots& s = slots_[size_class];
    bump(flushes_);
    const std::uint32_t kept = capacity_[size_class];
    const std::uint32_t leaving = std::max(kept / 2, std::uint32_t{1});
    depot_.give(s.buffers.data(),
                leaving); // those that have lain here longest: the others are still in the cache
    std::move(s.buffers.begin() + leaving, s.buffers.begin() + kept, s.buffers.begin());
    s.kept.store(kept - leaving, std::memory_order_relaxed);
    return kept - leaving;
}

void buffer_cache::flush() noexcept {
    for (slots& s : slots_) {
        const std::uint32_t kept = s.kept.load(std::memory_order_relaxed);
        if (kept == 0)
            continue;
        depot_.give(s.buffers.data(), kept);
        s.kept.store(0, std::memory_order_relaxed);
    }
}

} // namespace aura::core
