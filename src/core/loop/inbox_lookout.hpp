// inbox_lookout: whether a driver looks at its inbox for a moment before it sleeps. Knows neither clock nor inbox.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace aura::core {

/// Two threads that send each other one message at a time sleep and wake each other for each, unless both stay awake
/// for as long as the other needs to answer. Whether answers come soon shows only while both look, and the first comes
/// from one that has to be woken: a look may be long enough for that, and all of them together may take no longer than
/// what they have saved, but for an advance. Who has used that up looks out for no more until so many messages have
/// come that the next advance costs each of them next to nothing. Then it calls the others, for alone it would not see.
class inbox_lookout {
public:
    /// A look ends after that.
    static constexpr nanoseconds_t longest = 50'000;
    /// What going to sleep and being woken costs both threads in processor time, at the very least.
    static constexpr nanoseconds_t saved = 2'000;

    /// After a turn that had a message from another thread: whether to look before sleeping.
    bool pays() noexcept {
        // Relaxed, as whoever hears of it late, or not at all, only looks at another time.
        const std::uint32_t attempts = attempts_.load(std::memory_order_relaxed);
        const bool called = attempts != attempts_seen_;
        attempts_seen_ = attempts;
        if (pause_ == 0)
            return true;
        if (--pause_ == 0)
            attempts_seen_ = attempts_.fetch_add(1, std::memory_order_relaxed) + 1;
        else if (!called || pause_ > whole_pause_ / 2)
            return false;
        pause_ = 0;
        credit_ = advance;
        return true;
    }

    /// A look has found another message, or has ended without one.
    void has_looked(nanoseconds_t took, bool found) noexcept {
        // It may have been kept from running meanwhile, which is no cost of looking.
        const auto spent = static_cast<std::int64_t>(std::min(took, longest));
        credit_ += static_cast<std::int64_t>(found ? saved : 0) - spent;
        if (credit_ >= most) {
            credit_ = most;
            next_pause_ = shortest_pause;
        } else if (credit_ < 0) {
            pause_ = whole_pause_ = next_pause_;
            next_pause_ = std::min(2 * next_pause_, longest_pause);
        }
    }

private:
    static constexpr std::uint32_t shortest_pause = 256, longest_pause = 32'768;
    static constexpr std::int64_t advance = 2 * longest, most = 4 * longest;

    // Of the process. Read by who is about to enter the kernel, written rarely.
    alignas(64) inline static std::atomic<std::uint32_t> attempts_{0};

    std::uint32_t pause_ = 0; // so many messages are not looked out for
    std::uint32_t whole_pause_ = 0;
    std::uint32_t next_pause_ = shortest_pause;
    std::uint32_t attempts_seen_ = 0;
    std::int64_t credit_ = most;
};

} // namespace aura::core
