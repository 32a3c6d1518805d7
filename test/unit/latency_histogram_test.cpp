// core::latency_histogram against exact sorted data, and its buckets one by one.
#include "auraio/core/stats/latency_histogram.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

using aura::core::latency_buckets;
using aura::core::latency_histogram;
using aura::core::latency_snapshot;

constexpr double promised_error = 1.0 / 32;

std::uint64_t exact_percentile(const std::vector<std::uint64_t>& sorted, double fraction) {
    const double rank = std::ceil(fraction * static_cast<double>(sorted.size()));
    const auto position = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
    return sorted[std::min(position, sorted.size() - 1)];
}

latency_snapshot snapshot_of(const std::vector<std::uint64_t>& values) {
    const auto h = std::make_unique<latency_histogram>();
    for (const std::uint64_t v : values)
        h->record(v);
    return h->snapshot();
}

TEST(LatencyBuckets, TileEveryValueWithoutGapOrOverlap) {
    EXPECT_EQ(latency_buckets::lowest_in(0), 0u);
    for (std::size_t b = 0; b < latency_buckets::count; ++b) {
        const std::uint64_t low = latency_buckets::lowest_in(b);
        const std::uint64_t high = latency_buckets::highest_in(b);
        ASSERT_LE(low, high) << b;
        ASSERT_EQ(latency_buckets::index(low), b);
        ASSERT_EQ(latency_buckets::index(high), b);
        ASSERT_EQ(latency_buckets::lowest_in(b + 1), high + 1) << b;
        ASSERT_LE(static_cast<double>(high - low), promised_error * static_cast<double>(low)) << b;
    }
    EXPECT_EQ(latency_buckets::highest_in(latency_buckets::count - 1), latency_buckets::largest);
}

TEST(LatencyBuckets, CountWhatIsTooLargeAsTheLargest) {
    EXPECT_EQ(latency_buckets::index(~std::uint64_t{0}), latency_buckets::count - 1);
    EXPECT_EQ(latency_buckets::index(latency_buckets::largest + 1), latency_buckets::count - 1);
    EXPECT_EQ(snapshot_of({~std::uint64_t{0}}).max(), latency_buckets::largest);
}

TEST(LatencyHistogram, EmptyAnswersZero) {
    const latency_snapshot s = snapshot_of({});
    EXPECT_EQ(s.count(), 0u);
    EXPECT_EQ(s.sum(), 0u);
    EXPECT_EQ(s.mean(), 0.0);
    EXPECT_EQ(s.max(), 0u);
    EXPECT_EQ(s.percentile(0.5), 0u);
    EXPECT_EQ(s.count_at_most(1'000'000), 0u);
}

TEST(LatencyHistogram, SmallValuesAreExact) {
    std::vector<std::uint64_t> values;
    for (std::uint64_t v = 0; v < 64; ++v)
        values.push_back(v);
    const latency_snapshot s = snapshot_of(values);
    for (std::uint64_t v = 0; v < 64; ++v) {
        EXPECT_EQ(s.percentile(static_cast<double>(v + 1) / 64), v);
        EXPECT_EQ(s.count_at_most(v), v + 1);
    }
}

TEST(LatencyHistogram, FractionsOutsideTheRangeAskForTheExtremes) {
    const latency_snapshot s = snapshot_of({10, 20, 30});
    EXPECT_EQ(s.percentile(-1.0), 10u);
    EXPECT_EQ(s.percentile(0.0), 10u);
    EXPECT_EQ(s.percentile(1.0), 30u);
    EXPECT_EQ(s.percentile(2.0), 30u);
}

