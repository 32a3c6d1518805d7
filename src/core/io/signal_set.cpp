// signal_set: the handler and its pipe, dealing signals out, and the poll that tells a ring of them.
#include "auraio/core/io/signal_set.hpp"

#include "auraio/core/loop/engine.hpp"
#include "core/base/first_use.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <mutex>
#include <new>
#include <poll.h>
#include <pthread.h>
#include <unistd.h>
#include <utility>

namespace aura::core {

namespace {

// What the handler touches: lock-free, and never destroyed. Relaxed: a signal that comes while these change
// may be told either way, and each value stands alone.
constinit std::atomic<int> pipe_in{-1};
constinit std::array<std::atomic<void (*)(int)>, 4> others{};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<void (*)(int)>::is_always_lock_free);

void on_signal(int signal) {
    const int saved = errno;
    // A full pipe loses the signal, as a pending one merges with the next.
    [[maybe_unused]] const auto written =
        ::write(pipe_in.load(std::memory_order_relaxed), &signal, sizeof signal);
    for (const auto& other : others)
        if (const auto handler = other.load(std::memory_order_relaxed))
            handler(signal);
    errno = saved;
}

int set_handler(int signal, void (*handler)(int), int flags) noexcept {
    struct sigaction action{};
    action.sa_handler = handler;
    ::sigfillset(&action.sa_mask);
    action.sa_flags = flags == signal_set::any_flags ? 0 : flags;
    return ::sigaction(signal, &action, nullptr) == 0 ? 0 : -errno;
}

} // namespace

/// What sets share. Lives until the process ends: the handler may run until then.
struct signal_set::registry {
    struct signal_entry {
        std::size_t sets = 0;
        int flags = any_flags;
    };

    static inline constinit std::mutex mutex; // guards everything here and in the sets
    static const int fork_handlers;
    signal_set* sets = nullptr;
    std::array<signal_entry, max_signal> signals{};
    int pipe_out = -1;
    ::pid_t process = -1; // whose pipe it is

    static registry*& place() noexcept {
        static registry* r = nullptr;
        return r;
    }
    static registry& get() {
        static constinit first_use<bool> made;
        made.get([] {
            place() = new registry;
            return true;
        });
        return *place();
    }

    registry() {
        int ends[2];
        if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
            throw engine_error(errno, "auraio: a signal_set needs a pipe");
        pipe_out = ends[0];
        pipe_in.store(ends[1], std::memory_order_relaxed);
        process = ::getpid();
    }

    /// With the lock held: gives every set what is in the pipe.
    void deal_out() {
        int signal;
        // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): the pipe is O_NONBLOCK
        while (::read(pipe_out, &signal, sizeof signal) == sizeof signal)
            for (signal_set* s = sets; s; s = s->next_) {
                const auto it = s->find(signal);
                if (it == s->registrations_.end() || it->signal != signal)
                    continue;
                if (s->waits_.empty())
                    ++it->missed;
                else
                    s->finish_all(signal);
            }
    }
};

// A child of fork(2) has no thread that would give the mutex back.
const int signal_set::registry::fork_handlers =
    ::pthread_atfork([] { mutex.lock(); }, [] { mutex.unlock(); }, [] { mutex.unlock(); });

/// The poll of the pipe, on the ring of a set that somebody waits for; it keeps the set alive. Shard side.
class signal_set::watch final : private io_operation {
public:
    explicit watch(signal_set& set)
        : io_operation(&run, request())
        , set_(set) {
        make_internal(set.home().loose());
    }

    void want(bool wanted) {
        if (wanted && !keep_) {
            keep_ = set_.shared_from_this();
            submit_internal();
        } else if (!wanted && keep_) {
            cancel_internal();
        }
    }

private:
    static io_request request() {
        io_request r;
        r.kind = request_kind::poll;
        r.fd = registry::get().pipe_out;
        r.flags = POLLIN;
        return r;
    }
    static void run(operation& base, action what) {
        if (what == action::complete)
            static_cast<watch&>(base).finished();
    }
    void finished();

    signal_set& set_;
    std::shared_ptr<signal_set> keep_;
};

