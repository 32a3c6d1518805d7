// thread_stack: threads that answer, late too, and those that are left alone.
#include "core/base/thread_stack.hpp"

#include "support/sanitizers.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <dlfcn.h>
#include <execinfo.h>
#include <fstream>
#include <mutex>
#include <pthread.h>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

namespace test {

/// The thread whose stack takes until it may be had; 0: none does.
std::atomic<int> slow_thread{0};

using backtrace_function = int (*)(void**, int);
/// The C library's, looked up before any signal comes.
const auto real_backtrace = reinterpret_cast<backtrace_function>(::dlsym(RTLD_NEXT, "backtrace"));

} // namespace test

extern "C" int backtrace(void** frames, int size) {
    while (test::slow_thread.load() == static_cast<int>(::syscall(SYS_gettid)))
        ;
    return test::real_backtrace(frames, size);
}

namespace {

using namespace aura::core;

bool has(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

class ThreadStack : public testing::Test {
protected:
    void SetUp() override {
        std::string text;
        std::getline(std::ifstream("/proc/thread-self/syscall"), text);
        if (text.empty())
            GTEST_SKIP() << "/proc/self/task/N/syscall cannot be read";
    }
};

/// A thread that computes until it is destroyed.
class computing_thread {
public:
    explicit computing_thread(bool blocks_signals = false)
        : thread_([this, blocks_signals] {
            sigset_t all;
            sigfillset(&all);
            if (blocks_signals)
                ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
            number_ = static_cast<int>(::syscall(SYS_gettid));
            number_.notify_one();
            while (!ends_.load())
                ;
        }) {
        number_.wait(0);
    }
    ~computing_thread() { ends_ = true; }
    computing_thread(const computing_thread&) = delete;
    int number() const { return number_.load(); }

private:
    std::atomic<int> number_{0};
    std::atomic<bool> ends_{false};
    std::jthread thread_;
};

TEST_F(ThreadStack, IsTakenAgainAfterALateAnswer) {
    if (AURAIO_TEST_TSAN)
        GTEST_SKIP() << "ThreadSanitizer holds signals back until the thread calls something";
    const computing_thread thread;
    test::slow_thread = thread.number();
    std::string text; // a machine that is busy may not have run it at all
    while (!has(text, "has not answered yet"))
        text = stack_of(thread.number());
    test::slow_thread = 0;
    while (!has(text, "#0"))
        text = stack_of(thread.number());
}

TEST_F(ThreadStack, IsNotAskedOfAThreadThatBlocksTheSignal) {
    const computing_thread thread(true);
    const std::string text = stack_of(thread.number());
    EXPECT_TRUE(has(text, "it blocks the signal")) << text;
}

TEST_F(ThreadStack, IsNotAskedOfAThreadThatWaitsWithATimeout) {
    std::mutex mutex;
    std::condition_variable changed;
    std::atomic<int> number{0};
    bool ends = false;
    std::jthread thread([&] {
        std::unique_lock lock(mutex);
        number = static_cast<int>(::syscall(SYS_gettid));
        changed.wait_for(lock, std::chrono::hours(1), [&] { return ends; });
    });
    std::string text; // until it waits
    while (!has(text, "which a signal might end"))
        text = number == 0 ? std::string() : stack_of(number);
    {
        std::lock_guard guard(mutex);
        ends = true;
    }
    changed.notify_one();
}

} // namespace
