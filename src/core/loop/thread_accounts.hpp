// thread_accounts: what threads have had of the processors from one look to the next, and how many they may use.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"
#include "core/base/thread_times.hpp"

#include <cstddef>
#include <utility>
#include <vector>

namespace aura::core {

/// Belongs to the thread that watches others. Each look is begin(), add() for every thread, read().
class thread_accounts {
public:
    /// False: there is no memory for so many.
    bool begin(std::size_t threads) noexcept;

    /// One more, by the kernel's number. False: it was not among those that were announced.
    bool add(int number) noexcept;

    /// Asks the kernel: where threads are others than at the last look for the processors that they may use, and where
    /// they are more than these, three system calls for each thread and three for idle(). False as above.
    bool read() noexcept;

    /// Since the last look, of all that were there then.
    processor_account sum() const noexcept;
    /// That one of them may run on, if a quota allows them all.
    unsigned processors() const noexcept { return processors_; }
    /// Of all of the machine's: see idle_time(). 0: not known, or not asked for.
    nanoseconds_t idle() const noexcept { return idle_; }

private:
    using accounts = std::vector<std::pair<int, processor_account>>; // in order of the numbers

    accounts now_, before_;
    unsigned processors_ = 0;
    nanoseconds_t idle_ = 0;
};

} // namespace aura::core
