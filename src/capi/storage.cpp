// storage: what an engine asks of storage devices, and what is known of them.
#include "engine.hpp"
#include "versioned_struct.hpp"

#include "auraio/core/report/engine_stats.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>
#include <variant>

using namespace aura;
using namespace aura::capi;

namespace {

static_assert(AURA_PHASE_PASSTHROUGH == static_cast<int>(core::controller_phase::passthrough) &&
              AURA_PHASE_CONVERGED == static_cast<int>(core::controller_phase::converged));

bool in_range(const aura_storage_t& s) noexcept {
    return s.max_p99_latency_ns >= -1 && s.min_in_flight >= -1 && s.min_in_flight != 0 &&
           s.max_in_flight >= -1 && s.adaptive >= -1 && s.adaptive <= 1;
}

core::storage_settings settings_of(const aura_storage_t& s) noexcept {
    core::storage_settings change;
    if (s.max_p99_latency_ns != -1)
        change.max_p99_latency = static_cast<core::nanoseconds_t>(s.max_p99_latency_ns);
    if (s.min_in_flight != -1)
        change.min_in_flight = static_cast<unsigned>(s.min_in_flight);
    if (s.max_in_flight != -1)
        change.max_in_flight = static_cast<unsigned>(s.max_in_flight);
    if (s.adaptive != -1)
        change.adaptive = s.adaptive == 1;
    return change;
}

using figure = core::device_statistic::figure;
using c_figure = std::variant<std::uint64_t aura_device_stats_t::*, double aura_device_stats_t::*,
                              unsigned aura_device_stats_t::*>;

struct c_device_field {
    figure from;
    c_figure to;
};

constexpr c_device_field device_fields[] = {
    {&core::device_stats::rings, &aura_device_stats_t::rings},
    {&core::device_stats::changes, &aura_device_stats_t::phase_changes},
    {&core::device_stats::limit, &aura_device_stats_t::limit},
    {&core::device_stats::in_flight, &aura_device_stats_t::in_flight},
    {&core::device_stats::waiting, &aura_device_stats_t::waiting},
    {&core::device_stats::submitted, &aura_device_stats_t::submitted},
    {&core::device_stats::completed, &aura_device_stats_t::completed},
    {&core::device_stats::delayed, &aura_device_stats_t::delayed},
    {&core::device_stats::bytes, &aura_device_stats_t::bytes},
    {&core::device_stats::throughput, &aura_device_stats_t::throughput},
    {&core::device_stats::p99_latency, &aura_device_stats_t::p99_latency_ns},
    {&core::device_stats::latency_samples, &aura_device_stats_t::latency_samples},
    {&core::device_stats::background_waiting, &aura_device_stats_t::background_waiting},
    {&core::device_stats::background_delayed, &aura_device_stats_t::background_delayed},
};

// The variants are constants, none of which is without a value: nothing throws.
// NOLINTBEGIN(bugprone-exception-escape)
constexpr bool has_all_device_statistics() noexcept {
    for (const core::device_statistic& s : core::device_statistics) {
        bool found = false;
        for (const c_device_field& f : device_fields)
            found |= f.from == s.member;
        if (!found)
            return false;
    }
    return true;
}
static_assert(has_all_device_statistics(), "a statistic of devices has no field in aura_device_stats_t");

void copy(const c_device_field& field, const core::device_stats& from, aura_device_stats_t& to) noexcept {
    std::visit(
        [&](auto source, auto target) {
            using wide = std::remove_reference_t<decltype(to.*target)>;
            to.*target = static_cast<wide>(from.*source);
        },
        field.from, field.to);
}
// NOLINTEND(bugprone-exception-escape)

int fill(aura_device_stats_t* out, const core::device_stats& s) noexcept {
    aura_device_stats_t all{};
    const std::size_t length = std::min(s.name.size(), sizeof all.name - 1);
    std::memcpy(all.name, s.name.data(), length);
    all.major = s.id.major;
    all.minor = s.id.minor;
    all.phase = static_cast<int>(s.phase);
    all.reason = s.trace.empty() ? "" : core::name(s.trace.back().reason);
    for (const c_device_field& f : device_fields)
        copy(f, s, all);
    if (s.limit == core::no_limit)
        all.limit = std::numeric_limits<std::uint64_t>::max();
    return give(out, all);
}

} // namespace

int aura_set_storage(aura_engine_t* engine, const char* path, const aura_storage_t* storage) {
    aura_storage_t asked;
    aura_storage_init(&asked);
    if (!engine || take(storage, asked, 0xff) != 0 || !in_range(asked))
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    return guarded([&] {
        if (!path) {
            engine->loop.set_storage(settings_of(asked));
            return 0;
        }
        core::device_id device;
        if (const int error = core::device_of_path(path, device))
            return fail(-error);
        engine->loop.set_storage(device, settings_of(asked));
        return 0;
    });
}

int aura_set_batch_threshold(aura_engine_t* engine, unsigned requests) {
    if (!engine)
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    engine->loop.set_batch_threshold(requests);
    return 0;
}

const char* aura_phase_name(int phase) {
    return phase >= AURA_PHASE_PASSTHROUGH && phase <= AURA_PHASE_CONVERGED
               ? core::name(static_cast<core::controller_phase>(phase))
               : nullptr;
}

int aura_get_device_stats(const aura_engine_t* engine, int device, aura_device_stats_t* stats) {
    if (!engine || device < 0 || !has_size(stats))
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    return guarded([&] {
        const auto all = engine->loop.stats().devices;
        const auto index = static_cast<std::size_t>(device);
        return index < all.size() ? fill(stats, all[index]) : fail(ENOENT);
    });
}
