// dump: what is pending in an engine, in words, for people who ask why nothing happens.
#include "core/base/code_name.hpp"
#include "core/base/descriptions.hpp"
#include "core/report/inspection.hpp"

#include "auraio/core/io/name_lookup.hpp"
#include "auraio/core/io/signal_set.hpp"
#include "auraio/core/stats/handler_kinds.hpp"
#include "core/storage/storage_user.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <unistd.h>

namespace aura::core {

namespace {

/// How long to wait for threads to come back to their loops, all of them together.
constexpr std::chrono::milliseconds patience{250};

/// Between whoever asks and the threads that have the rings. Lives until the last of them has let go.
struct answers {
    std::mutex mutex; // guards the rest
    std::condition_variable changed;
    std::vector<std::optional<ring_contents>> rings;
    bool given_up = false;
};

/// Goes to a ring, and looks at it there. Belongs to the ring from when it is sent.
class question final : public operation {
public:
    question(std::shared_ptr<answers> to, shard& s, engine::handler_finder handler_of)
        : operation(&run)
        , to_(std::move(to))
        , shard_(s)
        , handler_of_(handler_of) {
        set_message(true);
    }

private:
    static void run(operation& base, action what) {
        const std::unique_ptr<question> self(static_cast<question*>(&base));
        if (what == action::arrive)
            self->arrived();
    }

    void arrived() noexcept {
        try {
            {
                std::lock_guard guard(to_->mutex);
                if (to_->given_up)
                    return;
            }
            ring_contents found = inspection::look(shard_, handler_of_);
            std::lock_guard guard(to_->mutex);
            if (to_->given_up)
                return;
            to_->rings[shard_.index()] = std::move(found);
            to_->changed.notify_all();
        } catch (const std::exception&) { // NOLINT(bugprone-empty-catch): no memory, and so no answer
        }
    }

