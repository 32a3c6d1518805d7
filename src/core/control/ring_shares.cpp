// ring_shares: proportional division with rotation of what does not divide.
#include "core/control/ring_shares.hpp"

#include <algorithm>
#include <cassert>

namespace aura::core {

namespace {

// There are more than n rings with demand.
std::size_t nth_demanding(std::span<const std::uint64_t> demand, std::size_t n) noexcept {
    std::size_t i = 0;
    for (;; ++i) {
        if (demand[i] != 0 && n-- == 0)
            return i;
    }
}

} // namespace

void share_limit(unsigned limit, std::span<const std::uint64_t> demand, std::uint64_t turn,
                 std::span<unsigned> shares) noexcept {
    assert(demand.size() == shares.size());
    std::uint64_t total = 0;
    std::size_t demanding = 0;
    for (const std::uint64_t d : demand) {
        total += d;
        demanding += d != 0;
    }
    std::fill(shares.begin(), shares.end(), 0u);
    if (demanding == 0)
        return;

    // One each comes first; the rest in proportion to what is wanted beyond that one.
    unsigned left = limit;
    if (demanding <= limit) {
        const unsigned rest = limit - static_cast<unsigned>(demanding);
        const std::uint64_t beyond = total - demanding;
        for (std::size_t i = 0; i < demand.size(); ++i) {
            if (demand[i] == 0)
                continue;
            shares[i] = 1;
            if (beyond != 0)
                shares[i] +=
                    static_cast<unsigned>(static_cast<double>(rest) * static_cast<double>(demand[i] - 1) /
                                          static_cast<double>(beyond));
            left -= std::min(left, shares[i]);
        }
    }

    // What is left goes one by one to rings with demand, beginning at another one every turn.
    std::size_t at = nth_demanding(demand, static_cast<std::size_t>(turn * left % demanding));
    for (; left != 0; at = (at + 1) % demand.size()) {
        if (demand[at] == 0)
            continue;
        ++shares[at];
        --left;
    }
}

} // namespace aura::core
