// buffers: memory for operations.
#include "engine.hpp"
#include "versioned_struct.hpp"

using namespace aura::capi;

void* aura_buffer_alloc(aura_engine_t* engine, size_t size) {
    if (!engine || size == 0) {
        errno = EINVAL;
        return nullptr;
    }
    if (engine->is_inherited()) {
        errno = ECHILD;
        return nullptr;
    }
    void* const buffer = engine->buffers.allocate(size);
    if (!buffer)
        errno = ENOMEM;
    return buffer;
}

void aura_buffer_free(aura_engine_t* engine, void* buffer) {
    if (engine && engine->is_inherited())
        return; // the pool may be locked by a thread that does not exist here
    aura::core::buffer_pool::deallocate(buffer);
}

int aura_get_buffer_stats(const aura_engine_t* engine, aura_buffer_stats_t* stats) {
    if (!engine || !has_size(stats))
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    return guarded([&] {
        const aura::core::buffer_pool_stats s = engine->buffers.stats();
        aura_buffer_stats_t all{};
        all.in_use_bytes = s.in_use_bytes;
        all.cached_bytes = s.cached_bytes;
        all.total_bytes = s.total_bytes;
        all.allocations = s.allocations;
        all.deallocations = s.deallocations;
        all.failures = s.failures;
        return give(stats, all);
    });
}
