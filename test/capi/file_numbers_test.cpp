// file_numbers: registered descriptors are found by their numbers, and go by these where the entry cannot be had.
#include "support.hpp"

#include <array>
#include <atomic>
#include <string>
#include <sys/uio.h>
#include <thread>

using namespace test;

namespace {

struct named_file {
    explicit named_file(char name) { EXPECT_EQ(::write(fd.get(), std::string(4, name).data(), 4), 4); }
    scratch_file file;
    unique_fd fd{::open(file.path().c_str(), O_RDWR | O_CLOEXEC)};
};

std::string text_of(const engine_ptr& e, int fd) {
    std::array<char, 4> data{};
    ended read;
    aura_request_t* const r =
        aura_read(e.get(), fd, aura_buf(data.data()), data.size(), 0, ended::note, &read);
    if (!r)
        return "errno " + std::to_string(errno);
    // Another thread may be in the last callback: 0 then.
    while (read.calls == 0)
        if (const int n = aura_wait(e.get(), 20000); n < 0)
            return "aura_wait: " + std::to_string(n);
    EXPECT_EQ(read.result, 4);
    return std::string(data.data(), data.size());
}

/// The number means another file, which nobody may do to one that is registered: whose content is read then tells by
/// what it was found.
void replace_behind_the_back(const unique_fd& number, const named_file& by) {
    ASSERT_EQ(::dup3(by.fd.get(), number.get(), O_CLOEXEC), number.get());
}

} // namespace

TEST(CFileNumbers, ADescriptorGoesByTheEntryThatHasIt) {
    const engine_ptr e = make_engine(1);
    const named_file a('A'), b('B');
    const int fds[] = {-1, a.fd.get()};
    ASSERT_EQ(aura_register_files(e.get(), fds, 2), 0);
    static char shown[1];
    EXPECT_EQ(aura_request_fd(aura_read(e.get(), fds[1], aura_buf(shown), 1, 0, nullptr, nullptr)), fds[1]);
    EXPECT_EQ(text_of(e, a.fd.get()), "AAAA");
    EXPECT_EQ(text_of(e, b.fd.get()), "BBBB");
    replace_behind_the_back(a.fd, b);
    EXPECT_EQ(text_of(e, a.fd.get()), "AAAA");

    std::array<char, 4> data{};
    const iovec part{data.data(), data.size()};
    ended readv, chained;
    ASSERT_TRUE(aura_readv(e.get(), a.fd.get(), &part, 1, 0, ended::note, &readv));
    EXPECT_EQ(finish(e, readv), 4);
    EXPECT_EQ(data[0], 'A');
    const aura_op_t ops[] = {aura_op_write(a.fd.get(), aura_buf("CC"), 2, 0, nullptr, nullptr),
                             aura_op_read(a.fd.get(), aura_buf(data.data()), 4, 0, ended::note, &chained)};
    ASSERT_TRUE(aura_submit_linked(e.get(), ops, 2, nullptr));
    EXPECT_EQ(finish(e, chained), 4);
    EXPECT_EQ(std::string(data.data(), 4), "CCAA");
    EXPECT_EQ(text_of(e, b.fd.get()), "BBBB");

    ASSERT_EQ(aura_unregister(e.get(), AURA_REG_FILES), 0);
    EXPECT_EQ(text_of(e, a.fd.get()), "BBBB");
}

TEST(CFileNumbers, AnEntryThatHasAnotherFileIsNotTaken) {
    const engine_ptr e = make_engine(1);
    const named_file a('A'), b('B');
    const int fd = a.fd.get();
    ASSERT_EQ(aura_register_files(e.get(), &fd, 1), 0);
    EXPECT_EQ(text_of(e, fd), "AAAA");
    ASSERT_EQ(aura_update_file(e.get(), 0, b.fd.get()), 0);
    EXPECT_EQ(text_of(e, fd), "AAAA");
    EXPECT_EQ(text_of(e, b.fd.get()), "BBBB");
    replace_behind_the_back(b.fd, a);
    EXPECT_EQ(text_of(e, b.fd.get()), "BBBB"); // the entry has it now
    ASSERT_EQ(aura_update_file(e.get(), 0, -1), 0);
    EXPECT_EQ(text_of(e, b.fd.get()), "AAAA");
    // A number that is larger than all before.
    const unique_fd high(::fcntl(fd, F_DUPFD_CLOEXEC, 900));
    ASSERT_EQ(aura_update_file(e.get(), 0, high.get()), 0);
    EXPECT_EQ(text_of(e, high.get()), "AAAA");
}

TEST(CFileNumbers, OneThatIsUpdatedMeanwhileGoesByItsNumber) {
    const engine_ptr e = make_engine(1);
    const named_file a('A'), b('B');
    const int fd = a.fd.get();
    ASSERT_EQ(aura_register_files(e.get(), &fd, 1), 0);
    std::array<char, 4> data{};
    ended read;
    ASSERT_TRUE(aura_read(e.get(), fd, aura_buf(data.data()), data.size(), 0, ended::note, &read));
    ASSERT_EQ(aura_update_file(e.get(), 0, b.fd.get()), 0); // nobody has submitted it yet
    EXPECT_EQ(finish(e, read), 4);
    EXPECT_EQ(std::string(data.data(), 4), "AAAA");
}