void signal_set::visit_message::run(operation& base, action what) {
    auto& self = static_cast<visit_message&>(base);
    std::shared_ptr<signal_set> set; // may be the last
    {
        std::lock_guard guard(registry::get().mutex);
        set = std::move(self.keep); // from here on it may be sent again
    }
    if (what == action::arrive)
        set->look_after_here();
}

void signal_set::send_visit(std::shared_ptr<signal_set>&& keep) {
    {
        std::lock_guard guard(registry::get().mutex);
        if (visit_.keep)
            return; // on its way: it will look at what there is then
        visit_.keep = std::move(keep);
    }
    home_->send(visit_);
}

void signal_set::watch::finished() {
    registry& r = registry::get();
    bool wanted;
    {
        std::lock_guard guard(r.mutex);
        r.deal_out();
        // Cancelled: by us, or because the thread that submitted it has ended. Anything else would fail
        // again.
        if (result() < 0 && result() != -ECANCELED && result() != -EINTR)
            set_.finish_all(result());
        wanted = !set_.waits_.empty() && !set_.home_->shutting_down();
    }
    if (wanted)
        submit_internal();
    else // not dropped here: the caller is not done with this operation
        set_.send_visit(std::exchange(keep_, nullptr));
}

// ---- sets and their signals ----

std::shared_ptr<signal_set> signal_set::create(shard& home) {
    return std::make_shared<signal_set>(home, only_here{});
}

signal_set::signal_set(shard& home, only_here)
    : home_(&home) {
    registry& r = registry::get();
    std::lock_guard guard(r.mutex);
    next_ = r.sets;
    if (next_)
        next_->previous_ = this;
    r.sets = this;
}

// NOLINTNEXTLINE(bugprone-exception-escape): only the first get() can throw, and that was the constructor's
signal_set::~signal_set() {
    registry& r = registry::get();
    std::lock_guard guard(r.mutex);
    (previous_ ? previous_->next_ : r.sets) = next_;
    if (next_)
        next_->previous_ = previous_;
}

std::vector<signal_set::registration>::iterator signal_set::find(int signal) {
    return std::ranges::lower_bound(registrations_, signal, {}, &registration::signal);
}

int signal_set::add(int signal, int flags) {
    if (signal < 0 || signal >= max_signal)
        return -EINVAL;
    registry& r = registry::get();
    std::lock_guard guard(r.mutex);
    r.deal_out(); // what came before is not for the newcomer
    const auto position = find(signal);
    if (position != registrations_.end() && position->signal == signal)
        return 0;
    registry::signal_entry& entry = r.signals[static_cast<std::size_t>(signal)];
    const bool is_first = entry.sets == 0;
    if (!is_first && flags != any_flags && entry.flags != any_flags && flags != entry.flags)
        return -EINVAL;
    registrations_.reserve(registrations_.size() + 1);
    if (is_first || (flags != any_flags && flags != entry.flags)) {
        if (const int error = set_handler(signal, &on_signal, flags); error < 0)
            return error;
        entry.flags = flags;
    }
    registrations_.insert(find(signal), {signal, 0});
    ++entry.sets;
    return 0;
}

bool signal_set::contains(int signal) const {
    std::lock_guard guard(registry::get().mutex);
    return std::ranges::binary_search(registrations_, signal, {}, &registration::signal);
}

int signal_set::remove(int signal, void (*afterwards)(int)) {
    if (signal < 0 || signal >= max_signal)
        return -EINVAL;
    registry& r = registry::get();
    std::lock_guard guard(r.mutex);
    r.deal_out(); // others may have the signal, too
    const auto position = find(signal);
    if (position == registrations_.end() || position->signal != signal)
        return 0;
    registry::signal_entry& entry = r.signals[static_cast<std::size_t>(signal)];
    if (entry.sets == 1)
        if (const int error = set_handler(signal, afterwards, entry.flags); error < 0)
            return error;
    --entry.sets;
    registrations_.erase(position);
    return 0;
}

int signal_set::signal_after(int signal) const noexcept {
    std::lock_guard guard(registry::get().mutex);
    const auto next = std::ranges::upper_bound(registrations_, signal, {}, &registration::signal);
    return next != registrations_.end() ? next->signal : -1;
}

