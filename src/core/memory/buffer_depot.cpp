// buffer_depot: cutting arenas into buffers, and putting them together again.
#include "core/memory/buffer_depot.hpp"

#include "core/base/usable_cpus.hpp"

#include <algorithm>
#include <bit>
#include <cassert>
#include <new>
#include <sys/mman.h>

namespace aura::core {

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

unsigned shards_for(unsigned requested) {
    if (requested != 0)
        return requested;
    return std::bit_ceil(std::max(find_usable_cpus().count / 4, 1u));
}

} // namespace

buffer_depot::buffer_depot(buffer_pool& owner, const buffer_pool_options& options)
    : owner_(owner)
    , max_bytes_(options.max_bytes)
    , retain_bytes_(options.retain_bytes)
    , shard_count_(shards_for(options.shards))
    , shards_(std::make_unique<shard[]>(shard_count_)) {}

buffer_depot::~buffer_depot() {
    assert(pins_ == 0);
    for (buffer_arena* a : arenas_)
        if (a)
            buffer_arena::unmap(a);
}

// ---- the limit ----

/// Counts up to `count` times `unit` bytes as existing: how many times the limit allows.
std::size_t buffer_depot::claim(std::size_t unit, std::size_t count) noexcept {
    std::size_t total = total_bytes_.load(relaxed);
    for (;;) {
        const std::size_t room = total < max_bytes_ ? (max_bytes_ - total) / unit : 0;
        const std::size_t granted = std::min(count, room);
        if (granted == 0 || total_bytes_.compare_exchange_weak(total, total + granted * unit, relaxed))
            return granted;
    }
}

// ---- taking ----

unsigned buffer_depot::take(unsigned home, std::size_t size_class, void** out, unsigned wanted) noexcept {
    if (const unsigned got = take_from(home, size_class, out, wanted, source::anything))
        return got;
    // The limit, or the system, allows no more: what other shards have, then what trimming other sizes frees.
    for (unsigned i = 1; i < shard_count_; ++i)
        if (const unsigned got =
                take_from((home + i) % shard_count_, size_class, out, 1, source::used_before))
            return got;
    return trim() != 0 ? take_from(home, size_class, out, 1, source::anything) : 0;
}

unsigned buffer_depot::take_from(unsigned index, std::size_t size_class, void** out, unsigned wanted,
                                 source from) noexcept {
    shard& s = shards_[index];
    std::lock_guard guard(s.mutex);
    buffer_arena_list& list = s.available[size_class];
    unsigned got = 0;
    for (buffer_arena* a = list.front(); a && got != wanted;) {
        buffer_arena* next = a->next;
        got += take_from(*a, out + got, wanted - got, from);
        if (!a->has_free() && !a->can_carve())
            list.remove(*a);
        a = next;
    }
    if (got == 0 && from == source::anything) {
        if (buffer_arena* a = new_arena(index, size_class)) {
            list.push_front(*a);
            got = take_from(*a, out, wanted, from);
            if (got == 0) // another thread took the last bytes of the limit
                return_to_system(s, *a);
            else if (!a->can_carve())
                list.remove(*a);
        }
    }
    return got;
}

unsigned buffer_depot::take_from(buffer_arena& a, void** out, unsigned wanted, source from) noexcept {
    unsigned got = 0;
    if (a.idle())
        idle_bytes_.fetch_sub(a.carved_bytes(), relaxed);
    while (got != wanted && a.has_free())
        out[got++] = a.buffer(a.free_indices[--a.free_count]);
    if (got == wanted || from == source::used_before)
        return got;
    const std::size_t room = std::min<std::size_t>(wanted - got, a.capacity - a.carved);
    for (std::size_t granted = room ? claim(a.buffer_size(), room) : 0; granted != 0; --granted)
        out[got++] = a.buffer(a.carved++);
    return got;
}

buffer_arena* buffer_depot::new_arena(unsigned index, std::size_t size_class) noexcept {
    const std::size_t size = size_classes::size_of(size_class);
    const std::size_t total = total_bytes_.load(relaxed); // a hint: claim() decides
    if (total >= max_bytes_ || max_bytes_ - total < size)
        return nullptr;
    buffer_arena* a = buffer_arena::map(buffer_arena::data_size);
    if (!a)
        return nullptr;
    a->owner = &owner_;
    a->size_class = static_cast<std::uint32_t>(size_class);
    a->capacity = static_cast<std::uint32_t>(buffer_arena::data_size / size);
    a->shard = index;
    if (!add_to_registry(*a)) {
        buffer_arena::unmap(a);
        return nullptr;
    }
    mapped_bytes_.fetch_add(a->bytes, relaxed);
    return a;
}

bool buffer_depot::add_to_registry(buffer_arena& a) noexcept {
    std::lock_guard guard(registry_mutex_);
    const auto unused =
        arena_count_ == arenas_.size() ? arenas_.end() : std::find(arenas_.begin(), arenas_.end(), nullptr);
    a.registry_index = static_cast<std::uint32_t>(unused - arenas_.begin());
    if (unused != arenas_.end()) {
        *unused = &a;
    } else {
        try {
            arenas_.push_back(&a);
        } catch (const std::bad_alloc&) {
            return false;
        }
    }
    ++arena_count_;
    return true;
}

// ---- giving back ----

