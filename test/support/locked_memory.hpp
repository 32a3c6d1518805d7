// locked_memory: a process that may lock little memory, or none.
#pragma once

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>

namespace test {

/// Limits what this process may lock (RLIMIT_MEMLOCK) to so many bytes, and takes its privileges, which would
/// lift the limit. Newer kernels charge rings to it as well as registered buffers.
inline void limit_locked_memory(rlim_t bytes) {
    const rlimit limit{bytes, bytes};
    ASSERT_EQ(::setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    if (::geteuid() != 0)
        return;
    // What other processes of a user have locked counts for this one, and rings go some time after their process.
    const auto nobody_else = static_cast<::uid_t>(10'000 + ::getpid() % 50'000);
    ASSERT_EQ(::setresgid(nobody_else, nobody_else, nobody_else), 0);
    ASSERT_EQ(::setresuid(nobody_else, nobody_else, nobody_else), 0);
}

} // namespace test
