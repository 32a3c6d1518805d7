// fork: what a child can do with an engine of its parent, and what becomes of the parent.
#include "support.hpp"

#include <functional>
#include <sys/wait.h>
#include <thread>
#include <vector>

using namespace test;

namespace {

/// Exit status of a child that runs `body`: 0 when it returns true; negative: the signal that ended it.
int in_child(const std::function<bool()>& body) {
    const pid_t child = ::fork();
    if (child == 0) {
        ::alarm(20);
        ::_exit(body() ? 0 : 1);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/// In a child, where GoogleTest's failures would go unseen.
#define AURA_EXPECT(condition)                                                                               \
    ((condition) || (static_cast<void>(std::fprintf(stderr, "in the child: %s\n", #condition)), false))

#define REFUSED(call) check(AURA_EXPECT((call) == -ECHILD && errno == ECHILD))
#define NULLED(call) check(AURA_EXPECT(null_with(ECHILD, call)))

bool null_with(int error, const void* p) {
    return p == nullptr && errno == error;
}

struct CFork : testing::Test {
    /// The engine has served something, and serves something when the child is there.
    void SetUp() override {
        ended first;
        ASSERT_TRUE(aura_read(e(), fd.get(), aura_buf(data), sizeof data, 0, ended::note, &first));
        EXPECT_EQ(finish(engine, first), 16);
        pending =
            aura_read(e(), pipe.read_end, aura_buf(data), 1, AURA_CURRENT_POSITION, ended::note, &reading);
        ASSERT_TRUE(pending);
        ASSERT_EQ(aura_flush(e()), 0);
    }
    void TearDown() override {
        EXPECT_EQ(reading.calls, 0);
        ended again;
        char other[16];
        ASSERT_TRUE(aura_read(e(), fd.get(), aura_buf(other), sizeof other, 0, ended::note, &again));
        EXPECT_EQ(finish(engine, again), 16);
        ASSERT_EQ(::write(pipe.write_end, "x", 1), 1);
        EXPECT_EQ(finish(engine, reading), 1);
    }
    aura_engine_t* e() const { return engine.get(); }

    engine_ptr engine = make_engine(2);
    scratch_file file{4096};
    unique_fd fd{::open(file.path().c_str(), O_RDWR | O_CLOEXEC)};
    pipe_ends pipe;
    ended reading;
    aura_request_t* pending = nullptr;
    char data[16];
};

} // namespace

TEST_F(CFork, TheChildIsRefusedWhateverWouldUseTheEngine) {
    EXPECT_EQ(in_child([&] {
                  ended none;
                  const aura_op_t op = aura_op_fsync(fd.get(), nullptr, nullptr);
                  aura_stats_t stats{};
                  stats.struct_size = sizeof stats;
                  aura_buffer_stats_t buffers{};
                  buffers.struct_size = sizeof buffers;
                  aura_device_stats_t device{};
                  device.struct_size = sizeof device;
                  aura_storage_t storage;
                  aura_storage_init(&storage);
                  struct iovec memory{data, sizeof data};
                  const int file_number = fd.get();
                  bool right = true;
                  const auto check = [&](bool ok) { right = ok && right; };
                  NULLED(aura_read(e(), fd.get(), aura_buf(data), 1, 0, ended::note, &none));
                  NULLED(aura_readv(e(), fd.get(), &memory, 1, 0, ended::note, &none));
                  NULLED(aura_fsync(e(), fd.get(), ended::note, &none));
                  NULLED(aura_openat(e(), AT_FDCWD, "/", O_RDONLY, 0, ended::note, &none));
                  NULLED(aura_close(e(), fd.get(), ended::note, &none));
                  NULLED(aura_recv(e(), fd.get(), data, 1, 0, ended::note, &none));
                  NULLED(aura_timeout(e(), 1, ended::note, &none));
                  NULLED(aura_submit_linked(e(), &op, 1, nullptr));
                  NULLED(aura_buffer_alloc(e(), 1));
                  REFUSED(aura_cancel(e(), pending));
                  REFUSED(aura_poll(e()));
                  REFUSED(aura_wait(e(), 10));
                  REFUSED(aura_run(e()));
                  REFUSED(aura_drain(e(), 10));
                  REFUSED(aura_flush(e()));
                  REFUSED(aura_get_poll_fd(e()));
                  REFUSED(aura_register_buffers(e(), &memory, 1));
                  REFUSED(aura_register_files(e(), &file_number, 1));
                  REFUSED(aura_update_file(e(), 0, -1));
                  REFUSED(aura_unregister(e(), AURA_REG_FILES));
                  REFUSED(aura_unregister_async(e(), AURA_REG_FILES, nullptr, nullptr));
                  REFUSED(aura_get_stats(e(), &stats));
                  REFUSED(aura_get_ring_stats(e(), 0, &stats));
                  REFUSED(aura_get_buffer_stats(e(), &buffers));
                  REFUSED(aura_get_device_stats(e(), 0, &device));
                  REFUSED(aura_set_storage(e(), nullptr, &storage));
                  REFUSED(aura_set_batch_threshold(e(), 1));
                  aura_stop(e());
                  check(AURA_EXPECT(aura_request_pending(pending)));
                  check(AURA_EXPECT(aura_get_ring_count(e()) == 2));
                  check(AURA_EXPECT(aura_destroy(e()) == 0));
                  check(AURA_EXPECT(none.calls == 0 && reading.calls == 0));
                  return right;
              }),
              0);
}

TEST_F(CFork, TheChildMayEndItAndUseOneOfItsOwn) {
    EXPECT_EQ(in_child([&] {
                  bool right = AURA_EXPECT(aura_destroy(e()) == 0);
                  aura_engine_t* const own = aura_create();
                  ended read;
                  char other[16];
                  right = AURA_EXPECT(aura_read(own, fd.get(), aura_buf(other), 16, 0, ended::note, &read)) &&
                          right;
                  right = AURA_EXPECT(aura_drain(own, 20000) == 1 && read.result == 16) && right;
                  // A child's child has neither.
                  right = AURA_EXPECT(in_child([&] {
                                          return AURA_EXPECT(aura_poll(own) == -ECHILD &&
                                                             aura_poll(e()) == -ECHILD);
                                      }) == 0) &&
                          right;
                  return AURA_EXPECT(aura_destroy(own) == 0) && right;
              }),
              0);
}

TEST_F(CFork, AChildOfACallbackMayExit) {
    struct forks {
        CFork* test;
        int status = -1;
        static void now(aura_request_t*, ssize_t, void* self) {
            auto& f = *static_cast<forks*>(self);
            f.status = in_child([&] {
                return AURA_EXPECT(aura_flush(f.test->e()) == -ECHILD && aura_destroy(f.test->e()) == 0);
            });
        }
    } in_callback{this};
    ASSERT_TRUE(aura_timeout(e(), 0, forks::now, &in_callback));
    while (in_callback.status == -1)
        ASSERT_GE(aura_wait(e(), 20000), 0);
    EXPECT_EQ(in_callback.status, 0);
}

TEST_F(CFork, OtherThreadsHoldNoLockInTheChild) {
    std::atomic<bool> over{false};
    std::vector<std::thread> busy;
    for (int t = 0; t < 2; ++t)
        busy.emplace_back([&] {
            while (!over) {
                const engine_ptr own = make_engine(1);
                std::vector<ended> all(100);
                for (ended& x : all)
                    EXPECT_TRUE(aura_timeout(own.get(), 0, ended::note, &x));
                aura_buffer_free(own.get(), aura_buffer_alloc(own.get(), 4096));
                EXPECT_EQ(aura_drain(own.get(), 20000), 100);
            }
        });
    for (int i = 0; i < 30; ++i)
        EXPECT_EQ(in_child([&] {
                      aura_engine_t* const own = aura_create();
                      ended fired;
                      return AURA_EXPECT(own && aura_timeout(own, 0, ended::note, &fired) &&
                                         aura_drain(own, 20000) == 1 && aura_destroy(own) == 0 &&
                                         aura_poll(e()) == -ECHILD && aura_destroy(e()) == 0);
                  }),
                  0);
    over = true;
    for (std::thread& t : busy)
        t.join();
}
