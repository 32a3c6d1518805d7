// set_stall_report(): a handler that does not return is reported while it runs, with where it is.
#include "support/sanitizers.hpp"

#include <auraio/auraio.hpp>
#include <auraio/stall_report.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <mutex>
#include <poll.h>
#include <string>
#include <sys/syscall.h>
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

/// What the log says of handlers that do not return.
class reports {
public:
    reports() { aura::set_log_handler(&receive, this); }
    ~reports() { aura::set_log_handler(nullptr); }
    reports(const reports&) = delete;

    std::string wait_for_one() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !texts_.empty(); });
        return texts_.front();
    }
    bool any() {
        std::lock_guard guard(mutex_);
        return !texts_.empty();
    }

private:
    static void receive(aura::log_level, const char* message, void* self) {
        const std::string text = message;
        if (text.find("a handler has not returned") == std::string::npos)
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

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

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
        aura::set_stall_report(100);
    }

    aura::io_context context_{aura::io_context_options{}};
    asio::executor_work_guard<aura::io_context::executor_type> work_{context_.get_executor()};
    std::vector<std::jthread> runners_;
};

TEST_F(StallReport, TellsWhereAHandlerComputes) {
    reports heard;
    std::atomic<int> thread{0};
    asio::post(context_.ring_executor(0), [&] {
        thread = static_cast<int>(::syscall(SYS_gettid));
        test::compute_for_long();
    });
    const std::string text = heard.wait_for_one();
    EXPECT_TRUE(has(text, "ring 0")) << text;
    EXPECT_TRUE(has(text, "thread " + std::to_string(thread))) << text;
    // ThreadSanitizer holds signals back until the thread calls something.
    EXPECT_TRUE(AURAIO_TEST_TSAN || has(text, "compute_for_long")) << text;
}

TEST_F(StallReport, TellsOfAThreadFromWhichOthersMayHaveTakenOver) {
    reports heard;
    asio::post(context_, [] { test::compute_for_long(); });
    const std::string text = heard.wait_for_one();
    EXPECT_TRUE(AURAIO_TEST_TSAN || has(text, "compute_for_long")) << text;
}

TEST_F(StallReport, LeavesAloneWhatASignalWouldDisturb) {
    reports heard;
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    std::atomic<int> polled{0};
    std::atomic<int> error{0};
    asio::post(context_.ring_executor(0), [&] {
        pollfd p{ends[0], POLLIN, 0};
        polled = ::poll(&p, 1, -1);
        error = errno;
    });
    const std::string text = heard.wait_for_one();
    EXPECT_TRUE(has(text, "which a signal might end")) << text;
    ASSERT_EQ(::write(ends[1], "x", 1), 1);
    work_.reset();
    runners_.clear();
    EXPECT_EQ(polled, 1) << error;
    ::close(ends[0]);
    ::close(ends[1]);
}

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
