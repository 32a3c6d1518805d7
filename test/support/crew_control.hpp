// crew_control: limits how many threads drive rings, as the thread does that watches where processors are short.
#pragma once

#include <auraio/core/loop/engine.hpp>
#include <core/loop/takeover.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

namespace aura::core {

/// What somebody refuses meanwhile is refused.
struct crew_control {
    static void limit_to_one(engine& e, bool limited) {
        bool narrow;
        {
            std::lock_guard guard(e.takeover_->mutex_);
            crew_width& crew = e.takeover_->crew_;
            crew.narrow_ = limited;
            crew.next_ = never; // nothing is decided but here
            e.takeover_->decide_on_crew(monotonic_now(), nullptr);
            narrow = crew.is_narrow();
        }
        e.limit_crew(narrow ? 1 : engine::no_crew_limit);
    }
    /// The turn of who drives is over.
    static void end_turn(engine& e) {
        std::lock_guard guard(e.takeover_->mutex_);
        e.takeover_->crew_turn_began_ = 0;
        e.takeover_->ask_to_step_aside(monotonic_now());
    }
    static unsigned in_reserve(const engine& e) { return e.reserve_count(); }
};

} // namespace aura::core

namespace test {

/// Limits the crew to one thread and lifts the limit, at random times, until the end of the scope.
class changing_crew {
public:
    explicit changing_crew(aura::core::engine& e)
        : thread_([this, &e] { change(e); }) {}
    ~changing_crew() {
        {
            std::lock_guard guard(mutex_);
            ends_ = true;
            over_.notify_all();
        }
        thread_.join();
    }
    changing_crew(const changing_crew&) = delete;

private:
    void change(aura::core::engine& e) {
        std::minstd_rand random;
        std::unique_lock lock(mutex_);
        do {
            lock.unlock();
            aura::core::crew_control::limit_to_one(e, random() % 3 != 0);
            lock.lock();
        } while (!over_.wait_for(lock, std::chrono::microseconds(random() % 2000), [this] { return ends_; }));
        aura::core::crew_control::limit_to_one(e, false);
    }

    std::mutex mutex_;
    std::condition_variable over_;
    bool ends_ = false;
    std::thread thread_; // begins last
};

} // namespace test
