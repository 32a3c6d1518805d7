// worker_pool: sources in line for each kind of work, and threads that come and go.
#include "core/base/worker_pool.hpp"

#include "core/base/first_use.hpp"
#include "core/base/library_pin.hpp"
#include "core/base/usable_cpus.hpp"
#include "core/base/wake_word.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <exception>
#include <pthread.h>
#include <type_traits>

namespace aura::core {

/// Where a thread waits that has nothing to do. They form a stack: the one that has been idle for the
/// shortest time is called first, and those that are not needed are left alone until they end.
struct idle_worker {
    wake_word called;
    bool is_called = false; // taken from the stack; guarded by the pool's lock, as the next
    idle_worker* below = nullptr;
};

namespace {

/// Without the lock, for which those that are woken would have to wait otherwise. Each may be gone once it is called.
void wake(idle_worker* called) noexcept {
    while (called) {
        idle_worker& w = *called;
        called = w.below;
        w.called.set();
    }
}

/// Once per process, some file reads.
unsigned find_default_threads() noexcept {
    constexpr unsigned least = 16, most = 256;
    try {
        return std::clamp(4 * find_usable_cpus().count, least, most);
    } catch (const std::exception&) {
        return least;
    }
}

} // namespace

struct worker_pool::state {
    /// The sources of one kind that have work, oldest first.
    struct line {
        work_source* first = nullptr;
        work_source* last = nullptr;
        unsigned limit = 0;
        unsigned busy = 0; ///< the pool's threads in work of this kind; not callers of offer()

        void push(work_source& s) noexcept {
            s.next_in_line_ = nullptr;
            (last ? last->next_in_line_ : first) = &s;
            last = &s;
            s.in_line_ = true;
        }
        void remove(work_source& s) noexcept {
            work_source* before = nullptr;
            for (work_source* it = first; it != &s; it = it->next_in_line_)
                before = it;
            (before ? before->next_in_line_ : first) = s.next_in_line_;
            if (last == &s)
                last = before;
            s.in_line_ = false;
        }
        unsigned room() const noexcept { return busy < limit ? limit - busy : 0; }
    };

    std::mutex mutex;
    std::array<line, work_kinds> lines{};
    work_source* sources = nullptr;
    idle_worker* idle = nullptr;
    unsigned threads = 0;
    nanoseconds_t patience = default_patience;
    bool limits_known = false;

    // Never destroyed: threads may be anywhere while the process ends.
    static state& instance() noexcept {
        static constinit state only;
        static_assert(std::is_trivially_destructible_v<state>);
        return only;
    }

    line& line_of(const work_source& s) noexcept { return lines[static_cast<std::size_t>(s.kind_)]; }

    unsigned limit() const noexcept {
        unsigned all = 0;
        for (const line& l : lines)
            all += l.limit;
        return all;
    }
    void set_limits() noexcept;
    unsigned busy() const noexcept {
        unsigned all = 0;
        for (const line& l : lines)
            all += l.busy;
        return all;
    }

    idle_worker* call_idle(std::uint32_t& count) noexcept;
    bool add_thread() noexcept;
    work_source* next_source() noexcept;
    bool wait_for_call(lock& held) noexcept;
    void serve(work_source& s, lock& held) noexcept;
    static void* run(void*) noexcept;

