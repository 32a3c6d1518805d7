// rate_window: how fast a device completes at one limit, measured in short sub-windows, and how sure that is.
#pragma once

#include <array>
#include <cstddef>

namespace aura::core {

/// A rate with its standard error, both in operations per second.
struct rate_estimate {
    double rate = 0;
    double error = 0;
};

/// The quotient of two rates with its standard error.
struct rate_ratio {
    double value = 0;
    double error = 0;

    /// Further above (below) `threshold` than `deviations` standard errors.
    bool above(double threshold, double deviations) const noexcept {
        return value - threshold > deviations * error;
    }
    bool below(double threshold, double deviations) const noexcept {
        return threshold - value > deviations * error;
    }
};

rate_ratio operator/(const rate_estimate& a, const rate_estimate& b) noexcept;

/// The rates of the latest sub-windows (at most `capacity`).
///
/// The estimate is their interquartile mean: a pause of the device (garbage collection, a neighbour's burst)
/// falls into few sub-windows and is cut off with the slowest quarter, as a burst of completions after it is
/// with the fastest. The error is that of a trimmed mean (Tukey and McLaughlin), widened for few sub-windows,
/// and never below 0.2 %: a device without scatter still drifts.
class rate_window {
public:
    static constexpr std::size_t capacity = 64;

    void clear() noexcept { count_ = next_ = 0; }

    /// Adds one sub-window; the oldest goes when there are more than `capacity`.
    void add(double rate) noexcept {
        rates_[next_] = rate;
        next_ = (next_ + 1) % capacity;
        if (count_ < capacity)
            ++count_;
    }
    void add(const rate_window& other) noexcept {
        for (std::size_t i = 0; i < other.count_; ++i)
            add(other.rates_[i]);
    }

    std::size_t count() const noexcept { return count_; }

    /// {0, 0} when empty.
    rate_estimate estimate() const noexcept;

    /// The same, with the error taken from the scatter of another window of the same device while this one
    /// has too few sub-windows to know its own.
    rate_estimate estimate(double known_scatter) const noexcept;

    /// Standard deviation of a sub-window, as a share of the rate; 0 when unknown.
    double scatter() const noexcept;

    /// Mean square of the differences between successive sub-windows over their variance: 2 when they are
    /// independent, less when the rate wanders (von Neumann, 1941). 2 when there are few.
    double independence() const noexcept;

private:
    std::array<double, capacity> rates_{};
    std::size_t count_ = 0;
    std::size_t next_ = 0;
};

} // namespace aura::core