// What latencies look like: uniform, exponential, log-normal, two humps, all the same, over every magnitude.
std::vector<std::uint64_t> draw(unsigned shape, std::mt19937_64& random, std::size_t count) {
    std::vector<std::uint64_t> values(count);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    std::exponential_distribution<double> exponential(1e-5);
    std::lognormal_distribution<double> lognormal(11.0, 1.5);
    for (std::uint64_t& v : values) {
        double x = 0;
        switch (shape) {
        case 0:
            x = uniform(random) * 1e6;
            break;
        case 1:
            x = exponential(random);
            break;
        case 2:
            x = lognormal(random);
            break;
        case 3:
            x = uniform(random) < 0.99 ? 80e3 + uniform(random) * 1e3 : 40e6;
            break;
        case 4:
            x = 123'456;
            break;
        default:
            x = std::exp2(uniform(random) * 39.9);
        }
        v = static_cast<std::uint64_t>(x);
    }
    return values;
}

class LatencyHistogramShapes : public testing::TestWithParam<unsigned> {};

TEST_P(LatencyHistogramShapes, AnswersWithinTheErrorItPromises) {
    std::mt19937_64 random(GetParam());
    for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{100}, std::size_t{20'000}}) {
        std::vector<std::uint64_t> values = draw(GetParam(), random, count);
        const latency_snapshot s = snapshot_of(values);
        std::sort(values.begin(), values.end());
        ASSERT_EQ(s.count(), count);
        std::uint64_t sum = 0;
        for (const std::uint64_t v : values)
            sum += v;
        ASSERT_EQ(s.sum(), sum);
        for (const double fraction : {0.0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
            const auto exact = static_cast<double>(exact_percentile(values, fraction));
            const auto answer = static_cast<double>(s.percentile(fraction));
            ASSERT_GE(answer, exact) << count << ' ' << fraction;
            ASSERT_LE(answer, exact * (1 + promised_error)) << count << ' ' << fraction;
            const auto limit = static_cast<std::uint64_t>(exact);
            const auto at_most = static_cast<std::uint64_t>(
                std::upper_bound(values.begin(), values.end(), limit) - values.begin());
            ASSERT_GE(s.count_at_most(limit), at_most);
        }
    }
}

INSTANTIATE_TEST_SUITE_P(All, LatencyHistogramShapes, testing::Range(0u, 6u));

TEST(LatencyHistogram, MergingIsRecordingEverythingInOne) {
    std::mt19937_64 random(1);
    const std::vector<std::uint64_t> first = draw(2, random, 1000);
    const std::vector<std::uint64_t> second = draw(1, random, 3000);
    std::vector<std::uint64_t> both = first;
    both.insert(both.end(), second.begin(), second.end());
    latency_snapshot merged = snapshot_of(first);
    merged += snapshot_of(second);
    EXPECT_EQ(merged, snapshot_of(both));
}

TEST(LatencyHistogram, TheDifferenceOfTwoSnapshotsIsWhatHappenedBetweenThem) {
    std::mt19937_64 random(2);
    const std::vector<std::uint64_t> before = draw(2, random, 1000);
    const std::vector<std::uint64_t> between = draw(3, random, 1000);
    const auto h = std::make_unique<latency_histogram>();
    for (const std::uint64_t v : before)
        h->record(v);
    const latency_snapshot earlier = h->snapshot();
    for (const std::uint64_t v : between)
        h->record(v);
    EXPECT_EQ(h->snapshot() - earlier, snapshot_of(between));
}

// Counts never go backwards, and in the end everything is there.
TEST(LatencyHistogram, IsReadWhileItIsWritten) {
    constexpr std::uint64_t total = 200'000;
    const auto h = std::make_unique<latency_histogram>();
    std::atomic<bool> done{false};
    std::jthread writer([&] {
        for (std::uint64_t i = 0; i < total; ++i)
            h->record(i);
        done.store(true);
    });
    std::uint64_t last = 0;
    while (!done.load()) {
        const std::uint64_t count = h->snapshot().count();
        EXPECT_GE(count, last);
        last = count;
    }
    writer.join();
    EXPECT_EQ(h->snapshot().count(), total);
    EXPECT_EQ(h->snapshot().sum(), total * (total - 1) / 2);
}

} // namespace
