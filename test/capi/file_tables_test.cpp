// file_tables: which table of registered files an operation means.
#include "support.hpp"

#include <array>
#include <string>

using namespace aura_test;

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

/// What entry 0 has, or the errno as text.
std::string text_of(const engine_ptr& e, unsigned flags) {
    std::array<char, 4> data{};
    ended read;
    if (!aura_read_ex(e.get(), 0, aura_buf(data.data()), data.size(), 0, flags, ended::note, &read))
        return "errno " + std::to_string(errno);
    EXPECT_EQ(finish(e, read), 4);
    return std::string(data.data(), data.size());
}

const std::string gone = "errno " + std::to_string(ENOENT);

} // namespace

TEST(CFileTables, AnOperationThatNamesItsTableReachesNoOther) {
    const engine_ptr one = make_engine(2), two = make_engine(1);
    const named_file a('A'), b('B');
    EXPECT_EQ(aura_fixed_file_flags(one.get()), 0u);
    ASSERT_EQ(register_one(one, a), 0);
    const unsigned first = aura_fixed_file_flags(one.get());
    EXPECT_EQ(first & 15u, AURA_FIXED_FILE);
    EXPECT_EQ(text_of(one, first), "AAAA");
    EXPECT_EQ(text_of(two, first), gone);
    ASSERT_EQ(register_one(two, b), 0);
    EXPECT_EQ(text_of(two, first), gone);
    EXPECT_EQ(text_of(two, AURA_FIXED_FILE), "BBBB");

    ASSERT_EQ(aura_unregister(one.get(), AURA_REG_FILES), 0);
    EXPECT_EQ(aura_fixed_file_flags(one.get()), 0u);
    EXPECT_EQ(text_of(one, first), gone);
    ASSERT_EQ(register_one(one, b), 0);
    EXPECT_EQ(text_of(one, first), gone);
    EXPECT_EQ(text_of(one, aura_fixed_file_flags(one.get())), "BBBB");
    EXPECT_EQ(text_of(one, AURA_FIXED_FILE), "BBBB");

    // A chain is refused as a whole.
    char data[4];
    aura_op_t ops[] = {aura_op_fsync(b.fd.get(), nullptr, nullptr),
                       aura_op_read(0, aura_buf(data), sizeof data, 0, nullptr, nullptr)};
    ops[1].flags = first;
    EXPECT_EQ(aura_submit_linked(one.get(), ops, 2, nullptr), nullptr);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_EQ(aura_fsync_ex(one.get(), 0, first, nullptr, nullptr), nullptr);
    EXPECT_EQ(errno, ENOENT);
}

TEST(CFileTables, ATableThatIsEndingIsBusyAndAnotherIsNot) {
    const engine_ptr e = make_engine(1);
    const named_file a('A');
    pipe_ends pipe;
    ASSERT_EQ(register_one(e, a), 0);
    const unsigned old = aura_fixed_file_flags(e.get());
    ASSERT_EQ(aura_unregister(e.get(), AURA_REG_FILES), 0);
    ASSERT_EQ(aura_register_files(e.get(), &pipe.read_end, 1), 0);
    const unsigned now = aura_fixed_file_flags(e.get());
    EXPECT_NE(now, old);
    ended reading, over;
    char data[1];
    ASSERT_TRUE(
        aura_read_ex(e.get(), 0, aura_buf(data), 1, AURA_CURRENT_POSITION, now, ended::note, &reading));
    ASSERT_EQ(aura_request_unregister(e.get(), AURA_REG_FILES, ended::note, &over), 0);
    EXPECT_EQ(text_of(e, now), "errno " + std::to_string(EBUSY));
    EXPECT_EQ(text_of(e, old), gone);
    ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
    EXPECT_EQ(finish(e, reading), 1);
    EXPECT_EQ(finish(e, over), 0);
}

TEST(CFileTables, OtherFlagsAreRefused) {
    const engine_ptr e = make_engine(1);
    const named_file a('A');
    EXPECT_EQ(aura_fixed_file_flags(nullptr), 0u);
    ASSERT_EQ(register_one(e, a), 0);
    const unsigned flags = aura_fixed_file_flags(e.get());
    for (const unsigned wrong : {flags | 2u, flags | 8u, flags & ~AURA_FIXED_FILE, 2u})
        EXPECT_EQ(text_of(e, wrong), "errno " + std::to_string(EINVAL));
}