TEST(CFileNumbers, ATableThatEndsIsNoObstacle) {
    const engine_ptr e = make_engine(1);
    pipe_ends pipe;
    ASSERT_EQ(aura_register_files(e.get(), &pipe.read_end, 1), 0);
    char first = 0, second = 0;
    ended reading, late, over;
    ASSERT_TRUE(
        aura_read(e.get(), pipe.read_end, aura_buf(&first), 1, AURA_CURRENT_POSITION, ended::note, &reading));
    ASSERT_EQ(aura_poll(e.get()), 0);
    ASSERT_EQ(aura_unregister_async(e.get(), AURA_REG_FILES, ended::note, &over), 0);
    ASSERT_EQ(::write(pipe.write_end, "xy", 2), 2);
    EXPECT_EQ(finish(e, reading), 1);
    ASSERT_TRUE(
        aura_read(e.get(), pipe.read_end, aura_buf(&second), 1, AURA_CURRENT_POSITION, ended::note, &late));
    EXPECT_EQ(finish(e, late), 1);
    EXPECT_EQ(finish(e, over), 0);
    EXPECT_EQ(first, 'x');
    EXPECT_EQ(second, 'y');
}

TEST(CFileNumbers, ANumberThatIsClosedIsForgotten) {
    const engine_ptr e = make_engine(1);
    const named_file a('A'), b('B');
    const int number = ::fcntl(a.fd.get(), F_DUPFD_CLOEXEC, 0);
    ASSERT_EQ(aura_register_files(e.get(), &number, 1), 0);
    EXPECT_EQ(text_of(e, number), "AAAA");
    ended closed;
    ASSERT_TRUE(aura_close(e.get(), number, ended::note, &closed));
    EXPECT_EQ(finish(e, closed), 0);
    const unique_fd again(::dup3(b.fd.get(), number, O_CLOEXEC));
    ASSERT_EQ(again.get(), number);
    EXPECT_EQ(text_of(e, number), "BBBB");
}

TEST(CFileNumbers, OneThatIsForgottenStaysSoWhenTheTableGrows) {
    const engine_ptr e = make_engine(1);
    const named_file a('A'), b('B'), c('C');
    const int number = ::fcntl(a.fd.get(), F_DUPFD_CLOEXEC, 0);
    const unique_fd far(::fcntl(c.fd.get(), F_DUPFD_CLOEXEC, 500));
    const int files[] = {number, -1};
    ASSERT_EQ(aura_register_files(e.get(), files, 2), 0);
    ended closed;
    ASSERT_TRUE(aura_close(e.get(), number, ended::note, &closed));
    EXPECT_EQ(finish(e, closed), 0);
    const unique_fd again(::dup3(b.fd.get(), number, O_CLOEXEC));
    ASSERT_EQ(again.get(), number);
    ASSERT_EQ(aura_update_file(e.get(), 1, far.get()), 0); // a larger number than any before
    EXPECT_EQ(text_of(e, far.get()), "CCCC");
    EXPECT_EQ(text_of(e, number), "BBBB");
}

// The file was found, the buffer was asked for: its registration has ended when the turn of the read comes.
TEST(CFileNumbers, ABufferThatWasAskedForIsNotMemoryLikeAnyOther) {
    const engine_ptr e = make_engine(1);
    const named_file a('A');
    const int number = a.fd.get();
    pipe_ends pipe;
    char memory[64] = {}, letter = 0;
    const iovec buffer{memory, sizeof memory};
    ASSERT_EQ(aura_register_buffers(e.get(), &buffer, 1), 0);
    ASSERT_EQ(aura_register_files(e.get(), &number, 1), 0);
    ended first, second;
    const aura_op_t chain[] = {
        aura_op_read(pipe.read_end, aura_buf(&letter), 1, AURA_CURRENT_POSITION, ended::note, &first),
        aura_op_read(number, aura_buf_fixed(0, 0), 4, 0, ended::note, &second)};
    ASSERT_TRUE(aura_submit_linked(e.get(), chain, 2, nullptr));
    ASSERT_EQ(aura_poll(e.get()), 0);
    ASSERT_EQ(aura_unregister(e.get(), AURA_REG_BUFFERS), 0);
    ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
    EXPECT_EQ(finish(e, first), 1);
    EXPECT_EQ(finish(e, second), -ENOENT);
    EXPECT_EQ(memory[0], 0);
}

TEST(CFileNumbers, AreReadWhileTablesComeAndGo) {
    const engine_ptr e = make_engine(2);
    const named_file a('A'), b('B');
    std::atomic<bool> over{false};
    std::thread reader([&] {
        do
            EXPECT_EQ(text_of(e, a.fd.get()), "AAAA");
        while (!over);
    });
    for (int i = 0; i < 100; ++i) {
        const int fds[] = {a.fd.get(), b.fd.get()};
        EXPECT_EQ(aura_register_files(e.get(), fds, 2), 0);
        EXPECT_EQ(aura_update_file(e.get(), 0, b.fd.get()), 0);
        EXPECT_EQ(text_of(e, b.fd.get()), "BBBB");
        EXPECT_EQ(aura_update_file(e.get(), 1, a.fd.get()), 0);
        EXPECT_EQ(aura_unregister(e.get(), AURA_REG_FILES), 0);
    }
    over = true;
    reader.join();
}
