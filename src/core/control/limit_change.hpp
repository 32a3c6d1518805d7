// limit_change: how long after a change of the limit the device still does what was started under the former.
#pragma once

#include "core/control/controller_options.hpp"
#include "core/control/load_reading.hpp"

#include <algorithm>
#include <cstdint>

namespace aura::core {

/// Operations started under a former limit say nothing about the present one.
class limit_change {
public:
    enum class state : std::uint8_t { none, under_way, just_over };

    explicit limit_change(const controller_options& options) noexcept
        : options_(&options) {}

    /// The limit has changed. What is at the device will have ended after about `stale`; after a `cut`, when
    /// no more is there than the limit allows.
    void begin(nanoseconds_t now, bool cut, nanoseconds_t stale) noexcept {
        draining_ = cut;
        until_ = now + std::max(options_->skip, std::min(stale, longest));
    }
    void forget() noexcept {
        until_ = 0;
        draining_ = false;
    }
    /// On every tick.
    state look(const load_reading& now, unsigned limit) noexcept {
        if (until_ == 0)
            return state::none;
        const bool drained = !draining_ || now.load.in_flight <= std::uint64_t{limit} + 1;
        if (now.time < until_ || !drained)
            return state::under_way;
        forget();
        return state::just_over;
    }

private:
    static constexpr nanoseconds_t longest = 1'000'000'000;

    const controller_options* options_;
    nanoseconds_t until_ = 0; // 0: none is under way
    bool draining_ = false;
};

} // namespace aura::core
