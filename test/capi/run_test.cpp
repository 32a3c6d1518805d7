// run: polling, waiting, running, draining; one thread and several; a host's event loop.
#include "support.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <poll.h>
#include <sys/epoll.h>
#include <thread>
#include <vector>

using namespace test;
using namespace std::chrono_literals;

namespace {

constexpr uint64_t second = 1'000'000'000u;

struct CRun : testing::Test {
    engine_ptr engine = make_engine();
    ended done;
    aura_engine_t* e() const { return engine.get(); }
};

bool readable(int fd, int timeout_ms) {
    pollfd p{fd, POLLIN, 0};
    int r;
    do
        r = ::poll(&p, 1, timeout_ms);
    while (r < 0 && errno == EINTR);
    return r == 1;
}

/// Whether the descriptor shows nothing once there is nothing to do. Before that it may be readable for a
/// wake-up that has been taken already.
bool comes_to_rest(aura_engine_t* engine, int fd) {
    for (int i = 0; i < 10; ++i) {
        if (!readable(fd, 0))
            return true;
        EXPECT_EQ(aura_poll(engine), 0);
    }
    return false;
}

} // namespace

TEST_F(CRun, RefuseNull) {
    EXPECT_EQ(aura_poll(nullptr), -EINVAL);
    EXPECT_EQ(aura_wait(nullptr, 0), -EINVAL);
    EXPECT_EQ(aura_run(nullptr), -EINVAL);
    EXPECT_EQ(aura_drain(nullptr, 0), -EINVAL);
    EXPECT_EQ(aura_flush(nullptr), -EINVAL);
    errno = 0;
    EXPECT_EQ(aura_get_poll_fd(nullptr), -EINVAL);
    EXPECT_EQ(errno, EINVAL);
}

TEST_F(CRun, WithNothingPending) {
    EXPECT_EQ(aura_poll(e()), 0);
    EXPECT_EQ(aura_wait(e(), 0), 0);
    EXPECT_EQ(aura_wait(e(), -1), 0);
    EXPECT_EQ(aura_drain(e(), -1), 0);
    EXPECT_EQ(aura_drain(e(), 0), 0);
    EXPECT_EQ(aura_flush(e()), 0);
}

TEST_F(CRun, WaitsForNothingWhenNothingIsPending) {
    constexpr int an_hour = 3600 * 1000;
    EXPECT_EQ(aura_wait(e(), an_hour), 0);
    ASSERT_NE(aura_timeout(e(), 0, ended::note, &done), nullptr);
    EXPECT_EQ(aura_wait(e(), an_hour), 1);
    EXPECT_EQ(aura_wait(e(), an_hour), 0);
}

TEST_F(CRun, WaitsNoLongerThanSomethingIsPending) {
    std::vector<std::thread> waiters;
    ASSERT_NE(aura_timeout(e(), 20'000'000, ended::note, &done), nullptr);
    for (int i = 0; i < 3; ++i)
        waiters.emplace_back([&] {
            int n;
            while ((n = aura_wait(e(), 3600 * 1000)) > 0) {
            }
            EXPECT_EQ(n, 0);
        });
    for (std::thread& t : waiters)
        t.join();
    EXPECT_EQ(done.calls, 1);
}

TEST_F(CRun, TimesOut) {
    ASSERT_NE(aura_timeout(e(), 3600 * second, ended::note, &done), nullptr);
    errno = 0;
    EXPECT_EQ(aura_wait(e(), 10), -ETIMEDOUT);
    EXPECT_EQ(errno, ETIMEDOUT);
    EXPECT_EQ(aura_wait(e(), 0), -ETIMEDOUT);
    EXPECT_EQ(aura_drain(e(), 10), -ETIMEDOUT);
    EXPECT_EQ(aura_drain(e(), 0), -ETIMEDOUT);
    EXPECT_EQ(aura_poll(e()), 0);
    EXPECT_EQ(done.calls, 0);
}

