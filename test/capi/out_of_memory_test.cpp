// out_of_memory: every allocation that a call makes fails once. The call says ENOMEM, or does without;
// nothing is lost, and the engine goes on.
#include "support.hpp"

#include "support/operator_new.hpp"

#include <cstdlib>
#include <functional>
#include <new>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <vector>

using namespace test;
using test::until_failure;

namespace {

/// While it exists allocation number `n` (from 0 on) of this thread fails, and no other.
class failure {
public:
    explicit failure(int n) { until_failure = n; }
    ~failure() { until_failure = -1; }
    failure(const failure&) = delete;
    static bool happened() { return until_failure == -1; }
};

constexpr int most_allocations = 10000;

/// Calls round(n) for n from 0 on, until one in which nothing failed: false.
void for_each_failure(const std::function<bool(int n)>& round) {
    int n = 0;
    while (n < most_allocations && !testing::Test::HasFailure() && round(n))
        ++n;
    EXPECT_LT(n, most_allocations);
}

constexpr std::size_t block = 4096;

/// An engine that has done nothing yet, and what to ask of it.
struct world {
    engine_ptr e = make_engine();
    scratch_file file{block};
    unique_fd fd{::open(file.path().c_str(), O_RDWR | O_CLOEXEC)};
    pipe_ends pipe;
    char memory[block];

    aura_engine_t* engine() const { return e.get(); }
    aura_request_t* read(ended& done) {
        return aura_read(engine(), fd.get(), aura_buf(memory), block, 0, ended::note, &done);
    }
    /// Nothing is pending, and what is started now completes.
    void expect_sound() {
        EXPECT_EQ(aura_drain(engine(), 20000), 0);
        ended done;
        ASSERT_TRUE(read(done));
        EXPECT_EQ(finish(e, done), static_cast<ssize_t>(block));
    }
};

/// `start` returns whether it has started what `done` waits for; if not, errno says why.
using starter = std::function<bool(world&, ended&)>;

struct attempt {
    attempt(const starter& s, int which)
        : start(s)
        , n(which) {}
    void make() {
        const failure one(n);
        errno = 0;
        started = start(w, done);
        error = errno;
        failed = failure::happened();
    }
    static void make_here(aura_request_t*, ssize_t, void* self) { static_cast<attempt*>(self)->make(); }
    void expect_started_or_enomem() {
        EXPECT_GE(aura_drain(w.engine(), 20000), 0);
        EXPECT_EQ(done.calls, started ? 1 : 0) << "allocation " << n;
        EXPECT_TRUE(started || (failed && error == ENOMEM)) << "allocation " << n << ": errno " << error;
        w.expect_sound();
    }

    const starter& start;
    const int n;
    world w;
    ended done;
    bool started = false, failed = false;
    int error = 0;
};

/// Outside of the engine, where an operation is sent to its ring, and in a callback, where it begins at once.
void expect_starts_or_enomem(const starter& start) {
    for_each_failure([&](int n) {
        attempt a(start, n);
        a.make();
        a.expect_started_or_enomem();
        return a.failed;
    });
    for_each_failure([&](int n) {
        attempt a(start, n);
        EXPECT_TRUE(aura_timeout(a.w.engine(), 0, attempt::make_here, &a));
        a.expect_started_or_enomem();
        return a.failed;
    });
}

/// The same for a call that returns 0 or a negated errno.
void expect_zero_or_enomem(const std::function<int(world&)>& call) {
    for_each_failure([&](int n) {
        world w;
        int result;
        bool failed;
        {
            const failure one(n);
            result = call(w);
            failed = failure::happened();
        }
        EXPECT_TRUE(result == 0 || (failed && result == -ENOMEM)) << "allocation " << n << ": " << result;
        if (result != 0) {
            EXPECT_EQ(call(w), 0) << "after allocation " << n;
        }
        w.expect_sound();
        return failed;
    });
}

class COutOfMemory : public testing::Test {
protected:
    void SetUp() override {
        if (!AURAIO_TEST_REPLACES_NEW)
            GTEST_SKIP() << "ThreadSanitizer's operator new cannot be replaced";
    }
};

} // namespace

TEST_F(COutOfMemory, Create) {
    for_each_failure([](int n) {
        aura_engine_t* e;
        bool failed;
        {
            const failure one(n);
            errno = 0;
            e = aura_create();
            failed = failure::happened();
        }
        EXPECT_TRUE(e || (failed && errno == ENOMEM)) << "allocation " << n << ": errno " << errno;
        EXPECT_EQ(aura_destroy(e), 0);
        return failed;
    });
}

TEST_F(COutOfMemory, Read) {
    expect_starts_or_enomem([](world& w, ended& done) { return w.read(done) != nullptr; });
}

TEST_F(COutOfMemory, Timeout) {
    expect_starts_or_enomem(
        [](world& w, ended& done) { return aura_timeout(w.engine(), 1, ended::note, &done) != nullptr; });
}

