// thread_mark: every interleaving of a thread that goes in and out with one that takes over.
#include "auraio/core/base/thread_mark.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <vector>

namespace {

using aura::core::thread_mark;

/// Two programs of steps. What a processor may do is part of it: the store with which an entry begins may reach
/// memory as late as the next barrier, or the next store of the thread, whichever comes first. Until then the
/// other side reads what was there before.
class world {
public:
    explicit world(std::vector<bool> choices)
        : choices_(std::move(choices)) {
        mark_.leave(8); // in a handler
    }

    bool run() {
        thread_ = {[this] { begin_entry(); }, [this] { decide_entry(); }, [this] { work(); },
                   [this] { leave(8); },      [this] { begin_entry(); },  [this] { decide_entry(); },
                   [this] { work(); },        [this] { stay(); }};
        taker_ = {[this] { want(); }, [this] { barrier(); }, [this] { look(); }, [this] { decide(); }};
        std::size_t t = 0;
        std::size_t k = 0;
        while (t < thread_.size() || k < taker_.size()) {
            if (delayed_ && choose())
                flush(); // by itself, at any moment
            const bool thread_can = t < thread_.size() && !(waits_ && locked_);
            const bool taker_can = k < taker_.size();
            if (thread_can && (!taker_can || choose()))
                thread_[t++]();
            else
                taker_[k++]();
        }
        return ok_;
    }
    std::size_t used() const noexcept { return used_; }
    bool lost() const noexcept { return taken_; }
    bool worked_twice() const noexcept { return worked_ == 2; }

private:
    bool choose() {
        if (used_ == choices_.size())
            choices_.push_back(false);
        return choices_[used_++];
    }
    void flush() {
        mark_.begin_entry();
        delayed_ = false;
    }

    // The thread.
    void begin_entry() { delayed_ = true; }
    void decide_entry() {
        if (!waits_ && mark_.ends_entry_undisturbed()) { // a load, which may come before the store
            drives_ = true;
            return;
        }
        flush_if_delayed(); // a lock is a barrier
        waits_ = true;
        if (locked_) { // again, when it is free
            retry_ = true;
            return;
        }
        waits_ = false;
        drives_ = !mark_.decision();
    }
    void work() {
        if (retry_) {
            retry_ = waits_ = false;
            drives_ = !mark_.decision();
        }
        if (!drives_)
            return;
        ++worked_;
        ok_ = ok_ && !taken_; // nobody else has it
        working_ = true;
    }
    void leave(thread_mark::handler_id h) {
        flush_if_delayed(); // stores keep their order
        working_ = false;
        mark_.leave(h);
    }
    void stay() { working_ = false; }
    void flush_if_delayed() {
        if (delayed_)
            flush();
    }

    // Who takes over.
    void want() {
        locked_ = true;
        mark_.want();
    }
    void barrier() { flush_if_delayed(); }
    void look() { seen_ = mark_.look(); }
    void decide() {
        if (seen_ != thread_mark::inside) {
            ok_ = ok_ && !working_;
            taken_ = true;
            mark_.lose();
        } else {
            mark_.refuse();
        }
        locked_ = false;
    }

    std::vector<bool> choices_;
    std::size_t used_ = 0;
    std::vector<std::function<void()>> thread_;
    std::vector<std::function<void()>> taker_;
    thread_mark mark_;
    bool delayed_ = false, waits_ = false, retry_ = false, locked_ = false;
    bool drives_ = false, working_ = false, taken_ = false, ok_ = true;
    int worked_ = 0;
    thread_mark::handler_id seen_ = thread_mark::inside;

public:
    std::vector<bool>& choices() noexcept { return choices_; }
};

TEST(ThreadMark, OfAnEntryAndWhoTakesOverOneGoesOnInEveryInterleaving) {
    std::vector<bool> choices;
    unsigned runs = 0;
    unsigned lost = 0;
    unsigned kept = 0;
    for (bool more = true; more;) {
        world w(choices);
        ASSERT_TRUE(w.run()) << "interleaving " << runs;
        ++runs;
        lost += w.lost();
        kept += w.worked_twice();
        choices = w.choices();
        choices.resize(w.used());
        while (!choices.empty() && choices.back())
            choices.pop_back();
        more = !choices.empty();
        if (more)
            choices.back() = true;
    }
    EXPECT_GT(runs, 1000U);
    EXPECT_GT(lost, 0U);
    EXPECT_GT(kept, 0U);
}

TEST(ThreadMark, WhoHoldsTheLockDecidesWithoutIt) {
    aura::core::takeover_lock lock;
    thread_mark m;
    m.belongs_to(&lock);
    lock.lock();
    m.lose();
    lock.unlock();
    lock.hold(&m);
    EXPECT_FALSE(m.enter());
    EXPECT_TRUE(m.settle());
    m.recover();
    EXPECT_TRUE(m.enter());
    lock.let_go();
    EXPECT_FALSE(lock.is_held_by(&m));
}

TEST(ThreadMark, AnEntryTellsWhatTheThreadDrives) {
    std::atomic<const void*> mine{nullptr};
    std::atomic<const void*> theirs{nullptr};
    thread_mark m;
    const thread_mark other;
    mine = &m;
    theirs = &other;
    m.leave(8);
    EXPECT_TRUE(m.enter_what_shows(mine));
    EXPECT_EQ(m.state(), thread_mark::inside);
    EXPECT_FALSE(m.enter_what_shows(theirs));
    m.want(); // and nobody stands behind it
    EXPECT_TRUE(m.enter_what_shows(mine));
    EXPECT_TRUE(m.enter());
    m.lose();
    mine = nullptr;
    EXPECT_FALSE(m.enter_what_shows(mine));
    EXPECT_FALSE(m.enter_what_shows(theirs));
    EXPECT_TRUE(m.is_lost());
}

TEST(ThreadMark, ARequestNobodyStandsBehindIsDropped) {
    thread_mark m;
    m.want();
    EXPECT_FALSE(m.enter());
    EXPECT_FALSE(m.settle());
    EXPECT_TRUE(m.enter());
}

} // namespace
