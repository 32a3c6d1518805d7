// numbered_files: which device a descriptor number means, and when it is looked at again.
#include "core/storage/numbered_files.hpp"

#include "auraio/core/loop/engine.hpp"
#include "support/fake_backend.hpp"
#include "support/scratch_file.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <unistd.h>

namespace {

using namespace aura::core;

constexpr nanoseconds_t later = 10'000'000; // when what is known of a number is no longer trusted

class NumberedFiles : public testing::Test {
protected:
    NumberedFiles() {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        pipe = ends[0];
        ::close(ends[1]);
        number = open_file();
    }
    ~NumberedFiles() override {
        ::close(pipe);
        ::close(number);
    }
    int open_file() const { return ::open(contents.path().c_str(), O_RDONLY | O_CLOEXEC); }
    /// From now on the number means what `other` does.
    void becomes(int other) const { EXPECT_EQ(::dup3(other, number, O_CLOEXEC), number); }

    test::scratch_file contents{1};
    test::fake_machine machine;
    engine e{machine.options()};
    numbered_files files{e.shard_at(0).loose()};
    int pipe = -1;
    int number = -1;
};

TEST_F(NumberedFiles, EachHasALineOfItsOwn) {
    const int other = open_file();
    gated_file* const a = files.find(number, 0).file;
    gated_file* const b = files.find(other, 0).file;
    ASSERT_TRUE(a && b);
    EXPECT_NE(a, b);
    EXPECT_EQ(&a->device(), &b->device());
    EXPECT_EQ(files.find(number, 1).file, a);
    ::close(other);
}

TEST_F(NumberedFiles, WhatIsNoStorageHasNone) {
    EXPECT_EQ(files.find(pipe, 0).file, nullptr);
    EXPECT_EQ(files.find(-1, 0).file, nullptr);
    EXPECT_EQ(files.find(1 << 30, 0).file, nullptr);
}

TEST_F(NumberedFiles, ANumberIsLookedAtAgain) {
    gated_file* const first = files.find(number, 0).file;
    becomes(pipe);
    EXPECT_EQ(files.find(number, later - 1).file, first);
    EXPECT_EQ(files.find(number, later).file, nullptr);
    const int again = open_file();
    becomes(again);
    EXPECT_EQ(files.find(number, 2 * later - 1).file, nullptr);
    EXPECT_EQ(files.find(number, 2 * later).file, first) << "operations may still be in it";
    ::close(again);
}

} // namespace
