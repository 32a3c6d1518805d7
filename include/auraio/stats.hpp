// stats: snapshots of what happens inside a context.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/core/report/engine_stats.hpp"
#include "auraio/core/stats/handler_kinds.hpp"
#include "auraio/detail/config.hpp"

AURAIO_OPEN

/// Plain values; every field is documented at core::engine_stats, core::ring_stats, core::device_stats,
/// core::controller_event, core::latency_snapshot.
using core::controller_event;
using core::controller_phase;
using core::controller_reason;
using core::device_stats;
using core::engine_stats;
using core::handler_kind_stats;
using core::latency_snapshot;
using core::ring_stats;

/// How many handlers of each kind were called in this process and how long they took, in programs compiled with
/// ASIO_ENABLE_HANDLER_TRACKING (or a custom tracking); else none. A handler that goes by way of an executor of the
/// program's own counts for as long as that takes to pass it on.
inline std::vector<handler_kind_stats> handler_kinds() {
    return core::handler_kind::all();
}

AURAIO_CLOSE

#endif
