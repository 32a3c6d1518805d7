// extremes: arguments that are far out of range are refused, and what the kernel cuts or cannot take at once
// is right.
#include "support.hpp"

#include <climits>
#include <cstdint>
#include <limits>
#include <sys/socket.h>
#include <vector>

using namespace test;

namespace {

struct CExtremes : testing::Test {
    engine_ptr engine = make_engine(1);
    aura_engine_t* e() const { return engine.get(); }
    char data[16] = {};
};

bool refused(const void* p, int error) {
    EXPECT_EQ(p, nullptr);
    EXPECT_EQ(errno, error);
    return p == nullptr;
}

} // namespace

TEST_F(CExtremes, BuffersOfImpossibleSizesAreRefused) {
    for (const std::size_t size :
         {SIZE_MAX, SIZE_MAX - 4095, SIZE_MAX - 4096, SIZE_MAX / 2, std::size_t{1} << 60})
        EXPECT_TRUE(refused(aura_buffer_alloc(e(), size), ENOMEM)) << size;
    void* const buffer = aura_buffer_alloc(e(), 1);
    EXPECT_NE(buffer, nullptr);
    aura_buffer_free(e(), buffer);
}

TEST_F(CExtremes, AChainOfImpossibleLengthIsRefused) {
    const aura_op_t op = aura_op_fsync(0, nullptr, nullptr);
    for (const std::size_t count : {SIZE_MAX, SIZE_MAX / 2})
        EXPECT_TRUE(refused(aura_submit_linked(e(), &op, count, nullptr), ENOMEM));
}

TEST_F(CExtremes, LengthsAreCutToWhatTheKernelMoves) {
    const unique_fd nowhere(::open("/dev/null", O_RDWR | O_CLOEXEC));
    for (const std::size_t length : {std::size_t{INT_MAX}, std::size_t{UINT_MAX} + 1, SIZE_MAX}) {
        ended written, read;
        ASSERT_TRUE(aura_write(e(), nowhere.get(), aura_buf(data), length, 0, ended::note, &written));
        EXPECT_EQ(finish(engine, written), 0x7ffff000); // it looks at no byte
        ASSERT_TRUE(aura_read(e(), nowhere.get(), aura_buf(data), length, 0, ended::note, &read));
        EXPECT_EQ(finish(engine, read), 0);
    }
}

TEST_F(CExtremes, NegativeNumbersAreRefused) {
    const iovec v{data, sizeof data};
    struct statx status;
    for (const int fd : {-1, -65536}) { // those below stand for registered files
        EXPECT_TRUE(refused(aura_read(e(), fd, aura_buf(data), 1, 0, nullptr, nullptr), EBADF));
        EXPECT_TRUE(refused(aura_writev(e(), fd, &v, 1, 0, nullptr, nullptr), EBADF));
        EXPECT_TRUE(refused(aura_close(e(), fd, nullptr, nullptr), EBADF));
        EXPECT_TRUE(refused(aura_recv(e(), fd, data, 1, 0, nullptr, nullptr), EBADF));
        EXPECT_TRUE(refused(aura_accept(e(), fd, nullptr, nullptr, 0, nullptr, nullptr), EBADF));
    }
    for (const off_t offset : {off_t{-2}, std::numeric_limits<off_t>::min()}) {
        EXPECT_TRUE(refused(aura_write(e(), 1, aura_buf(data), 1, offset, nullptr, nullptr), EINVAL));
        EXPECT_TRUE(refused(aura_readv(e(), 1, &v, 1, offset, nullptr, nullptr), EINVAL));
        EXPECT_TRUE(refused(aura_ftruncate(e(), 1, offset, nullptr, nullptr), EINVAL));
        EXPECT_TRUE(refused(aura_fallocate(e(), 1, 0, offset, 1, nullptr, nullptr), EINVAL));
        EXPECT_TRUE(refused(aura_sync_file_range(e(), 1, 0, offset, 0, nullptr, nullptr), EINVAL));
    }
    for (const int count : {-1, INT_MIN, IOV_MAX + 1, INT_MAX})
        EXPECT_TRUE(refused(aura_readv(e(), 1, &v, count, 0, nullptr, nullptr), EINVAL));
    EXPECT_TRUE(refused(aura_statx(e(), AT_FDCWD, nullptr, 0, 0, &status, nullptr, nullptr), EINVAL));
    ended stat; // a number for a directory is the kernel's to judge, as an absolute path needs none
    ASSERT_TRUE(aura_statx(e(), -1, "relative", 0, STATX_SIZE, &status, ended::note, &stat));
    EXPECT_EQ(finish(engine, stat), -EBADF);
}

/// The kernel tries a send again by itself when the receiver's queue was full, with nothing left to send.
TEST_F(CExtremes, DatagramsToASlowReceiverArriveWhole) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds), 0);
    const unique_fd sender(fds[0]), receiver(fds[1]);
    std::vector<ended> sent(200);
    for (ended& s : sent)
        ASSERT_TRUE(aura_send(e(), sender.get(), "hello", 5, MSG_NOSIGNAL, ended::note, &s));
    for (std::size_t received = 0; received < sent.size(); ++received) {
        ssize_t length = -1;
        while ((length = ::recv(receiver.get(), data, sizeof data, MSG_DONTWAIT)) < 0)
            ASSERT_GE(aura_wait(e(), 20000), 1) << received;
        ASSERT_EQ(length, 5) << received;
        EXPECT_EQ(std::string(data, 5), "hello");
    }
    EXPECT_GE(aura_drain(e(), 20000), 0);
    for (const ended& s : sent)
        EXPECT_EQ(s.result, 5);
}
