// engine: creation and destruction, which ring an operation goes to, and who is in a callback.
#include "engine.hpp"

#include "callers.hpp"
#include "core/base/usable_cpus.hpp"
#include "process.hpp"
#include "versioned_struct.hpp"

#include <algorithm>
#include <memory>
#include <sched.h>
#include <string>

namespace aura::capi {

namespace {

std::uint64_t next_random() noexcept {
    static thread_local constinit std::uint64_t state = 0x9e3779b97f4a7c15u;
    state ^= state << 13; // xorshift64 (Marsaglia 2003): spreading needs no better generator
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

std::uint64_t next_engine_id() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1; // relaxed: only the numbers have to differ
}

core::ring_selection selection_of(int mode) {
    switch (mode) {
    case AURA_SELECT_ADAPTIVE:
        return core::ring_selection::adaptive;
    case AURA_SELECT_CPU_LOCAL:
        return core::ring_selection::cpu_local;
    case AURA_SELECT_ROUND_ROBIN:
        return core::ring_selection::round_robin;
    case AURA_SELECT_THREAD_LOCAL:
        return core::ring_selection::thread_bound;
    default:
        break;
    }
    throw core::engine_error(EINVAL, "auraio: aura_options_t::ring_select: not one of AURA_SELECT_*");
}

void require(bool condition, const char* what) {
    if (!condition)
        throw core::engine_error(EINVAL, what);
}

aura_options_t read_options(const aura_options_t* given) {
    aura_options_t all;
    aura_options_init(&all);
    if (given)
        require(take(given, all, 0) == 0,
                "auraio: aura_options_t: no struct_size (use aura_options_init()), or "
                "a field is set that this library does not know");
    return all;
}

core::engine_options engine_options_of(const aura_options_t& o) {
    core::engine_options options = core::options_from_environment();
    require(o.ring_count >= 0 && o.ring_count <= static_cast<int>(core::engine::max_shards),
            "auraio: aura_options_t::ring_count: 0 to 512");
    require(o.queue_depth >= 0 && o.queue_depth <= 32768, "auraio: aura_options_t::queue_depth: 0 to 32768");
    require(o.completion_depth == 0 || (o.completion_depth >= o.queue_depth && o.completion_depth <= 65536),
            "auraio: aura_options_t::completion_depth: 0, or queue_depth to 65536");
    require(o.backend >= AURA_BACKEND_AUTO && o.backend <= AURA_BACKEND_EPOLL,
            "auraio: aura_options_t::backend: not one of AURA_BACKEND_*");
    require(o.max_p99_latency_ms >= 0, "auraio: aura_options_t::max_p99_latency_ms: negative, or no number");
    require(o.takeover_after >= -1, "auraio: aura_options_t::takeover_after: less than -1");
    if (o.takeover_after != 0)
        options.takeover_after = o.takeover_after > 0 ? static_cast<unsigned>(o.takeover_after) : 0;
    if (o.queue_depth != 0)
        options.sq_entries = static_cast<unsigned>(o.queue_depth);
    if (o.completion_depth != 0)
        options.cq_entries = static_cast<unsigned>(o.completion_depth);
    else if (options.cq_entries < 2 * options.sq_entries)
        options.cq_entries = 2 * options.sq_entries;
    if (o.backend == AURA_BACKEND_URING)
        options.backend = core::backend_kind::uring;
    else if (o.backend == AURA_BACKEND_EPOLL)
        options.backend = core::backend_kind::epoll;
    return options;
}

core::storage_settings storage_of(const aura_options_t& o) {
    constexpr double longest = 1e9; // milliseconds: eleven days, as good as none
    core::storage_settings change;
    change.max_p99_latency = static_cast<core::nanoseconds_t>(std::min(o.max_p99_latency_ms, longest) * 1e6);
    return change;
}

aura_engine* make_engine(const aura_options_t* given) {
    const aura_options_t o = read_options(given);
    watch_forks();
    core::engine_options options = engine_options_of(o);
    const core::ring_selection mode = selection_of(o.ring_select);
    const core::usable_cpus cpus = core::find_usable_cpus();
    unsigned rings = o.ring_count != 0 ? static_cast<unsigned>(o.ring_count) : cpus.count;
    if (rings > core::engine::max_shards)
        rings = core::engine::max_shards;
    if (options.task_work == core::task_run::deferred)
        rings = 1; // a promise of one thread
    options.ring_limit = rings;
    auto engine = std::make_unique<aura_engine>(options, mode, rings, cpus.ids);
    if (o.max_p99_latency_ms > 0)
        engine->loop.set_storage(storage_of(o));
    return engine.release();
}

} // namespace

} // namespace aura::capi

