// engine_stats: taken of an engine, which does not know what it is reported as; and the sum over all rings.
#include "auraio/core/report/engine_stats.hpp"

#include "auraio/core/loop/engine.hpp"
#include "core/storage/storage_user.hpp"

namespace aura::core {

engine_stats engine::stats() const {
    engine_stats all;
    const unsigned count = shard_count();
    all.rings.reserve(count);
    for (unsigned i = 0; i < count; ++i)
        all.rings.push_back(shards_[i]->stats());
    all.devices = storage_->stats();
    all.ring_shortages = rings_.refusals();
    all.spare_threads = spare_count();
    all.reserve_threads = reserve_count();
    all.backend = backend_name();
    all.backend_reason = backend_reason();
    return all;
}

ring_stats engine_stats::total() const noexcept {
    ring_stats sum;
    for (const ring_stats& r : rings)
        sum += r;
    return sum;
}

} // namespace aura::core
