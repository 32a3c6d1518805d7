// handler_sampler: which handlers are measured, whatever the turns are that they run in.
#include "auraio/core/stats/handler_sampler.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

/// Runs turns of these sizes. Which handlers are measured, counted from 1 over all of them.
std::vector<std::uint64_t> measured(handler_sampler& sampler, const std::vector<std::uint32_t>& turns) {
    std::vector<std::uint64_t> chosen;
    std::uint64_t number = 0;
    for (const std::uint32_t size : turns) {
        const bool promised = sampler.begin_turn(size);
        const std::size_t before = chosen.size();
        for (std::uint32_t left = size; left > 0; --left) {
            ++number;
            if (sampler.takes(left))
                chosen.push_back(number);
        }
        EXPECT_EQ(chosen.size() - before, promised ? 1u : 0u);
    }
    return chosen;
}

TEST(HandlerSampler, TakesEverySixtyFirstWhateverTheTurns) {
    const std::vector<std::uint64_t> every{61, 122, 183, 244};
    handler_sampler one_by_one;
    EXPECT_EQ(measured(one_by_one, std::vector<std::uint32_t>(250, 1)), every);
    handler_sampler in_turns;
    EXPECT_EQ(measured(in_turns, {60, 0, 1, 7, 53, 1, 40, 40, 48}), every);
}

TEST(HandlerSampler, TakesOneOfALongTurn) {
    handler_sampler sampler;
    EXPECT_EQ(measured(sampler, {1000, 15, 1, 61}), (std::vector<std::uint64_t>{61, 1037}));
    // The 61st, and of those behind it the one that is next in the row: 61 * 17 = 1037.
}

TEST(HandlerSampler, CountsWhatBelongsToNoTurnForItself) {
    handler_sampler sampler;
    unsigned taken = 0;
    for (int i = 0; i < 610; ++i)
        taken += sampler.takes_one_between();
    EXPECT_EQ(taken, 10u);
    EXPECT_FALSE(sampler.begin_turn(60));
    for (std::uint32_t left = 60; left > 0; --left)
        EXPECT_FALSE(sampler.takes(left));
    EXPECT_TRUE(sampler.begin_turn(1));
}

TEST(HandlerSampler, TakesEachWhereToldAndMeasuresTheSameShare) {
    handler_sampler sampler;
    sampler.take_each(true);
    unsigned taken = 0, measured_ones = 0;
    for (unsigned turn = 0; turn < 122; ++turn) {
        EXPECT_TRUE(sampler.begin_turn(5));
        for (std::uint32_t left = 5; left > 0; --left) {
            sampler.take_each(true); // again, to no effect
            if (sampler.takes(left)) {
                ++taken;
                measured_ones += sampler.measures();
            }
        }
    }
    EXPECT_EQ(taken, 610u);
    EXPECT_EQ(measured_ones, 10u);
    sampler.take_each(false);
    EXPECT_FALSE(sampler.begin_turn(60));
    EXPECT_TRUE(sampler.begin_turn(61));
    EXPECT_EQ(measured(sampler, std::vector<std::uint32_t>(122, 1)), (std::vector<std::uint64_t>{61, 122}));
    EXPECT_TRUE(sampler.measures());
}

TEST(HandlerSampler, TellsHowLongTheChosenOneHasWaited) {
    handler_sampler sampler;
    sampler.ready_at(5000);
    EXPECT_EQ(sampler.waited(8000), 3000u);
}

} // namespace
