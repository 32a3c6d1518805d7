// rate_window: interquartile mean and its error.
#include "core/control/rate_window.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr double smallest_error = 0.002; // of the rate
constexpr double error_of_one = 0.25;    // of the rate: a single sub-window says little
constexpr std::size_t few = 5;
constexpr double safety = 1.2; // the other window was measured at another depth
} // namespace

rate_ratio operator/(const rate_estimate& a, const rate_estimate& b) noexcept {
    if (a.rate <= 0 || b.rate <= 0)
        return {a.rate > 0 ? 2.0 : 0.0, 1.0};
    return {a.rate / b.rate, a.rate / b.rate * std::hypot(a.error / a.rate, b.error / b.rate)};
}

rate_estimate rate_window::estimate() const noexcept {
    if (count_ == 0)
        return {};
    std::array<double, capacity> sorted = rates_;
    const auto first = sorted.begin();
    const auto last = first + static_cast<std::ptrdiff_t>(count_);
    std::sort(first, last);

    const std::size_t cut = count_ / 4;
    const auto kept_first = first + static_cast<std::ptrdiff_t>(cut);
    const auto kept_last = last - static_cast<std::ptrdiff_t>(cut);
    const double kept = static_cast<double>(count_ - 2 * cut);
    double sum = 0;
    for (auto i = kept_first; i != kept_last; ++i)
        sum += *i;
    const double mean = sum / kept;
    if (count_ == 1)
        return {mean, error_of_one * mean};

    // Variance about the mean of the sample with both tails pulled in to the nearest kept value.
    double squares = 0;
    for (auto i = first; i != last; ++i) {
        const double pulled_in = std::clamp(*i, *kept_first, *(kept_last - 1));
        squares += (pulled_in - mean) * (pulled_in - mean);
    }
    const double n = static_cast<double>(count_);
    const double deviation = std::sqrt(squares / (n - 1));
    const double widened = 1 + 1.5 / std::max(1.0, kept - 1);
    const double error = deviation * std::sqrt(n) / kept * widened;
    return {mean, std::max(error, smallest_error * mean)};
}

rate_estimate rate_window::estimate(double known_scatter) const noexcept {
    rate_estimate result = estimate();
    if (count_ > 0 && count_ < few && known_scatter > 0) {
        const double scatter = std::max(known_scatter, smallest_error);
        result.error = safety * result.rate * scatter / std::sqrt(static_cast<double>(count_));
    }
    return result;
}

double rate_window::scatter() const noexcept {
    if (count_ < few)
        return 0;
    const rate_estimate known = estimate();
    return known.rate > 0 ? known.error / known.rate * std::sqrt(static_cast<double>(count_)) : 0;
}

double rate_window::independence() const noexcept {
    constexpr double independent = 2;
    if (count_ < few)
        return independent;
    const auto at = [&](std::size_t i) { return rates_[(next_ + capacity - count_ + i) % capacity]; };
    double mean = 0;
    for (std::size_t i = 0; i < count_; ++i)
        mean += at(i) / static_cast<double>(count_);
    double differences = 0;
    double squares = 0;
    for (std::size_t i = 0; i < count_; ++i) {
        squares += (at(i) - mean) * (at(i) - mean);
        if (i > 0)
            differences += (at(i) - at(i - 1)) * (at(i) - at(i - 1));
    }
    return squares > 0 ? differences / squares : independent;
}

} // namespace aura::core
