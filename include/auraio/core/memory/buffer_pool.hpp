// buffer_pool: page-aligned buffers, from a cache of the calling thread where possible.
#pragma once

#include "auraio/core/memory/size_classes.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <sys/uio.h>
#include <vector>

namespace aura::core {

class buffer_pool_core;

/// What can be chosen about a pool.
struct buffer_pool_options {
    /// The most memory that buffers may take, in use or kept for later, in bytes; a buffer counts with the
    /// size of its class. An allocation beyond it fails. Buffers kept by other threads' caches count too, and
    /// cannot be had.
    std::size_t max_bytes = SIZE_MAX;

    /// How much memory nobody uses is kept for later; what exceeds it is unmapped, 2 MiB at a time. trim()
    /// does not keep even this.
    std::size_t retain_bytes = std::size_t{32} << 20;

    /// How much a thread may keep of each size, in bytes; at most 32 buffers of a size, and one even if that
    /// is more. 0: threads keep nothing, every call takes a lock.
    std::size_t thread_cache_bytes = std::size_t{256} << 10;

    /// How many parts with a lock each; 0: the next power of two of the processors this process may use / 4.
    unsigned shards = 0;
};

/// Counters since construction, and amounts at one moment. Taken while other threads allocate, figures that
/// depend on each other may be off by what happened meanwhile.
struct buffer_pool_stats {
    /// Of one size of buffers.
    struct size_class {
        std::size_t size = 0;            ///< bytes per buffer
        std::uint64_t allocations = 0;   ///< buffers taken
        std::uint64_t deallocations = 0; ///< buffers given back
    };

    std::size_t max_bytes = 0;   ///< the limit: buffer_pool_options::max_bytes
    std::size_t total_bytes = 0; ///< what counts against max_bytes: in use, kept by threads, kept by the pool
    std::size_t in_use_bytes = 0;    ///< held by the user
    std::size_t cached_bytes = 0;    ///< kept by threads
    std::size_t mapped_bytes = 0;    ///< address space; resident is only what was touched
    std::size_t arenas = 0;          ///< blocks of 2 MiB that are mapped
    std::size_t thread_caches = 0;   ///< threads that keep buffers
    std::uint64_t allocations = 0;   ///< buffers taken, of all sizes
    std::uint64_t deallocations = 0; ///< buffers given back
    std::uint64_t refills = 0;       ///< how often a thread's cache had nothing, and a shard was asked
    std::uint64_t flushes = 0;       ///< how often it was full, and gave to a shard
    std::uint64_t failures = 0;      ///< allocations that failed
    std::array<size_class, size_classes::count> classes{}; ///< of each size, the smallest first
};

/// Buffers aligned to 4096 bytes, in size_classes. Every member may be called by any thread, except the
/// destructor; a buffer may be given back by another thread than the one that took it. Between an allocation
/// and its deallocation there is normally no lock and no atomic read-modify-write: 32 buffers of 4 KiB, fewer
/// of larger ones, wait in the calling thread's cache, which moves them from and to a shard by the half.
///
/// Memory is taken from the system 2 MiB at a time. A thread that ends gives back what it keeps. A forked
/// child has a copy of the pool, as of all memory; it may be used there if no other thread was in a call at
/// the time.
class buffer_pool {
public:
    /// Takes no memory yet.
    explicit buffer_pool(const buffer_pool_options& options = {});
    /// Precondition: no buffer is in use.
    ~buffer_pool();
    buffer_pool(const buffer_pool&) = delete;

    /// Uninitialised; at least `size` bytes, see capacity(). Null when the limit is reached or the system has
    /// no memory. A size above size_classes::largest costs a system call, and nothing of it is kept for
    /// later.
    void* allocate(std::size_t size) noexcept;

    /// `buffer`: what allocate() returned, or null. Of whichever pool: buffers know where they come from.
    static void deallocate(void* buffer) noexcept;

    /// How many bytes may be used of a buffer.
    static std::size_t capacity(const void* buffer) noexcept;
    /// The pool that a buffer comes from.
    static buffer_pool& owner(const void* buffer) noexcept;

    /// Makes room for `count` buffers in advance: false when not all of them could be had.
    bool reserve(std::size_t size, std::size_t count);

    /// Gives back to the system what nobody uses and no other thread keeps. How many bytes of buffers that
    /// was.
    std::size_t trim() noexcept;

    /// What the pool holds now, and has done so far. Stops no thread.
    buffer_pool_stats stats() const;

    // ---- for registering with the kernel ----

    /// From now until unpin() no arena goes back to the system: the kernel may hold its pages. The arenas
    /// there are, by arena_index(); an entry may be empty. New ones may appear meanwhile.
    std::vector<iovec> pin();
    void unpin() noexcept;

    /// The place of a buffer's arena among those of pin(); SIZE_MAX for buffers above size_classes::largest.
    static std::size_t arena_index(const void* buffer) noexcept;

private:
    std::unique_ptr<buffer_pool_core> self_;
};

} // namespace aura::core
