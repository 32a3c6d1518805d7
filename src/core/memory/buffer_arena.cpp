// buffer_arena: mapping memory at a multiple of 2 MiB, with a page in front.
#include "core/memory/buffer_arena.hpp"

#include "core/base/poison.hpp"

#include <new>
#include <sys/mman.h>

namespace aura::core {

buffer_arena* buffer_arena::map(std::size_t bytes) noexcept {
    if (bytes > SIZE_MAX / 2)
        return nullptr;
    // mmap aligns to pages only: map enough to find the place in, and give the rest back.
    const std::size_t room = header_size + bytes + data_size;
    void* mapped =
        ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED)
        return nullptr;
    const auto begin = reinterpret_cast<std::uintptr_t>(mapped);
    const std::uintptr_t data = (begin + header_size + data_size - 1) & ~(data_size - 1);
    const std::uintptr_t used_from = data - header_size;
    const std::uintptr_t used_to = (data + bytes + header_size - 1) & ~(header_size - 1);
    if (used_from != begin)
        ::munmap(mapped, used_from - begin);
    if (used_to != begin + room)
        ::munmap(reinterpret_cast<void*>(used_to), begin + room - used_to);
    auto* arena = new (reinterpret_cast<void*>(used_from)) buffer_arena;
    arena->bytes = used_to - data;
    return arena;
}

void buffer_arena::unmap(buffer_arena* arena) noexcept {
    unpoison(arena->data(), arena->bytes); // whatever is mapped here next is not ours
    ::munmap(arena, header_size + arena->bytes);
}

void buffer_arena_list::push_front(buffer_arena& a) noexcept {
    a.previous = nullptr;
    a.next = first_;
    if (first_)
        first_->previous = &a;
    first_ = &a;
    a.listed = true;
}

void buffer_arena_list::remove(buffer_arena& a) noexcept {
    (a.previous ? a.previous->next : first_) = a.next;
    if (a.next)
        a.next->previous = a.previous;
    a.previous = a.next = nullptr;
    a.listed = false;
}

} // namespace aura::core
