// run_on_each_cpu: one thread in run(), and so one ring, for each processor that this process may use.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/core/base/each_cpu.hpp"
#include "auraio/io_context.hpp"

#include <atomic>
#include <cstddef>

AURAIO_OPEN

/// See there: how many threads, and whether each stays on its processor.
using core::each_cpu_options;

using core::usable_cpu_count;

/// Calls `ctx.run()` in as many threads as this process may use processors (affinity and cgroup quota count, not
/// what the host has), joins them, and returns how many handlers they have run. As run() it returns when the
/// context is stopped or has no work left: a server's acceptors are work.
///
/// An exception of a handler ends the run() of its thread. The others go on until they have run to the end, and
/// serve its ring as well; then the first exception is thrown here. Where the first is to end them all, the
/// handler that throws calls `ctx.stop()` before.
///
///     aura::io_context ctx;
///     server s(ctx);
///     aura::run_on_each_cpu(ctx, {.pin = true});
inline std::size_t run_on_each_cpu(io_context& ctx, const each_cpu_options& options = {}) {
    std::atomic<std::size_t> handlers{0}; // relaxed: read when all threads have been joined
    core::on_each_cpu(options, [&] { handlers.fetch_add(ctx.run(), std::memory_order_relaxed); });
    return handlers.load(std::memory_order_relaxed);
}

AURAIO_CLOSE

#endif
