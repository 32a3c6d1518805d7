// requests: handles, cancellation, introspection, linked operations.
#include "support.hpp"

#include <cstdlib>
#include <set>
#include <sys/mman.h>
#include <termios.h>
#include <thread>
#include <vector>

using namespace test;

namespace {

struct CRequests : testing::Test {
    engine_ptr engine = make_engine();
    pipe_ends pipe;
    char data[16];
    ended done;

    aura_engine_t* e() const { return engine.get(); }
    aura_request_t* start_read(ended& x) {
        aura_request_t* r = aura_read(e(), pipe.read_end, aura_buf(data), sizeof data, 0, ended::note, &x);
        EXPECT_NE(r, nullptr);
        return r;
    }
};

} // namespace

TEST_F(CRequests, SayWhatTheyAre) {
    aura_request_t* r = start_read(done);
    EXPECT_TRUE(aura_request_pending(r));
    EXPECT_EQ(aura_request_fd(r), pipe.read_end);
    EXPECT_EQ(aura_request_user_data(r), &done);
    EXPECT_EQ(aura_request_op_type(r), AURA_OP_READ);
    aura_request_t* t = aura_timeout(e(), 1, nullptr, nullptr);
    EXPECT_EQ(aura_request_fd(t), -1);
    EXPECT_EQ(aura_request_op_type(t), AURA_OP_TIMEOUT);
    EXPECT_EQ(aura_cancel(e(), r), 0);
    EXPECT_EQ(finish(engine, done), -ECANCELED);
}

TEST_F(CRequests, SayWhatTheyAreInTheirCallback) {
    struct seen {
        int fd = -2, type = -2;
        bool pending = true, in_callback = false, same = false;
        int cancelled = 1;
        aura_engine_t* engine = nullptr;
        aura_request_t* expected = nullptr;
    } s;
    s.engine = e();
    ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
    s.expected = aura_read(
        e(), pipe.read_end, aura_buf(data), 1, 0,
        [](aura_request_t* r, ssize_t, void* p) {
            auto& self = *static_cast<seen*>(p);
            self.fd = aura_request_fd(r);
            self.type = aura_request_op_type(r);
            self.pending = aura_request_pending(r);
            self.same = r == self.expected && aura_request_user_data(r) == p;
            self.cancelled = aura_cancel(self.engine, r);
            self.in_callback = aura_in_callback_context();
        },
        &s);
    EXPECT_EQ(aura_wait(e(), -1), 1);
    EXPECT_EQ(s.fd, pipe.read_end);
    EXPECT_EQ(s.type, AURA_OP_READ);
    EXPECT_FALSE(s.pending);
    EXPECT_TRUE(s.same);
    EXPECT_EQ(s.cancelled, -ENOENT);
    EXPECT_TRUE(s.in_callback);
    EXPECT_FALSE(aura_in_callback_context());
}

TEST_F(CRequests, SayNothingOnceTheyHaveEnded) {
    ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
    aura_request_t* r = start_read(done);
    EXPECT_EQ(finish(engine, done), 1);
    EXPECT_EQ(done.request, r);
    EXPECT_FALSE(aura_request_pending(r));
    EXPECT_EQ(aura_request_fd(r), -1);
    EXPECT_EQ(aura_request_user_data(r), nullptr);
    EXPECT_EQ(aura_request_op_type(r), -1);
    errno = 0;
    EXPECT_EQ(aura_cancel(e(), r), -ENOENT);
    EXPECT_EQ(errno, ENOENT);
}

TEST_F(CRequests, OfNothing) {
    EXPECT_FALSE(aura_request_pending(nullptr));
    EXPECT_EQ(aura_request_fd(nullptr), -1);
    EXPECT_EQ(aura_request_user_data(nullptr), nullptr);
    EXPECT_EQ(aura_request_op_type(nullptr), -1);
    EXPECT_EQ(aura_cancel(e(), nullptr), -EINVAL);
    EXPECT_EQ(aura_cancel(nullptr, nullptr), -EINVAL);
    auto* made_up = reinterpret_cast<aura_request_t*>(~std::uintptr_t{0});
    EXPECT_FALSE(aura_request_pending(made_up));
    EXPECT_EQ(aura_cancel(e(), made_up), -ENOENT);
}

TEST_F(CRequests, AreNeverTheSameTwice) {
    std::set<aura_request_t*> seen;
    for (int i = 0; i < 1000; ++i) {
        ended x;
        aura_request_t* r = aura_timeout(e(), 0, ended::note, &x);
        EXPECT_TRUE(seen.insert(r).second);
        EXPECT_EQ(finish(engine, x), 0);
    }
}

