// trigger_choice: whether the kernel is to tell of a file by edges or by level: which costs fewer attempts in vain.
#pragma once

#include <algorithm>
#include <cstdint>

namespace aura::core::epoll {

/// Told by edges, a receive that has filled its buffer says nothing of what is left, so that the next one has to be
/// tried: in vain wherever the peer sends no more until it is answered. Told by level nothing has to be tried before an
/// event, but a stream that always has more would cost a look for events with each receive. So both are counted.
class trigger_choice {
public:
    bool is_by_level() const noexcept { return by_level_; }

    /// A receive was tried without an event before it. True: the other way would be cheaper.
    bool note_attempt(bool in_vain) noexcept {
        if (by_level_) {
            score_ = in_vain ? 0 : static_cast<std::uint8_t>(score_ + 1);
            return score_ >= enough_successes;
        }
        constexpr std::uint8_t weight_of_success = 4;
        score_ = static_cast<std::uint8_t>(in_vain                       ? score_ + 1
                                           : score_ >= weight_of_success ? score_ - weight_of_success
                                                                         : 0);
        return score_ >= enough_in_vain << patience_;
    }

    /// By level: a receive has ended; whether the next one is to be tried at once all the same, to see what is so now.
    bool is_time_to_try() noexcept { return ++received_ % receives_between_attempts == 0; }

    void change(bool by_level) noexcept {
        by_level_ = by_level;
        score_ = 0;
    }

    /// By level: an event found nobody who took what there is, and would come again and again. That has cost a call
    /// more than it has saved: it is to become rarer.
    void note_untaken() noexcept { patience_ = std::min<std::uint8_t>(patience_ + 1, most_patience); }

    static constexpr unsigned enough_in_vain = 4;
    static constexpr unsigned enough_successes = 2;
    static constexpr unsigned receives_between_attempts = 32;
    static constexpr std::uint8_t most_patience = 5;

private:
    bool by_level_ = false;
    std::uint8_t score_ = 0;
    std::uint8_t patience_ = 0;
    std::uint8_t received_ = 0;
};

} // namespace aura::core::epoll
