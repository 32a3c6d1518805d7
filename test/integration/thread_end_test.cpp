// thread_end: the library is used while a thread ends, when its thread_local objects are destroyed.
#include <auraio/auraio.hpp>

#include "support/sanitizers.hpp"
#include "support/scratch_file.hpp"

#include <gtest/gtest.h>

#include <array>
#include <pthread.h>
#include <thread>
#include <utility>

namespace {

/// What a program may do when a thread ends: flush what it has gathered, wait for it, give it up.
struct last_words {
    test::scratch_file file{4096};
    aura::buffer_pool pool;
    int said = 0;

    void say() {
        aura::io_context ctx(1);
        aura::random_access_file f(ctx, file.path(), aura::file_base::read_only);
        const auto buffer = pool.allocate(8192);
        int handlers = 0;
        std::array<char, 16> data{};
        f.async_read_some_at(0, aura::net::buffer(data), [&](const auto& ec, std::size_t n) {
            EXPECT_FALSE(ec);
            EXPECT_EQ(n, 16u);
            ++handlers;
        });
        aura::steady_timer timer(ctx, std::chrono::hours(1));
        aura::net::cancellation_signal signal;
        timer.async_wait(aura::net::bind_cancellation_slot(signal.slot(), [&](const auto& ec) {
            EXPECT_EQ(ec, aura::net::error::operation_aborted);
            ++handlers;
        }));
        aura::net::post(ctx, [&] { signal.emit(aura::net::cancellation_type::all); });
        ctx.run();
        EXPECT_EQ(handlers, 2);
        ++said;
    }
};

struct at_thread_exit {
    last_words* words = nullptr;
    ~at_thread_exit() {
        if (words)
            words->say();
    }
};
thread_local at_thread_exit exit_of_this_thread;

} // namespace

TEST(ThreadEnd, AThreadLocalObjectOlderThanTheLibrarysUsesIt) {
    last_words words;
    for (int i = 0; i < 3; ++i)
        std::thread([&] {
            exit_of_this_thread.words = &words; // made before anything of the library: destroyed after it
            words.say();
        }).join();
    EXPECT_EQ(words.said, 6);
}

TEST(ThreadEnd, AThreadLocalObjectIsTheFirstToUseTheLibrary) {
    last_words words;
    std::thread([&] { exit_of_this_thread.words = &words; }).join();
    EXPECT_EQ(words.said, 1);
}

TEST(ThreadEnd, ADestructorOfAPthreadKeyUsesIt) {
    pthread_key_t key;
    // As in the C library's: a thread whose first use of the pool is here keeps its cache's entry for good.
    ASSERT_EQ(::pthread_key_create(&key,
                                   [](void* p) {
                                       const test::uncounted_by_leak_sanitizer here;
                                       static_cast<last_words*>(p)->say();
                                   }),
              0);
    last_words words;
    for (const bool before : {true, false})
        std::thread([&] {
            EXPECT_EQ(::pthread_setspecific(key, &words), 0);
            if (before)
                words.say();
        }).join();
    EXPECT_EQ(words.said, 3);
    EXPECT_EQ(::pthread_key_delete(key), 0);
}