TEST_F(CRequests, CancelHitsOnlyItsOwn) {
    ended first, second;
    aura_request_t* a = start_read(first);
    EXPECT_EQ(aura_poll(e()), 0);
    EXPECT_EQ(aura_cancel(e(), a), 0);
    EXPECT_EQ(finish(engine, first), -ECANCELED);
    aura_request_t* b = start_read(second); // most likely in the same slot
    EXPECT_EQ(aura_cancel(e(), a), -ENOENT);
    EXPECT_EQ(aura_wait(e(), 0), -ETIMEDOUT);
    EXPECT_TRUE(aura_request_pending(b));
    ASSERT_EQ(::write(pipe.write_end, "y", 1), 1);
    EXPECT_EQ(finish(engine, second), 1);
}

TEST_F(CRequests, CancelBeforeSubmission) {
    aura_request_t* r = start_read(done);
    EXPECT_EQ(aura_cancel(e(), r), 0);
    ASSERT_EQ(::write(pipe.write_end, "z", 1), 1);
    EXPECT_EQ(finish(engine, done), -ECANCELED);
    EXPECT_EQ(::read(pipe.read_end, data, 1), 1); // it consumed nothing
}

TEST_F(CRequests, CancelTwice) {
    aura_request_t* r = start_read(done);
    EXPECT_EQ(aura_poll(e()), 0);
    EXPECT_EQ(aura_cancel(e(), r), 0);
    const int again = aura_cancel(e(), r); // it may have ended in between
    EXPECT_TRUE(again == 0 || again == -ENOENT) << again;
    EXPECT_EQ(finish(engine, done), -ECANCELED);
}

TEST_F(CRequests, CancelOfAnotherEngineIsRefused) {
    const engine_ptr other = make_engine();
    aura_request_t* r = start_read(done);
    EXPECT_EQ(aura_cancel(other.get(), r), -EINVAL);
    EXPECT_EQ(aura_cancel(e(), r), 0);
    EXPECT_EQ(finish(engine, done), -ECANCELED);
}

TEST_F(CRequests, CancelInACallback) {
    struct both {
        aura_engine_t* engine;
        aura_request_t* victim;
    } b{e(), start_read(done)};
    EXPECT_EQ(aura_poll(e()), 0);
    ASSERT_NE(aura_timeout(
                  e(), 0,
                  [](aura_request_t*, ssize_t, void* p) {
                      auto& self = *static_cast<both*>(p);
                      EXPECT_EQ(aura_cancel(self.engine, self.victim), 0);
                  },
                  &b),
              nullptr);
    EXPECT_EQ(finish(engine, done), -ECANCELED);
}

TEST_F(CRequests, CancelWhileAnotherThreadWaits) {
    aura_request_t* r = start_read(done);
    std::thread waiter([&] {
        while (done.calls == 0)
            EXPECT_GE(aura_wait(e(), 20000), 1);
    });
    EXPECT_EQ(aura_cancel(e(), r), 0);
    waiter.join();
    EXPECT_EQ(done.result, -ECANCELED);
}

TEST_F(CRequests, CancelATimeout) {
    aura_request_t* t = aura_timeout(e(), 3'600'000'000'000u, ended::note, &done);
    EXPECT_EQ(aura_poll(e()), 0);
    EXPECT_EQ(aura_cancel(e(), t), 0);
    EXPECT_EQ(finish(engine, done), -ECANCELED);
    EXPECT_EQ(aura_cancel(e(), t), -ENOENT);
}

TEST_F(CRequests, CancelATimeoutBeforeItReachedItsRing) {
    aura_request_t* t = aura_timeout(e(), 3'600'000'000'000u, ended::note, &done);
    EXPECT_EQ(aura_cancel(e(), t), 0);
    EXPECT_EQ(finish(engine, done), -ECANCELED);
}

TEST_F(CRequests, ManyAtOnce) {
    constexpr int count = 20000; // more than the queues have entries
    std::vector<ended> all(count);
    for (ended& x : all)
        ASSERT_NE(aura_timeout(e(), 0, ended::note, &x), nullptr);
    EXPECT_EQ(aura_drain(e(), -1), count);
    for (const ended& x : all)
        EXPECT_EQ(x.result, 0);
}

// ---- linked ----

namespace {

struct CLinked : CRequests {
    scratch_file file{4096};
    unique_fd fd{::open(file.path().c_str(), O_RDWR | O_CLOEXEC)};
    ended a, b, c;
};

} // namespace

