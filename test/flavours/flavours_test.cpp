// Both flavours in one program: linked without clashing symbols, each running its own handlers.
#include "flavours.hpp"

#include <gtest/gtest.h>

#include <thread>

TEST(Flavours, RunOneAfterTheOther) {
    EXPECT_EQ(run_standalone(), 2);
    EXPECT_EQ(run_boost(), 2);
}

TEST(Flavours, RunAtTheSameTime) {
    int standalone = 0;
    std::thread other([&standalone] { standalone = run_standalone(); });
    EXPECT_EQ(run_boost(), 2);
    other.join();
    EXPECT_EQ(standalone, 2);
}
