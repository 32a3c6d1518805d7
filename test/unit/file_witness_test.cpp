// file_witness: what a number means, and that it costs a descriptor only while somebody asks.
#include "core/io/file_witness.hpp"

#include <cstddef>
#include <filesystem>
#include <iterator>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace {

using aura::core::file_witness;

int make_event() {
    return ::eventfd(0, EFD_CLOEXEC);
}

std::ptrdiff_t open_descriptors() {
    std::filesystem::directory_iterator all("/proc/self/fd");
    return std::distance(begin(all), end(all));
}

struct FileWitness : testing::Test {
    file_witness witness;
    int number = make_event();
    std::uint64_t first = 0;

    void SetUp() override {
        first = witness.look(number);
        ASSERT_NE(first, 0u);
        witness.hold(number);
    }
    void TearDown() override { ::close(number); }
};

TEST_F(FileWitness, TheSameFileAtTheSameNumberHasOneName) {
    EXPECT_EQ(witness.look(number), first);
    EXPECT_EQ(witness.look(number), first);
    witness.drop(number);
}

TEST_F(FileWitness, ANumberThatMeansAnotherFileHasAnotherName) {
    ::close(number);
    ASSERT_EQ(make_event(), number);
    EXPECT_NE(witness.look(number), first);
    witness.drop(number);
}

TEST_F(FileWitness, AlsoWhereADuplicateKeepsTheFormerFile) {
    const int duplicate = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
    EXPECT_NE(witness.look(duplicate), first) << "another number";
    witness.hold(duplicate);
    ::close(number);
    ASSERT_EQ(make_event(), number);
    EXPECT_NE(witness.look(number), first);
    witness.drop(number);
    witness.drop(duplicate);
    ::close(duplicate);
}

TEST_F(FileWitness, WhatHasNoReadinessHasNoName) {
    ASSERT_EQ(::dup2(::open("/dev/null", O_RDONLY | O_CLOEXEC), number), number);
    EXPECT_EQ(witness.look(number), 0u);
    witness.drop(number);
    EXPECT_EQ(witness.look(number), 0u);
}

TEST_F(FileWitness, CostsADescriptorWhileANumberIsHeld) {
    const std::ptrdiff_t with = open_descriptors();
    witness.hold(number);
    witness.drop(number);
    EXPECT_EQ(open_descriptors(), with);
    witness.drop(number);
    EXPECT_EQ(open_descriptors(), with - 1);
    EXPECT_NE(witness.look(number), first);
    witness.hold(number);
    EXPECT_EQ(open_descriptors(), with);
    witness.drop(number);
}

TEST_F(FileWitness, ASetOfItsOwnKnowsTheSameNumbers) {
    witness.renew();
    EXPECT_EQ(witness.look(number), first);
    witness.drop(number);
}

} // namespace