TEST_F(CLinked, RunInOrder) {
    aura_request_t* handles[3] = {};
    const aura_op_t ops[] = {aura_op_write(fd.get(), aura_buf("abc"), 3, 0, ended::note, &a),
                             aura_op_fsync(fd.get(), ended::note, &b),
                             aura_op_read(fd.get(), aura_buf(data), 3, 0, ended::note, &c)};
    EXPECT_EQ(aura_submit_linked(e(), ops, 3, handles), handles[2]);
    EXPECT_EQ(aura_request_op_type(handles[1]), AURA_OP_FSYNC);
    EXPECT_TRUE(aura_request_pending(handles[2]));
    EXPECT_EQ(aura_drain(e(), -1), 3);
    EXPECT_EQ(a.result, 3);
    EXPECT_EQ(b.result, 0);
    EXPECT_EQ(c.result, 3);
    EXPECT_EQ(std::string(data, 3), "abc");
    EXPECT_FALSE(aura_request_pending(handles[2]));
}

TEST_F(CLinked, AFailureCancelsTheRest) {
    const aura_op_t ops[] = {aura_op_fsync(1 << 20, ended::note, &a),
                             aura_op_fsync(fd.get(), ended::note, &b),
                             aura_op_fsync(fd.get(), ended::note, &c)};
    ASSERT_NE(aura_submit_linked(e(), ops, 3, nullptr), nullptr);
    EXPECT_EQ(aura_drain(e(), -1), 3);
    EXPECT_EQ(a.result, -EBADF);
    EXPECT_EQ(b.result, -ECANCELED);
    EXPECT_EQ(c.result, -ECANCELED);
}

TEST_F(CLinked, AShortReadCancelsTheRest) {
    const aura_op_t ops[] = {aura_op_read(fd.get(), aura_buf(data), 16, 4090, ended::note, &a),
                             aura_op_fsync(fd.get(), ended::note, &b)};
    ASSERT_NE(aura_submit_linked(e(), ops, 2, nullptr), nullptr);
    EXPECT_EQ(aura_drain(e(), -1), 2);
    EXPECT_EQ(a.result, 6);
    EXPECT_EQ(b.result, -ECANCELED);
}

TEST_F(CLinked, AWriteOfMoreThanTheKernelMovesAtOnceCancelsTheRest) {
    constexpr std::size_t length = std::size_t{3} << 30, most = 0x7ffff000;
    void* const memory =
        ::mmap(nullptr, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    const unique_fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC)); // looks at no byte
    for (const std::size_t n : {length, most + 1, most}) {
        ended first, second;
        const aura_op_t ops[] = {aura_op_write(nowhere.get(), aura_buf(memory), n, 0, ended::note, &first),
                                 aura_op_fdatasync(fd.get(), ended::note, &second)};
        ASSERT_NE(aura_submit_linked(e(), ops, 2, nullptr), nullptr);
        EXPECT_EQ(aura_drain(e(), -1), 2);
        EXPECT_EQ(first.result, static_cast<ssize_t>(most));
        EXPECT_EQ(second.result, n == most ? 0 : -ECANCELED);
    }
    EXPECT_EQ(::munmap(memory, length), 0);
}

TEST_F(CLinked, AShortVectorCancelsTheRest) {
    const iovec v[] = {{data, 8}, {data + 8, 8}};
    const aura_op_t whole[] = {aura_op_readv(fd.get(), v, 2, 0, ended::note, &a),
                               aura_op_fdatasync(fd.get(), ended::note, &b)};
    ASSERT_NE(aura_submit_linked(e(), whole, 2, nullptr), nullptr);
    EXPECT_EQ(aura_drain(e(), -1), 2);
    EXPECT_EQ(a.result, 16);
    EXPECT_EQ(b.result, 0);
    ended d, f;
    const aura_op_t cut[] = {aura_op_readv(fd.get(), v, 2, 4086, ended::note, &d),
                             aura_op_fdatasync(fd.get(), ended::note, &f)};
    ASSERT_NE(aura_submit_linked(e(), cut, 2, nullptr), nullptr);
    EXPECT_EQ(aura_drain(e(), -1), 2);
    EXPECT_EQ(d.result, 10);
    EXPECT_EQ(f.result, -ECANCELED);
}

TEST_F(CLinked, TruncateWriteVectorClose) {
    const unique_fd copy(::dup(fd.get()));
    char text[] = "end";
    const iovec v{text, 3};
    const int second = ::dup(fd.get());
    const aura_op_t ops[] = {aura_op_ftruncate(fd.get(), 0, ended::note, &a),
                             aura_op_writev(fd.get(), &v, 1, 0, ended::note, &b),
                             aura_op_close(second, ended::note, &c)};
    ASSERT_NE(aura_submit_linked(e(), ops, 3, nullptr), nullptr);
    EXPECT_EQ(aura_drain(e(), -1), 3);
    EXPECT_EQ(a.result, 0);
    EXPECT_EQ(b.result, 3);
    EXPECT_EQ(c.result, 0);
    EXPECT_EQ(::lseek(copy.get(), 0, SEEK_END), 3);
    EXPECT_EQ(::fcntl(second, F_GETFD), -1);
}

