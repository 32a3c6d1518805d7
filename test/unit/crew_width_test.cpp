// crew_width: when one thread is to drive all rings, and when all threads drive again.
#include "core/loop/crew_width.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <utility>
#include <vector>

using aura::core::crew_width;

namespace {

constexpr std::uint64_t ms = 1'000'000;

/// A machine under load, and the engine on it.
class machine {
public:
    /// What all threads in run() show together, in percent of one processor.
    struct behaviour {
        unsigned handlers_per_ms;
        unsigned delay;
        unsigned processor;
        unsigned idle = 0; ///< of the machine
    };
    using behaves = std::function<behaviour(bool narrow)>;

    machine(unsigned threads, behaves shows)
        : threads_(threads)
        , shows_(std::move(shows)) {}

    void run(std::uint64_t time) {
        for (const std::uint64_t end = now_ + time; now_ < end;)
            step();
    }
    void run_until_change(std::uint64_t at_most) {
        const std::size_t before = changes_.size();
        for (const std::uint64_t end = now_ + at_most; now_ < end && changes_.size() == before;)
            step();
    }
    bool is_narrow() const { return width_.is_narrow(); }
    std::uint64_t now() const { return now_; }
    void refuse() { width_.refuse(now_); }
    void set_threads(unsigned threads) { threads_ = threads; }
    void set_processors(unsigned processors) { processors_ = processors; }
    /// When each change came.
    const std::vector<std::uint64_t>& changes() const { return changes_; }

private:
    void step() {
        constexpr std::uint64_t tick = 4 * ms;
        now_ += tick;
        const behaviour b = shows_(width_.is_narrow());
        seen_.handlers += std::uint64_t{b.handlers_per_ms} * tick / ms; // since it began, as the next
        idle_ += tick * b.idle / 100;
        seen_.processor += tick * b.processor / 100; // since the last decision, as the next
        seen_.delay += tick * b.delay / 100;
        if (!width_.is_due(now_))
            return;
        seen_.now = now_;
        seen_.threads = threads_;
        seen_.idle = idle_ / (10 * ms) * (10 * ms);
        seen_.processors = processors_;
        const bool before = width_.is_narrow();
        if (width_.decide(seen_) != before)
            changes_.push_back(now_);
        seen_.processor = seen_.delay = 0;
    }

