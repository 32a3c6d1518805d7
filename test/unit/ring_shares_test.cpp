// ring_shares: never more than the limit, in proportion, and by turns.
#include "core/control/ring_shares.hpp"

#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace {

using aura::core::share_limit;

std::vector<unsigned> shared(unsigned limit, const std::vector<std::uint64_t>& demand,
                             std::uint64_t turn = 0) {
    std::vector<unsigned> shares(demand.size(), 99);
    share_limit(limit, demand, turn, shares);
    return shares;
}

TEST(RingShares, FollowDemand) {
    EXPECT_EQ(shared(30, {100, 100, 100}), (std::vector<unsigned>{10, 10, 10}));
    const auto shares = shared(100, {300, 100});
    EXPECT_NEAR(shares[0], 75, 1);
    EXPECT_NEAR(shares[1], 25, 1);
}

TEST(RingShares, NothingWithoutDemand) {
    EXPECT_EQ(shared(8, {0, 5, 0}), (std::vector<unsigned>{0, 8, 0}));
    EXPECT_EQ(shared(8, {0, 0}), (std::vector<unsigned>{0, 0}));
    EXPECT_TRUE(shared(8, {}).empty());
}

TEST(RingShares, ASmallDemandIsNotStarvedByALargeOne) {
    const auto shares = shared(16, {1'000'000, 1});
    EXPECT_GE(shares[1], 1u);
    EXPECT_EQ(shares[0] + shares[1], 16u);
}

TEST(RingShares, SumIsTheLimitWhateverTheDemand) {
    std::mt19937 random(3);
    for (int round = 0; round < 5000; ++round) {
        std::vector<std::uint64_t> demand(1 + random() % 20);
        for (auto& d : demand)
            d = random() % 3 == 0 ? 0 : random() % 200;
        const auto limit = static_cast<unsigned>(1 + random() % 100);
        const auto shares = shared(limit, demand, random());
        const bool any = std::accumulate(demand.begin(), demand.end(), std::uint64_t{0}) != 0;
        ASSERT_EQ(std::accumulate(shares.begin(), shares.end(), 0u), any ? limit : 0u);
        for (std::size_t i = 0; i < demand.size(); ++i)
            ASSERT_TRUE(demand[i] != 0 || shares[i] == 0);
    }
}

TEST(RingShares, MoreRingsThanTheLimitTakeTurns) {
    const std::vector<std::uint64_t> demand(16, 10);
    std::vector<unsigned> turns(16);
    for (std::uint64_t turn = 0; turn < 160; ++turn) {
        const auto shares = shared(6, demand, turn);
        for (std::size_t i = 0; i < shares.size(); ++i) {
            ASSERT_LE(shares[i], 1u);
            turns[i] += shares[i];
        }
    }
    for (const unsigned t : turns)
        EXPECT_EQ(t, 60u);
}

TEST(RingShares, WhatDoesNotDivideGoesRound) {
    const std::vector<std::uint64_t> demand(3, 50);
    std::vector<unsigned> sums(3);
    for (std::uint64_t turn = 0; turn < 300; ++turn) {
        const auto shares = shared(4, demand, turn);
        for (std::size_t i = 0; i < 3; ++i)
            sums[i] += shares[i];
    }
    for (const unsigned sum : sums)
        EXPECT_EQ(sum, 400u);
}

} // namespace
