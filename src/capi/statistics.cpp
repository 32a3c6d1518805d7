// statistics: snapshots of an engine's counters and latencies.
#include "engine.hpp"

#include "auraio/core/report/engine_stats.hpp"

#include <cstddef>
#include <cstring>
#include <span>

using namespace aura;
using namespace aura::capi;

namespace {

static_assert(AURA_HISTOGRAM_BUCKETS == core::latency_buckets::count);

int fill(aura_stats_t* stats, const core::ring_stats& s, std::uint64_t rings,
         std::uint64_t shortages) noexcept {
    aura_stats_t all{};
    all.rings = rings;
    all.submitted = s.submitted;
    all.completed = s.completed;
    all.in_flight = s.in_flight;
    all.handlers = s.handlers;
    all.turns = s.turns;
    all.enters = s.enters;
    all.wakes_sent = s.wakes_sent;
    all.wakes_received = s.wakes_received;
    all.cq_overflows = s.cq_overflows;
    all.adaptive_spills = s.spills;
    all.loop_delay_max_ns = s.loop_delay_max;
    all.long_turns = s.long_turns;
    all.ring_shortages = shortages;
    return give(stats, all);
}

bool has_room(const aura_stats_t* stats) noexcept {
    return stats && stats->struct_size >= offsetof(aura_stats_t, submitted);
}

bool is_ring(const aura_engine_t& engine, int ring) noexcept {
    return ring >= 0 && static_cast<unsigned>(ring) < engine.ring_count();
}

/// One ring; nothing but zeros when it has not been used.
core::ring_stats of_ring(const core::engine_stats& all, int ring) {
    const auto index = static_cast<std::size_t>(ring);
    return index < all.rings.size() ? all.rings[index] : core::ring_stats{};
}

} // namespace

core::engine_stats aura_engine::stats() const {
    core::engine_stats all = loop.stats();
    for (unsigned i = 0; i < selector_.ring_count(); ++i) {
        const core::shard* s = rings_[i].shard.load(std::memory_order_acquire);
        if (s && s->index() < all.rings.size())
            all.rings[s->index()].spills = selector_.spills(i);
    }
    return all;
}

int aura_get_stats(const aura_engine_t* engine, aura_stats_t* stats) {
    if (!engine || !has_room(stats))
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    return guarded([&] {
        const core::engine_stats all = engine->stats();
        return fill(stats, all.total(), all.rings.size(), all.ring_shortages);
    });
}

int aura_get_ring_stats(const aura_engine_t* engine, int ring, aura_stats_t* stats) {
    if (!engine || !is_ring(*engine, ring) || !has_room(stats))
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    return guarded([&] {
        const core::engine_stats all = engine->stats();
        return fill(stats, of_ring(all, ring), static_cast<std::size_t>(ring) < all.rings.size() ? 1 : 0, 0);
    });
}

int aura_get_histogram(const aura_engine_t* engine, int ring, aura_op_type_t type,
                       aura_histogram_t* histogram) {
    if (!engine || (ring != AURA_ALL_RINGS && !is_ring(*engine, ring)) ||
        (type != AURA_OP_READ && type != AURA_OP_WRITE) || !histogram ||
        histogram->struct_size != sizeof *histogram)
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    return guarded([&] {
        const core::engine_stats all = engine->stats();
        const core::ring_stats s = ring == AURA_ALL_RINGS ? all.total() : of_ring(all, ring);
        const core::latency_snapshot& latency = type == AURA_OP_READ ? s.read_latency : s.write_latency;
        histogram->count = latency.count();
        histogram->sum_ns = latency.sum();
        std::memcpy(histogram->buckets, latency.buckets().data(), sizeof histogram->buckets);
        return 0;
    });
}

uint64_t aura_histogram_percentile(const aura_histogram_t* histogram, double fraction) {
    if (!histogram || histogram->struct_size != sizeof *histogram)
        return 0;
    return core::latency_snapshot(std::span(histogram->buckets), histogram->sum_ns).percentile(fraction);
}