    const std::shared_ptr<answers> to_;
    shard& shard_;
    const engine::handler_finder handler_of_;
};

std::string duration(nanoseconds_t n) {
    char text[40];
    if (n < 1'000'000)
        (void)std::snprintf(text, sizeof text, "%.1f us", double(n) / 1e3);
    else if (n < 1'000'000'000)
        (void)std::snprintf(text, sizeof text, "%.1f ms", double(n) / 1e6);
    else
        (void)std::snprintf(text, sizeof text, "%.1f s", double(n) / 1e9);
    return text;
}

/// Puts the text together.
class pending_writer {
public:
    explicit pending_writer(std::ostream& out)
        : out_(out) {}

    void ring(const shard& s, bool slept, const std::optional<ring_contents>& found) {
        out_ << "ring " << s.index() << ": ";
        thread_of(s, slept, found.has_value());
        const ring_stats stats = s.stats();
        out_ << "  " << (found ? found->operations : stats.operations) << " operations pending, "
             << stats.in_flight << " requests in flight; " << stats.handlers << " handlers in " << stats.turns
             << " turns so far, busy for " << duration(stats.busy_time) << ", idle for "
             << duration(stats.idle_time) << '\n';
        if (found)
            contents(*found);
    }

    void device(const device_stats& d) {
        out_ << "device " << d.name << ": " << d.in_flight << " in flight, " << d.waiting
             << " held back, limit ";
        if (d.limit == no_limit)
            out_ << "none";
        else
            out_ << d.limit;
        out_ << ", " << name(d.phase) << '\n';
    }

    /// Where handlers are tracked.
    void kind(const handler_kind_stats& k) {
        out_ << "handlers of " << k.object << '.' << k.function << ": " << k.calls << " calls in "
             << duration(k.total_time) << ", the longest " << duration(k.longest) << '\n';
    }

private:
    void thread_of(const shard& s, bool slept, bool answered) {
        const int thread = s.driving_thread();
        const nanoseconds_t began = s.turn_began();
        if (s.is_free()) {
            out_ << "no thread is in run() for it\n";
            return;
        }
        const thread_description d = describe_thread(thread);
        out_ << "thread " << thread;
        if (!d.name.empty())
            out_ << " (" << d.name << ')';
        if (answered) {
            out_ << (s.is_current() ? ", in the handler that asks\n"
                     : slept        ? ", waits for events\n"
                                    : ", busy\n");
            return;
        }
        out_ << " DOES NOT COME BACK TO ITS LOOP: ";
        const nanoseconds_t now = coarse_now();
        if (began != never && now > began)
            out_ << "in a handler, or in several without a pause, for " << duration(now - began);
        else
            out_ << "in a handler";
        if (!d.state.empty())
            out_ << "; " << d.state;
        out_ << ". What is pending is not known\n";
    }

    void contents(const ring_contents& c) {
        if (c.handed_over != 0)
            out_ << "  " << c.handed_over
                 << " operations of other threads wait until a thread comes to the loop\n";
        if (c.ready != 0)
            out_ << "  " << c.ready << " handlers are ready to run\n";
        int shown = -2; // requests of one file follow each other
        for (const pending_request& r : c.requests) {
            if (r.fd != shown || r.is_index)
                file(r);
            shown = r.is_index ? -2 : r.fd;
            request(r);
        }
        if (c.more_requests != 0)
            out_ << "  and " << c.more_requests << " requests more\n";
        const nanoseconds_t now = monotonic_now();
        for (const pending_timer& t : c.timers)
            timer(t, now);
        if (c.more_timers != 0)
            out_ << "  and " << c.more_timers << " timers more\n";
    }

    void file(const pending_request& r) {
        if (r.is_index)
            out_ << "  registered file " << r.fd << '\n';
        else if (r.fd < 0)
            out_ << "  by path\n";
        else
            out_ << "  descriptor " << r.fd << ": " << describe_file(r.fd) << '\n';
    }

    void request(const pending_request& r) {
        using place = pending_request::place;
        out_ << "    " << row_of(r.kind).name;
        switch (r.where) {
        case place::lane:
            out_ << ", waits for the one before it";
            break;
        case place::gate:
            out_ << ", held back by the gate of " << r.device;
            break;
        case place::backend:
            out_ << ", in flight";
            break;
        case place::readiness:
            out_ << ", waits until the file is ready";
            break;
        case place::call:
            out_ << ", in its system call";
            break;
        case place::over:
            out_ << ", over";
            break;
        }
        if (r.where != place::gate && !r.device.empty())
            out_ << ", through the gate of " << r.device;
        if (r.cancelled)
            out_ << ", cancelled";
        if (r.age != never)
            age(r.age);
        handler(r.internal ? nullptr : r.handler, r.internal);
    }

    /// Its step is too rough for less.
    void age(nanoseconds_t n) {
        constexpr nanoseconds_t tenth = 100'000'000;
        if (n < tenth)
            out_ << ", begun just now";
        else
            out_ << ", begun " << duration(n) << " ago";
    }

    void timer(const pending_timer& t, nanoseconds_t now) {
        out_ << "  timer";
        if (t.other_clock)
            out_ << " of a clock that may be set";
        else if (t.deadline > never / 2)
            out_ << " that is never due";
        else if (t.deadline > now)
            out_ << " due in " << duration(t.deadline - now);
        else
            out_ << " due since " << duration(now - t.deadline);
        if (t.waits == 0)
            out_ << ", nobody waits";
        else if (t.waits > 1)
            out_ << ", " << t.waits << " waits";
        handler(t.handler, false);
    }

    void handler(const void* code, bool internal) {
        if (internal)
            out_ << ", the library's own";
        else if (code)
            out_ << "\n      " << names_.of(code);
        out_ << '\n';
    }

    std::ostream& out_;
    code_names names_;
};

/// Asks where a thread has to answer, and looks where none drives the ring. True: it has its answer, or none is to
/// be expected.
bool look_or_ask(shard& s, const std::shared_ptr<answers>& to, engine::handler_finder handler_of,
                 bool may_ask) {
    const mark_entry entry; // what is sent wakes in the name of the ring that this thread drives
    if (const shard_visit visit(s); visit) {
        ring_contents found = inspection::look(s, handler_of);
        std::lock_guard guard(to->mutex);
        to->rings[s.index()] = std::move(found);
        return true;
    }
    if (may_ask && !s.is_free())
        s.send(*new question(to, s, handler_of));
    return s.is_free(); // of another thread only, as a deferred ring is
}

} // namespace

void engine::dump(std::ostream& out, handler_finder handler_of) {
    const unsigned count = shard_count();
    out << "auraio: process " << ::getpid() << ", backend " << backend_name() << " (" << backend_reason()
        << "), " << driver_count() << " threads in run() with a ring, " << spare_count() << " without, "
        << reserve_count() << " in reserve; "
        << (stopped()    ? "stopped"
            : has_work() ? "has work"
                         : "has no work")
        << '\n';
    if (is_inherited()) {
        out << "what is pending is the parent's: this process is a child of fork(2) that has not run it\n";
        return;
    }
    if (const std::uint32_t shared = shared_size(); shared != 0)
        out << shared << " functions of the context wait for a thread\n";

    const auto found = std::make_shared<answers>();
    found->rings.resize(count);
    std::vector<unsigned> asked;
    std::vector<bool> slept(count);
    for (unsigned i = 0; i < count; ++i)
        if (slept[i] = shards_[i]->sleeping(); !look_or_ask(*shards_[i], found, handler_of, true))
            asked.push_back(i);
    {
        const auto until = std::chrono::steady_clock::now() + patience;
        std::unique_lock lock(found->mutex);
        found->changed.wait_until(lock, until, [&] {
            return std::all_of(asked.begin(), asked.end(),
                               [&](unsigned i) { return found->rings[i].has_value(); });
        });
    }
    for (const unsigned i : asked) { // its thread may have left instead of answering
        std::unique_lock lock(found->mutex);
        if (found->rings[i])
            continue;
        lock.unlock();
        (void)look_or_ask(*shards_[i], found, handler_of, false);
    }
    std::vector<std::optional<ring_contents>> rings;
    {
        std::lock_guard guard(found->mutex);
        found->given_up = true;
        rings.swap(found->rings);
    }
    pending_writer w(out);
    for (unsigned i = 0; i < count; ++i)
        w.ring(*shards_[i], slept[i], rings[i]);
    std::vector<std::string> lines;
    signal_set::describe(*this, lines);
    name_lookup::describe(*this, lines);
    for (const std::string& line : lines)
        out << line << '\n';
    for (const device_stats& d : storage_->stats())
        w.device(d);
    for (const handler_kind_stats& k : handler_kind::all())
        w.kind(k);
}

} // namespace aura::core
