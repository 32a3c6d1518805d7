// untried: where operations stand by without an attempt, because nothing was there when the kernel was asked last.
#pragma once

#include "awaited.hpp"
#include "epoll_set.hpp"
#include "readiness_table.hpp"

#include <atomic>
#include <cstddef>
#include <new>
#include <utility>
#include <vector>

namespace aura::core::epoll {

/// What they wait for may have come since. The next look for events tells; but a call that its caller makes before that
/// must not be given what belongs to them.
class untried {
public:
    /// An operation is about to stand by at `fd`. False: it is to be tried, for there is no memory to remember it.
    bool remember(int fd) noexcept {
        try {
            numbers_.push_back(fd);
        } catch (const std::bad_alloc&) {
            return false;
        }
        // Relaxed: who asks has seen the count of system calls, which is stored with release after this.
        if (numbers_.size() == 1)
            exists_.store(true, std::memory_order_relaxed);
        return true;
    }

    /// A wait has returned so many events, all of which have been handled, and there was room for `most`.
    void note_events(std::size_t count, std::size_t most) noexcept {
        if (count < most)
            forget();
    }

    void forget() noexcept {
        if (numbers_.empty())
            return;
        numbers_.clear();
        // Release: who sees it comes after the attempts that those events have led to.
        exists_.store(false, std::memory_order_release);
    }

    /// Has each of them tried, by `attempt(op, events)`, which puts those that have a result into `done`, and others
    /// back. forget() follows.
    template <class Attempt>
    void try_all(readiness_table& table, const op_queue& done, Attempt attempt) noexcept {
        for (std::size_t i = 0; i < numbers_.size(); ++i)
            if (watched* const w = table.find(numbers_[i])) {
                event_set refused = 0;
                op_queue waiting(std::move(w->waiting));
                while (operation* const base = waiting.pop()) {
                    auto& op = static_cast<io_operation&>(*base);
                    const event_set wanted = events_wanted(op);
                    if (!is_tried_without_event(op) || (wanted & refused) != 0) {
                        table.find(numbers_[i])->waiting.push(op);
                        continue;
                    }
                    const std::uint32_t had_results = done.size();
                    attempt(op, wanted);
                    if (done.size() == had_results)
                        refused |= wanted; // who comes after it waits as well
                }
            }
    }

    bool is_empty() const noexcept { return numbers_.empty(); }

    /// Any thread. Whether there may be something for one of them. Who drives the set may sleep, and then nothing has
    /// come: the set says so. (An event by edges that a wait has just returned it does not show.)
    bool may_have_come(const epoll_set& set) const noexcept {
        return exists_.load(std::memory_order_acquire) && set.has_events();
    }

private:
    std::vector<int> numbers_;
    std::atomic<bool> exists_{false};
};

} // namespace aura::core::epoll
