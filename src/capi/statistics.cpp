// statistics: snapshots of an engine's counters and latencies.
#include "engine.hpp"
#include "request_slot.hpp"
#include "versioned_struct.hpp"

#include "auraio/core/report/engine_stats.hpp"

#include <cstring>
#include <span>
#include <sstream>
#include <string>
#include <unistd.h>

using namespace aura;
using namespace aura::capi;

namespace {

static_assert(AURA_HISTOGRAM_BUCKETS == core::latency_buckets::count);

struct c_field {
    std::uint64_t core::ring_stats::* from;
    std::uint64_t aura_stats_t::* to;
};

constexpr c_field fields[] = {
    {&core::ring_stats::submitted, &aura_stats_t::submitted},
    {&core::ring_stats::completed, &aura_stats_t::completed},
    {&core::ring_stats::in_flight, &aura_stats_t::in_flight},
    {&core::ring_stats::handlers, &aura_stats_t::handlers},
    {&core::ring_stats::turns, &aura_stats_t::turns},
    {&core::ring_stats::enters, &aura_stats_t::enters},
    {&core::ring_stats::wakes_sent, &aura_stats_t::wakes_sent},
    {&core::ring_stats::wakes_received, &aura_stats_t::wakes_received},
    {&core::ring_stats::cq_overflows, &aura_stats_t::cq_overflows},
    {&core::ring_stats::spills, &aura_stats_t::adaptive_spills},
    {&core::ring_stats::gate_waits, &aura_stats_t::gate_waits},
    {&core::ring_stats::loop_delay_max, &aura_stats_t::loop_delay_max_ns},
    {&core::ring_stats::long_turns, &aura_stats_t::long_turns},
    {&core::ring_stats::busy_time, &aura_stats_t::busy_ns},
    {&core::ring_stats::idle_time, &aura_stats_t::idle_ns},
    {&core::ring_stats::system_time, &aura_stats_t::system_ns},
    {&core::ring_stats::takeovers, &aura_stats_t::takeovers},
    {&core::ring_stats::takeovers_computing, &aura_stats_t::takeovers_computing},
    {&core::ring_stats::stranded, &aura_stats_t::stranded},
    {&core::ring_stats::handed_over, &aura_stats_t::handed_over},
};

constexpr bool has_all_statistics() noexcept {
    for (const core::ring_statistic& s : core::ring_statistics) {
        bool found = false;
        for (const c_field& f : fields)
            found |= f.from == s.member;
        if (!found)
            return false;
    }
    return true;
}
static_assert(has_all_statistics(), "a statistic of rings has no field in aura_stats_t");

int fill(aura_stats_t* stats, const core::ring_stats& s, std::uint64_t rings,
         std::uint64_t shortages) noexcept {
    aura_stats_t all{};
    all.rings = rings;
    for (const c_field& f : fields)
        all.*f.to = s.*f.from;
    all.ring_shortages = shortages;
    all.operations = s.operations > 0 ? static_cast<std::uint64_t>(s.operations) : 0;
    return give(stats, all);
}

bool is_ring(const aura_engine_t& engine, int ring) noexcept {
    return ring >= 0 && static_cast<unsigned>(ring) < engine.ring_count();
}

/// One ring; nothing but zeros when it has not been used.
core::ring_stats of_ring(const core::engine_stats& all, int ring) {
    const auto index = static_cast<std::size_t>(ring);
    return index < all.rings.size() ? all.rings[index] : core::ring_stats{};
}

// Read and write latencies by aura_get_histogram(), the others by aura_get_loop_histogram().
static_assert(core::ring_histograms.size() == 4, "a histogram of rings is not to be had from C");

int give_histogram(const aura_engine_t* engine, int ring, aura_histogram_t* histogram,
                   core::latency_snapshot core::ring_stats::* which) noexcept {
    if (!engine || (ring != AURA_ALL_RINGS && !is_ring(*engine, ring)) || !has_size(histogram))
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    return guarded([&] {
        const core::engine_stats all = engine->stats();
        const core::ring_stats s = ring == AURA_ALL_RINGS ? all.total() : of_ring(all, ring);
        const core::latency_snapshot& latency = s.*which;
        aura_histogram_t h{};
        h.count = latency.count();
        h.sum_ns = latency.sum();
        std::memcpy(h.buckets, latency.buckets().data(), sizeof h.buckets);
        return give(histogram, h);
    });
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
    if (!engine || !has_size(stats))
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    return guarded([&] {
        const core::engine_stats all = engine->stats();
        return fill(stats, all.total(), all.rings.size(), all.ring_shortages);
    });
}

int aura_get_ring_stats(const aura_engine_t* engine, int ring, aura_stats_t* stats) {
    if (!engine || !is_ring(*engine, ring) || !has_size(stats))
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
    if (type != AURA_OP_READ && type != AURA_OP_WRITE)
        return fail(EINVAL);
    return give_histogram(engine, ring, histogram,
                          type == AURA_OP_READ ? &core::ring_stats::read_latency
                                               : &core::ring_stats::write_latency);
}

int aura_get_loop_histogram(const aura_engine_t* engine, int ring, aura_loop_time_t which,
                            aura_histogram_t* histogram) {
    if (which != AURA_LOOP_QUEUE_DELAY && which != AURA_LOOP_HANDLER_TIME)
        return fail(EINVAL);
    return give_histogram(engine, ring, histogram,
                          which == AURA_LOOP_QUEUE_DELAY ? &core::ring_stats::queue_delay
                                                         : &core::ring_stats::handler_time);
}

uint64_t aura_histogram_percentile(const aura_histogram_t* histogram, double fraction) {
    if (!histogram || histogram->struct_size < sizeof *histogram)
        return 0;
    return core::latency_snapshot(std::span(histogram->buckets), histogram->sum_ns).percentile(fraction);
}

int aura_serve_statistics(aura_engine_t* engine, const char* path, int prometheus_port) {
    if (!engine || prometheus_port > 65535)
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    return guarded([&] {
        const std::lock_guard guard(engine->statistics_mutex);
        engine->statistics.reset();
        if (!path)
            return 0;
        core::statistics_options options;
        options.prometheus = prometheus_port >= 0;
        options.prometheus_port = static_cast<unsigned short>(options.prometheus ? prometheus_port : 0);
        engine->statistics =
            std::make_unique<core::statistics_server>([engine] { return engine->stats(); }, path, options);
        return static_cast<int>(engine->statistics->prometheus_port());
    });
}

int aura_dump(aura_engine_t* engine, int fd) {
    if (!engine || fd < 0)
        return fail(EINVAL);
    return guarded([&] {
        std::ostringstream out;
        engine->loop.dump(out, &callback_of);
        const std::string text = std::move(out).str();
        for (std::size_t at = 0; at < text.size();) {
            const ssize_t written = ::write(fd, text.data() + at, text.size() - at);
            if (written < 0 && errno != EINTR)
                return fail(errno);
            at += written > 0 ? static_cast<std::size_t>(written) : 0;
        }
        return 0;
    });
}
