// histogram: percentiles of latencies within 1.6 %.
#pragma once

#include "event_queue.hpp"

#include <array>
#include <bit>
#include <cstddef>

namespace simulation {

class histogram {
public:
    void add(time_ns value) {
        ++buckets_[index(value)];
        ++count_;
    }
    void clear() {
        buckets_.fill(0);
        count_ = 0;
    }
    std::uint64_t count() const { return count_; }

    /// The value below which `share` of the values lie; 0 when empty.
    time_ns percentile(double share) const {
        auto left = static_cast<std::uint64_t>(share * static_cast<double>(count_));
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            if (buckets_[i] > left)
                return middle(i);
            left -= buckets_[i];
        }
        return 0;
    }

private:
    static constexpr unsigned sub_bits = 5; // 32 buckets for each power of two

    static std::size_t index(time_ns value) {
        const auto width = static_cast<unsigned>(std::bit_width(value));
        if (width <= sub_bits + 1)
            return static_cast<std::size_t>(value);
        const unsigned shift = width - sub_bits - 1;
        return (std::size_t{shift} << sub_bits) + static_cast<std::size_t>(value >> shift);
    }
    static time_ns middle(std::size_t index) {
        if (index < (2u << sub_bits))
            return index;
        const std::size_t shift = (index >> sub_bits) - 1;
        const time_ns low = ((index & ((1u << sub_bits) - 1)) | (1u << sub_bits)) << shift;
        return low + (time_ns{1} << shift) / 2;
    }

    std::array<std::uint32_t, 48u << sub_bits> buckets_{};
    std::uint64_t count_ = 0;
};

} // namespace simulation
