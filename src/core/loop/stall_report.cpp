// stall_report: who is stuck, and what is said of it.
#include "core/loop/stall_report.hpp"

#include "auraio/core/base/fork_aware.hpp"
#include "auraio/core/base/stall_limit.hpp"
#include "auraio/core/loop/shard.hpp"
#include "core/base/descriptions.hpp"
#include "core/base/library_pin.hpp"
#include "core/base/log.hpp"
#include "core/base/probe.hpp"
#include "core/base/thread_stack.hpp"
#include "core/loop/stall_watch.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <exception>
#include <pthread.h>
#include <string>
#include <thread>

namespace aura::core {

namespace {

constexpr nanoseconds_t between_reports = 1'000'000'000;

/// When the last report of the process was made. Relaxed: two at once are one too many, no more.
constinit std::atomic<nanoseconds_t> last_report{0};

constinit std::atomic<unsigned> limit_in_use{100}; // relaxed: it stands for itself

/// The number of the process, counted from 1, in which a report is being told; 0: none is. A child of fork does not
/// have the thread that would end it. Relaxed: what is told is passed to the thread.
constinit std::atomic<unsigned> telling_in{0};

void tell_of(const stall_report::facts& f) noexcept {
    try {
        const thread_description thread = describe_thread(f.thread);
        std::string text = f.one ? "auraio: a handler has not returned for "
                                 : "auraio: in a handler, or in several without a pause, for ";
        text += std::to_string(f.lasted / 1'000'000) + " ms: ring " + std::to_string(f.ring) +
                (f.lost ? ", which others have taken over" : "") + ", thread " + std::to_string(f.thread) +
                " (" + thread.name + "), " + thread.state;
        if (f.one) { // else it may be healthy, and is not disturbed
            text += '\n' + stack_of(f.thread);
            text.pop_back(); // the last end of line
        }
        log_message(log_level::warning, text.c_str());
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch): no memory, no report
    }
}

} // namespace

void set_stall_report(unsigned milliseconds) noexcept {
    limit_in_use.store(milliseconds, std::memory_order_relaxed);
    stall_watch::ask(milliseconds != 0);
}

unsigned stall_report_after() noexcept {
    return limit_in_use.load(std::memory_order_relaxed);
}

void stall_report::begin(nanoseconds_t now) noexcept {
    now_ = now;
    next_ = never;
    limit_ = log_has_handler() ? nanoseconds_t{stall_report_after()} * 1'000'000 : 0;
    longest_ = nullptr;
    chosen_ = {};
}

void stall_report::see(memory& m, shard* home, std::uintptr_t handler, bool lost) noexcept {
    if (!home && lost) {
        see_lost(m);
        return;
    }
    if (!home) {
        m = {};
        return;
    }
    // From when it is about to wait until it has come back to its loop its turn has not begun; nor have the first turns
    // of a thread, of which only handlers that show themselves are certain.
    const bool idle = home->sleeping() || (home->turn_began() == never && handler == 0);
    const ring_counters& c = home->counters();
    see(m, sample{home->index(), home->driving_thread(), idle, c.turns.load(std::memory_order_relaxed),
                  c.handlers.load(std::memory_order_relaxed), handler});
}

void stall_report::see(memory& m, shard& s, bool one_each) noexcept {
    const bool idle = s.is_free() || s.sleeping() || s.turn_began() == never;
    const ring_counters& c = s.counters();
    see(m, sample{s.index(), s.driving_thread(), idle, c.turns.load(std::memory_order_relaxed),
                  c.handlers.load(std::memory_order_relaxed), one_each ? std::uintptr_t{s.budget()} + 1 : 0});
}

void stall_report::see(memory& m, const sample& s) noexcept {
    if (limit_ == 0 || s.idle) {
        m = {};
        return;
    }
    // The turn may have begun long ago, with other handlers: what is certain begins now.
    if (m.last != s)
        m = {s, now_, 0};
    see_stuck(m, false);
}

/// What was taken from it has not come back: it is in the handler in which it was.
void stall_report::see_lost(memory& m) noexcept {
    if (limit_ == 0 || m.last.thread == 0)
        m = {};
    else
        see_stuck(m, true);
}

void stall_report::see_stuck(memory& m, bool lost) noexcept {
    const nanoseconds_t limit = m.told == 0 ? limit_ : m.told * 10;
    if (now_ - m.since < limit) {
        next_ = std::min(next_, m.since + limit);
        return;
    }
    if (longest_)
        next_ = std::min(next_, now_ + between_reports); // one of them is not told of
    if (longest_ && longest_->since <= m.since)
        return;
    longest_ = &m;
    longest_lost_ = lost;
}

void stall_report::choose() noexcept {
    if (!longest_)
        return;
    if (now_ - last_report.load(std::memory_order_relaxed) < between_reports ||
        telling_in.load(std::memory_order_relaxed) == fork_generation() + 1) {
        next_ = std::min(next_, now_ + between_reports / 4);
        return;
    }
    last_report.store(now_, std::memory_order_relaxed);
    longest_->told = now_ - longest_->since;
    next_ = std::min(next_, longest_->since + longest_->told * 10);
    const sample& s = longest_->last;
    chosen_ = {s.ring, s.thread, longest_->told, longest_lost_, s.handler != 0};
}

void stall_report::tell() const noexcept {
    if (chosen_.lasted == 0)
        return;
    AURAIO_PROBE3(stall, chosen_.ring, chosen_.thread, chosen_.lasted);
    pin_library(); // nobody joins the thread
    telling_in.store(fork_generation() + 1, std::memory_order_relaxed);
    sigset_t all, before;
    sigfillset(&all); // signals are for the program's threads
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread([f = chosen_] {
            (void)::pthread_setname_np(::pthread_self(), "auraio-report");
            tell_of(f);
            telling_in.store(0, std::memory_order_relaxed);
        }).detach();
    } catch (const std::exception&) {
        telling_in.store(0, std::memory_order_relaxed); // no thread can be had
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

} // namespace aura::core