void buffer_depot::give(void* const* buffers, unsigned count) noexcept {
    for (unsigned i = 0; i < count;) {
        // Neighbours mostly belong to the same shard: one lock for all of them.
        const std::uint32_t index = buffer_arena::of(buffers[i])->shard;
        shard& s = shards_[index];
        std::lock_guard guard(s.mutex);
        do
            give_to(s, buffers[i++]);
        while (i < count && buffer_arena::of(buffers[i])->shard == index);
    }
}

void buffer_depot::give_to(shard& s, void* buffer) noexcept {
    buffer_arena& a = *buffer_arena::of(buffer);
    assert(a.free_count < a.carved); // else a buffer was freed twice
    a.free_indices[a.free_count++] = static_cast<std::uint16_t>(a.index_of(buffer));
    if (!a.listed)
        s.available[a.size_class].push_front(a);
    if (!a.idle())
        return;
    if (idle_bytes_.fetch_add(a.carved_bytes(), relaxed) + a.carved_bytes() > retain_bytes_)
        return_to_system(s, a);
}

/// Unmaps an idle arena, unless arenas are pinned. The shard's mutex is held.
bool buffer_depot::return_to_system(shard& s, buffer_arena& a) noexcept {
    std::lock_guard guard(registry_mutex_);
    if (pins_ != 0)
        return false;
    s.available[a.size_class].remove(a);
    arenas_[a.registry_index] = nullptr;
    --arena_count_;
    idle_bytes_.fetch_sub(a.carved_bytes(), relaxed);
    total_bytes_.fetch_sub(a.carved_bytes(), relaxed);
    mapped_bytes_.fetch_sub(a.bytes, relaxed);
    buffer_arena::unmap(&a);
    return true;
}

std::size_t buffer_depot::trim() noexcept {
    std::size_t bytes = 0;
    for (unsigned i = 0; i < shard_count_; ++i) {
        std::lock_guard guard(shards_[i].mutex);
        bytes += trim(shards_[i]);
    }
    return bytes;
}

std::size_t buffer_depot::trim(shard& s) noexcept {
    std::size_t bytes = 0;
    for (buffer_arena_list& list : s.available) {
        for (buffer_arena* a = list.front(); a;) {
            buffer_arena* next = a->next;
            const std::size_t size = a->carved_bytes();
            if (a->idle() || a->carved == 0)
                bytes += return_to_system(s, *a) ? size : 0;
            else
                bytes += drop_pages(*a);
            a = next;
        }
    }
    return bytes;
}

/// An arena that is in use in part keeps its addresses, and gives up the memory of its free buffers.
std::size_t buffer_depot::drop_pages(buffer_arena& a) noexcept {
    std::lock_guard guard(registry_mutex_);
    if (pins_ != 0) // new pages would come in the place of those the kernel holds
        return 0;
    for (std::uint32_t i = 0; i < a.free_count; ++i)
        ::madvise(a.buffer(a.free_indices[i]), a.buffer_size(), MADV_DONTNEED);
    return a.free_count * a.buffer_size();
}

// ---- buffers above the largest class ----

void* buffer_depot::take_oversized(std::size_t size) noexcept {
    if (size > SIZE_MAX / 2)
        return nullptr;
    const std::size_t bytes = (size + size_classes::alignment - 1) & ~(size_classes::alignment - 1);
    if (claim(bytes, 1) == 0 && (trim() == 0 || claim(bytes, 1) == 0))
        return nullptr;
    buffer_arena* a = buffer_arena::map(bytes);
    if (!a) {
        total_bytes_.fetch_sub(bytes, relaxed);
        return nullptr;
    }
    a->owner = &owner_;
    a->size_class = buffer_arena::oversized;
    mapped_bytes_.fetch_add(bytes, relaxed);
    oversized_bytes_.fetch_add(bytes, relaxed);
    oversized_allocations_.fetch_add(1, relaxed);
    return a->data();
}

void buffer_depot::give_oversized(buffer_arena* a) noexcept {
    total_bytes_.fetch_sub(a->bytes, relaxed);
    mapped_bytes_.fetch_sub(a->bytes, relaxed);
    oversized_bytes_.fetch_sub(a->bytes, relaxed);
    oversized_deallocations_.fetch_add(1, relaxed);
    buffer_arena::unmap(a);
}

// ---- the kernel's view ----

std::vector<iovec> buffer_depot::pin() {
    std::lock_guard guard(registry_mutex_);
    std::vector<iovec> all(arenas_.size());
    for (std::size_t i = 0; i < arenas_.size(); ++i)
        if (arenas_[i])
            all[i] = {arenas_[i]->data(), arenas_[i]->bytes};
    ++pins_;
    return all;
}

void buffer_depot::unpin() noexcept {
    std::lock_guard guard(registry_mutex_);
    assert(pins_ != 0);
    --pins_;
}

void buffer_depot::add_to(buffer_pool_stats& stats) const {
    stats.max_bytes = max_bytes_;
    stats.total_bytes = total_bytes_.load(relaxed);
    stats.mapped_bytes = mapped_bytes_.load(relaxed);
    stats.in_use_bytes += oversized_bytes_.load(relaxed);
    stats.allocations += oversized_allocations_.load(relaxed);
    stats.deallocations += oversized_deallocations_.load(relaxed);
    std::lock_guard guard(registry_mutex_);
    stats.arenas = arena_count_;
}

} // namespace aura::core