TEST_F(CLinked, TheFirstCanBeCancelled) {
    aura_request_t* handles[2];
    const aura_op_t ops[] = {aura_op_read(pipe.read_end, aura_buf(data), 1, 0, ended::note, &a),
                             aura_op_fsync(fd.get(), ended::note, &b)};
    ASSERT_NE(aura_submit_linked(e(), ops, 2, handles), nullptr);
    EXPECT_EQ(aura_poll(e()), 0);
    EXPECT_EQ(aura_cancel(e(), handles[0]), 0);
    EXPECT_EQ(aura_drain(e(), -1), 2);
    EXPECT_EQ(a.result, -ECANCELED);
    EXPECT_EQ(b.result, -ECANCELED);
}

TEST_F(CLinked, OneThatWaitsCanBeCancelled) {
    aura_request_t* handles[3];
    const aura_op_t ops[] = {aura_op_read(pipe.read_end, aura_buf(data), 1, 0, ended::note, &a),
                             aura_op_fsync(fd.get(), ended::note, &b),
                             aura_op_fsync(fd.get(), ended::note, &c)};
    ASSERT_NE(aura_submit_linked(e(), ops, 3, handles), nullptr);
    EXPECT_EQ(aura_poll(e()), 0);
    EXPECT_EQ(aura_cancel(e(), handles[1]), 0);
    ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
    EXPECT_EQ(aura_drain(e(), -1), 3);
    EXPECT_EQ(a.result, 1);
    EXPECT_EQ(b.result, -ECANCELED);
    EXPECT_EQ(c.result, -ECANCELED);
}

TEST_F(CLinked, AllOrNoneAreStarted) {
    const aura_op_t ops[] = {aura_op_fsync(fd.get(), ended::note, &a), aura_op_fsync(-1, ended::note, &b)};
    errno = 0;
    EXPECT_EQ(aura_submit_linked(e(), ops, 2, nullptr), nullptr);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(aura_submit_linked(e(), ops, 0, nullptr), nullptr);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(aura_submit_linked(e(), nullptr, 1, nullptr), nullptr);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(aura_submit_linked(nullptr, ops, 1, nullptr), nullptr);
    EXPECT_EQ(errno, EINVAL);
    aura_op_t strange = aura_op_fsync(fd.get(), nullptr, nullptr);
    strange.type = AURA_OP_TIMEOUT;
    EXPECT_EQ(aura_submit_linked(e(), &strange, 1, nullptr), nullptr);
    EXPECT_EQ(errno, EINVAL);
    EXPECT_EQ(aura_drain(e(), -1), 0);
    EXPECT_EQ(a.calls, 0);
}

TEST_F(CRequests, AFullTerminalHoldsNobody) {
    const unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    char name[64];
    if (master.get() < 0 || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
        ::ptsname_r(master.get(), name, sizeof name) != 0)
        GTEST_SKIP() << "no pseudo-terminal to be had here";
    const unique_fd slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios settings;
    ASSERT_EQ(::tcgetattr(slave.get(), &settings), 0);
    ::cfmakeraw(&settings);
    ASSERT_EQ(::tcsetattr(slave.get(), TCSANOW, &settings), 0);
    const std::string big(200000, 'q');
    ended write, timeout;
    aura_request_t* const r = aura_write(e(), slave.get(), aura_buf(const_cast<char*>(big.data())),
                                         big.size(), 0, ended::note, &write);
    ASSERT_NE(aura_timeout(e(), 20'000'000, ended::note, &timeout), nullptr);
    finish(engine, timeout);
    if (aura_get_backend(e()) == AURA_BACKEND_URING) {
        EXPECT_EQ(write.calls, 0) << "it waits for room";
        EXPECT_EQ(aura_cancel(e(), r), 0);
    } // else it is short, as a write that does not wait
    const ssize_t n = finish(engine, write);
    EXPECT_TRUE(n == -ECANCELED || (n > 0 && n < static_cast<ssize_t>(big.size()))) << n;
}

