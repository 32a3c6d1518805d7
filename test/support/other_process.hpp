// other_process: runs a test's body in a process of its own, for what cannot be undone (privileges, filters,
// limits).
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

/// What the other process exits with.
enum process_result : int { succeeded = 0, failed = 1, skipped = 77 };

/// Ends this process as a test's body ends: with what its expectations have come to.
[[noreturn]] inline void exit_with_result() {
    const auto& result = *testing::UnitTest::GetInstance()->current_test_info()->result();
    for (int i = 0; i < result.total_part_count(); ++i) // in such a process GoogleTest prints nothing
        std::fprintf(stderr, "%s:%d: %s\n", result.GetTestPartResult(i).file_name(),
                     result.GetTestPartResult(i).line_number(), result.GetTestPartResult(i).message());
    std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? failed : succeeded);
}

/// In the other process: its body ends here, and with it the test.
[[noreturn]] inline void exit_skipping(const std::string& why) {
    std::fprintf(stderr, "SKIPPED: %s\n", why.c_str());
    std::fflush(nullptr);
    ::_exit(skipped);
}

/// The last statement of a test: calls `body` in a new process that has executed this program afresh (nothing
/// is probed or cached, and there is one thread); its expectations are this test's.
template <class Body>
void in_another_process(Body body) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    bool was_skipped = false;
    EXPECT_EXIT(
        {
            body();
            exit_with_result();
        },
        [&](int status) {
            was_skipped = WIFEXITED(status) && WEXITSTATUS(status) == skipped;
            return WIFEXITED(status) && (WEXITSTATUS(status) == succeeded || was_skipped);
        },
        "");
    if (was_skipped)
        GTEST_SKIP() << "in the other process; its output says why";
}

} // namespace test