    unsigned threads_;
    unsigned processors_ = 1;
    behaves shows_;
    crew_width width_;
    crew_width::figures seen_;
    std::uint64_t now_ = 1000 * ms;
    std::uint64_t idle_ = 5000 * ms;
    std::vector<std::uint64_t> changes_;
};

/// Threads that wait for each other's processor: one alone does as much.
machine::behaviour short_of_processors(bool narrow) {
    return {300, narrow ? 2u : 60u, 95};
}

TEST(CrewWidth, WhereThreadsWaitOneAloneIsTriedWithinAHundredMillisecondsAndStays) {
    machine m(4, short_of_processors);
    m.run(100 * ms);
    EXPECT_TRUE(m.is_narrow());
    m.run(20'000 * ms);
    EXPECT_TRUE(m.is_narrow());
    EXPECT_EQ(m.changes().size(), 1u);
}

TEST(CrewWidth, WithLittleDelayAllDrive) {
    machine m(4, [](bool) { return machine::behaviour{300, 29, 100}; });
    m.run(10'000 * ms);
    EXPECT_FALSE(m.is_narrow());
    EXPECT_TRUE(m.changes().empty());
}

TEST(CrewWidth, ThreadsThatHaveMoreThanOneProcessorAllDrive) {
    machine m(4, [](bool) { return machine::behaviour{300, 150, 145}; });
    m.run(10'000 * ms);
    EXPECT_TRUE(m.changes().empty());
}

TEST(CrewWidth, HandlersThatTakeLongAreNeverLeftToOne) {
    machine m(4, [](bool) { return machine::behaviour{45, 200, 100}; }); // 22 us each
    m.run(10'000 * ms);
    EXPECT_TRUE(m.changes().empty());
}

TEST(CrewWidth, HandlersOfWhichNoneHasReturnedAreNoReasonForATrial) {
    machine m(4, [](bool) { return machine::behaviour{0, 200, 100}; });
    m.run(10'000 * ms);
    EXPECT_TRUE(m.changes().empty());
}

TEST(CrewWidth, ProcessorsThatBecomeShortAreNoticedSoon) {
    bool others = false;
    machine m(4, [&](bool narrow) {
        return others ? short_of_processors(narrow) : machine::behaviour{300, 0, 100};
    });
    m.run(1000 * ms);
    ASSERT_FALSE(m.is_narrow());
    others = true;
    m.run(210 * ms); // one look may have seen little of it
    EXPECT_TRUE(m.is_narrow());
}

TEST(CrewWidth, WhatMakesFewerHandlersRunIsTakenBackAndTriedEverMoreRarely) {
    machine m(4, [](bool narrow) { return machine::behaviour{narrow ? 260u : 300u, 60, 100}; });
    m.run(32'000 * ms);
    EXPECT_FALSE(m.is_narrow());
    // Pauses of 0.1, 0.2 ... 6.4 and 10 s: nine trials, each there and back.
    const auto& c = m.changes();
    EXPECT_GE(c.size(), 16u);
    EXPECT_LE(c.size(), 20u);
    for (std::size_t i = 0; i + 1 < c.size(); i += 2)
        EXPECT_LE(c[i + 1] - c[i], 50 * ms); // so long lasts a trial
    for (std::size_t i = 1; i + 3 < c.size(); i += 2)
        EXPECT_LE(c[i + 1] - c[i], c[i + 3] - c[i + 2]);
}

TEST(CrewWidth, ALossOfLessThanATenthIsKeptWhereTheOneHasTimeToSpare) {
    machine m(4, [](bool narrow) {
        return narrow ? machine::behaviour{275, 2, 80} : machine::behaviour{300, 60, 100};
    });
    m.run(5000 * ms);
    EXPECT_TRUE(m.is_narrow());
    EXPECT_EQ(m.changes().size(), 1u);
}

TEST(CrewWidth, OneThatHasAsMuchToDoAsItCanLosesNothing) {
    machine m(4, [](bool narrow) {
        return narrow ? machine::behaviour{295, 2, 98} : machine::behaviour{300, 60, 100};
    });
    m.run(30'000 * ms);
    EXPECT_FALSE(m.is_narrow());
    EXPECT_LE(m.changes().size(), 20u);
}

TEST(CrewWidth, OneThatHasToWaitForAProcessorItselfGetsHelpIfThatBringsMore) {
    bool others = false; // want both processors
    machine m(4, [&](bool narrow) {
        if (!others)
            return short_of_processors(narrow);
        return narrow ? machine::behaviour{150, 50, 50} : machine::behaviour{250, 300, 90};
    });
    m.run(1000 * ms);
    ASSERT_TRUE(m.is_narrow());
    others = true;
    m.run_until_change(500 * ms);
    EXPECT_FALSE(m.is_narrow());
}

TEST(CrewWidth, OneThatIsSaturatedGetsHelpOnceProcessorsAreIdle) {
    bool others = true; // who share the processors
    machine m(4, [&](bool narrow) {
        if (others)
            return short_of_processors(narrow);
        return narrow ? machine::behaviour{300, 1, 98, 100} : machine::behaviour{550, 1, 190};
    });
    m.run(1000 * ms);
    ASSERT_TRUE(m.is_narrow());
    others = false;
    m.run(500 * ms);
    EXPECT_FALSE(m.is_narrow());
    m.run(10'000 * ms);
    EXPECT_EQ(m.changes().size(), 2u);
}

TEST(CrewWidth, ABurstThatOneCannotDoIsNoticedWithinAFewLooks) {
    bool burst = false;
    machine m(4, [&](bool narrow) {
        if (!burst)
            return narrow ? machine::behaviour{100, 2, 40} : machine::behaviour{100, 60, 50};
        return narrow ? machine::behaviour{300, 1, 100, 90} : machine::behaviour{550, 1, 190};
    });
    m.run(1000 * ms);
    ASSERT_TRUE(m.is_narrow());
    burst = true;
    m.run(3 * crew_width::window);
    EXPECT_FALSE(m.is_narrow());
    m.run(10'000 * ms);
    EXPECT_EQ(m.changes().size(), 2u);
}

TEST(CrewWidth, ToWaitForOnesWakeIsNoWantOfProcessors) {
    machine m(4, [](bool) { return machine::behaviour{100, 60, 50, 120}; });
    m.run(10'000 * ms);
    EXPECT_TRUE(m.changes().empty());
}

TEST(CrewWidth, ThreadsThatAreNoMoreThanProcessorsAllDrive) {
    machine m(4, short_of_processors);
    m.set_processors(4);
    m.run(5000 * ms);
    EXPECT_TRUE(m.changes().empty());
    m.set_processors(3); // of a container
    m.run(100 * ms);
    ASSERT_TRUE(m.is_narrow());
    m.run(1000 * ms);
    m.set_threads(3);
    m.run(2 * crew_width::window);
    EXPECT_FALSE(m.is_narrow());
    EXPECT_EQ(m.changes().size(), 2u);
}

TEST(CrewWidth, OneThatIsSaturatedStaysWhileNoProcessorIsIdle) {
    machine m(4, [](bool narrow) { return machine::behaviour{300, narrow ? 2u : 60u, 98, 20}; });
    m.run(20'000 * ms);
    EXPECT_TRUE(m.is_narrow());
    EXPECT_EQ(m.changes().size(), 1u);
}

TEST(CrewWidth, OneWithTimeToSpareStaysHoweverIdleProcessorsAre) {
    machine m(4, [](bool narrow) {
        return narrow ? machine::behaviour{300, 2, 80, 120} : machine::behaviour{300, 60, 80};
    });
    m.run(20'000 * ms);
    EXPECT_TRUE(m.is_narrow());
    EXPECT_EQ(m.changes().size(), 1u);
}

TEST(CrewWidth, HelpThatBringsNothingIsTakenBackAndTriedEverMoreRarely) {
    machine m(2, [](bool narrow) {
        return narrow ? machine::behaviour{300, 1, 98, 80} : machine::behaviour{300, 60, 100, 60};
    });
    m.run(32'000 * ms);
    EXPECT_TRUE(m.is_narrow());
    EXPECT_LE(m.changes().size(), 21u); // there, and nine trials of more
    EXPECT_GE(m.changes().size(), 7u);
}

TEST(CrewWidth, HandlersThatBecomeLongAreSpreadAtTheNextLook) {
    unsigned rate = 300;
    machine m(4, [&](bool narrow) { return machine::behaviour{rate, narrow ? 2u : 60u, 95}; });
    m.run(1000 * ms);
    ASSERT_TRUE(m.is_narrow());
    rate = 20;
    m.run(210 * ms); // the first look has seen some that were short
    EXPECT_FALSE(m.is_narrow());
    m.run(1000 * ms);
    EXPECT_EQ(m.changes().size(), 2u);
}

TEST(CrewWidth, WhatIsRefusedIsTriedEverMoreRarely) {
    machine m(4, short_of_processors);
    std::vector<std::uint64_t> trials;
    while (trials.size() != 5) {
        m.run_until_change(5000 * ms);
        ASSERT_TRUE(m.is_narrow());
        trials.push_back(m.now());
        m.refuse(); // before it can be judged
        ASSERT_FALSE(m.is_narrow());
    }
    for (std::size_t i = 0; i + 2 < trials.size(); ++i)
        EXPECT_LT(trials[i + 1] - trials[i], trials[i + 2] - trials[i + 1]);
}

TEST(CrewWidth, OneThreadIsNeverTried) {
    machine m(1, short_of_processors);
    m.run(5000 * ms);
    EXPECT_TRUE(m.changes().empty());
}

TEST(CrewWidth, ThreadsThatComeAreTriedAndOnesThatGoChangeNothing) {
    machine m(1, short_of_processors);
    m.run(1000 * ms);
    m.set_threads(4);
    m.run(100 * ms);
    ASSERT_TRUE(m.is_narrow());
    for (const unsigned threads : {3u, 2u, 5u}) {
        m.set_threads(threads);
        m.run(1000 * ms);
        EXPECT_TRUE(m.is_narrow());
    }
    EXPECT_EQ(m.changes().size(), 1u);
}

TEST(CrewWidth, ATrialDuringWhichTheOthersLeaveIsTakenBack) {
    for (const std::uint64_t later : {std::uint64_t{0}, crew_width::settling + 4 * ms}) {
        machine m(4, short_of_processors);
        m.run_until_change(100 * ms);
        ASSERT_TRUE(m.is_narrow());
        m.run(later);
        m.set_threads(1);
        m.run(100 * ms);
        EXPECT_FALSE(m.is_narrow());
    }
}

TEST(CrewWidth, HelpDuringWhoseTrialHandlersBecomeLongIsKept) {
    bool others = true, long_ones = false;
    machine m(4, [&](bool narrow) {
        if (long_ones)
            return machine::behaviour{20, 1, 100};
        return others ? short_of_processors(narrow) : machine::behaviour{300, 1, 98, 100};
    });
    m.run(1000 * ms);
    others = false;
    m.run_until_change(500 * ms);
    ASSERT_FALSE(m.is_narrow());
    long_ones = true;
    m.run(100 * ms);
    long_ones = false;
    m.run(1000 * ms);
    EXPECT_FALSE(m.is_narrow());
}

TEST(CrewWidth, ATrialDuringWhichNothingHappensIsTakenBack) {
    crew_width w;
    const auto at = [&](std::uint64_t now, std::uint64_t handlers, std::uint64_t delay) {
        crew_width::figures f;
        f.now = now;
        f.threads = 4;
        f.handlers = handlers;
        f.delay = delay;
        f.processor = 20 * ms;
        return w.decide(f);
    };
    EXPECT_FALSE(at(1000 * ms, 0, 0));
    EXPECT_TRUE(at(1028 * ms, 8400, 20 * ms));
    EXPECT_TRUE(at(1040 * ms, 12'000, 0));
    EXPECT_FALSE(at(5000 * ms, 12'001, 0));
}

} // namespace
