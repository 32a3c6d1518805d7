// buffer_arena: a mapping from which buffers of one size are cut, described by a page in front of it.
#pragma once

#include "auraio/core/memory/size_classes.hpp"

#include <cstddef>
#include <cstdint>

namespace aura::core {

class buffer_pool;

/// The data begins at a multiple of 2 MiB and is 2 MiB long (huge pages may back it, registering it is
/// cheap), so the description of any buffer is found from its address by a mask, without a table and without
/// knowing its size. The description is not in the data: the buffers keep their alignment, and a write beyond
/// a buffer's beginning does not reach it from the arena's own side. Buffers larger than the largest class
/// have an arena each, as long as it has to be.
///
/// Which buffers are free is kept here and not in them: freeing a buffer touches neither its memory, nor a
/// page that was given back to the system. Guarded by the mutex of the shard it belongs to.
struct buffer_arena {
    static constexpr std::size_t data_size = std::size_t{2} << 20;
    static constexpr std::size_t buffers_max = data_size / size_classes::alignment;
    static constexpr std::uint32_t oversized = ~std::uint32_t{0};

    /// Null when the system has no memory or address space left.
    static buffer_arena* map(std::size_t bytes) noexcept;
    static void unmap(buffer_arena* arena) noexcept;

    /// The arena of a buffer, by its first byte.
    static buffer_arena* of(const void* buffer) noexcept {
        const auto address = reinterpret_cast<std::uintptr_t>(buffer);
        return reinterpret_cast<buffer_arena*>((address & ~(data_size - 1)) - header_size);
    }

    std::byte* data() noexcept { return reinterpret_cast<std::byte*>(this) + header_size; }
    std::size_t buffer_size() const noexcept { return size_classes::size_of(size_class); }
    std::uint32_t index_of(const void* buffer) noexcept {
        return static_cast<std::uint32_t>(
            static_cast<std::size_t>(static_cast<const std::byte*>(buffer) - data()) / buffer_size());
    }
    std::byte* buffer(std::uint32_t index) noexcept { return data() + index * buffer_size(); }

    bool has_free() const noexcept { return free_count != 0; }
    bool can_carve() const noexcept { return carved != capacity; }
    /// None of the buffers it has had is in use: it may go back to the system.
    bool idle() const noexcept { return carved != 0 && free_count == carved; }
    std::size_t carved_bytes() const noexcept { return carved * buffer_size(); }

    buffer_pool* owner = nullptr;
    std::size_t bytes = 0;            // of the data
    std::uint32_t size_class = 0;     // or oversized
    std::uint32_t capacity = 0;       // how many buffers it can have
    std::uint32_t carved = 0;         // how many it has had so far: those from here on were never handed out
    std::uint32_t free_count = 0;     // of those carved
    std::uint32_t shard = 0;          // whom it belongs to
    std::uint32_t registry_index = 0; // among the arenas of the pool
    bool listed = false;              // in its shard's list of arenas that can give a buffer
    buffer_arena* previous = nullptr;
    buffer_arena* next = nullptr;
    std::uint16_t free_indices[buffers_max]{}; // a stack

private:
    static constexpr std::size_t header_size = size_classes::alignment;
};
static_assert(sizeof(buffer_arena) <= size_classes::alignment);

/// Doubly linked list of arenas through their own links.
class buffer_arena_list {
public:
    buffer_arena* front() const noexcept { return first_; }
    void push_front(buffer_arena& a) noexcept;
    void remove(buffer_arena& a) noexcept;

private:
    buffer_arena* first_ = nullptr;
};

} // namespace aura::core
