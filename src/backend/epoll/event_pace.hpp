// event_pace: how often a busy loop looks for events.
#pragma once

namespace aura::core::epoll {

class event_pace {
public:
    /// A turn has something to run or to complete.
    bool is_due() noexcept { return ++turns_ >= turns_between_events; }
    /// A look for events.
    void begin() noexcept { turns_ = 0; }

private:
    /// Who waits for events is not to starve beside who never waits, and the question costs as much as an attempt.
    static constexpr unsigned turns_between_events = 8;

    unsigned turns_ = 0;
};

} // namespace aura::core::epoll
