// set_stall_report(): a handler that does not return is reported while it runs, with where it is.
#include "support/sanitizers.hpp"
#include "support/sleeping_threads.hpp"
#include "support/system_calls_shown.hpp"

#include <auraio/auraio.hpp>
#include <auraio/stall_report.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <linux/membarrier.h>
#include <memory>
#include <mutex>
#include <poll.h>
#include <string>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <asio.hpp>
#include <gtest/gtest.h>

namespace test {

/// Whether the handler below may return. Outside of the anonymous namespace, so that it is no constant.
std::atomic<bool> may_return{false};

/// Has a name that a stack shows, and computes until it may return.
[[gnu::noinline]] void compute_for_long() {
    while (!may_return.load())
        ;
}

} // namespace test

namespace {

using namespace std::chrono_literals;

const std::string one = "a handler has not returned";
const std::string one_or_several = "in a handler, or in several without a pause";

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// What the log says of handlers that do not return.
class reports {
public:
    reports() { aura::set_log_handler(&receive, this); }
    ~reports() { aura::set_log_handler(nullptr); }
    reports(const reports&) = delete;

    /// Waits for one that has all of these; a handler is reported again while it does not return. Empty: there is none.
    std::string wait_for(const std::vector<std::string>& parts) {
        std::unique_lock lock(mutex_);
        std::string found;
        changed_.wait_for(lock, 60s, [&] {
            for (const std::string& text : texts_)
                if (std::all_of(parts.begin(), parts.end(), [&](const auto& p) { return has(text, p); }))
                    found = text;
            return !found.empty();
        });
        return found;
    }
    bool any() {
        std::lock_guard guard(mutex_);
        return !texts_.empty();
    }

private:
    static void receive(aura::log_level, const char* message, void* self) {
        const std::string text = message;
        if (!has(text, one) && !has(text, one_or_several))
            return;
        auto& to = *static_cast<reports*>(self);
        std::lock_guard guard(to.mutex_);
        to.texts_.push_back(text);
        to.changed_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> texts_;
};

/// Threads are watched where others may take over from them.
bool is_watched() {
    const long commands = ::syscall(__NR_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
    return commands >= 0 && (commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0;
}

/// Reports after 100 ms, as there are unless somebody asks for others: no thread comes for that. None afterwards, or
/// later tests have a thread, in a child of fork too.
struct limit_of_the_beginning {
    limit_of_the_beginning() {
        if (aura::stall_report_after() != 100)
            aura::set_stall_report(100);
    }
    ~limit_of_the_beginning() { aura::set_stall_report(0); }
    limit_of_the_beginning(const limit_of_the_beginning&) = delete;
    limit_of_the_beginning& operator=(const limit_of_the_beginning&) = delete;
};

class StallReport : public testing::Test {
protected:
    void SetUp() override {
        if (!is_watched())
            GTEST_SKIP() << "membarrier(2) is not to be had";
        test::may_return = false;
        for (int i = 0; i < 2; ++i)
            runners_.emplace_back([this] { context_.run(); });
    }
    void TearDown() override {
        test::may_return = true;
        work_.reset();
        runners_.clear();
    }

    limit_of_the_beginning limit_;
    aura::io_context context_{aura::options_from_environment()};
    asio::executor_work_guard<aura::io_context::executor_type> work_{context_.get_executor()};
    std::vector<std::jthread> runners_;
};

TEST_F(StallReport, TellsWhereAHandlerComputes) {
    if (!test::shows_system_calls())
        GTEST_SKIP() << "/proc/self/task/N/syscall cannot be read";
    reports heard;
    std::atomic<int> thread{0};
    std::atomic<bool> begun{false};
    asio::post(context_, [&] {
        thread = static_cast<int>(::syscall(SYS_gettid));
        begun = true;
        begun.notify_one();
        test::compute_for_long();
    });
    begun.wait(false);
    std::vector<std::string> parts{one, "thread " + std::to_string(thread)};
    if (!AURAIO_TEST_TSAN) // it holds signals back until the thread calls something
        parts.emplace_back("compute_for_long");
    EXPECT_FALSE(heard.wait_for(parts).empty());
}

TEST_F(StallReport, DoesNotDisturbARingThatMayRunManyHandlers) {
    reports heard;
    asio::post(context_.ring_executor(0), [] { test::compute_for_long(); });
    const std::string text = heard.wait_for({one_or_several, "ring 0"});
    EXPECT_FALSE(text.empty());
    EXPECT_FALSE(has(text, "stack") || has(text, "#0")) << text;
}

TEST_F(StallReport, LeavesAloneWhatASignalWouldDisturb) {
    if (!test::shows_system_calls())
        GTEST_SKIP() << "/proc/self/task/N/syscall cannot be read";
    reports heard;
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::atomic<int> polled{0};
    std::atomic<int> error{0};
    asio::post(context_, [&] {
        pollfd p{ends[0], POLLIN, 0};
        polled = ::poll(&p, 1, -1);
        error = errno;
    });
    EXPECT_FALSE(heard.wait_for({one, "which a signal might end"}).empty());
    EXPECT_EQ(::write(ends[1], "x", 1), 1);
    work_.reset();
    runners_.clear();
    EXPECT_EQ(polled, 1) << error;
    ::close(ends[0]);
    ::close(ends[1]);
}

/// A program's log handler may hold what the thread that ends the context holds.
TEST(StallReportAtTheEnd, DoesNotWaitForTheLogHandler) {
    if (!is_watched())
        GTEST_SKIP() << "membarrier(2) is not to be had";
    const limit_of_the_beginning limit;
    struct log {
        std::atomic<bool> called{false};
        std::atomic<bool> may_return{false};
    } heard;
    std::atomic<bool> handler_may_return{false};
    auto context = std::make_unique<aura::io_context>(aura::options_from_environment());
    aura::set_log_handler(
        [](aura::log_level, const char* message, void* to) {
            if (!has(message, one))
                return;
            auto& l = *static_cast<log*>(to);
            l.called = true;
            l.called.notify_one();
            l.may_return.wait(false);
        },
        &heard);
    asio::post(*context, [&] { handler_may_return.wait(false); });
    auto work = asio::make_work_guard(*context);
    {
        std::jthread first([&] { context->run(); });
        std::jthread second([&] { context->run(); });
        heard.called.wait(false);
        handler_may_return = true;
        handler_may_return.notify_one();
        work.reset();
    }
    context.reset(); // does not wait for the log handler
    heard.may_return = true;
    heard.may_return.notify_one();
    aura::set_log_handler(nullptr); // does
}

/// What nobody takes over from is watched once reports are asked for.
enum class kind_of_context : std::uint8_t { one_ring, by_default, strands };

class StallReportOfOneThread : public testing::TestWithParam<kind_of_context> {
protected:
    static aura::io_context_options options() {
        aura::io_context_options o = aura::options_from_environment();
        if (GetParam() == kind_of_context::one_ring)
            o.concurrency_hint = 1;
        if (GetParam() == kind_of_context::strands)
            o.implicit_strands = true;
        return o;
    }
    void SetUp() override {
        test::may_return = false;
        aura::set_stall_report(0);
    }
    void TearDown() override {
        test::may_return = true;
        aura::set_stall_report(0);
    }
    static bool watch_is_there() {
        for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task")) {
            std::string name;
            std::getline(std::ifstream(thread.path() / "comm"), name);
            if (name == "auraio-stalls")
                return true;
        }
        return false;
    }
    /// Looks no second time: of two watches the one that ends may have been seen, and the one that begins has the name
    /// of who made it for a moment.
    static bool watch_gets_to_be(bool there) {
        const auto give_up = std::chrono::steady_clock::now() + 60s;
        while (watch_is_there() != there) {
            if (std::chrono::steady_clock::now() > give_up)
                return false;
            std::this_thread::yield();
        }
        return true;
    }
};

TEST_P(StallReportOfOneThread, TellsWhereAHandlerComputes) {
    reports heard;
    aura::set_stall_report(20);
    aura::io_context context(options());
    std::atomic<int> thread{0};
    asio::post(context, [] {}); // so that the other may be in the middle of a turn
    asio::post(context, [&] {
        thread = static_cast<int>(::syscall(SYS_gettid));
        thread.notify_one();
        test::compute_for_long();
    });
    asio::post(context, [] {});
    std::jthread runner([&] { context.run(); });
    thread.wait(0);
    std::vector<std::string> parts{one, "ring 0", "thread " + std::to_string(thread)};
    if (!AURAIO_TEST_TSAN &&
        test::shows_system_calls()) // TSan holds signals back until the thread calls something
        parts.emplace_back("compute_for_long");
    EXPECT_FALSE(heard.wait_for(parts).empty());
    test::may_return = true;
}

TEST_P(StallReportOfOneThread, IsMadeAfterAWaitThatNothingEndedForLong) {
    aura::io_context context(options());
    auto work = asio::make_work_guard(context);
    test::running_threads runner(context, 1);
    reports heard;
    aura::set_stall_report(20);
    EXPECT_TRUE(watch_gets_to_be(true));
    while (context.stats().total().wakes_received < 5) { // the watch parks meanwhile
        EXPECT_TRUE(runner.await_sleep());
        asio::post(context, [] {});
    }
    asio::post(context, [] { test::compute_for_long(); });
    EXPECT_FALSE(heard.wait_for({one, "ring 0"}).empty());
    test::may_return = true;
    work.reset();
}

TEST_P(StallReportOfOneThread, HasAThreadWhileItIsAskedForAndThereIsAContext) {
    EXPECT_TRUE(watch_gets_to_be(false));
    {
        aura::io_context context(options());
        asio::post(context, [] { EXPECT_FALSE(watch_is_there()); });
        context.run();
        context.restart();
        aura::set_stall_report(1000);
        EXPECT_TRUE(watch_gets_to_be(true));
        aura::set_stall_report(0);
        EXPECT_TRUE(watch_gets_to_be(false));
        aura::set_stall_report(1000);
        EXPECT_TRUE(watch_gets_to_be(true));
    }
    EXPECT_TRUE(watch_gets_to_be(false));
    aura::io_context another(options());
    asio::post(another, [] { EXPECT_TRUE(watch_gets_to_be(true)); });
    another.run();
}

TEST_P(StallReportOfOneThread, IsMadeInAChildOfFork) {
    if (AURAIO_TEST_TSAN)
        GTEST_SKIP() << "ThreadSanitizer does not follow threads into a child";
    aura::io_context context(options());
    aura::set_stall_report(20);
    EXPECT_TRUE(watch_gets_to_be(true));
    const pid_t child = ::fork();
    if (child == 0) {
        reports heard;
        bool told = false;
        asio::post(context, [&] { told = !heard.wait_for({one, "ring 0"}).empty(); });
        context.run();
        ::_exit(told ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_P(StallReportOfOneThread, DoesNotWatchInAChildWhatIsTheParents) {
    if (AURAIO_TEST_TSAN)
        GTEST_SKIP() << "ThreadSanitizer does not follow threads into a child";
    auto context = std::make_unique<aura::io_context>(options());
    aura::io_context other(options());
    aura::set_stall_report(1000);
    EXPECT_TRUE(watch_gets_to_be(true));
    const pid_t child = ::fork();
    if (child == 0) {
        bool good = true;
        {
            aura::io_context own(options());
            asio::post(own, [&] { good = watch_gets_to_be(true); });
            own.run();
            context.reset();
        }
        good = watch_gets_to_be(false) && good;
        asio::post(other, [&] { good = watch_gets_to_be(true) && good; });
        other.run();
        ::_exit(good ? 0 : 1);
    }
    int status = -1;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

INSTANTIATE_TEST_SUITE_P(Contexts, StallReportOfOneThread,
                         testing::Values(kind_of_context::one_ring, kind_of_context::by_default,
                                         kind_of_context::strands));

TEST_F(StallReport, IsNotMadeWhereItIsNotWanted) {
    aura::set_stall_report(0);
    reports heard;
    EXPECT_EQ(aura::stall_report_after(), 0u);
    const auto began = std::chrono::steady_clock::now();
    asio::post(context_.ring_executor(0), [&] {
        while (std::chrono::steady_clock::now() - began < 300ms)
            ;
        work_.reset();
    });
    runners_.clear();
    EXPECT_FALSE(heard.any());
}

} // namespace