    // ---- fork ----
    // Unlike what is fork_aware, the pool has lists that any thread may be changing when another one forks:
    // the lock is held across it.
    static const int handlers; // from the moment at which the library is there
    static void before_fork() noexcept { instance().mutex.lock(); }
    static void in_parent() noexcept { instance().mutex.unlock(); }
    static void in_child() noexcept {
        state& s = instance();
        s.idle = nullptr; // on stacks of threads that are not here
        s.threads = 0;
        for (line& l : s.lines) {
            l.first = l.last = nullptr;
            l.busy = 0;
        }
        for (work_source* source = s.sources; source; source = source->next_) {
            source->offered_ = 0;
            source->in_line_ = false;
            source->forget();
        }
        s.mutex.unlock();
    }
};

const int worker_pool::state::handlers = ::pthread_atfork(&before_fork, &in_parent, &in_child);

unsigned worker_pool::default_threads() noexcept {
    static constinit first_use<unsigned> count;
    return count.get(&find_default_threads);
}

unsigned worker_pool::threads() noexcept {
    const std::lock_guard guard(state::instance().mutex);
    return state::instance().threads;
}

void worker_pool::set_patience(nanoseconds_t patience) noexcept {
    const std::lock_guard guard(state::instance().mutex);
    state::instance().patience = patience;
}

/// Not before there is work: most programs have none.
void worker_pool::state::set_limits() noexcept {
    if (limits_known)
        return;
    limits_known = true;
    for (line& l : lines)
        l.limit = 0;
    for (work_source* s = sources; s; s = s->next_) {
        line& l = line_of(*s);
        l.limit = std::max(l.limit, s->threads_ != 0 ? s->threads_ : default_threads());
    }
}

// ---- threads ----

/// So many that are idle, or all there are: taken from the stack, to be woken. What is left of `count` found none.
idle_worker* worker_pool::state::call_idle(std::uint32_t& count) noexcept {
    idle_worker* called = nullptr;
    while (count != 0 && idle) {
        idle_worker& top = *idle;
        idle = top.below;
        top.is_called = true;
        top.below = called;
        called = &top;
        --count;
    }
    return called;
}

bool worker_pool::state::add_thread() noexcept {
    // What is sent to the process is for the program's own threads. A new one has its maker's mask.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_t attributes;
    int refused = ::pthread_attr_init(&attributes);
    if (refused == 0) {
        ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_t thread;
        refused = ::pthread_create(&thread, &attributes, [](void* self) { return run(self); }, nullptr);
        ::pthread_attr_destroy(&attributes);
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    threads += refused == 0;
    return refused == 0;
}

/// The source whose turn it is, taken out of its line unless it has more.
work_source* worker_pool::state::next_source() noexcept {
    for (line& l : lines) {
        if (!l.first || l.room() == 0)
            continue;
        work_source& s = *l.first;
        l.remove(s);
        if (--s.offered_ != 0)
            l.push(s);
        return &s;
    }
    return nullptr;
}

void worker_pool::state::serve(work_source& s, lock& held) noexcept {
    line& l = line_of(s); // afterwards the source may be gone
    ++l.busy;
    s.work(held);
    --l.busy;
}

/// False: nobody has called for as long as it was ready to wait.
bool worker_pool::state::wait_for_call(lock& held) noexcept {
    idle_worker self;
    self.below = idle;
    idle = &self;
    const nanoseconds_t until = monotonic_now() + patience;
    held.unlock();
    const bool called = self.called.wait_until(until);
    held.lock();
    if (self.is_called) {
        if (!called) { // at the last moment: who does it is about to touch this
            held.unlock();
            self.called.wait();
            held.lock();
        }
        return true; // NOLINT(clang-analyzer-core.StackAddressEscape): who calls takes it out of the list
    }
    idle_worker** place = &idle;
    while (*place != &self)
        place = &(*place)->below;
    *place = self.below;
    return false;
}

void* worker_pool::state::run(void*) noexcept {
    (void)::pthread_setname_np(::pthread_self(), "auraio-pool");
    state& s = instance();
    lock held(s.mutex);
    do
        while (work_source* const source = s.next_source())
            s.serve(*source, held);
    while (s.wait_for_call(held));
    --s.threads;
    return nullptr;
}

// ---- sources ----

work_source::work_source(work_kind kind, unsigned threads) noexcept
    : kind_(kind)
    , threads_(threads) {}

void work_source::enlist() noexcept {
    worker_pool::state& pool = worker_pool::state::instance();
    const std::lock_guard guard(pool.mutex);
    next_ = pool.sources;
    if (next_)
        next_->previous_ = this;
    pool.sources = this;
    pool.limits_known = false;
}

void work_source::delist() noexcept {
    worker_pool::state& pool = worker_pool::state::instance();
    const std::lock_guard guard(pool.mutex);
    if (in_line_)
        pool.line_of(*this).remove(*this);
    (previous_ ? previous_->next_ : pool.sources) = next_;
    if (next_)
        next_->previous_ = previous_;
    pool.limits_known = false;
}

worker_pool::lock work_source::take_lock_to_offer() noexcept {
    // The first time these two read files and ask the loader: not with the lock held.
    (void)worker_pool::default_threads();
    pin_library();
    return take_lock();
}

worker_pool::lock work_source::take_lock() noexcept {
    return worker_pool::lock(worker_pool::state::instance().mutex);
}

void work_source::offer(worker_pool::lock& lock, std::uint32_t count) noexcept {
    worker_pool::state& pool = worker_pool::state::instance();
    auto& line = pool.line_of(*this);
    pool.set_limits();
    offered_ += count;
    if (!in_line_)
        line.push(*this);
    count = std::min<std::uint32_t>(count, line.room()); // to the rest a thread of its kind will come
    idle_worker* const called = pool.call_idle(count);
    while (count != 0 && pool.threads < pool.limit() && pool.add_thread())
        --count;
    // RLIMIT_NPROC and its like. One that is about to look for work takes it, or one that is at work of this
    // kind when it is done; the others may be for long in what this one must not wait for. Another caller that
    // is at work here does not look again: it is not counted as busy.
    if (count == 0 || called || line.busy != 0 || pool.threads > pool.busy()) {
        if (called) {
            lock.unlock();
            wake(called);
            lock.lock();
        }
        return;
    }
    for (; count != 0 && offered_ != 0; --count) {
        if (--offered_ == 0)
            line.remove(*this);
        work(lock);
    }
}

void work_source::withdraw(worker_pool::lock&) noexcept {
    if (--offered_ == 0)
        worker_pool::state::instance().line_of(*this).remove(*this);
}

void work_source::withdraw_all(worker_pool::lock&) noexcept {
    offered_ = 0;
    if (in_line_)
        worker_pool::state::instance().line_of(*this).remove(*this);
}

} // namespace aura::core
