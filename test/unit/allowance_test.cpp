// allowance: the words for who forbids io_uring, and what would allow it.
#include "backend/uring/allowance.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

using namespace aura::core::uring;

namespace {

bool says(int error, const surroundings& here, const std::string& words) {
    const std::string why = explain_refusal("io_uring_setup", error, here);
    EXPECT_EQ(why.rfind("io_uring_setup: ", 0), 0u) << why;
    EXPECT_NE(why.find(words), std::string::npos) << why;
    return why.find(words) != std::string::npos;
}

constexpr surroundings free_machine{0, false, false};
constexpr surroundings container{0, true, false};
constexpr surroundings hardened{2, false, false};
constexpr surroundings enterprise{2, true, true};
constexpr surroundings for_the_privileged{1, true, false};
constexpr surroundings old_kernel{-1, false, false};

TEST(Allowance, AFilterIsNamedWithWhatAllowsIt) {
    for (const int error : {EPERM, EACCES, ENOSYS, EOPNOTSUPP}) {
        SCOPED_TRACE(error);
        EXPECT_TRUE(says(error, container, "seccomp filter"));
        EXPECT_TRUE(says(error, container, "--security-opt seccomp="));
        EXPECT_TRUE(says(error, container, "seccompProfile"));
        EXPECT_TRUE(says(error, container, "SystemCallFilter=@aio"));
    }
}

TEST(Allowance, TheSettingIsNamedWithItsValue) {
    EXPECT_TRUE(says(EPERM, hardened, "kernel.io_uring_disabled = 2"));
    EXPECT_TRUE(says(EPERM, hardened, "sysctl kernel.io_uring_disabled=0"));
    EXPECT_TRUE(says(EPERM, for_the_privileged, "kernel.io_uring_group"));
    EXPECT_TRUE(says(EPERM, enterprise, "RHEL"));
}

TEST(Allowance, WhereThereIsNeitherItIsAModuleOrTheKernel) {
    EXPECT_TRUE(says(EPERM, free_machine, "SELinux"));
    EXPECT_TRUE(says(EACCES, hardened, "SELinux"));
    EXPECT_TRUE(says(ENOSYS, old_kernel, "the kernel has no io_uring"));
    EXPECT_TRUE(says(EINVAL, old_kernel, "older than Linux 5.11"));
}

TEST(Allowance, AShortageNamesTheLimit) {
    EXPECT_TRUE(says(EMFILE, free_machine, "RLIMIT_NOFILE"));
    EXPECT_TRUE(says(ENFILE, free_machine, "fs.file-max"));
}

} // namespace
