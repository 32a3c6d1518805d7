// file_tables: which table of registered files an operation means.
#include "support.hpp"

#include <array>
#include <string>

using namespace test;

namespace {

/// A file with its name in it.
struct named_file {
    explicit named_file(char name) { EXPECT_EQ(::write(fd.get(), std::string(4, name).data(), 4), 4); }
    scratch_file file;
    unique_fd fd{::open(file.path().c_str(), O_RDWR | O_CLOEXEC)};
};

int register_one(const engine_ptr& e, const named_file& f) {
    const int fd = f.fd.get();
    return aura_register_files(e.get(), &fd, 1);
}

/// What an entry has, or the errno as text.
std::string text_of(const engine_ptr& e, int entry) {
    std::array<char, 4> data{};
    ended read;
    if (!aura_read(e.get(), entry, aura_buf(data.data()), data.size(), 0, ended::note, &read))
        return "errno " + std::to_string(errno);
    EXPECT_EQ(finish(e, read), 4);
    return std::string(data.data(), data.size());
}

const std::string gone = "errno " + std::to_string(ENOENT);

} // namespace

TEST(CFileTables, AnOperationThatNamesItsTableReachesNoOther) {
    const engine_ptr one = make_engine(2), two = make_engine(1);
    const named_file a('A'), b('B');
    EXPECT_EQ(aura_get_fixed_file(one.get(), 0), -1);
    EXPECT_EQ(errno, ENOENT);
    ASSERT_EQ(register_one(one, a), 0);
    const int first = aura_get_fixed_file(one.get(), 0);
    EXPECT_LT(first, -65536);
    EXPECT_EQ(text_of(one, first), "AAAA");
    EXPECT_EQ(text_of(two, first), gone);
    ASSERT_EQ(register_one(two, b), 0);
    EXPECT_EQ(text_of(two, first), gone);
    EXPECT_EQ(text_of(two, AURA_FIXED_FILE), "BBBB");

    ASSERT_EQ(aura_unregister(one.get(), AURA_REG_FILES), 0);
    EXPECT_EQ(aura_get_fixed_file(one.get(), 0), -1);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(text_of(one, first), gone);
    ASSERT_EQ(register_one(one, b), 0);
    EXPECT_EQ(text_of(one, first), gone);
    EXPECT_EQ(text_of(one, aura_get_fixed_file(one.get(), 0)), "BBBB");
    EXPECT_EQ(text_of(one, AURA_FIXED_FILE), "BBBB");

    // A chain is refused as a whole.
    char data[4];
    const aura_op_t ops[] = {aura_op_fsync(b.fd.get(), nullptr, nullptr),
                             aura_op_read(first, aura_buf(data), sizeof data, 0, nullptr, nullptr)};
    EXPECT_EQ(aura_submit_linked(one.get(), ops, 2, nullptr), nullptr);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(aura_fsync(one.get(), first, nullptr, nullptr), nullptr);
    EXPECT_EQ(errno, ENOENT);
}

TEST(CFileTables, ATableThatIsEndingIsBusyAndAnotherIsNot) {
    const engine_ptr e = make_engine(1);
    const named_file a('A');
    pipe_ends pipe;
    ASSERT_EQ(register_one(e, a), 0);
    const int old = aura_get_fixed_file(e.get(), 0);
    ASSERT_EQ(aura_unregister(e.get(), AURA_REG_FILES), 0);
    ASSERT_EQ(aura_register_files(e.get(), &pipe.read_end, 1), 0);
    const int now = aura_get_fixed_file(e.get(), 0);
    EXPECT_NE(now, old);
    ended reading, over;
    char data[1];
    ASSERT_TRUE(aura_read(e.get(), now, aura_buf(data), 1, AURA_CURRENT_POSITION, ended::note, &reading));
    ASSERT_EQ(aura_unregister_async(e.get(), AURA_REG_FILES, ended::note, &over), 0);
    EXPECT_EQ(text_of(e, now), "errno " + std::to_string(EBUSY));
    EXPECT_EQ(text_of(e, old), gone);
    ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
    EXPECT_EQ(finish(e, reading), 1);
    EXPECT_EQ(finish(e, over), 0);
}

TEST(CFileTables, WhatIsNoEntryHasNoNumber) {
    const engine_ptr e = make_engine(1);
    const named_file a('A');
    EXPECT_EQ(aura_get_fixed_file(nullptr, 0), -1);
    EXPECT_EQ(errno, EINVAL);
    ASSERT_EQ(register_one(e, a), 0);
    EXPECT_EQ(aura_get_fixed_file(e.get(), -1), -1);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(aura_get_fixed_file(e.get(), 1), -1);
    EXPECT_EQ(errno, ENOENT);
}

TEST(CFileTables, EntriesOfManyTablesHaveDifferentNumbers) {
    const engine_ptr e = make_engine(1);
    const named_file a('A');
    const int fds[] = {a.fd.get(), a.fd.get(), a.fd.get()};
    int last = AURA_FIXED_FILE;
    for (int i = 0; i < 100; ++i) {
        ASSERT_EQ(aura_register_files(e.get(), fds, 3), 0);
        const int first = aura_get_fixed_file(e.get(), 0);
        EXPECT_GT(first, last);
        last = aura_get_fixed_file(e.get(), 2);
        EXPECT_EQ(last, first + 2);
        EXPECT_EQ(text_of(e, last), "AAAA");
        ASSERT_EQ(aura_unregister(e.get(), AURA_REG_FILES), 0);
    }
}
