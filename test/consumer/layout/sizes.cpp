// sizes: prints what the compiled library and its users have to agree on: of each class of the core headers its size
// and alignment, and where its last members are. The program needs no library. Compiled with -fno-access-control:
// what is private is as much agreed upon as the rest, since inline functions reach it.
#include <auraio/core/io/backend.hpp>
#include <auraio/core/io/descriptor.hpp>
#include <auraio/core/io/file_system.hpp>
#include <auraio/core/io/io_operation.hpp>
#include <auraio/core/io/request_outcome.hpp>
#include <auraio/core/io/request_table.hpp>
#include <auraio/core/io/signal_set.hpp>
#include <auraio/core/io/vector_block.hpp>
#include <auraio/core/loop/engine.hpp>
#include <auraio/core/memory/buffer_pool.hpp>
#include <auraio/core/operation/cancellation.hpp>
#include <auraio/core/report/prometheus.hpp>
#include <auraio/core/stats/handler_kinds.hpp>
#include <auraio/core/timer/timer.hpp>

#include <cstddef>
#include <cstdio>

namespace {

using namespace aura::core;

struct row {
    const char* name;
    std::size_t size;
    std::size_t alignment; // 0: a member, and the size is its offset
};

#define TYPE(name) {#name, sizeof(name), alignof(name)}
#define MEMBER(type, member) {#type "::" #member, offsetof(type, member), 0}

const row rows[] = {
    TYPE(operation),
    MEMBER(operation, next_),
    MEMBER(operation, manner_),
    TYPE(op_queue),
    TYPE(cancel_cell),
    MEMBER(cancel_cell, home),
    MEMBER(cancel_cell, on_its_way),
    TYPE(cancel_handle),
    TYPE(cancellable_operation),
    MEMBER(cancellable_operation, way_),
    MEMBER(cancellable_operation, cell_),
    TYPE(inbox),
    TYPE(short_request),
    MEMBER(short_request, kind),
    MEMBER(short_request, address),
    TYPE(request_extension),
    TYPE(io_request),
    TYPE(request_parts),
    TYPE(request_row),
    TYPE(request_facts),
    TYPE(request_outcome),
    TYPE(io_operation),
    MEMBER(io_operation, target_),
    MEMBER(io_operation, request_),
    TYPE(extended_operation),
    MEMBER(extended_operation, extension_),
    TYPE(descriptor),
    MEMBER(descriptor, accept_set_),
    MEMBER(descriptor, next_active_),
    TYPE(vector_block),
    TYPE(vector_block::layout),
    TYPE(direct_alignment),
    TYPE(backend),
    TYPE(registration_source),
    TYPE(listener_places),
    MEMBER(listener_places, some_),
    MEMBER(listener_places, all_),
    TYPE(signal_wait),
    MEMBER(signal_wait, set_),
    MEMBER(signal_wait, result_),
    TYPE(signal_set),
    MEMBER(signal_set, home_),
    MEMBER(signal_set, visit_),
    TYPE(timer_node),
    TYPE(timer_queue),
    MEMBER(timer_queue, base_),
    MEMBER(timer_queue, slots_),
    TYPE(clock_kind),
    TYPE(clock_node),
    TYPE(clock_queues),
    MEMBER(clock_queues, last_number_),
    TYPE(wait_operation),
    TYPE(timer),
    MEMBER(timer, known_to_shard_),
    MEMBER(timer, waits_),
    TYPE(clock_timer),
    TYPE(timer::behaviour),
    TYPE(registration_epoch),
    TYPE(registration_state),
    TYPE(ring_registration),
    TYPE(registrations),
    MEMBER(registrations, mutex_),
    MEMBER(registrations, changed_),
    TYPE(registrations::ring_side),
    TYPE(registrations::resource),
    TYPE(published_array<std::atomic<std::uint64_t>>),
    TYPE(fork_aware),
    TYPE(engine_error),
    TYPE(spin_lock),
    TYPE(ring_supply),
    TYPE(engine_options),
    MEMBER(engine_options, concurrency_hint),
    MEMBER(engine_options, make_backend_argument),
    TYPE(shard),
    MEMBER(shard, index_),
    MEMBER(shard, counters_),
    TYPE(shard_visit),
    MEMBER(shard_visit, mode_),
    TYPE(engine),
    MEMBER(engine, backend_reason_),
    MEMBER(engine, shards_),
    TYPE(latency_snapshot),
    TYPE(latency_histogram),
    MEMBER(latency_histogram, counts_),
    TYPE(ring_stats),
    MEMBER(ring_stats, write_latency),
    TYPE(ring_counters),
    TYPE(handler_sampler),
    TYPE(loop_times),
    TYPE(handler_kind_stats),
    TYPE(handler_of_kind),
    MEMBER(ring_counters, spills),
    TYPE(engine_stats),
    MEMBER(engine_stats, rings),
    MEMBER(engine_stats, spare_threads),
    MEMBER(engine_stats, reserve_threads),
    TYPE(device_id),
    TYPE(device_stats),
    MEMBER(device_stats, name),
    MEMBER(device_stats, changes),
    TYPE(controller_event),
    TYPE(storage_settings),
    TYPE(named_stats<engine_stats>),
    TYPE(prometheus_text),
    TYPE(buffer_pool_options),
    TYPE(buffer_pool_stats),
    MEMBER(buffer_pool_stats, classes),
    TYPE(buffer_pool),
};

} // namespace

int main() {
    for (const row& r : rows)
        std::printf("%s %zu %zu\n", r.name, r.size, r.alignment);
}
