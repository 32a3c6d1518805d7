// thread_accounts: what threads have had of the processors, from one look to the next.
#include "core/base/usable_cpus.hpp"
#include "core/loop/thread_accounts.hpp"

#include <atomic>
#include <chrono>
#include <sched.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace {

using aura::core::thread_accounts;
using namespace std::chrono_literals;

/// Threads that compute, or wait, until the end of the scope.
class threads {
public:
    void add(bool computes) {
        number_ = 0;
        threads_.emplace_back([this, computes] {
            number_ = ::gettid();
            number_.notify_one();
            if (!computes)
                over_.wait(false);
            while (!over_) {
            }
        });
        number_.wait(0);
        numbers_.push_back(number_);
    }
    ~threads() {
        over_ = true;
        over_.notify_all();
        for (auto& t : threads_)
            t.join();
    }
    const std::vector<int>& numbers() const { return numbers_; }

private:
    std::atomic<bool> over_{false};
    std::atomic<int> number_{0}; // of the last
    std::vector<int> numbers_;
    std::vector<std::thread> threads_;
};

void look(thread_accounts& accounts, const std::vector<int>& numbers) {
    ASSERT_TRUE(accounts.begin(numbers.size()));
    for (const int number : numbers)
        ASSERT_TRUE(accounts.add(number));
    ASSERT_TRUE(accounts.read());
}

TEST(ThreadAccounts, WhereThreadsAreMoreThanProcessorsEachLookTellsWhatThereWasSinceTheLast) {
    threads all;
    const unsigned processors = aura::core::find_usable_cpus().count;
    for (unsigned i = 0; i != processors; ++i)
        all.add(false);
    all.add(true);
    thread_accounts accounts;
    look(accounts, all.numbers());
    EXPECT_EQ(accounts.processors(), processors);
    EXPECT_EQ(accounts.sum().had, 0u); // there was none before
    const auto end = std::chrono::steady_clock::now() + 30s;
    for (int looks = 0; looks != 3;) {
        look(accounts, all.numbers());
        looks += accounts.sum().had != 0;
        ASSERT_LT(std::chrono::steady_clock::now(), end);
    }
}

TEST(ThreadAccounts, WhereTheyAreNotMoreNothingIsRead) {
    threads all;
    all.add(true);
    thread_accounts accounts;
    for (int i = 0; i != 3; ++i) {
        look(accounts, all.numbers());
        EXPECT_EQ(accounts.sum().had, 0u);
        EXPECT_EQ(accounts.idle(), 0u);
    }
}

TEST(ThreadAccounts, TakesNoMoreThanWereAnnounced) {
    thread_accounts accounts;
    ASSERT_TRUE(accounts.begin(0));
    EXPECT_FALSE(accounts.add(::gettid()));
}

TEST(ThreadAccounts, ProcessorsAreThoseOnWhichOneOfTheThreadsMayRun) {
    threads all;
    all.add(false);
    all.add(false);
    const auto cpus = aura::core::find_usable_cpus();
    if (cpus.count < 2)
        GTEST_SKIP() << "there is one processor";
    const auto bind = [&](int thread, unsigned cpu) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        ASSERT_EQ(::sched_setaffinity(thread, sizeof set, &set), 0);
    };
    bind(all.numbers()[0], cpus.ids[0]);
    bind(all.numbers()[1], cpus.ids[0]);
    EXPECT_EQ(aura::core::count_usable_cpus(all.numbers()), 1u);
    bind(all.numbers()[1], cpus.ids[1]);
    EXPECT_EQ(aura::core::count_usable_cpus(all.numbers()), 2u);
}

} // namespace
