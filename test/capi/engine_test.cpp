// engine: creation, options, destruction.
#include "support.hpp"

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

using namespace test;

namespace {

int create_error(const aura_options_t& options) {
    errno = 0;
    aura_engine_t* e = aura_create_with_options(&options);
    const int error = errno;
    if (e)
        aura_destroy(e);
    return e ? 0 : error;
}

aura_options_t defaults() {
    aura_options_t options;
    aura_options_init(&options);
    return options;
}

struct environment {
    environment(const char* n, const char* value)
        : name(n) {
        ::setenv(name, value, 1);
    }
    ~environment() { ::unsetenv(name); }
    const char* name;
};

std::vector<std::string> logged;
struct listening {
    listening() {
        logged.clear();
        aura_set_log_handler([](aura_log_level_t, const char* m, void*) { logged.emplace_back(m); }, nullptr);
    }
    ~listening() { aura_set_log_handler(nullptr, nullptr); }
    static bool said(const std::string& what) {
        for (const std::string& m : logged)
            if (m.find(what) != std::string::npos)
                return true;
        return false;
    }
};

} // namespace

TEST(CEngine, IsCreatedWithDefaults) {
    aura_engine_t* e = aura_create();
    ASSERT_NE(e, nullptr);
    EXPECT_GE(aura_get_ring_count(e), 1);
    const char* const named = std::getenv("AURAIO_BACKEND");
    const bool on_epoll = named && std::string(named) == "epoll";
    EXPECT_EQ(aura_get_backend(e), on_epoll ? AURA_BACKEND_EPOLL : AURA_BACKEND_URING);
    EXPECT_STREQ(aura_get_backend_reason(e), on_epoll ? "epoll" : "io_uring");
    EXPECT_EQ(aura_destroy(e), 0);
}

TEST(CLog, AHandlerMayUseTheLibrary) {
    static int calls;
    calls = 0;
    aura_set_log_handler(
        [](aura_log_level_t, const char*, void*) {
            ++calls;
            aura_engine_t* e = aura_create(); // has something to say, too
            EXPECT_EQ(aura_drain(e, 0), 0);
            EXPECT_EQ(aura_destroy(e), 0);
            aura_set_log_handler(nullptr, nullptr);
        },
        nullptr);
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(aura_destroy(aura_create()), 0);
    EXPECT_EQ(calls, 1);
}

TEST(CLog, HearsOfACallbackThatDoesNotReturn) {
    static std::atomic<bool> told;
    told = false;
    aura_set_log_handler(
        [](aura_log_level_t, const char* m, void*) {
            if (std::strstr(m, "has not returned") || std::strstr(m, "in a handler"))
                told = true;
        },
        nullptr);
    aura_set_stall_report(20);
    aura_engine_t* e = aura_create();
    ASSERT_NE(e, nullptr);
    EXPECT_NE(aura_timeout(
                  e, 0,
                  [](aura_request_t*, ssize_t, void*) {
                      const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(60);
                      while (!told && std::chrono::steady_clock::now() < give_up)
                          ;
                  },
                  nullptr),
              nullptr);
    EXPECT_EQ(aura_drain(e, -1), 1);
    EXPECT_TRUE(told);
    aura_set_stall_report(0);
    EXPECT_EQ(aura_destroy(e), 0);
    aura_set_log_handler(nullptr, nullptr);
}

TEST(CEngine, NullIsHarmless) {
    EXPECT_EQ(aura_destroy(nullptr), 0);
    EXPECT_EQ(aura_get_ring_count(nullptr), 0);
    EXPECT_EQ(aura_get_backend_reason(nullptr), nullptr);
    EXPECT_EQ(aura_get_backend(nullptr), -EINVAL);
    aura_options_init(nullptr);
    aura_stop(nullptr);
}

TEST(COptions, InitSetsTheSizeAndZeroes) {
    aura_options_t o;
    std::memset(&o, 0xff, sizeof o);
    aura_options_init(&o);
    EXPECT_EQ(o.struct_size, sizeof o);
    EXPECT_EQ(o.ring_count, 0);
    EXPECT_EQ(o.queue_depth, 0);
    EXPECT_EQ(o.completion_depth, 0);
    EXPECT_EQ(o.ring_select, AURA_SELECT_ADAPTIVE);
    EXPECT_EQ(o.backend, AURA_BACKEND_AUTO);
}

TEST(COptions, AreTaken) {
    aura_options_t o = defaults();
    o.ring_count = 3;
    o.queue_depth = 8;
    o.completion_depth = 16;
    o.ring_select = AURA_SELECT_ROUND_ROBIN;
    o.backend = AURA_BACKEND_URING;
    o.max_p99_latency_ms = 2.5;
    engine_ptr e(aura_create_with_options(&o));
    ASSERT_TRUE(e);
    EXPECT_EQ(aura_get_ring_count(e.get()), 3);
}

TEST(COptions, OutOfRangeIsEinval) {
    const auto with = [](auto change) {
        aura_options_t o = defaults();
        change(o);
        return create_error(o);
    };
    EXPECT_EQ(with([](auto& o) { o.struct_size = 0; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.struct_size = 8; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.ring_count = -1; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.ring_count = 513; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.queue_depth = -1; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.queue_depth = 32769; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.completion_depth = -1; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.completion_depth = 65537; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.queue_depth = 16, o.completion_depth = 8; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.ring_select = 4; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.backend = 9; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.max_p99_latency_ms = -0.1; }), EINVAL);
    EXPECT_EQ(with([](auto& o) { o.max_p99_latency_ms = std::nan(""); }), EINVAL);
}

