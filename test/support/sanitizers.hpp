// sanitizers: which of them the program was built with; GCC and Clang say so differently.
#pragma once

// 1 or 0, for code that a sanitizer needs left out. UBSan, which GCC does not tell of, comes with ASan in our
// builds.
#if defined(__SANITIZE_ADDRESS__)
#define AURAIO_TEST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define AURAIO_TEST_ASAN 1
#endif
#endif
#if !defined(AURAIO_TEST_ASAN)
#define AURAIO_TEST_ASAN 0
#endif

#if defined(__SANITIZE_THREAD__)
#define AURAIO_TEST_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define AURAIO_TEST_TSAN 1
#endif
#endif
#if !defined(AURAIO_TEST_TSAN)
#define AURAIO_TEST_TSAN 0
#endif

#if AURAIO_TEST_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace test {

/// What the thread allocates meanwhile is no leak.
struct uncounted_by_leak_sanitizer {
#if AURAIO_TEST_ASAN
    uncounted_by_leak_sanitizer() { __lsan_disable(); }
    ~uncounted_by_leak_sanitizer() { __lsan_enable(); }
#else
    uncounted_by_leak_sanitizer() {}
#endif
};

} // namespace test
