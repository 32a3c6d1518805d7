// batch_optimizer: the threshold from two costs.
#include "auraio/core/batch_optimizer.hpp"

#include <gtest/gtest.h>

namespace {

using aura::core::batch_optimizer;

// Submissions of n requests cost `fixed` + n * `each`; handlers take `work` for each request.
void feed(batch_optimizer& optimizer, double fixed, double each, double work, int turns = 2000) {
    for (int i = 0; i < turns; ++i) {
        const unsigned n = 1 + static_cast<unsigned>(i * 7 % 40);
        optimizer.submitted(n, static_cast<std::uint64_t>(fixed + n * each));
        optimizer.turn(n, static_cast<std::uint64_t>(n * work));
    }
}

TEST(BatchOptimizer, WaitsForTheEndOfTheTurnUntilItKnows) {
    batch_optimizer optimizer({0.05, 8, 256});
    EXPECT_FALSE(optimizer.should_submit(255));
    EXPECT_TRUE(optimizer.should_submit(256));
}

TEST(BatchOptimizer, TellsTheFixedCostFromThatOfEachRequest) {
    batch_optimizer optimizer({0.05, 8, 256});
    feed(optimizer, 1000, 300, 500);
    EXPECT_NEAR(optimizer.submission_cost(), 1000, 60);
    EXPECT_NEAR(optimizer.time_per_request(), 500, 5);
}

TEST(BatchOptimizer, AdditionalSubmissionsTakeTheirShareOfTheTime) {
    batch_optimizer optimizer({0.05, 8, 256});
    feed(optimizer, 1000, 300, 500); // 1000 / (500 * 0.05)
    EXPECT_NEAR(optimizer.threshold(), 40, 10);
}

TEST(BatchOptimizer, LongHandlersSubmitEarly) {
    batch_optimizer optimizer({0.05, 8, 256});
    feed(optimizer, 1000, 300, 20'000);
    EXPECT_EQ(optimizer.threshold(), 8u);
}

TEST(BatchOptimizer, ShortHandlersSubmitAtTheEndOfTheTurn) {
    batch_optimizer optimizer({0.05, 8, 256});
    feed(optimizer, 1000, 300, 40);
    EXPECT_EQ(optimizer.threshold(), 256u);
}

TEST(BatchOptimizer, FollowsAChangeAndRestsOtherwise) {
    batch_optimizer optimizer({0.05, 8, 256});
    feed(optimizer, 1000, 300, 500);
    const unsigned before = optimizer.threshold();
    feed(optimizer, 1000, 300, 520);
    EXPECT_EQ(optimizer.threshold(), before);
    feed(optimizer, 1000, 300, 1500);
    EXPECT_LT(optimizer.threshold(), before);
}

} // namespace
