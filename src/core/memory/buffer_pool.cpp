// buffer_pool: the caches of all threads over one depot, and what becomes of them when threads or pools end.
#include "auraio/core/memory/buffer_pool.hpp"

#include "core/base/first_use.hpp"
#include "core/base/poison.hpp"
#include "core/memory/buffer_cache.hpp"
#include "core/memory/buffer_depot.hpp"

#include <algorithm>
#include <cassert>
#include <mutex>
#include <new>
#include <pthread.h>
#include <unordered_map>

namespace aura::core {

namespace {

/// What a thread knows of its caches; a pool is named by a number that no other pool ever has, so that a pool
/// made at the address of another one is not taken for it.
struct cache_of_pool {
    std::uint64_t pool = 0; // 0: none
    buffer_cache* cache = nullptr;
};

thread_local constinit cache_of_pool last_used{};
thread_local constinit bool thread_has_ended =
    false; // destructors of thread_local objects may still free buffers

} // namespace

class buffer_pool_core {
public:
    buffer_pool_core(buffer_pool& owner, const buffer_pool_options& options);
    ~buffer_pool_core();

    /// Null for a thread that ends, when there is no memory, and when threads keep nothing.
    buffer_cache* cache() noexcept {
        if (last_used.pool == number) [[likely]]
            return last_used.cache;
        return find_cache();
    }
    void* try_allocate(std::size_t size, buffer_cache* cache) noexcept;
    buffer_cache* find_cache() noexcept;
    buffer_cache* make_cache();
    void retire(buffer_cache* c) noexcept;

    const std::uint64_t number;
    buffer_depot depot;
    buffer_cache::capacities capacities{};
    bool threads_keep_nothing = false;

    // Relaxed: statistics of calls without a cache.
    std::array<std::atomic<std::uint64_t>, size_classes::count> direct_allocations{};
    std::array<std::atomic<std::uint64_t>, size_classes::count> direct_deallocations{};
    std::atomic<std::uint64_t> failures{0};

    mutable std::mutex caches_mutex; // guards what follows
    std::vector<std::unique_ptr<buffer_cache>> caches;
    unsigned caches_made = 0;
    buffer_pool_stats retired; // counters of threads that have ended
};

namespace {

/// Which pools exist: a thread that ends must not touch the caches of a pool that is gone, nor a pool go
/// while a thread that ends gives buffers back to it. Lock order: this before a pool's mutexes.
struct pool_registry {
    std::mutex mutex;
    std::unordered_map<std::uint64_t, buffer_pool_core*> alive;
    std::uint64_t next = 1;
};

/// Never destroyed: threads may outlive static objects. A child of fork(2) must not inherit its lock from a
/// thread that does not exist there.
pool_registry& registry() {
    static constinit first_use<pool_registry> r;
    return r.get();
}
[[maybe_unused]] const int pool_registry_fork_handlers = ::pthread_atfork(
    [] { registry().mutex.lock(); }, [] { registry().mutex.unlock(); }, [] { registry().mutex.unlock(); });

std::uint64_t enter_registry(buffer_pool_core* pool) {
    std::lock_guard guard(registry().mutex);
    registry().alive.emplace(registry().next, pool);
    return registry().next++;
}

class caches_of_thread {
public:
    ~caches_of_thread();

    buffer_cache* find(std::uint64_t pool) const noexcept {
        for (const cache_of_pool& c : all_)
            if (c.pool == pool)
                return c.cache;
        return nullptr;
    }

    void add(cache_of_pool c) {
        {
            std::lock_guard guard(registry().mutex);
            std::erase_if(all_, [](const cache_of_pool& k) { return !registry().alive.contains(k.pool); });
        }
        all_.push_back(c);
    }

