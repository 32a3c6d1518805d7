// stats: snapshots of what happens inside a context.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/core/report/engine_stats.hpp"
#include "auraio/detail/config.hpp"

AURAIO_OPEN

/// Plain values; every field is documented at core::engine_stats, core::ring_stats, core::device_stats,
/// core::controller_event, core::latency_snapshot.
using core::controller_event;
using core::controller_phase;
using core::controller_reason;
using core::device_stats;
using core::engine_stats;
using core::latency_snapshot;
using core::ring_stats;

AURAIO_CLOSE

#endif
