// descriptor_famine: takes all descriptors that the process may still open, and gives them back.
#pragma once

#include "sanitizers.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <vector>

namespace test {

/// UBSan, which our builds have together with ASan, makes a pipe to look at the type of an object.
inline constexpr bool checks_need_descriptors = AURAIO_TEST_ASAN != 0;

/// Lowers the soft limit on descriptors (RLIMIT_NOFILE) while it exists, to a few above those that are open.
/// To be made before any request is submitted: the kernel notes the limit in each. One thread only. During
/// it UBSan cannot check virtual calls (it wants a pipe): compare error codes by value().
class descriptor_famine {
public:
    descriptor_famine() {
        const int lowest = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
        EXPECT_GE(lowest, 0);
        ::close(lowest);
        EXPECT_EQ(::getrlimit(RLIMIT_NOFILE, &before_), 0);
        rlimit lower = before_;
        lower.rlim_cur = static_cast<rlim_t>(lowest) + 32;
        EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &lower), 0);
    }
    ~descriptor_famine() {
        end();
        ::setrlimit(RLIMIT_NOFILE, &before_);
    }
    descriptor_famine(const descriptor_famine&) = delete;

    void begin() {
        for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;)
            taken_.push_back(fd);
        EXPECT_EQ(errno, EMFILE);
    }
    void end() {
        for (const int fd : taken_)
            ::close(fd);
        taken_.clear();
    }

private:
    rlimit before_{};
    std::vector<int> taken_;
};

} // namespace test
