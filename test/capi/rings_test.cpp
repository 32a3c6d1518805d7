// rings: selection modes, and many threads that start, cancel, wait and drain at once.
#include "support.hpp"

#include <random>
#include <thread>
#include <vector>

using namespace test;

namespace {

struct CRings : testing::TestWithParam<aura_ring_select_t> {};

/// Starts reads that complete, reads that do not, timeouts and chains, and cancels some of them.
class player {
public:
    player(aura_engine_t* e, int file, int pipe, unsigned seed)
        : engine_(e)
        , file_(file)
        , pipe_(pipe)
        , random_(seed) {}

    void play(int moves) {
        for (int i = 0; i < moves; ++i) {
            aura_request_t* const r = start();
            ASSERT_NE(r, nullptr);
            handles_.push_back(r);
            if (random_() % 4 == 0) {
                const int result = aura_cancel(engine_, handles_[random_() % handles_.size()]);
                EXPECT_TRUE(result == 0 || result == -ENOENT) << result;
            }
            (void)aura_request_pending(handles_[random_() % handles_.size()]);
            if (random_() % 16 == 0) {
                EXPECT_EQ(aura_flush(engine_), 0);
            }
        }
        for (aura_request_t* r : handles_) // also those that would never end
            EXPECT_LE(aura_cancel(engine_, r), 0);
    }
    int started() const { return started_; }
    std::atomic<int> ended{0};

private:
    static void on_end(aura_request_t*, ssize_t, void* self) { ++static_cast<player*>(self)->ended; }

    aura_request_t* start() {
        switch (random_() % 5) {
        case 0:
            ++started_;
            return aura_timeout(engine_, random_() % 100'000, on_end, this);
        case 1:
            ++started_;
            return aura_read(engine_, pipe_, aura_buf(data_), 1, 0, on_end, this);
        case 2: {
            started_ += 2;
            const aura_op_t ops[] = {aura_op_read(file_, aura_buf(data_), sizeof data_, 0, on_end, this),
                                     aura_op_fdatasync(file_, on_end, this)};
            return aura_submit_linked(engine_, ops, 2, nullptr);
        }
        default:
            ++started_;
            return aura_read(engine_, file_, aura_buf(data_), sizeof data_, 0, on_end, this);
        }
    }

    aura_engine_t* const engine_;
    const int file_;
    const int pipe_;
    std::mt19937 random_;
    std::vector<aura_request_t*> handles_;
    int started_ = 0;
    char data_[512];
};

} // namespace

TEST_P(CRings, EverythingEndsOnce) {
    const engine_ptr engine = make_engine(3, GetParam());
    std::vector<ended> all(500);
    for (ended& x : all)
        ASSERT_NE(aura_timeout(engine.get(), 0, ended::note, &x), nullptr);
    EXPECT_EQ(aura_drain(engine.get(), -1), 500);
    for (const ended& x : all)
        EXPECT_EQ(x.calls, 1);
}

TEST_P(CRings, ManyThreadsAtOnce) {
    const scratch_file file(4096);
    const unique_fd fd(::open(file.path().c_str(), O_RDWR | O_CLOEXEC));
    pipe_ends pipe;
    engine_ptr engine = make_engine(3, GetParam());
    std::atomic<bool> playing{true};
    std::vector<std::thread> waiters;
    for (int i = 0; i < 2; ++i)
        waiters.emplace_back([&, i] {
            while (playing) {
                const int n = i == 0 ? aura_wait(engine.get(), 5) : aura_drain(engine.get(), 5);
                EXPECT_TRUE(n >= 0 || n == -ETIMEDOUT) << n;
            }
        });
    std::vector<std::unique_ptr<player>> players;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 3; ++i) {
        players.push_back(std::make_unique<player>(engine.get(), fd.get(), pipe.read_end, i));
        threads.emplace_back([&p = *players.back()] { p.play(1000); });
    }
    for (std::thread& t : threads)
        t.join();
    EXPECT_GE(aura_drain(engine.get(), -1), 0);
    playing = false;
    for (std::thread& t : waiters)
        t.join();
    for (const auto& p : players)
        EXPECT_EQ(p->ended, p->started());
}

TEST_P(CRings, DestroyedWithThousandsPending) {
    pipe_ends pipe;
    const scratch_file file(4096);
    const unique_fd fd(::open(file.path().c_str(), O_RDWR | O_CLOEXEC));
    engine_ptr engine = make_engine(2, GetParam());
    std::vector<std::unique_ptr<player>> players;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 2; ++i) {
        players.push_back(std::make_unique<player>(engine.get(), fd.get(), pipe.read_end, 100 + i));
        threads.emplace_back([&p = *players.back()] { p.play(500); });
    }
    for (std::thread& t : threads)
        t.join();
    EXPECT_GE(aura_poll(engine.get()), 0);
    engine.reset();
    for (const auto& p : players)
        EXPECT_EQ(p->ended, p->started());
}

INSTANTIATE_TEST_SUITE_P(Modes, CRings,
                         testing::Values(AURA_SELECT_ADAPTIVE, AURA_SELECT_CPU_LOCAL, AURA_SELECT_ROUND_ROBIN,
                                         AURA_SELECT_THREAD_LOCAL));