TEST_F(CRun, TimeoutsEndNeverEarly) {
    const auto before = std::chrono::steady_clock::now();
    ASSERT_NE(aura_timeout(e(), 20'000'000, ended::note, &done), nullptr);
    EXPECT_EQ(finish(engine, done), 0);
    EXPECT_GE(std::chrono::steady_clock::now() - before, 20ms);
}

TEST_F(CRun, EndlessTimeoutsDoNotOverflow) {
    aura_request_t* r = aura_timeout(e(), UINT64_MAX, ended::note, &done);
    EXPECT_EQ(aura_wait(e(), 0), -ETIMEDOUT);
    EXPECT_EQ(aura_cancel(e(), r), 0);
    EXPECT_EQ(finish(engine, done), -ECANCELED);
}

TEST_F(CRun, FlushSubmitsWithoutRunningCallbacks) {
    pipe_ends pipe;
    ASSERT_NE(aura_write(e(), pipe.write_end, aura_buf("x"), 1, 0, ended::note, &done), nullptr);
    EXPECT_EQ(aura_flush(e()), 0);
    EXPECT_TRUE(readable(pipe.read_end, 20000)); // the kernel has carried it out
    EXPECT_EQ(done.calls, 0);
    EXPECT_EQ(finish(engine, done), 1);
}

TEST_F(CRun, CallbacksMayNotRunCallbacks) {
    struct results {
        aura_engine_t* engine;
        int poll, wait, run, drain, destroy, flush;
        bool checked = false;
    } r{e(), 0, 0, 0, 0, 0, 1};
    ASSERT_NE(aura_timeout(
                  e(), 0,
                  [](aura_request_t*, ssize_t, void* p) {
                      auto& self = *static_cast<results*>(p);
                      self.poll = aura_poll(self.engine);
                      self.wait = aura_wait(self.engine, -1);
                      self.run = aura_run(self.engine);
                      self.drain = aura_drain(self.engine, -1);
                      self.destroy = aura_destroy(self.engine);
                      self.flush = aura_flush(self.engine);
                      self.checked = true;
                  },
                  &r),
              nullptr);
    EXPECT_EQ(aura_wait(e(), -1), 1);
    EXPECT_TRUE(r.checked);
    EXPECT_EQ(r.poll, -EDEADLK);
    EXPECT_EQ(r.wait, -EDEADLK);
    EXPECT_EQ(r.run, -EDEADLK);
    EXPECT_EQ(r.drain, -EDEADLK);
    EXPECT_EQ(r.destroy, -EDEADLK);
    EXPECT_EQ(r.flush, 0);
}

TEST_F(CRun, ACallbackMayRunAnotherEngine) {
    struct both {
        engine_ptr inner = make_engine();
        ended inner_done;
        int waited = -1;
    } b;
    ASSERT_NE(aura_timeout(b.inner.get(), 0, ended::note, &b.inner_done), nullptr);
    ASSERT_NE(aura_timeout(
                  e(), 0,
                  [](aura_request_t*, ssize_t, void* p) {
                      auto& self = *static_cast<both*>(p);
                      self.waited = aura_wait(self.inner.get(), -1);
                  },
                  &b),
              nullptr);
    EXPECT_EQ(aura_wait(e(), -1), 1);
    EXPECT_EQ(b.waited, 1);
    EXPECT_EQ(b.inner_done.calls, 1);
}

TEST_F(CRun, StartsFromACallback) {
    struct chain {
        aura_engine_t* engine;
        int left = 1000;
        static void next(aura_request_t*, ssize_t result, void* p) {
            auto& self = *static_cast<chain*>(p);
            EXPECT_EQ(result, 0);
            if (--self.left > 0)
                EXPECT_NE(aura_timeout(self.engine, 0, next, p), nullptr);
            else
                aura_stop(self.engine);
        }
    } c{e()};
    ASSERT_NE(aura_timeout(e(), 0, chain::next, &c), nullptr);
    EXPECT_EQ(aura_run(e()), 0);
    EXPECT_EQ(c.left, 0);
}

TEST_F(CRun, StopBeforeRunIsNotLost) {
    aura_stop(e());
    EXPECT_EQ(aura_run(e()), 0); // and is used up:
    ASSERT_NE(aura_timeout(
                  e(), 1000,
                  [](aura_request_t*, ssize_t, void* p) { aura_stop(static_cast<aura_engine_t*>(p)); }, e()),
              nullptr);
    EXPECT_EQ(aura_run(e()), 0);
}

