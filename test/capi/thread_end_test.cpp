// thread_end: operations that are started while a thread ends, when its thread_local objects are destroyed.
#include "support.hpp"

#include "support/sanitizers.hpp"

#include <array>
#include <pthread.h>
#include <thread>
#include <vector>

using namespace test;

namespace {

/// What a program may do when a thread ends: the engine is used as at any time.
struct last_words {
    std::vector<aura_engine_t*> engines;
    int file = -1;
    std::atomic<int> reads{0};

    void say() {
        for (aura_engine_t* e : engines) {
            std::array<char, 16> data{};
            ended reading, timeout;
            void* const buffer = aura_buffer_alloc(e, 8192);
            EXPECT_NE(buffer, nullptr);
            EXPECT_NE(aura_read(e, file, aura_buf(data.data()), data.size(), 0, ended::note, &reading),
                      nullptr);
            EXPECT_NE(aura_timeout(e, 1000, ended::note, &timeout), nullptr);
            EXPECT_EQ(aura_drain(e, 20000), 2);
            EXPECT_EQ(reading.result, 16);
            EXPECT_EQ(timeout.result, 0);
            aura_buffer_free(e, buffer);
            ++reads;
        }
    }
};

/// Several engines, so that a thread has more to remember than the last one.
struct CThreadEnd : testing::TestWithParam<aura_ring_select_t> {
    void SetUp() override {
        for (int i = 0; i < 3; ++i)
            owners_.push_back(make_engine(2, GetParam()));
        for (const engine_ptr& e : owners_)
            words_.engines.push_back(e.get());
        words_.file = fd_.get();
    }

    std::vector<engine_ptr> owners_;
    scratch_file file_{4096};
    unique_fd fd_{::open(file_.path().c_str(), O_RDONLY | O_CLOEXEC)};
    last_words words_;
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

TEST_P(CThreadEnd, AThreadLocalObjectOlderThanTheLibrarysUsesIt) {
    for (int i = 0; i < 3; ++i)
        std::thread([this] {
            exit_of_this_thread.words = &words_; // made before anything of the library: destroyed after it
            words_.say();
        }).join();
    EXPECT_EQ(words_.reads, 3 * 2 * 3);
}

TEST_P(CThreadEnd, AThreadLocalObjectIsTheFirstToUseTheLibrary) {
    std::thread([this] { exit_of_this_thread.words = &words_; }).join();
    EXPECT_EQ(words_.reads, 3);
}

TEST_P(CThreadEnd, ADestructorOfAPthreadKeyUsesIt) {
    pthread_key_t key;
    // A thread that uses the library for the first time in such a destructor keeps some hundred bytes:
    // nothing of C++ is destroyed after it. LeakSanitizer is not to count them, and the rest of the case is
    // checked.
    ASSERT_EQ(::pthread_key_create(&key,
                                   [](void* p) {
                                       const test::uncounted_by_leak_sanitizer here;
                                       static_cast<last_words*>(p)->say();
                                   }),
              0);
    for (const bool before : {true, false})
        std::thread([&] {
            EXPECT_EQ(::pthread_setspecific(key, &words_), 0);
            if (before)
                words_.say();
        }).join();
    EXPECT_EQ(words_.reads, 3 * 3);
    EXPECT_EQ(::pthread_key_delete(key), 0);
}

INSTANTIATE_TEST_SUITE_P(Modes, CThreadEnd,
                         testing::Values(AURA_SELECT_ADAPTIVE, AURA_SELECT_CPU_LOCAL, AURA_SELECT_ROUND_ROBIN,
                                         AURA_SELECT_THREAD_LOCAL));
