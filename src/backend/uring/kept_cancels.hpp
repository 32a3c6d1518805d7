// kept_cancels: cancellations for which the submission queue had no room.
#pragma once

#include "auraio/core/io/io_operation.hpp"

#include <new>
#include <vector>

namespace aura::core::uring {

/// Used by the thread that drives the ring. All of them are of operations the backend has; who ends is
/// forgotten, for its address may come to be another's.
class kept_cancels {
public:
    bool empty() const noexcept { return targets_.empty(); }

    void keep(const io_operation& target) noexcept {
        try {
            targets_.push_back(&target);
        } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch)
            // Nothing is left to remember it by; the end of the context ends what is pending.
        }
    }

    /// Gives each to `send`, until that returns false.
    template <class F>
    void send(F send) {
        while (!targets_.empty() && send(*targets_.back()))
            targets_.pop_back();
    }

    [[gnu::cold]] void forget(op_queue& ended) noexcept {
        for (std::uint32_t n = ended.size(); n != 0; --n) { // round once
            operation* const op = ended.pop();
            std::erase_if(targets_, [&](const operation* kept) { return kept == op; });
            ended.push(*op);
        }
    }
    void clear() noexcept { targets_.clear(); }

private:
    std::vector<const io_operation*> targets_;
};

} // namespace aura::core::uring