TEST_F(CRun, StopEndsEveryThreadInRun) {
    std::vector<std::thread> threads;
    std::atomic<int> left{0};
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            EXPECT_EQ(aura_run(e()), 0);
            ++left;
        });
    ended x;
    ASSERT_NE(aura_timeout(e(), 1'000'000, ended::note, &x), nullptr);
    while (x.calls == 0)
        std::this_thread::yield();
    while (left != 4) { // some may not be in it yet
        aura_stop(e());
        std::this_thread::yield();
    }
    for (std::thread& t : threads)
        t.join();
}

TEST_F(CRun, RunServesWhatComesLater) {
    std::thread server([this] { EXPECT_EQ(aura_run(e()), 0); });
    for (int i = 0; i < 50; ++i) {
        ended x;
        ASSERT_NE(aura_timeout(e(), 0, ended::note, &x), nullptr);
        while (x.calls == 0)
            std::this_thread::yield();
    }
    aura_stop(e());
    server.join();
}

TEST_F(CRun, DestroyIsRefusedWhileAThreadIsInside) {
    std::atomic<bool> inside{false};
    struct note {
        static void set(aura_request_t*, ssize_t, void* p) { *static_cast<std::atomic<bool>*>(p) = true; }
    };
    ASSERT_NE(aura_timeout(e(), 0, note::set, &inside), nullptr);
    std::thread server([this] { EXPECT_EQ(aura_run(e()), 0); });
    while (!inside)
        std::this_thread::yield();
    EXPECT_EQ(aura_destroy(e()), -EBUSY);
    aura_stop(e());
    server.join();
}

TEST_F(CRun, SeveralThreadsWait) {
    constexpr int count = 2000;
    std::vector<ended> all(count);
    std::atomic<int> ran{0};
    std::vector<std::thread> waiters;
    for (int i = 0; i < 3; ++i)
        waiters.emplace_back([&] {
            while (ran < count) {
                const int n = aura_wait(e(), 20);
                if (n > 0)
                    ran += n;
                else
                    EXPECT_TRUE(n == 0 || n == -ETIMEDOUT) << n;
            }
        });
    for (ended& x : all)
        ASSERT_NE(aura_timeout(e(), 1000, ended::note, &x), nullptr);
    for (std::thread& t : waiters)
        t.join();
    EXPECT_EQ(ran, count);
    for (const ended& x : all)
        EXPECT_EQ(x.calls, 1);
}

TEST_F(CRun, SeveralThreadsDrain) {
    for (int round = 0; round < 50; ++round) {
        std::vector<ended> all(64);
        for (ended& x : all)
            ASSERT_NE(aura_timeout(e(), 1000, ended::note, &x), nullptr);
        std::vector<std::thread> drainers;
        std::atomic<int> ran{0};
        for (int i = 0; i < 3; ++i)
            drainers.emplace_back([&] {
                const int n = aura_drain(e(), -1);
                EXPECT_GE(n, 0);
                ran += n;
                for (const ended& x : all)
                    EXPECT_EQ(x.calls, 1);
            });
        for (std::thread& t : drainers)
            t.join();
        EXPECT_EQ(ran, 64);
    }
}

TEST_F(CRun, StartedByOneThreadWaitedForByAnother) {
    std::thread starter([&] { ASSERT_NE(aura_timeout(e(), 1000, ended::note, &done), nullptr); });
    starter.join();
    EXPECT_EQ(finish(engine, done), 0);
}

TEST_F(CRun, MoreWaitersThanRings) {
    const engine_ptr one = make_engine(1);
    std::vector<std::thread> waiters;
    std::atomic<bool> over{false};
    for (int i = 0; i < 4; ++i)
        waiters.emplace_back([&] {
            while (!over)
                EXPECT_GE(aura_wait(one.get(), 5), -ETIMEDOUT);
        });
    for (int i = 0; i < 20; ++i) {
        ended x;
        ASSERT_NE(aura_timeout(one.get(), 0, ended::note, &x), nullptr);
        while (x.calls == 0)
            std::this_thread::yield();
    }
    over = true;
    for (std::thread& t : waiters)
        t.join();
}