TEST(COptions, OfAnOlderProgramEndEarlier) {
    struct {
        aura_options_t o;
        unsigned char beyond[8];
    } memory;
    std::memset(&memory, 0xff, sizeof memory); // nothing beyond struct_size may be looked at
    memory.o.struct_size = offsetof(aura_options_t, ring_select);
    memory.o.ring_count = 2;
    memory.o.queue_depth = 0;
    memory.o.completion_depth = 0;
    engine_ptr e(aura_create_with_options(&memory.o));
    ASSERT_TRUE(e);
    EXPECT_EQ(aura_get_ring_count(e.get()), 2);
}

TEST(COptions, OfANewerProgramMayNotAskForWhatIsUnknown) {
    struct {
        aura_options_t o;
        unsigned char beyond[8];
    } memory;
    std::memset(&memory, 0, sizeof memory);
    memory.o.struct_size = sizeof memory;
    EXPECT_EQ(create_error(memory.o), 0);
    memory.beyond[3] = 1;
    EXPECT_EQ(create_error(memory.o), EINVAL);
}

TEST(CEngine, ReadsTheEnvironment) {
    const environment wrong("AURAIO_BACKEND", "kqueue");
    const listening log;
    EXPECT_EQ(create_error(defaults()), EINVAL);
    EXPECT_TRUE(listening::said("AURAIO_BACKEND=kqueue"));
}

TEST(CEngine, SaysWhichBackendWasChosen) {
    const listening log;
    const engine_ptr e = make_engine();
    const char* const named = std::getenv("AURAIO_BACKEND");
    const bool on_epoll = named && std::string(named) == "epoll";
    EXPECT_TRUE(listening::said(on_epoll ? "backend: epoll: epoll" : "backend: uring: io_uring"));
}

TEST(CEngine, DestructionCallsBackEverythingThatWasPending) {
    pipe_ends pipe;
    char data[8];
    ended reading, waiting, linked, never_submitted;
    aura_engine_t* e = aura_create();
    ASSERT_NE(e, nullptr);
    ASSERT_NE(aura_read(e, pipe.read_end, aura_buf(data), sizeof data, 0, ended::note, &reading), nullptr);
    ASSERT_NE(aura_timeout(e, 3'600'000'000'000u, ended::note, &waiting), nullptr);
    const aura_op_t chain[] = {aura_op_read(pipe.read_end, aura_buf(data), 1, 0, nullptr, nullptr),
                               aura_op_fsync(pipe.read_end, ended::note, &linked)};
    ASSERT_NE(aura_submit_linked(e, chain, 2, nullptr), nullptr);
    EXPECT_EQ(aura_poll(e), 0);
    ASSERT_NE(aura_read(e, pipe.read_end, aura_buf(data), 1, 0, ended::note, &never_submitted), nullptr);
    EXPECT_EQ(aura_destroy(e), 0);
    for (const ended* x : {&reading, &waiting, &linked, &never_submitted}) {
        EXPECT_EQ(x->calls, 1);
        EXPECT_EQ(x->result, -ECANCELED);
    }
}

TEST(CEngine, NothingStartsWhileItIsDestroyed) {
    struct state {
        aura_engine_t* engine;
        int calls = 0;
    } s{aura_create()};
    pipe_ends pipe;
    static char data[1];
    const auto refused = [](aura_request_t*, ssize_t, void* p) {
        auto& self = *static_cast<state*>(p);
        ++self.calls;
        errno = 0;
        EXPECT_EQ(aura_timeout(self.engine, 0, nullptr, nullptr), nullptr);
        EXPECT_EQ(errno, ESHUTDOWN);
        errno = 0;
        EXPECT_EQ(aura_fsync(self.engine, 0, nullptr, nullptr), nullptr);
        EXPECT_EQ(errno, ESHUTDOWN);
        const aura_op_t op = aura_op_fsync(0, nullptr, nullptr);
        EXPECT_EQ(aura_submit_linked(self.engine, &op, 1, nullptr), nullptr);
        EXPECT_EQ(errno, ESHUTDOWN);
        EXPECT_EQ(aura_destroy(self.engine), -EDEADLK);
    };
    ASSERT_NE(aura_read(s.engine, pipe.read_end, aura_buf(data), 1, 0, refused, &s), nullptr);
    EXPECT_EQ(aura_destroy(s.engine), 0);
    EXPECT_EQ(s.calls, 1);
}

TEST(CEngine, HandlesOutliveIt) {
    aura_engine_t* e = aura_create();
    aura_request_t* r = aura_timeout(e, 3'600'000'000'000u, nullptr, nullptr);
    ASSERT_NE(r, nullptr);
    EXPECT_TRUE(aura_request_pending(r));
    EXPECT_EQ(aura_destroy(e), 0);
    EXPECT_FALSE(aura_request_pending(r));
    EXPECT_EQ(aura_request_fd(r), -1);
}

TEST(CVersion, IsThatOfTheHeader) {
    const std::string expected = std::to_string(AURA_VERSION_MAJOR) + "." +
                                 std::to_string(AURA_VERSION_MINOR) + "." +
                                 std::to_string(AURA_VERSION_PATCH);
    EXPECT_EQ(aura_version(), expected);
    EXPECT_EQ(aura_version_int(), AURA_VERSION_MAJOR * 10000 + AURA_VERSION_MINOR * 100 + AURA_VERSION_PATCH);
}
