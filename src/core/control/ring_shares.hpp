// ring_shares: how the limit of a device is divided among the rings that use it.
#pragma once

#include <cstdint>
#include <span>

namespace aura::core {

/// Writes into `shares` how much of `limit` each ring gets: in proportion to its demand (operations in flight
/// and waiting), nothing without demand, never more than its demand needs while others want more, and in sum
/// never more than `limit`.
///
/// Every ring with demand gets at least 1 while there are enough; when such rings outnumber the limit,
/// `limit` of them get 1 each, others with every `turn`. What rounding leaves over goes by turns as well, so
/// that rings of equal demand are equal over time.
void share_limit(unsigned limit, std::span<const std::uint64_t> demand, std::uint64_t turn,
                 std::span<unsigned> shares) noexcept;

} // namespace aura::core
