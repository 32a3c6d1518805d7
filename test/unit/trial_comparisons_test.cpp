// trial_comparisons: the order of windows and of pairs, and when each decides.
#include "core/control/trial_comparisons.hpp"

#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace {

using namespace aura::core;

rate_window scattered_rates(double rate, double by) {
    rate_window w;
    for (int i = 0; i < 8; ++i)
        w.add(rate + (i % 2 == 0 ? by : -by));
    return w;
}

/// Each sub-window's depth (P the probe's, B the base's), then the verdict.
template <class Comparison, class Add>
std::string transcript(Comparison& comparison, Add add) {
    std::string text;
    for (int i = 0; i < 200; ++i) {
        const bool at_probe = comparison.at_probe();
        text += at_probe ? 'P' : 'B';
        const trial_verdict verdict = add(at_probe, i);
        if (verdict != trial_verdict::undecided)
            return text + (verdict == trial_verdict::kept ? " kept" : " rejected");
    }
    return text + " undecided";
}

TEST(WindowComparison, DecidesWhatIsClearInOneWindow) {
    window_comparison raise(scattered_rates(100, 1));
    EXPECT_EQ(transcript(raise, [&](bool probe, int) { return raise.add(probe ? 110 : 100, 1.03, true); }),
              "PPP kept");
    window_comparison useless(scattered_rates(100, 1));
    EXPECT_EQ(transcript(useless, [&](bool, int) { return useless.add(100, 1.2, true); }), "P rejected");
}

TEST(WindowComparison, AlternatesInFoursUntilItGivesUp) {
    window_comparison doubtful(scattered_rates(100, 20));
    // Half a step above and below what is asked for, in turns: nothing to decide by.
    const auto add = [&](bool probe, int i) {
        return doubtful.add((probe ? 103.2 : 100) + (i % 2 == 0 ? 20 : -20), 1.03, false);
    };
    EXPECT_EQ(transcript(doubtful, add), "PPPPBBBBPPPPBBBBPPPP rejected");
    doubtful.resume();
    EXPECT_TRUE(doubtful.at_probe());
}

TEST(PairedComparison, AlternatesAndLooksForProofFromTheSixthPairOn) {
    paired_comparison gain(100);
    // The device's speed doubles on the way; each at the probe still has 1.1 times its neighbours.
    const auto rising = [&](bool probe, int i) { return gain.add((100 + 8 * i) * (probe ? 1.1 : 1), 1.03); };
    EXPECT_EQ(transcript(gain, rising), "PBPBPBPBPBPB kept");
    EXPECT_NEAR(gain.ratio().value, 1.1, 0.01);
}

TEST(PairedComparison, IsPutOffAfterTwentyFourPairsAndThenAfterEight) {
    paired_comparison doubtful(100);
    const auto add = [&](bool probe, int i) {
        return doubtful.add(probe ? (i % 4 == 0 ? 135 : 80) : 100, 1.03);
    };
    EXPECT_EQ(transcript(doubtful, add).size(),
              std::string(48, 'P').size() + std::string(" rejected").size());
    doubtful.resume(100);
    EXPECT_EQ(transcript(doubtful, add), "PBPBPBPBPBPBPBPB rejected");
}

} // namespace