TEST_F(CRequests, AReadOfATerminalAtWhichNobodyTypesIsCancelled) {
    const unique_fd master(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    char name[64];
    if (master.get() < 0 || ::grantpt(master.get()) != 0 || ::unlockpt(master.get()) != 0 ||
        ::ptsname_r(master.get(), name, sizeof name) != 0)
        GTEST_SKIP() << "no pseudo-terminal to be had here";
    const unique_fd slave(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios settings;
    ASSERT_EQ(::tcgetattr(slave.get(), &settings), 0);
    ::cfmakeraw(&settings);
    ASSERT_EQ(::tcsetattr(slave.get(), TCSANOW, &settings), 0);
    const auto read = [&](ended& x) {
        aura_request_t* const r =
            aura_read(e(), slave.get(), aura_buf(data), sizeof data, AURA_CURRENT_POSITION, ended::note, &x);
        EXPECT_NE(r, nullptr);
        ended passed; // it is on its way, and waits
        EXPECT_NE(aura_timeout(e(), 20'000'000, ended::note, &passed), nullptr);
        finish(engine, passed);
        EXPECT_EQ(x.calls, 0);
        return r;
    };
    EXPECT_EQ(aura_cancel(e(), read(done)), 0);
    EXPECT_EQ(finish(engine, done), -ECANCELED);
    ended typed, left;
    read(typed);
    ASSERT_EQ(::write(master.get(), "line", 4), 4);
    EXPECT_EQ(finish(engine, typed), 4);
    read(left);
    engine.reset(); // does not wait for who types
    EXPECT_LE(left.calls, 1);
}

// ---- a close always closes ----

namespace {

std::vector<int> open_some() {
    std::vector<int> all;
    for (int i = 0; i < 50; ++i)
        all.push_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    return all;
}

bool is_open(int fd) {
    return ::fcntl(fd, F_GETFD) != -1;
}

} // namespace

TEST_F(CRequests, ACancelledCloseCloses) {
    const std::vector<int> fds = open_some();
    std::vector<ended> all(fds.size());
    for (std::size_t i = 0; i < fds.size(); ++i) {
        aura_request_t* const r = aura_close(e(), fds[i], ended::note, &all[i]);
        ASSERT_NE(r, nullptr);
        if (i % 2 == 1) {
            EXPECT_EQ(aura_flush(e()), 0);
        }
        const int asked = aura_cancel(e(), r);
        EXPECT_TRUE(asked == 0 || asked == -ENOENT) << asked;
    }
    EXPECT_GE(aura_drain(e(), -1), 0);
    for (std::size_t i = 0; i < fds.size(); ++i) {
        EXPECT_EQ(all[i].calls, 1);
        EXPECT_EQ(all[i].result, 0);
        EXPECT_FALSE(is_open(fds[i]));
    }
}

TEST_F(CRequests, ACloseThatIsPendingWhenTheEngineEndsCloses) {
    for (const bool flushed : {false, true}) {
        const std::vector<int> fds = open_some();
        std::vector<ended> all(fds.size());
        engine_ptr other = make_engine();
        ended first;
        ASSERT_TRUE(aura_timeout(other.get(), 0, ended::note, &first));
        EXPECT_EQ(finish(other, first), 0);
        for (std::size_t i = 0; i < fds.size(); ++i)
            ASSERT_TRUE(aura_close(other.get(), fds[i], ended::note, &all[i]));
        if (flushed) {
            EXPECT_EQ(aura_flush(other.get()), 0);
        }
        other.reset();
        for (std::size_t i = 0; i < fds.size(); ++i) {
            EXPECT_EQ(all[i].calls, 1);
            EXPECT_EQ(all[i].result, 0);
            EXPECT_FALSE(is_open(fds[i]));
        }
    }
}

TEST_F(CLinked, ACloseThatIsNotReachedLeavesTheDescriptorToTheProgram) {
    const int copy = ::dup(fd.get());
    const aura_op_t ops[] = {aura_op_read(-1, aura_buf(data), 1, 0, ended::note, &a),
                             aura_op_close(copy, ended::note, &b)};
    EXPECT_EQ(aura_submit_linked(e(), ops, 2, nullptr), nullptr);
    EXPECT_TRUE(is_open(copy));
    const aura_op_t failing[] = {aura_op_read(pipe.write_end, aura_buf(data), 1, 0, ended::note, &a),
                                 aura_op_close(copy, ended::note, &b)};
    ASSERT_NE(aura_submit_linked(e(), failing, 2, nullptr), nullptr);
    EXPECT_EQ(aura_drain(e(), -1), 2);
    EXPECT_EQ(a.result, -EBADF);
    EXPECT_EQ(b.result, -ECANCELED);
    EXPECT_TRUE(is_open(copy));
    ::close(copy);
}
