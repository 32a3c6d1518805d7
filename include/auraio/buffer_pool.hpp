// buffer_pool: page-aligned buffers for I/O, and the allocator over them.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/core/memory/buffer_pool.hpp"
#include "auraio/detail/config.hpp"

#include AURAIO_ASIO(buffer.hpp)

#include <cassert>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

AURAIO_OPEN

/// Limits, what is kept for later, and the number of shards; every field is documented at
/// core::buffer_pool_options.
using buffer_pool_options = core::buffer_pool_options;
/// What a pool holds and has done; every field is documented at core::buffer_pool_stats.
using buffer_pool_stats = core::buffer_pool_stats;

class buffer_pool;

/// A buffer of a pool, given back when this is destroyed; or none. Moves, does not copy.
///
/// It converts to mutable_buffer, and so serves wherever a buffer sequence is wanted by way of
/// net::buffer(b). The memory begins at a multiple of 4096, and as much as capacity() says may be used, which
/// is a multiple of 4096 too: what direct I/O needs. An operation that uses the buffer must have completed
/// before this is destroyed or assigned to; moving it does not move the memory.
///
/// Distinct objects: safe. Shared objects: unsafe. May be destroyed by any thread, but not after its pool.
class pooled_buffer {
public:
    /// None.
    pooled_buffer() noexcept = default;
    /// Takes the buffer over: `other` has none afterwards.
    pooled_buffer(pooled_buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr))
        , size_(std::exchange(other.size_, 0)) {}
    pooled_buffer& operator=(pooled_buffer&& other) noexcept {
        pooled_buffer moved(std::move(other));
        moved.swap(*this);
        return *this;
    }
    /// Gives the buffer back.
    ~pooled_buffer() { core::buffer_pool::deallocate(data_); }

    /// Exchanges buffers; memory stays where it is.
    void swap(pooled_buffer& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }
    friend void swap(pooled_buffer& a, pooled_buffer& b) noexcept { a.swap(b); }

    /// Whether there is a buffer.
    explicit operator bool() const noexcept { return data_ != nullptr; }
    /// Where it begins; null if there is none.
    std::byte* data() const noexcept { return static_cast<std::byte*>(data_); }
    /// In bytes: what was asked for, or what resize() has set since.
    std::size_t size() const noexcept { return size_; }
    /// How much may be used, in bytes: a multiple of 4096.
    std::size_t capacity() const noexcept { return data_ ? core::buffer_pool::capacity(data_) : 0; }

    /// Sets size(); neither moves nor clears anything. Precondition: bytes <= capacity().
    void resize(std::size_t bytes) noexcept {
        assert(bytes <= capacity());
        size_ = bytes;
    }

    /// Gives the buffer back now.
    void reset() noexcept { pooled_buffer().swap(*this); }

    /// All of size().
    operator net::mutable_buffer() const noexcept { return net::mutable_buffer(data_, size_); }

private:
    friend class buffer_pool;
    pooled_buffer(void* data, std::size_t size) noexcept
        : data_(data)
        , size_(size) {}

    void* data_ = nullptr;
    std::size_t size_ = 0;
};

/// A standard allocator over a pool: for containers of a page or more. Every allocation takes at least 4096
/// bytes. Copies, and copies for other types, compare equal when they share a pool, which must outlive what
/// they allocate.
template <class T>
class pool_allocator {
public:
    using value_type = T; ///< as for every allocator
    static_assert(alignof(T) <= core::size_classes::alignment);

    /// Over this pool, or the one that `other` allocates from.
    explicit pool_allocator(core::buffer_pool& pool) noexcept
        : pool_(&pool) {}
    template <class U>
    pool_allocator(const pool_allocator<U>& other) noexcept
        : pool_(&other.pool()) {}

    /// Throws std::bad_alloc, std::bad_array_new_length.
    T* allocate(std::size_t n) {
        if (n > SIZE_MAX / sizeof(T))
            throw std::bad_array_new_length();
        void* p = pool_->allocate(n * sizeof(T));
        if (!p)
            throw std::bad_alloc();
        return static_cast<T*>(p);
    }
    void deallocate(T* p, std::size_t) noexcept { core::buffer_pool::deallocate(p); }

    /// What it allocates from.
    core::buffer_pool& pool() const noexcept { return *pool_; }

    /// Whether both allocate from one pool.
    template <class U>
    bool operator==(const pool_allocator<U>& other) const noexcept {
        return pool_ == &other.pool();
    }

private:
    core::buffer_pool* pool_;
};

/// Page-aligned buffers in 16 sizes from 4 KiB to 1 MiB (larger ones on demand), from a cache of the calling
/// thread where possible: normally neither a lock nor an atomic read-modify-write. Independent of any
/// io_context.
///
/// Thread safety: every member may be called by any thread, the destructor excepted; a buffer may be given
/// back by another thread than the one that took it. No buffer may outlive the pool.
///
/// @code
/// aura::buffer_pool pool;
/// aura::pooled_buffer b = pool.allocate(64 * 1024);
/// const auto bytes = net::buffer(b); // before b moves into the handler
/// file.async_read_some_at(0, bytes, [b = std::move(b)](aura::error_code ec, std::size_t n) { ... });
/// @endcode
class buffer_pool {
public:
    /// Takes no memory yet.
    explicit buffer_pool(const buffer_pool_options& options = {})
        : pool_(options) {}

    /// Uninitialised. Throws std::bad_alloc when the pool's limit is reached or the system has no memory.
    pooled_buffer allocate(std::size_t bytes) {
        void* p = pool_.allocate(bytes);
        if (!p)
            throw std::bad_alloc();
        return pooled_buffer(p, bytes);
    }

    /// As allocate(), but returns no buffer instead of throwing.
    pooled_buffer try_allocate(std::size_t bytes) noexcept {
        void* p = pool_.allocate(bytes);
        return pooled_buffer(p, p ? bytes : 0);
    }

    /// An allocator for containers, over this pool.
    template <class T = std::byte>
    pool_allocator<T> get_allocator() noexcept {
        return pool_allocator<T>(pool_);
    }

    /// Makes room for `count` buffers in advance, without touching their memory; false when not all can be
    /// had.
    bool reserve(std::size_t bytes, std::size_t count) { return pool_.reserve(bytes, count); }

    /// Gives back to the system what nobody uses and no other thread keeps. How many bytes of buffers that
    /// was.
    std::size_t trim() noexcept { return pool_.trim(); }

    /// What the pool holds now, and has done so far. Stops no thread.
    buffer_pool_stats stats() const { return pool_.stats(); }

    /// The pool without Asio, for registered buffers and the statistics.
    core::buffer_pool& native() noexcept { return pool_; }

private:
    core::buffer_pool pool_;
};

AURAIO_CLOSE

#endif
