// buffer_depot: the arenas of a pool, in shards with a lock each; what thread caches take from and give to.
#pragma once

#include "auraio/core/memory/buffer_pool.hpp"
#include "core/memory/buffer_arena.hpp"

#include <atomic>
#include <mutex>

namespace aura::core {

/// An arena belongs to one shard, and its buffers return there whoever frees them: memory does not drift
/// between shards, and an arena nobody uses any more becomes whole again and can be unmapped.
///
/// Lock order: a shard's mutex before registry_mutex_. Never two shards at once.
class buffer_depot {
public:
    buffer_depot(buffer_pool& owner, const buffer_pool_options& options);
    ~buffer_depot();
    buffer_depot(const buffer_depot&) = delete;

    /// Takes up to `wanted` buffers of a class, preferably from shard `home`; at least one unless there is
    /// none to be had within the limit. How many.
    unsigned take(unsigned home, std::size_t size_class, void** out, unsigned wanted) noexcept;
    void give(void* const* buffers, unsigned count) noexcept;

    void* take_oversized(std::size_t size) noexcept;
    void give_oversized(buffer_arena* arena) noexcept;

    std::size_t trim() noexcept;
    std::vector<iovec> pin();
    void unpin() noexcept;

    void add_to(buffer_pool_stats& stats) const;
    unsigned shard_count() const noexcept { return shard_count_; }

private:
    struct alignas(64) shard {
        std::mutex mutex;
        std::array<buffer_arena_list, size_classes::count> available; // arenas that can give a buffer
    };

    enum class source : std::uint8_t { anything, used_before };

    unsigned take_from(unsigned index, std::size_t size_class, void** out, unsigned wanted,
                       source from) noexcept;
    unsigned take_from(buffer_arena& a, void** out, unsigned wanted, source from) noexcept;
    void give_to(shard& s, void* buffer) noexcept;
    buffer_arena* new_arena(unsigned shard, std::size_t size_class) noexcept;
    bool add_to_registry(buffer_arena& a) noexcept;
    bool return_to_system(shard& s, buffer_arena& a) noexcept;
    std::size_t trim(shard& s) noexcept;
    std::size_t drop_pages(buffer_arena& a) noexcept;
    std::size_t claim(std::size_t unit, std::size_t count) noexcept;

    buffer_pool& owner_;
    const std::size_t max_bytes_;
    const std::size_t retain_bytes_;
    const unsigned shard_count_;
    const std::unique_ptr<shard[]> shards_;

    // Amounts. Relaxed: each is only a number, no memory is handed over by it (the shards' mutexes do that).
    std::atomic<std::size_t> total_bytes_{0};
    std::atomic<std::size_t> idle_bytes_{0}; // of arenas that are idle()
    std::atomic<std::size_t> mapped_bytes_{0};
    std::atomic<std::size_t> oversized_bytes_{0};
    std::atomic<std::uint64_t> oversized_allocations_{0};
    std::atomic<std::uint64_t> oversized_deallocations_{0};

    mutable std::mutex registry_mutex_; // guards what follows, and the unmapping of arenas
    std::vector<buffer_arena*> arenas_; // by registry_index; null: an index to be used again
    std::size_t arena_count_ = 0;
    unsigned pins_ = 0;
};

} // namespace aura::core
