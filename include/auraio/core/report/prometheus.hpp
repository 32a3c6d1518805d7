// prometheus: snapshots as text in the Prometheus exposition format (version 0.0.4).
#pragma once

#include "auraio/core/memory/buffer_pool.hpp"
#include "auraio/core/report/engine_stats.hpp"

#include <string>
#include <vector>

namespace aura::core {

/// A snapshot and whose it is.
template <class Stats>
struct named_stats {
    std::string name;
    Stats stats;
};

/// Collects snapshots, then writes all of them at once: the format wants the samples of a metric together,
/// whichever context or pool they come from. Names distinguish those and must differ; they may contain
/// anything.
///
/// Metrics are named auraio_*, in seconds and bytes, with the labels `context` and `ring`, or `pool`.
/// A device's, with `context` and `device`, are of all contexts of the process together: of one device that
/// two contexts use, look at either.
///
/// @code
/// aura::prometheus_text text;
/// text.add("main", context.stats());
/// text.add("buffers", pool.stats());
/// reply.body() = text.str(); // Content-Type: text/plain; version=0.0.4
/// @endcode
class prometheus_text {
public:
    /// Takes a snapshot of a context, under this name.
    void add(std::string context, engine_stats stats) {
        contexts_.push_back({std::move(context), std::move(stats)});
    }
    /// Takes a snapshot of a pool, under this name.
    void add(std::string pool, buffer_pool_stats stats) { pools_.push_back({std::move(pool), stats}); }

    /// All that was added, in Prometheus' text format, version 0.0.4.
    std::string str() const;

private:
    std::vector<named_stats<engine_stats>> contexts_;
    std::vector<named_stats<buffer_pool_stats>> pools_;
};

} // namespace aura::core
