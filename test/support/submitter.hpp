// submitter: a thread that starts a request and then sleeps in a system call, computes, or ends.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <fcntl.h>
#include <latch>
#include <thread>
#include <unistd.h>

namespace test {

enum class afterwards { sleeps, computes, has_ended };

inline const char* name_of(afterwards a) {
    constexpr const char* names[] = {"sleeps", "computes", "has_ended"};
    return names[static_cast<int>(a)];
}

/// Constructed, it has called `start` in a thread of its own and met the first moment of its fate there,
/// which lasts until destruction.
class submitter {
public:
    template <class Start>
    submitter(Start start, afterwards what)
        : what_(what) {
        EXPECT_EQ(::pipe2(pipe_, O_CLOEXEC), 0);
        thread_ = std::thread([this, start] {
            start();
            gone_.count_down();
            char c;
            switch (what_) {
            case afterwards::sleeps:
                (void)!::read(pipe_[0], &c, 1);
                break;
            case afterwards::computes:
                while (!stop_.load(std::memory_order_relaxed)) {
                }
                break;
            case afterwards::has_ended:
                break;
            }
        });
        if (what_ == afterwards::has_ended)
            thread_.join();
        gone_.wait();
    }
    ~submitter() {
        stop_ = true;
        (void)!::write(pipe_[1], "x", 1);
        if (thread_.joinable())
            thread_.join();
        ::close(pipe_[0]);
        ::close(pipe_[1]);
    }
    submitter(const submitter&) = delete;

private:
    afterwards what_;
    int pipe_[2];
    std::atomic<bool> stop_{false}; // relaxed: it publishes nothing
    std::latch gone_{1};
    std::thread thread_;
};

} // namespace test
