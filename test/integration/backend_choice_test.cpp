// backend choice: which backend a context takes in a sandbox, what it says of it, and that its user hears so once.
#include <auraio/auraio.hpp>

#include "backend/backends.hpp"
#include "support/older_kernel.hpp"
#include "support/other_process.hpp"

#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace test;

namespace {

struct refused_call {
    const char* name;
    long number;
};
constexpr refused_call calls[] = {{"io_uring_setup", __NR_io_uring_setup},
                                  {"io_uring_enter", __NR_io_uring_enter},
                                  {"io_uring_register", __NR_io_uring_register}};
constexpr int refusals[] = {EPERM, EACCES, ENOSYS, EOPNOTSUPP};

void refuse(const refused_call& call, int error) {
    if (!older_kernel::refuse(call.number, error))
        test::exit_skipping(std::string("seccomp filters are not allowed here: ") + std::strerror(error));
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// What the library says, and how often.
struct log {
    log() { aura::set_log_handler(&note, this); }
    ~log() { aura::set_log_handler(nullptr); }
    log(const log&) = delete;
    static void note(aura::log_level level, const char* text, void* self) {
        auto& here = *static_cast<log*>(self);
        here.lines.emplace_back(text);
        here.warnings += level == aura::log_level::warning;
    }
    std::vector<std::string> lines;
    int warnings = 0;
};

bool has_second_backend() {
    return aura::core::all_backends().size() > 1;
}

TEST(BackendChoice, WhereNothingIsForbiddenItIsIoUring) {
    const log heard;
    aura::io_context ctx;
    EXPECT_EQ(ctx.backend(), "uring");
    EXPECT_EQ(ctx.backend_reason(), "io_uring");
    ASSERT_EQ(heard.lines.size(), 1u);
    EXPECT_EQ(heard.lines[0], "auraio: backend: uring: io_uring");
    EXPECT_EQ(heard.warnings, 0);
    EXPECT_EQ(ctx.stats().backend, "uring");
}

/// A name is strict: set-up and enter are needed, and the error says who refuses which call, and what allows it.
TEST(BackendChoice, ByNameItIsIoUringOrAnError) {
    for (const refused_call& call : calls)
        for (const int error : refusals)
            test::in_another_process([&] {
                refuse(call, error);
                aura::io_context_options options;
                options.backend = aura::backend_kind::uring;
                try {
                    aura::io_context ctx(options);
                    EXPECT_EQ(call.number, __NR_io_uring_register); // all but a few things work without
                    EXPECT_TRUE(has(ctx.backend_reason(), "io_uring_register")) << ctx.backend_reason();
                    bool ran = false;
                    aura::steady_timer timer(ctx, std::chrono::milliseconds(1));
                    timer.async_wait([&](aura::error_code ec) { ran = !ec; });
                    ctx.run();
                    EXPECT_TRUE(ran);
                } catch (const aura::system_error& e) {
                    EXPECT_NE(call.number, __NR_io_uring_register);
                    EXPECT_EQ(e.code().value(), error);
                    EXPECT_TRUE(has(e.what(), call.name)) << e.what();
                    EXPECT_TRUE(has(e.what(), "seccomp filter")) << e.what();
                    EXPECT_TRUE(has(e.what(), "--security-opt seccomp=")) << e.what();
                }
            });
}

TEST(BackendChoice, WhereACallIsRefusedItIsEpollAndIsHeardOnce) {
    if (!has_second_backend())
        GTEST_SKIP() << "this library has one backend";
    for (const refused_call& call : calls)
        for (const int error : refusals)
            test::in_another_process([&] {
                refuse(call, error);
                const log heard;
                aura::io_context first, second;
                for (aura::io_context* ctx : {&first, &second}) {
                    EXPECT_EQ(ctx->backend(), "epoll");
                    EXPECT_TRUE(has(ctx->backend_reason(), call.name)) << ctx->backend_reason();
                    EXPECT_TRUE(has(ctx->backend_reason(), "--security-opt seccomp="))
                        << ctx->backend_reason();
                }
                EXPECT_EQ(heard.warnings, 1);
            });
}

TEST(BackendChoice, AShortageIsAnError) {
    for (const refused_call& call : calls)
        for (const int error : {ENOMEM, EMFILE})
            test::in_another_process([&] {
                refuse(call, error);
                try {
                    aura::io_context ctx;
                    ADD_FAILURE() << "no error";
                } catch (const aura::system_error& e) {
                    EXPECT_EQ(e.code().value(), error) << e.what();
                }
            });
}

/// A sandbox that is put up between the construction of a context and its first ring.
TEST(BackendChoice, TheFirstRingMayStillFallBack) {
    if (!has_second_backend())
        GTEST_SKIP() << "this library has one backend";
    test::in_another_process([] {
        aura::io_context ctx;
        EXPECT_EQ(ctx.backend(), "uring");
        refuse(calls[0], EPERM);
        const log heard;
        bool ran = false;
        net::post(ctx, [&] { ran = true; });
        ctx.run();
        EXPECT_TRUE(ran);
        EXPECT_EQ(ctx.backend(), "epoll");
        EXPECT_TRUE(has(ctx.backend_reason(), "io_uring_setup")) << ctx.backend_reason();
        EXPECT_EQ(heard.warnings, 1);
    });
}

TEST(BackendChoice, TheEnvironmentNamesIt) {
    ASSERT_EQ(::setenv("AURAIO_BACKEND", "uring", 1), 0);
    EXPECT_EQ(aura::options_from_environment().backend, aura::backend_kind::uring);
    ASSERT_EQ(::setenv("AURAIO_BACKEND", "auto", 1), 0);
    EXPECT_EQ(aura::options_from_environment().backend, aura::backend_kind::automatic);
    if (has_second_backend()) {
        ASSERT_EQ(::setenv("AURAIO_BACKEND", "epoll", 1), 0);
        EXPECT_EQ(aura::options_from_environment().backend, aura::backend_kind::epoll);
    }
    ASSERT_EQ(::unsetenv("AURAIO_BACKEND"), 0);
}

} // namespace
