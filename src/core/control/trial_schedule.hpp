// trial_schedule: when the next trial of more and of less depth is due.
#pragma once

#include "core/control/controller_options.hpp"

#include <cstdint>

namespace aura::core {

/// Operations per second below which nothing changes fast, and everything scatters.
inline constexpr double slow_trials = 1'000;

/// Trials are more frequent just after a change of the limit, and never take more than a share of the time.
class trial_schedule {
public:
    enum class kind : std::uint8_t { raise, cut, leap };

    explicit trial_schedule(const controller_options& options) noexcept
        : options_(&options) {}

    /// The limit has changed.
    void restart(nanoseconds_t now) noexcept;

    bool due(kind which, nanoseconds_t now) const noexcept { return now >= of(which).due; }
    /// After a success that calls for another.
    void repeat(kind which, nanoseconds_t now) noexcept { of(which).due = now; }

    /// None was possible.
    void postpone(kind which, nanoseconds_t now) noexcept;
    /// One has spent this time at its depth, of which it may have this share, and the limit stays as it is.
    /// `rate` is that of the device: one that is not slow is looked at again soon.
    void postpone(kind which, nanoseconds_t now, nanoseconds_t spent, double share, double rate) noexcept;

private:
    struct entry {
        nanoseconds_t due = 0;
        nanoseconds_t gap = 0;
    };
    entry& of(kind which) noexcept { return entries_[static_cast<unsigned>(which)]; }
    const entry& of(kind which) const noexcept { return entries_[static_cast<unsigned>(which)]; }

    const controller_options* options_;
    entry entries_[3];
};

} // namespace aura::core
