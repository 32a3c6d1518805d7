// handler_pace: which handlers of a ring take so long that others should help with those that are ready.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace aura::core {

/// From those of one kind that are measured, few of many: no clock, no thread. Each that took long counts for as much
/// as it took longer than `long_handler`, up to four; each other one takes one away. So it takes two in a row, or one
/// in four, and a single one during which the thread had no processor is not enough.
class handler_pace {
public:
    /// What it costs to wake a thread, three times over.
    static constexpr nanoseconds_t long_handler = 25'000;

    void note(nanoseconds_t time) noexcept {
        if (time < long_handler)
            fade();
        else
            score_ = std::min<std::uint32_t>(
                most, score_ + static_cast<std::uint32_t>(std::min<nanoseconds_t>(time / long_handler, 4)));
    }
    void fade() noexcept { score_ -= score_ != 0; }

    bool is_long() const noexcept { return score_ >= enough; }
    std::uint32_t score() const noexcept { return score_; }

private:
    static constexpr std::uint32_t enough = 5, most = 12;

    std::uint32_t score_ = 0;
};

/// The same for all handlers of a ring, by kind: the code of their operation. Of what is read and computed on and of
/// what has been written one may take long and the other not, and to hand over one that does not is for nothing.
///
/// A kind is known from when one has taken long until it has not for a while, or is measured no more. There are few
/// that do; where there are more than this has room for, those that were first stay.
class handler_paces {
public:
    void note(const void* kind, nanoseconds_t time) noexcept {
        known* const k = find(kind);
        if (k)
            k->pace.note(time);
        else if (time >= handler_pace::long_handler)
            learn(kind, time);
        known& next = known_[next_to_fade_++ % known_.size()];
        if (next.kind != kind)
            next.pace.fade();
    }

    bool is_long(const void* kind) const noexcept {
        return std::any_of(known_.begin(), known_.end(),
                           [=](const known& k) { return k.kind == kind && k.pace.is_long(); });
    }
    bool any_long() const noexcept {
        return std::any_of(known_.begin(), known_.end(), [](const known& k) { return k.pace.is_long(); });
    }

private:
    struct known {
        const void* kind = nullptr;
        handler_pace pace;
    };

    known* find(const void* kind) noexcept {
        const auto k =
            std::find_if(known_.begin(), known_.end(), [=](const known& n) { return n.kind == kind; });
        return k != known_.end() ? &*k : nullptr;
    }
    void learn(const void* kind, nanoseconds_t time) noexcept {
        const auto least = std::min_element(known_.begin(), known_.end(), [](const known& a, const known& b) {
            return a.pace.score() < b.pace.score();
        });
        if (least->pace.score() != 0)
            return;
        *least = {kind, {}};
        least->pace.note(time);
    }

    std::array<known, 8> known_;
    std::size_t next_to_fade_ = 0; // the one that is not measured any more is forgotten in time
};

} // namespace aura::core
