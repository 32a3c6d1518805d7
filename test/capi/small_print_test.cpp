// small_print: what the kernel does differently for a ring, as aura.h and doc/migrating.md say it.
#include "support.hpp"

#include <csignal>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

using namespace test;

namespace {

struct CSmallPrint : testing::Test {
    engine_ptr engine = make_engine(1);
    aura_engine_t* e() const { return engine.get(); }
    char data[16] = {};
};

struct file_size_limit {
    explicit file_size_limit(rlim_t bytes) {
        EXPECT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
        const rlimit now{bytes, before.rlim_max};
        EXPECT_EQ(::setrlimit(RLIMIT_FSIZE, &now), 0);
    }
    ~file_size_limit() { ::setrlimit(RLIMIT_FSIZE, &before); }
    file_size_limit(const file_size_limit&) = delete;
    rlimit before{};
};

} // namespace

TEST_F(CSmallPrint, AFifoIsOpenedAtOnce) {
    const scratch_file place;
    const std::string path = place.path() + ".fifo";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    ended writer, reader;
    ASSERT_TRUE(aura_openat(e(), AT_FDCWD, path.c_str(), O_WRONLY | O_CLOEXEC, 0, ended::note, &writer));
    EXPECT_EQ(finish(engine, writer), -ENXIO); // nobody reads
    ASSERT_TRUE(aura_openat(e(), AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC, 0, ended::note, &reader));
    const unique_fd fd(static_cast<int>(finish(engine, reader))); // nobody writes
    EXPECT_GE(fd.get(), 0);
    EXPECT_EQ(::fcntl(fd.get(), F_GETFL) & O_NONBLOCK, 0); // not asked for
    EXPECT_EQ(::unlink(path.c_str()), 0);
}

TEST_F(CSmallPrint, BeyondTheLimitOfFileSizesThereIsAnErrorAndNoSignal) {
    const scratch_file place;
    const unique_fd fd(::open(place.path().c_str(), O_WRONLY | O_CLOEXEC));
    const file_size_limit limit(8);
    ended part, none;
    ASSERT_TRUE(aura_write(e(), fd.get(), aura_buf(data), 16, 0, ended::note, &part));
    EXPECT_EQ(finish(engine, part), 8);
    ASSERT_TRUE(aura_write(e(), fd.get(), aura_buf(data), 16, 8, ended::note, &none));
    EXPECT_EQ(finish(engine, none), -EFBIG);
}

TEST_F(CSmallPrint, WaitAllWaitsForAllAndACancellationGivesWhatHadCome) {
    for (const int flags : {0, static_cast<int>(SOCK_NONBLOCK)}) {
        int fds[2];
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | flags, 0, fds), 0);
        const unique_fd a(fds[0]), b(fds[1]);
        ended whole, part;
        ASSERT_TRUE(aura_recv(e(), a.get(), data, 6, MSG_WAITALL, ended::note, &whole));
        ASSERT_EQ(aura_flush(e()), 0);
        ASSERT_EQ(::send(b.get(), "abc", 3, 0), 3);
        EXPECT_EQ(aura_wait(e(), 1), -ETIMEDOUT);
        ASSERT_EQ(::send(b.get(), "def", 3, 0), 3);
        EXPECT_EQ(finish(engine, whole), 6);
        EXPECT_EQ(std::string(data, 6), "abcdef");
        aura_request_t* const r = aura_recv(e(), a.get(), data, 6, MSG_WAITALL, ended::note, &part);
        ASSERT_EQ(aura_flush(e()), 0);
        ASSERT_EQ(::send(b.get(), "xyz", 3, 0), 3);
        EXPECT_EQ(aura_wait(e(), 1), -ETIMEDOUT);
        EXPECT_EQ(aura_cancel(e(), r), 0);
        EXPECT_EQ(finish(engine, part), 3);
        EXPECT_EQ(std::string(data, 3), "xyz");
    }
}

TEST_F(CSmallPrint, SignalsAreReadFromASignalfd) {
    sigset_t usr1{}, before{};
    ASSERT_EQ(::sigemptyset(&usr1), 0);
    ASSERT_EQ(::sigaddset(&usr1, SIGUSR1), 0);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &usr1, &before), 0);
    const unique_fd signals(::signalfd(-1, &usr1, SFD_CLOEXEC | SFD_NONBLOCK));
    signalfd_siginfo info{};
    ended read;
    ASSERT_TRUE(aura_read(e(), signals.get(), aura_buf(&info), sizeof info, AURA_CURRENT_POSITION,
                          ended::note, &read));
    EXPECT_EQ(aura_poll(e()), 0);
    // To this thread: the mask of others may not have it.
    EXPECT_EQ(::pthread_kill(::pthread_self(), SIGUSR1), 0);
    EXPECT_EQ(finish(engine, read), static_cast<ssize_t>(sizeof info));
    EXPECT_EQ(info.ssi_signo, static_cast<unsigned>(SIGUSR1));
    EXPECT_EQ(::pthread_sigmask(SIG_SETMASK, &before, nullptr), 0);
}
