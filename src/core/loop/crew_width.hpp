// crew_width: whether all threads in run() drive rings, or one of them drives all, where processors are short.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace aura::core {

/// Decides from figures alone: no clock, no ring, no thread.
///
/// Where there are fewer processors than threads that want one, a ring whose thread waits for a processor makes all its
/// objects wait, and nobody can help: the kernel posts a completion when the thread runs that submitted. If one thread
/// can do all there is to do, it serves all rings sooner than several that wait for each other. So when threads wait
/// for processors of which none is idle, together have little more than one, and handlers are short, one thread alone
/// is tried, and kept if as many handlers run. All drive again once that one has as much to do as it can while
/// processors are idle, if more handlers run then; or at once where handlers take long, or where threads are no more
/// than processors any longer. After a trial that failed there is a pause, longer each time.
class crew_width {
public:
    /// From the end of a trial's change to its end, and between looks where threads wait, or one drives.
    static constexpr nanoseconds_t window = 28'000'000;
    /// A change is complete when each thread has come to the end of its turn: so long nothing is counted.
    static constexpr nanoseconds_t settling = 12'000'000;
    /// Between looks where all drive and have not waited.
    static constexpr nanoseconds_t calm_window = 100'000'000;
    /// A handler that takes as long makes others of its ring wait: such are better spread.
    static constexpr nanoseconds_t short_handler = 20'000;
    /// So long one thread has to be without the processor that it wants before others are called for that.
    static constexpr nanoseconds_t patience = 250'000'000;
    static constexpr nanoseconds_t shortest_pause = 100'000'000;
    static constexpr nanoseconds_t longest_pause = 10'000'000'000;

    struct figures {
        nanoseconds_t now = 0;
        unsigned threads = 0;        ///< in run()
        unsigned processors = 1;     ///< that they may use
        nanoseconds_t processor = 0; ///< that those have had that drive rings, since the last decision
        nanoseconds_t delay = 0;     ///< for which they have waited for one
        std::uint64_t handlers = 0;  ///< of the engine, since it began
        /// Of all processors together, since they began; 0: not known. The kernel tells it in steps of 10 ms.
        nanoseconds_t idle = 0;
    };
    bool is_due(nanoseconds_t now) const noexcept { return now >= next_; }
    nanoseconds_t next() const noexcept { return next_; }

    /// When is_due(). True: one thread is to drive all rings; see is_narrow().
    bool decide(const figures& f) noexcept {
        const figures before = std::exchange(last_, f);
        const nanoseconds_t elapsed = f.now - before.now;
        if (elapsed > 4 * calm_window) { // nobody has looked: there was nothing to do
            end_trial(false);
            return wait_for(window);
        }
        if (f.threads <= f.processors) {
            end_trial(false);
            narrow_ = false;
            return wait_for(calm_window);
        }
        const std::uint64_t handlers = f.handlers - before.handlers;
        if (handlers != 0 && f.processor / handlers >= short_handler)
            return spread();
        const double rate = static_cast<double>(handlers) / static_cast<double>(elapsed);
        switch (phase_) {
        case phase::settling:
            phase_ = tries_ ? phase::trial : phase::steady;
            return wait_for(window);
        case phase::trial:
            return judge(elapsed, rate);
        case phase::steady:
            break;
        }
        return choose(elapsed, rate, has_idle(before, elapsed));
    }

    bool is_narrow() const noexcept { return narrow_; }

    /// When is_due(), and there is nothing to decide.
    void put_off(const figures& f) noexcept {
        last_ = f;
        starves_since_ = 0;
        next_ = f.now + calm_window;
    }

    /// One thread cannot serve all. What has been decided is taken back without a trial.
    void refuse(nanoseconds_t now) noexcept {
        last_.now = now;
        phase_ = phase::steady;
        tries_ = false;
        starves_since_ = 0;
        pause();
        narrow_ = false;
        next_ = now + window;
    }

private:
    friend struct crew_control; // of the tests

    enum class phase : std::uint8_t { steady, settling, trial };
    enum class known : std::uint8_t { nothing, no, yes };

    bool wait_for(nanoseconds_t time) noexcept {
        next_ = last_.now + time;
        return narrow_;
    }

    bool change(bool tries, double rate) noexcept {
        narrow_ = !narrow_;
        rate_before_ = rate;
        phase_ = phase::settling;
        tries_ = tries;
        starves_since_ = 0;
        return wait_for(settling);
    }

    /// Leaves it as it is, or as it was before.
    void end_trial(bool was_good) noexcept {
        if (!was_good && tries_)
            narrow_ = !narrow_;
        phase_ = phase::steady;
        tries_ = false;
        starves_since_ = 0;
    }

    /// Handlers take long.
    bool spread() noexcept {
        if (!narrow_) {
            end_trial(true);
            return wait_for(calm_window);
        }
        pause();
        return change(false, 0);
    }

    void pause() noexcept {
        pause_until_ = last_.now + pause_;
        pause_ = std::min(2 * pause_, longest_pause);
    }

    /// One thread that has as much to do as it can makes what comes by itself wait, although as many handlers run. Then
    /// there have to be more of them, as there are where each waits for an answer.
    bool judge(nanoseconds_t elapsed, double rate) noexcept {
        const double enough = !narrow_ ? 1.1 : is_busy(elapsed) ? 1.0 : 0.9;
        if (rate >= rate_before_ * enough) {
            end_trial(true);
            pause_ = shortest_pause;
            return wait_for(window);
        }
        pause();
        return change(false, 0);
    }

    bool choose(nanoseconds_t elapsed, double rate, known idle) noexcept {
        const bool may_try = last_.now >= pause_until_;
        if (rate == 0) // handlers take so long that none has returned: there is nothing to judge a trial by
            return wait_for(calm_window);
        if (narrow_) {
            const bool starves = has_starved(elapsed);
            if (may_try && (starves || (is_busy(elapsed) && idle != known::no)))
                return change(true, rate);
            return wait_for(window);
        }
        const bool waits = last_.delay * 10 >= elapsed * 3 && idle != known::yes;
        if (may_try && waits && last_.processor * 10 <= elapsed * 14)
            return change(true, rate);
        return wait_for(waits ? window : calm_window);
    }

    bool is_busy(nanoseconds_t elapsed) const noexcept { return last_.processor * 10 >= elapsed * 9; }

    /// Others have come who want processors: several threads get more of them than one does.
    bool has_starved(nanoseconds_t elapsed) noexcept {
        const bool starves =
            last_.delay * 10 >= elapsed * 3 && (last_.processor + last_.delay) * 10 >= elapsed * 9;
        if (!starves || starves_since_ == 0)
            starves_since_ = starves ? last_.now : 0;
        return starves && last_.now - starves_since_ >= patience;
    }

    /// Whether there was a processor for two fifths of the time. One that waits for a thread which has just been woken
    /// is idle, too, for as long as the waking takes: to wait for that is no want of processors.
    known has_idle(const figures& before, nanoseconds_t elapsed) const noexcept {
        if (last_.idle == 0 || before.idle == 0)
            return known::nothing;
        return (last_.idle - before.idle) * 5 >= elapsed * 2 ? known::yes : known::no;
    }

    bool narrow_ = false;
    phase phase_ = phase::steady;
    bool tries_ = false; // what settles is a trial, and not its taking back
    figures last_;
    nanoseconds_t next_ = 0;
    nanoseconds_t starves_since_ = 0; // 0: it has not at the last look
    nanoseconds_t pause_ = shortest_pause;
    nanoseconds_t pause_until_ = 0;
    double rate_before_ = 0; // handlers, of before the trial
};

} // namespace aura::core