TEST_F(CRun, AThreadThatComesAndGoesLeavesNothingBehind) {
    // It looks after the rings of the others while it waits, and stops that when it leaves: what says so
    // arrives when it is back. aura_destroy() waits for every request it knows of.
    engine_ptr several = make_engine(3, AURA_SELECT_ROUND_ROBIN);
    ended all[3];
    for (ended& x : all)
        ASSERT_NE(aura_timeout(several.get(), 0, ended::note, &x), nullptr);
    EXPECT_EQ(aura_drain(several.get(), -1), 3);
    ended last;
    ASSERT_NE(aura_timeout(several.get(), 3600 * second, ended::note, &last), nullptr);
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(aura_wait(several.get(), 1), -ETIMEDOUT);
    several.reset();
}

// ---- a host's event loop ----

TEST_F(CRun, PollFdIsAlwaysTheSame) {
    const int fd = aura_get_poll_fd(e());
    ASSERT_GE(fd, 0);
    EXPECT_EQ(aura_get_poll_fd(e()), fd);
    EXPECT_FALSE(readable(fd, 0));
}

TEST_F(CRun, PollFdShowsCompletions) {
    const int fd = aura_get_poll_fd(e());
    pipe_ends pipe;
    char data[1];
    ASSERT_NE(aura_read(e(), pipe.read_end, aura_buf(data), 1, 0, ended::note, &done), nullptr);
    while (readable(fd, 0)) // it was started and wants to be submitted
        EXPECT_EQ(aura_poll(e()), 0);
    EXPECT_EQ(done.calls, 0);
    ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
    while (done.calls == 0) {
        ASSERT_TRUE(readable(fd, 20000));
        EXPECT_GE(aura_poll(e()), 0);
    }
    EXPECT_EQ(done.result, 1);
    EXPECT_TRUE(comes_to_rest(e(), fd));
}

TEST_F(CRun, PollFdShowsWhatWasStarted) {
    const int fd = aura_get_poll_fd(e());
    for (int i = 0; i < 10; ++i) {
        pipe_ends pipe;
        ended x;
        ASSERT_NE(aura_write(e(), pipe.write_end, aura_buf("y"), 1, 0, ended::note, &x), nullptr);
        while (x.calls == 0) {
            ASSERT_TRUE(readable(fd, 20000));
            EXPECT_GE(aura_poll(e()), 0);
        }
        EXPECT_EQ(x.result, 1);
    }
}