// ---- waits ----

void signal_set::finish(signal_wait& op, int result) {
    op.result_ = result;
    home_->make_ready(op);
}

void signal_set::finish_all(int result) {
    while (operation* op = waits_.pop())
        finish(static_cast<signal_wait&>(*op), result);
}

void signal_set::wait(signal_wait& op) {
    registry& r = registry::get();
    op.set_ = shared_from_this();
    op.set_counts_remotely(true);
    home_->owner().work_started();
    {
        std::lock_guard guard(r.mutex);
        r.deal_out();
        const auto missed =
            std::ranges::find_if(registrations_, [](const registration& x) { return x.missed != 0; });
        if (missed != registrations_.end()) {
            --missed->missed;
            finish(op, missed->signal);
            return;
        }
        waits_.push(op);
    }
    look_after();
}

void signal_set::cancel() {
    registry& r = registry::get();
    {
        std::lock_guard guard(r.mutex);
        r.deal_out();
        if (waits_.empty())
            return;
        finish_all(-ECANCELED);
    }
    look_after();
}

void signal_wait::on_cancel() {
    set_->withdraw(*this);
}

void signal_set::withdraw(signal_wait& op) {
    {
        std::lock_guard guard(registry::get().mutex);
        if (!waits_.remove(op))
            return; // it has its signal
        finish(op, -ECANCELED);
    }
    look_after();
}

/// After waits_ has changed: the poll follows.
void signal_set::look_after() {
    const shard::entry entry(*home_);
    if (entry.drives())
        look_after_here();
    else
        send_visit(shared_from_this());
}

void signal_set::look_after_here() {
    bool wanted;
    {
        std::lock_guard guard(registry::get().mutex);
        if (home_->shutting_down())
            finish_all(-ECANCELED);
        wanted = !waits_.empty();
    }
    if (wanted && !watch_) {
        watch_.reset(new (std::nothrow) watch(*this));
        if (!watch_) { // nobody would look again
            std::lock_guard guard(registry::get().mutex);
            finish_all(-ENOMEM);
        }
    }
    if (watch_)
        watch_->want(wanted);
}

// ---- the process ----

void signal_set::also_tell(void (*handler)(int)) noexcept {
    for (auto& other : others) {
        void (*expected)(int) = nullptr;
        if (other.compare_exchange_strong(expected, handler, std::memory_order_relaxed) ||
            expected == handler)
            return;
    }
}

void signal_set::after_fork_in_child() noexcept {
    registry* const r = registry::place();
    if (!r || r->process == ::getpid())
        return; // nothing to do, or done for another engine
    // In place, the numbers stay: requests name one and the handler the other. Out of descriptors, the parent
    // goes on being told in our place; there is nobody to report it to.
    int ends[2];
    if (::pipe2(ends, O_NONBLOCK | O_CLOEXEC) != 0)
        return;
    ::dup3(ends[1], pipe_in.load(std::memory_order_relaxed), O_CLOEXEC);
    ::dup3(ends[0], r->pipe_out, O_CLOEXEC);
    ::close(ends[0]);
    ::close(ends[1]);
    r->process = ::getpid();
}

void signal_set::abandon(const engine& e) {
    registry* const r = registry::place();
    if (!r)
        return;
    std::lock_guard guard(r->mutex);
    for (signal_set* s = r->sets; s; s = s->next_)
        if (&s->home_->owner() == &e)
            s->finish_all(-ECANCELED);
}

void signal_set::describe(const engine& e, std::vector<std::string>& out) {
    registry* const r = registry::place();
    if (!r)
        return;
    std::lock_guard guard(r->mutex);
    for (signal_set* s = r->sets; s; s = s->next_) {
        if (&s->home_->owner() != &e || s->waits_.empty())
            continue;
        std::string line = "ring " + std::to_string(s->home_->index()) + ": " +
                           std::to_string(s->waits_.size()) + " wait for one of the signals";
        for (const registration& x : s->registrations_)
            line += ' ' + std::to_string(x.signal);
        out.push_back(std::move(line));
    }
}

} // namespace aura::core
