// sandbox: a filter refuses what io_uring needs, from the start or in the middle of it: functions return the errno or
// work, every callback is called once, and the engine can be destroyed.
#include "support.hpp"

#include "support/refusals.hpp"

#include <array>
#include <thread>

using namespace test;

namespace {

/// Something of everything that may be pending.
struct operations {
    static constexpr int count = 3;

    explicit operations(const engine_ptr& e) {
        EXPECT_TRUE(aura_read(e.get(), pipe.read_end, aura_buf(&letter), 1, AURA_CURRENT_POSITION,
                              ended::note, &each[0]));
        EXPECT_TRUE(aura_timeout(e.get(), 1'000'000, ended::note, &each[1]));
        EXPECT_TRUE(aura_read(e.get(), file.get(), aura_buf(&bytes), sizeof bytes, 0, ended::note, &each[2]));
    }
    void expect_each_once() const {
        for (const ended& one : each)
            EXPECT_EQ(one.calls, 1);
    }

    pipe_ends pipe;
    scratch_file contents{4096};
    unique_fd file{::open(contents.path().c_str(), O_RDONLY | O_CLOEXEC)};
    char letter = 0, bytes[512] = {};
    std::array<ended, count> each;
};

/// What the functions that drive may say now.
void expect_driven_or_refused(const engine_ptr& e, const refusal& r) {
    for (const int result :
         {aura_poll(e.get()), aura_wait(e.get(), 20), aura_drain(e.get(), 20), aura_flush(e.get())})
        EXPECT_TRUE(result >= 0 || result == -r.error || result == -ETIMEDOUT) << result;
}

class CSandbox : public testing::TestWithParam<refusal> {
protected:
    template <class Body>
    void alone(Body body) {
        test::in_another_process([&] {
            ::alarm(60);
            body();
        });
    }
};
INSTANTIATE_TEST_SUITE_P(Matrix, CSandbox, testing::ValuesIn(all_refusals()));

TEST_P(CSandbox, FromTheStartThereIsNoEngineOrItWorks) {
    alone([] {
        GetParam().install();
        errno = 0;
        const engine_ptr e(aura_create());
        if (!e) {
            EXPECT_EQ(errno, GetParam().error);
            return;
        }
        ended done;
        EXPECT_TRUE(aura_timeout(e.get(), 0, ended::note, &done));
        EXPECT_EQ(finish(e, done), 0);
    });
}

TEST_P(CSandbox, AfterCreationFunctionsSayWhy) {
    alone([] {
        engine_ptr e = make_engine_of_rings();
        GetParam().install();
        operations all(e);
        expect_driven_or_refused(e, GetParam());
        EXPECT_EQ(aura_destroy(e.release()), 0);
        all.expect_each_once();
    });
}

TEST_P(CSandbox, WhileAThreadRunsItReturnsOrGoesOn) {
    alone([] {
        engine_ptr e = make_engine_of_rings();
        operations all(e);
        std::atomic<int> result{1};
        std::thread runner([&] { result = aura_run(e.get()); });
        ended first;
        ASSERT_TRUE(aura_timeout(e.get(), 0, ended::note, &first));
        while (first.calls == 0)
            std::this_thread::yield();
        GetParam().install();
        EXPECT_EQ(::write(all.pipe.write_end, "x", 1), 1);
        if (GetParam().of(__NR_io_uring_enter) && GetParam().error != ENOMEM) {
            runner.join();
            EXPECT_EQ(result, -GetParam().error);
        } else {
            aura_stop(e.get());
            runner.join();
            EXPECT_EQ(result, 0);
        }
        expect_driven_or_refused(e, GetParam());
        EXPECT_EQ(aura_destroy(e.release()), 0);
        all.expect_each_once();
    });
}

TEST(CSandboxOfOtherCalls, ThePollDescriptorSaysWhy) {
    for (const long call : {__NR_epoll_create1, __NR_epoll_ctl, __NR_eventfd2, __NR_timerfd_create})
        for (const int error : {EPERM, ENOSYS, ENOMEM})
            test::in_another_process([&] {
                const engine_ptr e = make_engine_of_rings();
                refusal{"", call, error}.install();
                EXPECT_EQ(aura_get_poll_fd(e.get()), -error);
            });
}

} // namespace
