// ring_selector: which processor belongs to which ring.
#include "core/loop/ring_selector.hpp"

#include <cassert>

namespace aura::core {

ring_selector::ring_selector(ring_selection mode, unsigned ring_count, std::span<const unsigned> cpus)
    : mode_(mode)
    , count_(ring_count)
    , spills_(std::make_unique<counter[]>(ring_count)) {
    assert(ring_count >= 1);
    if (cpus.empty())
        return;
    ring_of_cpu_.resize(cpus.back() + std::size_t{1});
    for (std::size_t i = 0; i < ring_of_cpu_.size(); ++i)
        ring_of_cpu_[i] = static_cast<std::uint32_t>(i % count_); // not ours now, but affinity may change
    for (std::size_t rank = 0; rank < cpus.size(); ++rank)
        ring_of_cpu_[cpus[rank]] = static_cast<std::uint32_t>(rank % count_);
}

} // namespace aura::core
