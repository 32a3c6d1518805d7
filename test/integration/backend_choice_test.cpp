// backend choice: which backend a context takes in a sandbox, what it says of it, and that its user hears so once.
#include <auraio/auraio.hpp>

#include "backend/backends.hpp"
#include "support/older_kernel.hpp"
#include "support/other_process.hpp"
#include "support/scratch_file.hpp"

#include <asio/post.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
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

/// What the environment names is no choice.
class BackendChoice : public testing::Test {
protected:
    BackendChoice() {
        if (const char* const name = std::getenv("AURAIO_BACKEND"))
            named_ = name;
        ::unsetenv("AURAIO_BACKEND");
    }
    ~BackendChoice() override {
        if (named_)
            ::setenv("AURAIO_BACKEND", named_->c_str(), 1);
    }

private:
    std::optional<std::string> named_;
};

TEST_F(BackendChoice, WhereNothingIsForbiddenItIsIoUring) {
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
TEST_F(BackendChoice, ByNameItIsIoUringOrAnError) {
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

TEST_F(BackendChoice, WhereACallIsRefusedItIsEpollAndIsHeardOnce) {
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

TEST_F(BackendChoice, AShortageIsAnError) {
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
TEST_F(BackendChoice, TheFirstRingMayStillFallBack) {
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

aura::core::registrations& registrations_of(aura::io_context& ctx) {
    return aura::detail::find_engine(ctx)->registered();
}

/// Of a message: does with a context what whoever hears of it may do, once.
struct caller_back {
    explicit caller_back(aura::io_context& c)
        : ctx(c) {
        aura::set_log_handler(&note, this);
    }
    ~caller_back() { aura::set_log_handler(nullptr); }
    caller_back(const caller_back&) = delete;
    static void note(aura::log_level, const char*, void* self) {
        auto& here = *static_cast<caller_back*>(self);
        if (here.called++ != 0)
            return;
        net::post(here.ctx, [&] { here.ran = true; });
        here.ctx.poll();
        here.ctx.restart();
        const int fd = -1;
        here.registered = registrations_of(here.ctx).register_files(std::span(&fd, 1));
    }
    aura::io_context& ctx;
    int called = 0, registered = 1;
    bool ran = false;
};

TEST_F(BackendChoice, WhoHearsOfItMayCallAnything) {
    if (!has_second_backend())
        GTEST_SKIP() << "this library has one backend";
    test::in_another_process([] {
        ::alarm(20);
        aura::io_context ctx;
        refuse(calls[0], EPERM);
        caller_back hears(ctx);
        std::optional<aura::file_registration> table;
        try {
            table.emplace(ctx, 1);
        } catch (const aura::system_error& e) { // the handler's is there
            EXPECT_EQ(e.code().value(), EBUSY);
        }
        EXPECT_FALSE(table);
        EXPECT_GE(hears.called, 1);
        EXPECT_TRUE(hears.ran);
        EXPECT_EQ(hears.registered, 0);
        EXPECT_EQ(ctx.backend(), "epoll");
    });
}

/// What io_uring has been told of is told to epoll: the calls that would change it are forbidden.
TEST_F(BackendChoice, ATableOutlivesTheFallBack) {
    if (!has_second_backend())
        GTEST_SKIP() << "this library has one backend";
    test::in_another_process([] {
        const scratch_file one(8), two(8);
        aura::io_context ctx;
        aura::file_registration table(ctx, 1);
        refuse(calls[0], EPERM);
        refuse(calls[2], EPERM);
        net::post(ctx, [] {});
        ctx.run();
        ctx.restart();
        EXPECT_EQ(ctx.backend(), "epoll");
        aura::random_access_file a(ctx, one.path(), aura::file_base::read_only),
            b(ctx, two.path(), aura::file_base::read_only);
        EXPECT_EQ(table.add(a), 0u);
        bool replaced = false;
        table.async_replace(0, b, [&](aura::error_code ec) { replaced = !ec; });
        ctx.run();
        EXPECT_TRUE(replaced);
    });
}

/// There is a ring, so that there is no falling back: the table cannot be changed, but has no closed number.
TEST_F(BackendChoice, AClosedFileIsForgottenWhateverIsRefused) {
    test::in_another_process([] {
        const scratch_file contents(8);
        aura::io_context_options options;
        options.backend = aura::backend_kind::uring;
        aura::io_context ctx(options);
        aura::file_registration table(ctx, 1);
        aura::random_access_file file(ctx, contents.path(), aura::file_base::read_only);
        EXPECT_EQ(table.add(file), 0u);
        EXPECT_EQ(registrations_of(ctx).file_at(0), file.native_handle());
        refuse(calls[2], EPERM);
        file.close();
        EXPECT_EQ(registrations_of(ctx).file_at(0), -1);
    });
}

TEST_F(BackendChoice, WhatOnlyRingsHaveIsNotHadOfAnother) {
    test::in_another_process([] {
        refuse(calls[0], EPERM);
        aura::io_context_options deferred, by_message;
        deferred.task_work = aura::task_run::deferred;
        by_message.wake = aura::wake_mechanism::message;
        for (const aura::io_context_options& options : {deferred, by_message})
            try {
                aura::io_context ctx(options);
                ADD_FAILURE() << ctx.backend();
            } catch (const aura::system_error& e) {
                EXPECT_EQ(e.code().value(), EPERM) << e.what();
            }
    });
}

TEST_F(BackendChoice, TheEnvironmentNamesIt) {
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