// As tokio has it: the host is told of changes alone, and polls until there is nothing more.
TEST_F(CRun, PollFdTellsOfChangesWhoeverMadeThem) {
    const engine_ptr several = make_engine(2, AURA_SELECT_ROUND_ROBIN);
    const unique_fd host(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = EPOLLIN | EPOLLET;
    ASSERT_EQ(::epoll_ctl(host.get(), EPOLL_CTL_ADD, aura_get_poll_fd(several.get()), &event), 0);
    const scratch_file scratch(1 << 20);
    const unique_fd file(::open(scratch.path().c_str(), O_RDONLY | O_CLOEXEC));
    for (int round = 0; round < 50; ++round) {
        std::array<ended, 16> reads;
        std::array<std::array<char, 512>, 16> data;
        for (std::size_t i = 0; i < reads.size(); ++i)
            ASSERT_TRUE(aura_read(several.get(), file.get(), aura_buf(data[i].data()), data[i].size(),
                                  static_cast<off_t>(i * 512), ended::note, &reads[i]));
        const auto over = [&] {
            return std::all_of(reads.begin(), reads.end(), [](const ended& r) { return r.calls != 0; });
        };
        while (!over()) {
            ASSERT_EQ(::epoll_wait(host.get(), &event, 1, 20000), 1) << "round " << round;
            while (aura_poll(several.get()) > 0)
                ;
        }
    }
}

TEST_F(CRun, PollFdShowsTimeouts) {
    const int fd = aura_get_poll_fd(e());
    ended later;
    aura_request_t* l = aura_timeout(e(), 3600 * second, ended::note, &later);
    ASSERT_NE(aura_timeout(e(), 20'000'000, ended::note, &done), nullptr);
    while (done.calls == 0) {
        ASSERT_TRUE(readable(fd, 20000));
        EXPECT_GE(aura_poll(e()), 0);
    }
    EXPECT_TRUE(comes_to_rest(e(), fd));
    EXPECT_EQ(aura_cancel(e(), l), 0);
    while (later.calls == 0) {
        ASSERT_TRUE(readable(fd, 20000));
        EXPECT_GE(aura_poll(e()), 0);
    }
    EXPECT_EQ(later.result, -ECANCELED);
}

TEST_F(CRun, PollFdDoesNotKeepItsHostTurningForADevice) {
    const int fd = aura_get_poll_fd(e());
    const scratch_file scratch(4096);
    const int file = ::open(scratch.path().c_str(), O_RDONLY | O_CLOEXEC);
    char data[4096];
    ASSERT_NE(aura_read(e(), file, aura_buf(data), sizeof data, 0, ended::note, &done), nullptr);
    while (done.calls == 0) {
        ASSERT_TRUE(readable(fd, 20000));
        EXPECT_GE(aura_poll(e()), 0);
    }
    // From here on the device is looked after every 10 ms, for a while: a few turns each.
    int turns = 0;
    for (const auto end = std::chrono::steady_clock::now() + 300ms; std::chrono::steady_clock::now() < end;) {
        if (readable(fd, 50)) {
            ++turns;
            EXPECT_GE(aura_poll(e()), 0);
        }
    }
    EXPECT_LE(turns, 300);
    ::close(file);
}

TEST_F(CRun, PollFdAfterFlush) {
    const int fd = aura_get_poll_fd(e());
    pipe_ends pipe;
    ASSERT_NE(aura_write(e(), pipe.write_end, aura_buf("z"), 1, 0, ended::note, &done), nullptr);
    EXPECT_EQ(aura_flush(e()), 0);
    while (done.calls == 0) {
        ASSERT_TRUE(readable(fd, 20000));
        EXPECT_GE(aura_poll(e()), 0);
    }
    // And what is started after the flush shows as well.
    ended again;
    ASSERT_NE(aura_write(e(), pipe.write_end, aura_buf("z"), 1, 0, ended::note, &again), nullptr);
    while (again.calls == 0) {
        ASSERT_TRUE(readable(fd, 20000));
        EXPECT_GE(aura_poll(e()), 0);
    }
}

TEST_F(CRun, PollFdWithSeveralRings) {
    const engine_ptr several = make_engine(3, AURA_SELECT_ROUND_ROBIN);
    const int fd = aura_get_poll_fd(several.get());
    ASSERT_GE(fd, 0);
    std::vector<ended> all(30);
    for (ended& x : all)
        ASSERT_NE(aura_timeout(several.get(), 1'000'000, ended::note, &x), nullptr);
    int ran = 0;
    while (ran < 30) {
        ASSERT_TRUE(readable(fd, 20000));
        const int n = aura_poll(several.get());
        ASSERT_GE(n, 0);
        ran += n;
    }
    EXPECT_TRUE(comes_to_rest(several.get(), fd));
}

TEST_F(CRun, PollFdShowsTheFirstOfEachRing) {
    const engine_ptr several = make_engine(3, AURA_SELECT_ROUND_ROBIN);
    const int fd = aura_get_poll_fd(several.get()); // its rings are made one by one, later
    ASSERT_GE(fd, 0);
    for (int i = 0; i < 6; ++i) {
        ended x;
        ASSERT_NE(aura_timeout(several.get(), 0, ended::note, &x), nullptr);
        while (x.calls == 0) {
            ASSERT_TRUE(readable(fd, 5000)) << i;
            EXPECT_GE(aura_poll(several.get()), 0);
        }
    }
    EXPECT_TRUE(comes_to_rest(several.get(), fd));
}
