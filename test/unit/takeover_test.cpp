// takeover: what a thread that loses its rings leaves behind, on backends without a kernel.
#include "support/fake_backend.hpp"
#include "support/sanitizers.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace aura::core;
using test::fake_machine;
using test::function;

namespace {

class indexed_backend;

/// What became of the indexes that threads have for their rings.
struct index_ledger {
    std::mutex mutex;
    std::vector<indexed_backend*> backends;
    std::atomic<unsigned> left{0};
    std::atomic<unsigned> given_up{0};
    std::atomic<unsigned> unwatched{0};
    std::atomic<unsigned> unwatched_too_early{0};
};

/// One whose thread has an index for its ring, as with io_uring's registered descriptors.
class indexed_backend final : public test::fake_backend {
public:
    indexed_backend(fake_machine& m, index_ledger& ledger)
        : fake_backend(m)
        , ledger_(ledger) {
        const std::lock_guard guard(ledger_.mutex);
        ledger_.backends.push_back(this);
    }
    ~indexed_backend() override {
        const std::lock_guard guard(ledger_.mutex);
        std::erase(ledger_.backends, this);
    }

    /// Whoever waits: the one that watches it is among them, and would not hear of it otherwise.
    void wake() noexcept override {
        const std::lock_guard guard(ledger_.mutex);
        for (indexed_backend* const b : ledger_.backends)
            b->fake_backend::wake();
    }

    void attach_thread() override { owner_ = std::this_thread::get_id(); }
    void detach_thread() override { owner_ = {}; }
    std::uint32_t leave_behind() noexcept override {
        if (owner_ == std::thread::id{})
            return 0;
        owner_ = {};
        ++ledger_.left;
        return 1;
    }
    void give_up_indexes(std::uint32_t indexes) noexcept override {
        if (indexes != 0)
            ++ledger_.given_up;
    }
    void unwatch(unsigned) noexcept override {
        ++ledger_.unwatched;
        if (owner_ != std::thread::id{} && owner_ != std::this_thread::get_id())
            ++ledger_.unwatched_too_early; // by an index of another thread
    }
    bool watch_fired(unsigned) const noexcept override { return false; }

private:
    index_ledger& ledger_;
    std::thread::id owner_; // the driving thread's, or of who has its token
};

class TakeoverOfRings : public testing::Test {
protected:
    TakeoverOfRings() {
        engine_options o;
        o.takeover_after = 100;
        o.make_backend = [](const engine_options&, void* self) -> std::unique_ptr<backend> {
            auto& t = *static_cast<TakeoverOfRings*>(self);
            return std::make_unique<indexed_backend>(t.machine_, t.ledger_);
        };
        o.make_backend_argument = this;
        engine_.emplace(o);
        engine_->work_started();
    }
    /// Runs the engine; goes on after exceptions.
    void start(int count) {
        for (int i = 0; i != count; ++i)
            threads_.emplace_back([this] {
                while (!engine_->stopped())
                    try {
                        engine_->run(never);
                    } catch (const std::runtime_error&) {
                        ++thrown_;
                    }
            });
    }
    /// In a handler.
    void lose_ring() {
        const std::uint64_t before = engine_->takeovers();
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (engine_->takeovers() == before && std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
    }
    /// Has a handler of the shared queue, or of `where`, lose its ring, and perhaps throw. Waits for its end.
    void lose(bool throws, shard* where = nullptr) {
        std::atomic<bool> over{false};
        operation& op = function([&, throws] {
            lose_ring();
            if (!throws) {
                over = true;
                return;
            }
            struct at_end {
                std::atomic<bool>& over;
                ~at_end() { over = true; }
            } const end{over};
            throw std::runtime_error("lost");
        });
        op.set_leaves(true);
        if (where)
            where->post(op);
        else
            engine_->post_shared(op);
        const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (!over && std::chrono::steady_clock::now() < end)
            std::this_thread::yield();
        ASSERT_TRUE(over);
    }
    void finish() {
        engine_->work_finished();
        for (auto& t : threads_)
            t.join();
        threads_.clear();
    }

    index_ledger ledger_;
    fake_machine machine_;
    std::optional<engine> engine_;
    std::atomic<int> thrown_{0};
    std::vector<std::thread> threads_;
};

TEST_F(TakeoverOfRings, WhoHasLostOneGivesUpItsIndex) {
    start(2);
    for (int i = 0; i != 5; ++i)
        lose(false);
    finish();
    EXPECT_GE(ledger_.left, 5u);
    EXPECT_EQ(ledger_.given_up, ledger_.left);
}

TEST_F(TakeoverOfRings, AlsoWhereItsHandlerThrows) {
    start(2);
    for (int i = 0; i != 5; ++i)
        lose(true);
    finish();
    EXPECT_EQ(thrown_, 5);
    EXPECT_GE(ledger_.left, 5u);
    EXPECT_EQ(ledger_.given_up, ledger_.left);
}

TEST_F(TakeoverOfRings, ARingIsEnteredByTheTakerOnlyAfterTheIndexIsLeftBehind) {
    (void)engine_->shard_at(2); // more rings than threads: the others are watched through a thread's own
    start(2);
    for (int i = 0; i != 20 && ledger_.unwatched == 0; ++i)
        for (unsigned s = 0; s != 3; ++s) // one of them has no thread
            lose(false, &engine_->shard_at(s));
    finish();
    EXPECT_NE(ledger_.unwatched, 0u);
    EXPECT_EQ(ledger_.unwatched_too_early, 0u);
}

} // namespace
