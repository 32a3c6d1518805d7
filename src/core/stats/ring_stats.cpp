// ring_stats: snapshots of a ring's counters.
#include "auraio/core/stats/ring_stats.hpp"

#include <algorithm>

namespace aura::core {

void ring_counters::read(ring_stats& out) const noexcept {
    for (auto row = ring_statistics.rbegin(); row != ring_statistics.rend(); ++row)
        if (row->counter)
            out.*row->member = (this->*row->counter).load(std::memory_order_relaxed);
    out.submitted = std::max(out.submitted, out.completed);
    out.in_flight = out.submitted - out.completed;
    for (const ring_histogram& row : ring_histograms)
        out.*row.member = (this->*row.counter).snapshot();
}

ring_stats& ring_stats::operator+=(const ring_stats& other) noexcept {
    for (const ring_statistic& row : ring_statistics) {
        std::uint64_t& sum = this->*row.member;
        const std::uint64_t added = other.*row.member;
        sum = row.with_others == ring_statistic::combined::sum ? sum + added : std::max(sum, added);
    }
    operations += other.operations;
    for (const ring_histogram& row : ring_histograms)
        this->*row.member += other.*row.member;
    return *this;
}

} // namespace aura::core