TEST_F(COutOfMemory, Openat) {
    expect_starts_or_enomem([](world& w, ended& done) {
        return aura_openat(w.engine(), AT_FDCWD, "/nothing/here", O_RDONLY, 0, ended::note, &done) != nullptr;
    });
}

TEST_F(COutOfMemory, Renameat) {
    expect_starts_or_enomem([](world& w, ended& done) {
        return aura_renameat(w.engine(), AT_FDCWD, "/nothing/here", AT_FDCWD, "/nor/here", 0, ended::note,
                             &done) != nullptr;
    });
}

TEST_F(COutOfMemory, PollFd) {
    expect_starts_or_enomem([](world& w, ended& done) {
        return aura_poll_fd(w.engine(), w.pipe.write_end, POLLOUT, ended::note, &done) != nullptr;
    });
}

TEST_F(COutOfMemory, Sendmsg) {
    expect_starts_or_enomem([](world& w, ended& done) {
        static msghdr nothing{}; // a pipe is no socket: it ends at once
        return aura_sendmsg(w.engine(), w.pipe.write_end, &nothing, 0, ended::note, &done) != nullptr;
    });
}

TEST_F(COutOfMemory, SubmitLinked) {
    expect_starts_or_enomem([](world& w, ended& done) {
        const aura_op_t operations[] = {
            aura_op_write(w.fd.get(), aura_buf(w.memory), 1, 0, nullptr, nullptr),
            aura_op_fdatasync(w.fd.get(), ended::note, &done),
        };
        return aura_submit_linked(w.engine(), operations, 2, nullptr) != nullptr;
    });
}

TEST_F(COutOfMemory, RequestUnregister) {
    expect_starts_or_enomem([](world& w, ended& done) {
        const int fd = w.fd.get();
        const int left = std::exchange(until_failure, -1);
        EXPECT_EQ(aura_register_files(w.engine(), &fd, 1), 0);
        until_failure = left;
        const int result = aura_unregister_async(w.engine(), AURA_REG_FILES, ended::note, &done);
        errno = -result;
        return result == 0;
    });
}

TEST_F(COutOfMemory, RegisterFiles) {
    expect_zero_or_enomem([](world& w) {
        const int fd = w.fd.get();
        return aura_register_files(w.engine(), &fd, 1);
    });
}

TEST_F(COutOfMemory, RegisterBuffers) {
    expect_zero_or_enomem([](world& w) {
        const iovec all{w.memory, block};
        return aura_register_buffers(w.engine(), &all, 1);
    });
}

TEST_F(COutOfMemory, Unregister) {
    expect_zero_or_enomem([](world& w) {
        const int fd = w.fd.get();
        const int left = std::exchange(until_failure, -1);
        (void)aura_register_files(w.engine(), &fd, 1); // -EBUSY the second time
        until_failure = left;
        return aura_unregister(w.engine(), AURA_REG_FILES);
    });
}

TEST_F(COutOfMemory, Statistics) {
    expect_zero_or_enomem([](world& w) {
        aura_stats_t stats{};
        stats.struct_size = sizeof stats;
        return aura_get_stats(w.engine(), &stats);
    });
}

TEST_F(COutOfMemory, PollDescriptor) {
    expect_zero_or_enomem([](world& w) {
        const int fd = aura_get_poll_fd(w.engine());
        return fd < 0 ? fd : 0;
    });
}

TEST_F(COutOfMemory, Poll) {
    expect_zero_or_enomem([](world& w) {
        const int count = aura_poll(w.engine());
        return count < 0 ? count : 0;
    });
}

TEST_F(COutOfMemory, BufferAlloc) {
    expect_zero_or_enomem([](world& w) {
        errno = 0;
        void* const p = aura_buffer_alloc(w.engine(), block);
        const int error = errno;
        aura_buffer_free(w.engine(), p);
        return p ? 0 : -error;
    });
}

/// A thread waits in the engine: what others cancel has to be sent to it.
TEST_F(COutOfMemory, CancelFromAnotherThread) {
    world w;
    ended read;
    aura_request_t* const request = aura_read(w.engine(), w.pipe.read_end, aura_buf(w.memory), 1,
                                              AURA_CURRENT_POSITION, ended::note, &read);
    ASSERT_TRUE(request);
    std::atomic<bool> inside{false};
    ASSERT_TRUE(aura_timeout(
        w.engine(), 0,
        [](aura_request_t*, ssize_t, void* flag) {
            static_cast<std::atomic<bool>*>(flag)->store(true);
            static_cast<std::atomic<bool>*>(flag)->notify_one();
        },
        &inside));
    std::thread waits([&] {
        while (read.calls == 0)
            EXPECT_GE(aura_wait(w.engine(), 20000), 0);
    });
    inside.wait(false);
    int result;
    {
        const failure first(0);
        result = aura_cancel(w.engine(), request);
    }
    EXPECT_EQ(result, 0);
    waits.join();
    EXPECT_EQ(read.result, -ECANCELED);
}