    void reserve() { all_.reserve(all_.size() + 1); }

private:
    std::vector<cache_of_pool> all_;
};

caches_of_thread& own_caches() {
    static thread_local caches_of_thread all;
    return all;
}

caches_of_thread::~caches_of_thread() {
    thread_has_ended = true;
    last_used = {};
    std::lock_guard guard(registry().mutex);
    for (const cache_of_pool& c : all_)
        if (const auto pool = registry().alive.find(c.pool); pool != registry().alive.end())
            pool->second->retire(c.cache);
}

} // namespace

// ---- finding the cache ----

buffer_pool_core::buffer_pool_core(buffer_pool& owner, const buffer_pool_options& options)
    : number(enter_registry(this))
    , depot(owner, options)
    , threads_keep_nothing(options.thread_cache_bytes == 0) {
    for (std::size_t c = 0; c < size_classes::count; ++c)
        capacities[c] = static_cast<std::uint8_t>(std::clamp<std::size_t>(
            options.thread_cache_bytes / size_classes::size_of(c), 1, buffer_cache::slots_max));
}

buffer_pool_core::~buffer_pool_core() {
    {
        std::lock_guard guard(registry().mutex);
        registry().alive.erase(number);
    }
    for (const auto& c : caches)
        c->flush();
}

buffer_cache* buffer_pool_core::find_cache() noexcept {
    if (thread_has_ended || threads_keep_nothing)
        return nullptr;
    buffer_cache* c = own_caches().find(number);
    if (!c) {
        try {
            c = make_cache();
        } catch (const std::bad_alloc&) {
            return nullptr;
        }
    }
    last_used = {number, c};
    return c;
}

buffer_cache* buffer_pool_core::make_cache() {
    own_caches().reserve();
    std::unique_lock guard(caches_mutex);
    caches.push_back(std::make_unique<buffer_cache>(depot, capacities, caches_made++ % depot.shard_count()));
    buffer_cache* c = caches.back().get();
    guard.unlock();
    own_caches().add({number, c});
    return c;
}

void buffer_pool_core::retire(buffer_cache* c) noexcept {
    c->flush();
    std::lock_guard guard(caches_mutex);
    retired.refills += c->refills();
    retired.flushes += c->flushes();
    for (std::size_t i = 0; i < size_classes::count; ++i) {
        retired.classes[i].allocations += c->of_class(i).allocations.load(std::memory_order_relaxed);
        retired.classes[i].deallocations += c->of_class(i).deallocations.load(std::memory_order_relaxed);
    }
    std::erase_if(caches, [c](const auto& owned) { return owned.get() == c; });
}

// ---- the pool ----

buffer_pool::buffer_pool(const buffer_pool_options& options)
    : self_(std::make_unique<buffer_pool_core>(*this, options)) {}

buffer_pool::~buffer_pool() {
    assert(stats().in_use_bytes == 0);
}

void* buffer_pool_core::try_allocate(std::size_t size, buffer_cache* cache) noexcept {
    if (size > size_classes::largest) [[unlikely]]
        return depot.take_oversized(size);
    const std::size_t size_class = size_classes::class_of(size);
    void* buffer = nullptr;
    if (cache) [[likely]]
        buffer = cache->take(size_class);
    else if (depot.take(0, size_class, &buffer, 1) == 1)
        direct_allocations[size_class].fetch_add(1, std::memory_order_relaxed);
    if (buffer)
        unpoison(buffer, size_classes::size_of(size_class));
    return buffer;
}

void* buffer_pool::allocate(std::size_t size) noexcept {
    buffer_cache* const cache = self_->cache();
    if (void* buffer = self_->try_allocate(size, cache)) [[likely]]
        return buffer;
    // The limit is reached. What this thread keeps, of this size or others, is the last that can be had.
    if (cache) {
        cache->flush();
        if (void* buffer = self_->try_allocate(size, cache))
            return buffer;
    }
    self_->failures.fetch_add(1, std::memory_order_relaxed);
    return nullptr;
}

void buffer_pool::deallocate(void* buffer) noexcept {
    if (!buffer)
        return;
    buffer_arena* const arena = buffer_arena::of(buffer);
    buffer_pool_core& self = *arena->owner->self_;
    const std::size_t size_class = arena->size_class;
    if (size_class == buffer_arena::oversized) [[unlikely]] {
        self.depot.give_oversized(arena);
        return;
    }
    poison(buffer, size_classes::size_of(size_class));
    if (buffer_cache* cache = self.cache()) [[likely]] {
        cache->give(size_class, buffer);
    } else {
        self.direct_deallocations[size_class].fetch_add(1, std::memory_order_relaxed);
        self.depot.give(&buffer, 1);
    }
}

std::size_t buffer_pool::capacity(const void* buffer) noexcept {
    const buffer_arena* const arena = buffer_arena::of(buffer);
    return arena->size_class == buffer_arena::oversized ? arena->bytes : arena->buffer_size();
}

buffer_pool& buffer_pool::owner(const void* buffer) noexcept {
    return *buffer_arena::of(buffer)->owner;
}

bool buffer_pool::reserve(std::size_t size, std::size_t count) {
    if (size > size_classes::largest)
        return count == 0;
    const std::size_t size_class = size_classes::class_of(size);
    const buffer_cache* const cache = self_->cache();
    const unsigned home = cache ? cache->home() : 0;
    std::vector<void*> taken(count);
    std::size_t got = 0;
    while (got < count) {
        const auto wanted =
            static_cast<unsigned>(std::min<std::size_t>(count - got, buffer_arena::buffers_max));
        const unsigned more = self_->depot.take(home, size_class, taken.data() + got, wanted);
        if (more == 0)
            break;
        got += more;
    }
    for (std::size_t i = 0; i < got; i += buffer_arena::buffers_max)
        self_->depot.give(taken.data() + i,
                          static_cast<unsigned>(std::min<std::size_t>(got - i, buffer_arena::buffers_max)));
    return got == count;
}

std::size_t buffer_pool::trim() noexcept {
    if (buffer_cache* cache = self_->cache())
        cache->flush();
    return self_->depot.trim();
}

std::vector<iovec> buffer_pool::pin() {
    return self_->depot.pin();
}
void buffer_pool::unpin() noexcept {
    self_->depot.unpin();
}

std::size_t buffer_pool::arena_index(const void* buffer) noexcept {
    const buffer_arena* const arena = buffer_arena::of(buffer);
    return arena->size_class == buffer_arena::oversized ? SIZE_MAX : arena->registry_index;
}

buffer_pool_stats buffer_pool::stats() const {
    const buffer_pool_core& self = *self_;
    std::unique_lock guard(self.caches_mutex);
    buffer_pool_stats s = self.retired;
    s.thread_caches = self.caches.size();
    for (const auto& cache : self.caches) {
        s.refills += cache->refills();
        s.flushes += cache->flushes();
        for (std::size_t i = 0; i < size_classes::count; ++i) {
            const buffer_cache::slots& slots = cache->of_class(i);
            // Deallocations first: of a buffer taken and given back meanwhile, both are seen or only the
            // first.
            s.classes[i].deallocations += slots.deallocations.load(std::memory_order_relaxed);
            s.classes[i].allocations += slots.allocations.load(std::memory_order_relaxed);
            s.cached_bytes += slots.kept.load(std::memory_order_relaxed) * size_classes::size_of(i);
        }
    }
    guard.unlock();
    for (std::size_t i = 0; i < size_classes::count; ++i) {
        buffer_pool_stats::size_class& c = s.classes[i];
        c.size = size_classes::size_of(i);
        c.deallocations += self.direct_deallocations[i].load(std::memory_order_relaxed);
        c.allocations += self.direct_allocations[i].load(std::memory_order_relaxed);
        s.deallocations += c.deallocations;
        s.allocations += c.allocations;
        if (c.allocations > c.deallocations)
            s.in_use_bytes += (c.allocations - c.deallocations) * c.size;
    }
    s.failures = self.failures.load(std::memory_order_relaxed);
    self.depot.add_to(s);
    return s;
}

} // namespace aura::core