using namespace aura;
using namespace aura::capi;

aura_engine::aura_engine(const core::engine_options& options, core::ring_selection mode, unsigned rings,
                         std::span<const unsigned> cpus)
    : loop(options)
    , id_(next_engine_id())
    , capacity_(options.cq_entries)
    , selector_(mode, rings, cpus)
    , rings_(std::make_unique<ring[]>(rings)) {
    loop.expect_requests();
}

aura_engine::~aura_engine() {
    statistics.reset(); // its thread looks at what ends here
    usable_in_.store(aura::core::fork_generation() - 1, std::memory_order_relaxed);
    loop.shutdown(); // callbacks run in here
    delete outside.load(std::memory_order_relaxed);
    for (unsigned i = 0; i < selector_.ring_count(); ++i)
        rings_[i].cache.give_back_all();
}

core::shard& aura_engine::shard_of(unsigned ring_index) {
    std::atomic<core::shard*>& known = rings_[ring_index].shard;
    if (core::shard* s = known.load(std::memory_order_acquire)) [[likely]]
        return *s;
    std::lock_guard guard(assign_mutex_);
    if (core::shard* s = known.load(std::memory_order_relaxed))
        return *s;
    core::shard& s = loop.shard_at(assigned_);
    // Before the first request goes there: a shard nobody has put to sleep wakes nobody. In a callback that
    // is done on the way out of it.
    if (!callback_frame::find(*this))
        left();
    ++assigned_;
    known.store(&s, std::memory_order_release);
    return s;
}

core::ring_load aura_engine::load_of(unsigned ring_index) const noexcept {
    const core::shard* s = rings_[ring_index].shard.load(std::memory_order_acquire);
    return {s ? s->load().in_flight() : 0, capacity_};
}

core::shard& aura_engine::select_ring() {
    const auto choice = selector_.select(
        callers::of(id_),
        [] {
            const int cpu = ::sched_getcpu();
            return static_cast<unsigned>(cpu < 0 ? 0 : cpu);
        },
        [this](unsigned i) { return load_of(i); }, [] { return next_random(); });
    return shard_of(choice.ring);
}

void aura_engine::abandon(request_slot& r) noexcept {
    request_store::instance().put(&r, &r);
}

aura_engine_t* aura_create_with_options(const aura_options_t* options) {
    aura_engine_t* engine = nullptr;
    guarded([&] {
        engine = make_engine(options);
        return 0;
    });
    return engine;
}

aura_engine_t* aura_create() {
    return aura_create_with_options(nullptr);
}

int aura_destroy(aura_engine_t* engine) {
    if (!engine)
        return 0;
    if (engine->is_inherited()) // everything of it is the parent's, and locks may be held that nobody holds
                                // here
        return 0;
    if (callback_frame::find(*engine)) {
        log_message(AURA_LOG_WARNING, "auraio: aura_destroy() in a callback of its engine: nothing is done");
        return fail(EDEADLK);
    }
    if (engine->loop.has_threads()) {
        log_message(AURA_LOG_WARNING,
                    "auraio: aura_destroy() while a thread drives the engine: nothing is done");
        return fail(EBUSY);
    }
    delete engine;
    return 0;
}

int aura_get_ring_count(const aura_engine_t* engine) {
    return engine ? static_cast<int>(engine->ring_count()) : 0;
}

int aura_get_backend(const aura_engine_t* engine) {
    if (!engine)
        return fail(EINVAL);
    switch (engine->loop.which_backend()) {
    case core::backend_kind::epoll:
        return AURA_BACKEND_EPOLL;
    default:
        return AURA_BACKEND_URING;
    }
}

const char* aura_get_backend_reason(const aura_engine_t* engine) {
    return engine ? engine->loop.backend_reason().c_str() : nullptr;
}

bool aura_in_callback_context() {
    return callback_frame::any();
}
