// log: who hears what, and what standard error gets.
#include "core/base/log.hpp"

#include "support/other_process.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace aura::core;

namespace {

struct heard {
    static void note(log_level level, const char* message, void* self) {
        static_cast<heard*>(self)->lines.push_back(std::to_string(static_cast<int>(level)) + message);
    }
    std::vector<std::string> lines;
};

/// What `f` writes to standard error.
template <class F>
std::string standard_error_of(F f) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const int kept = ::dup(STDERR_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    f();
    ::dup2(kept, STDERR_FILENO);
    ::close(kept);
    char text[256];
    const ssize_t got = ::read(ends[0], text, sizeof text);
    ::close(ends[0]);
    return {text, static_cast<std::size_t>(got)};
}

TEST(Log, StandardErrorGetsWarningsUntilSomebodyHasSaidWhoListens) {
    test::in_another_process([] {
        EXPECT_EQ(standard_error_of([] {
                      announce(log_level::warning, "this");
                      log_message(log_level::info, "not this");
                  }),
                  "this\n");
        heard here;
        set_log_handler(&heard::note, &here);
        EXPECT_EQ(standard_error_of([] {
                      announce(log_level::warning, "a");
                      log_message(log_level::info, "b");
                  }),
                  "");
        EXPECT_EQ(here.lines, (std::vector<std::string>{"4a", "6b"}));
        set_log_handler(nullptr);
        EXPECT_EQ(standard_error_of([] { announce(log_level::warning, "nobody"); }), "");
        EXPECT_EQ(here.lines.size(), 2u);
    });
}

TEST(Log, AHandlerMayHaveSomethingToSay) {
    static int calls;
    calls = 0;
    set_log_handler([](log_level, const char*, void*) {
        ++calls;
        log_message(log_level::info, "lost");
        set_log_handler(nullptr);
    });
    log_message(log_level::info, "heard");
    log_message(log_level::info, "not heard");
    EXPECT_EQ(calls, 1);
}

TEST(Log, AChildOfForkInAHandlerMaySpeak) {
    heard here;
    set_log_handler(&heard::note, &here);
    log_message(log_level::info, "first");
    set_log_handler([](log_level, const char*, void*) {
        const ::pid_t child = ::fork();
        if (child == 0) {
            heard there;
            set_log_handler(&heard::note, &there);
            log_message(log_level::info, "child");
            ::_exit(there.lines.size() == 1 ? 0 : 1);
        }
        int status = -1;
        EXPECT_EQ(::waitpid(child, &status, 0), child);
        EXPECT_EQ(status, 0);
    });
    log_message(log_level::info, "in the middle");
    set_log_handler(nullptr);
}

} // namespace
