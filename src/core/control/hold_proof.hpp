// hold_proof: whether reads are better off while writes are held back than they would be otherwise.
#pragma once

#include "core/control/controller_options.hpp"

#include <algorithm>
#include <cstdint>

namespace aura::core {

/// Where reads exceed their ceiling although next to no write is at the device, it may be that they would without
/// any. Writes are released then, for a while in which the limit of both keeps the ceiling or does not; after that
/// they are held back again, and the two are compared. If holding brings nothing they are released for twice as
/// long, and so on: what it may cost for nothing is a smaller and smaller part of the time.
class hold_proof {
public:
    explicit hold_proof(const controller_options& options) noexcept
        : options_(&options) {}

    bool released() const noexcept { return state_ == state::released; }
    bool on_trial() const noexcept { return state_ == state::on_trial; }
    bool decides() const noexcept { return state_ != state::held; }

    /// On every tick while writes are held back: reads exceed the ceiling at the smallest share, or the limit of both
    /// is down for its sake. True: that has lasted, and nothing shows that it would be worse otherwise.
    bool doubtful(nanoseconds_t now, bool strained) noexcept {
        if (!strained)
            since_ = 0;
        else if (since_ == 0)
            since_ = now;
        return since_ != 0 && now - since_ >= lasting && now >= shown_until_;
    }
    void release(nanoseconds_t now) noexcept {
        state_ = state::released;
        until_ = now + pause_;
        measured_from_ = until_ - first_pause / 2;
        since_ = 0;
        start_ = {};
    }

    /// One of the two that are compared begins: what is counted from now on is done under it.
    void measure(nanoseconds_t now, std::uint64_t done) noexcept { start_ = {now, done}; }
    /// The end of a pause is near, or what was started before a trial has ended.
    bool measure_due(nanoseconds_t now) const noexcept { return start_.time == 0 && now >= measured_from_; }
    /// Whether what was sampled since says something: soon where reads are many.
    bool measured(nanoseconds_t now, std::uint64_t samples) const noexcept {
        if (start_.time == 0 || now < (released() ? until_ : start_.time + shortest))
            return false;
        const nanoseconds_t longest = std::max(until_, start_.time + shortest) + patience;
        return samples >= std::uint64_t{4} * options_->p99_samples || (now >= longest && samples >= few);
    }

    /// The pause was measured: holds back again, for comparison.
    void try_again(nanoseconds_t now, std::uint64_t done, nanoseconds_t p99) noexcept {
        state_ = state::on_trial;
        without_ = {static_cast<double>(p99), rate(now, done)};
        start_ = {};
    }
    /// The trial was measured. True: writes go on being held back, for that brings what the gate has to bring anywhere,
    /// or the device does more in all; false: they are released.
    bool judge(nanoseconds_t now, std::uint64_t done, nanoseconds_t p99) noexcept {
        const bool lower = static_cast<double>(p99) <= options_->proof_latency * without_.p99;
        if (lower || rate(now, done) >= worth * without_.rate) {
            forget();
            shown_until_ = now + shown_for;
            return true;
        }
        pause_ = std::min(2 * pause_, longest_pause);
        release(now);
        return false;
    }
    /// Reads keep the ceiling, or one of the two has gone: there is nothing to compare.
    void stop() noexcept {
        state_ = state::held;
        since_ = 0;
        start_ = {};
    }
    /// The ceiling is another.
    void forget() noexcept {
        stop();
        pause_ = first_pause;
        shown_until_ = 0;
    }

    static constexpr nanoseconds_t first_pause = 1'000'000'000;
    static constexpr nanoseconds_t longest_pause = 256'000'000'000;

private:
    static constexpr nanoseconds_t lasting = 2'000'000'000;
    static constexpr nanoseconds_t shortest = 500'000'000;
    static constexpr nanoseconds_t patience = 1'000'000'000; // with few reads
    static constexpr std::uint64_t few = 16;
    static constexpr nanoseconds_t shown_for = 120'000'000'000;
    static constexpr double worth = 1.25;

    enum class state : std::uint8_t { held, released, on_trial };
    struct mark {
        nanoseconds_t time = 0; // 0: none
        std::uint64_t done = 0;
    };
    struct figures {
        double p99 = 0;
        double rate = 0;
    };

    // Rings that leave take their counters along.
    double rate(nanoseconds_t now, std::uint64_t done) const noexcept {
        return static_cast<double>(done - std::min(start_.done, done)) /
               static_cast<double>(now - start_.time);
    }

    const controller_options* options_;
    state state_ = state::held;
    nanoseconds_t pause_ = first_pause;
    nanoseconds_t since_ = 0; // what is doubtful; 0: it is not
    nanoseconds_t until_ = 0; // of the pause
    nanoseconds_t measured_from_ = 0;
    nanoseconds_t shown_until_ = 0;
    mark start_;
    figures without_;
};

} // namespace aura::core
