// core::size_classes, exhaustively.
#include "auraio/core/memory/size_classes.hpp"

#include <gtest/gtest.h>

namespace {

using aura::core::size_classes;

TEST(SizeClasses, AreWholePagesInAscendingOrder) {
    EXPECT_EQ(size_classes::size_of(0), 4096u);
    EXPECT_EQ(size_classes::size_of(4), 6 * 4096u);
    for (std::size_t c = 1; c < size_classes::count; ++c) {
        EXPECT_EQ(size_classes::size_of(c) % size_classes::alignment, 0u) << c;
        EXPECT_GT(size_classes::size_of(c), size_classes::size_of(c - 1)) << c;
    }
}

TEST(SizeClasses, EverySizeGetsTheSmallestThatHoldsIt) {
    for (std::size_t size = 0; size <= size_classes::largest; ++size) {
        const std::size_t c = size_classes::class_of(size);
        ASSERT_LT(c, size_classes::count) << size;
        ASSERT_GE(size_classes::size_of(c), size);
        ASSERT_TRUE(c == 0 || size_classes::size_of(c - 1) < size) << size;
        // Less than half is wasted, and beyond two pages less than a third.
        ASSERT_TRUE(size < size_classes::alignment || size_classes::size_of(c) < 2 * size) << size;
        ASSERT_TRUE(size <= 2 * size_classes::alignment || 2 * size_classes::size_of(c) < 3 * size) << size;
    }
}

} // namespace
