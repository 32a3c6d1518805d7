// flooded_device: reads for which a ceiling is set, on a simulated device that a writer floods.
#pragma once

#include "device.hpp"
#include "histogram.hpp"

#include "core/control/device_controller.hpp"

#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace simulation {

/// Readers on the first ring, writers on the last one.
struct flood {
    std::string name;
    device_spec device;
    double ceiling_ms = 0;
    unsigned rings = 1;
    unsigned readers = 0;        ///< closed loops
    double reads_per_second = 0; ///< and an open one
    unsigned writers = 0;        ///< closed loops
    /// So many of the writers sync after each write; one sync at a time of each.
    unsigned syncing = 0;
    /// Writes end in the page cache, after so long; the kernel writes them back every so often, so many at once.
    double cached_us = 0;
    double write_back_every_s = 0;
    unsigned write_back_depth = 0;
    double window_s = 1; ///< that has enough reads for a P99
    /// The writers pause; in turns of this.
    double on_s = 1e9, off_s = 0;
};

/// What is done about it.
struct policy {
    bool adaptive = true;      ///< the controller with its ceiling
    unsigned writes_max = ~0u; ///< if not: at most so many writes at the device
};

struct flood_result {
    double seconds = 0;
    std::vector<histogram> windows; ///< of reads' latencies at the device
    histogram reads;                ///< all of them
    histogram reads_waited;         ///< from their start: waiting at the gate included
    histogram syncs;                ///< from their start
    std::uint64_t writes = 0;
    std::uint64_t synced = 0;
    std::vector<unsigned> shares; ///< of writes, at each tick
    std::vector<unsigned> limits; ///< of both

    /// Of the windows, how many have a P99 of at most that.
    double kept(double us) const {
        std::size_t good = 0;
        for (const histogram& w : windows)
            good += static_cast<double>(w.percentile(0.99)) / 1e3 <= us;
        return static_cast<double>(good) / static_cast<double>(windows.size());
    }
    double read_rate() const { return static_cast<double>(reads.count()) / seconds; }
    double write_rate() const { return static_cast<double>(writes) / seconds; }
    double sync_rate() const { return static_cast<double>(synced) / seconds; }
};

/// From `from_s` to `to_s`, after a start at 0.
flood_result run_flood(const flood& f, const policy& p, double from_s, double to_s, std::uint64_t seed = 1);

} // namespace simulation
