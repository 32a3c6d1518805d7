// limit_change: how long the device still does what was started under the former limit.
#include "core/control/limit_change.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t ms = 1'000'000;

/// One letter for each tick of 10 ms, with so many at the device: u while it is under way, o just over.
std::string ticks(limit_change& change, unsigned limit, const std::vector<std::uint64_t>& in_flight) {
    std::string text;
    load_reading now;
    for (const std::uint64_t count : in_flight) {
        now.time += 10 * ms;
        now.load.in_flight = count;
        const auto state = change.look(now, limit);
        text += state == limit_change::state::none        ? '.'
                : state == limit_change::state::under_way ? 'u'
                                                          : 'o';
    }
    return text;
}

TEST(LimitChange, ARaiseIsOverAfterTwoLatencies) {
    const controller_options options;
    limit_change change(options);
    EXPECT_EQ(ticks(change, 16, {9, 9}), "..");
    change.begin(0, false, 30 * ms);
    EXPECT_EQ(ticks(change, 16, {9, 9, 16, 16}), "uuo.");
    change.begin(0, false, 1'000);
    EXPECT_EQ(ticks(change, 16, {16, 16}), "o.") << "one tick at least";
}

TEST(LimitChange, ACutAlsoWaitsForTheDeviceToDrain) {
    const controller_options options;
    limit_change change(options);
    change.begin(0, true, 1'000);
    EXPECT_EQ(ticks(change, 8, {32, 20, 9, 8}), "uuo.");
    change.begin(0, true, 1'000);
    change.forget();
    EXPECT_EQ(ticks(change, 8, {32}), ".");
}

} // namespace
