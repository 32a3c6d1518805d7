// stall_report: who is stuck, and what is said of it.
#include "core/loop/stall_report.hpp"

#include "auraio/core/base/stall_limit.hpp"
#include "auraio/core/loop/shard.hpp"
#include "core/base/descriptions.hpp"
#include "core/base/log.hpp"
#include "core/base/probe.hpp"
#include "core/base/thread_stack.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <string>

namespace aura::core {

namespace {

constexpr nanoseconds_t between_reports = 1'000'000'000;

/// When the last report of the process was made. Relaxed: two at once are one too many, no more.
constinit std::atomic<nanoseconds_t> last_report{0};

constinit std::atomic<unsigned> limit_in_use{100}; // relaxed: it stands for itself

} // namespace

void set_stall_report(unsigned milliseconds) noexcept {
    limit_in_use.store(milliseconds, std::memory_order_relaxed);
}

unsigned stall_report_after() noexcept {
    return limit_in_use.load(std::memory_order_relaxed);
}

void stall_report::begin(nanoseconds_t now) noexcept {
    now_ = now;
    next_ = never;
    limit_ = log_has_handler() ? nanoseconds_t{stall_report_after()} * 1'000'000 : 0;
    stuck_.told = 0;
}

void stall_report::see(memory& m, shard* home, bool lost) noexcept {
    if (limit_ == 0 || (!home && !(lost && m.thread != 0))) {
        m = {};
        return;
    }
    if (home) {
        const std::uint64_t turns = home->counters().turns.load(std::memory_order_relaxed);
        const int thread = home->driving_thread();
        if (home->sleeping() || m.thread != thread || m.ring != home->index() || m.turns != turns) {
            const nanoseconds_t began = home->turn_began();
            m = {home->index(), thread, turns, began != never ? std::min(began, now_) : now_, 0};
            if (home->sleeping())
                return;
        }
    }
    const nanoseconds_t stuck = now_ - m.since;
    const nanoseconds_t limit = m.told == 0 ? limit_ : m.told * 10;
    if (stuck < limit) {
        next_ = std::min(next_, m.since + limit);
        return;
    }
    if (now_ - last_report.load(std::memory_order_relaxed) < between_reports) {
        next_ = std::min(next_, now_ + between_reports / 4);
        return;
    }
    if (stuck <= stuck_.told)
        return;
    m.told = stuck;
    stuck_ = m;
    lost_ = lost;
}

void stall_report::tell() noexcept {
    if (stuck_.told == 0)
        return;
    last_report.store(now_, std::memory_order_relaxed);
    AURAIO_PROBE3(stall, stuck_.ring, stuck_.thread, stuck_.told);
    try {
        const thread_description thread = describe_thread(stuck_.thread);
        std::string text =
            "auraio: a handler has not returned for " + std::to_string(stuck_.told / 1'000'000) +
            " ms: ring " + std::to_string(stuck_.ring) + (lost_ ? ", which others have taken over" : "") +
            ", thread " + std::to_string(stuck_.thread) + " (" + thread.name + "), " + thread.state + '\n';
        text += stack_of(stuck_.thread);
        text.pop_back(); // the last end of line
        log_message(log_level::warning, text.c_str());
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch): no memory, no report
    }
}

} // namespace aura::core
