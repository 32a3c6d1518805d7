// name_lookup: the questions of the process, and who still wants to know.
#include "auraio/core/io/name_lookup.hpp"

#include "auraio/core/loop/engine.hpp"
#include "core/base/first_use.hpp"
#include "core/base/worker_pool.hpp"

#include <atomic>
#include <cerrno>
#include <new>
#include <utility>

namespace aura::core {

namespace {

/// As Asio does: a service without a name is told by its number.
int names_of(const name_question& q, char* host, char* service) noexcept {
    const auto* const address = reinterpret_cast<const sockaddr*>(&q.address);
    const int flags = q.datagram ? NI_DGRAM : 0;
    const int error = ::getnameinfo(address, q.address_size, host, NI_MAXHOST, service, NI_MAXSERV, flags);
    if (error == 0)
        return 0;
    return ::getnameinfo(address, q.address_size, host, NI_MAXHOST, service, NI_MAXSERV,
                         flags | NI_NUMERICSERV);
}

} // namespace

name_answer look_up(const name_question& q) noexcept {
    name_answer answer;
    errno = 0;
    if (q.is_reverse()) {
        char host[NI_MAXHOST], service[NI_MAXSERV];
        answer.error = names_of(q, host, service);
        if (answer.error == 0) {
            try {
                answer.host = host;
                answer.service = service;
            } catch (const std::bad_alloc&) {
                answer.error = EAI_MEMORY;
            }
        }
    } else {
        addrinfo* addresses = nullptr;
        answer.error = ::getaddrinfo(q.host.empty() ? nullptr : q.host.c_str(),
                                     q.service.empty() ? nullptr : q.service.c_str(), &q.hints, &addresses);
        answer.addresses.reset(addresses);
    }
    answer.system_error = errno;
    return answer;
}

/// Belongs to the operation, or, when that has ended before, to the thread that asks. Guarded by the lock of
/// the pool, but for the question, which does not change.
struct name_lookup::state {
    explicit state(name_question&& q) noexcept
        : question(std::move(q)) {}

    const name_question question;
    name_answer answer;
    name_lookup* asker = nullptr; ///< null: nobody is waiting for it
    group asked_by = 0;
    enum : std::uint8_t { idle, waiting, under_way } phase = idle;
    state* next_waiting = nullptr;
    state* previous = nullptr; // in the list of those with an asker
    state* next = nullptr;
};

/// What is asked, in the order in which it was. Never destroyed: threads may be asking while the process
/// ends.
class name_lookup::source final : work_source {
public:
    source() noexcept
        : work_source(work_kind::look_ups, most_at_once) {
        enlist();
    }

    /// Null when nothing has been asked yet.
    static source* existing() noexcept { return place().load(std::memory_order_acquire); }
    /// Release and acquire: who sees it sees what its constructor has written. Throws bad_alloc.
    static source& instance() {
        // A pointer: what a parent's thread has not finished stays in the list of the pool.
        static constinit first_use<source*> made;
        return *made.get([] {
            auto* const s = new source;
            place().store(s, std::memory_order_release);
            return s;
        });
    }

    void ask(name_lookup& op, group g) noexcept {
        const mark_entry entry;
        worker_pool::lock lock = take_lock_to_offer();
        state& s = *op.state_;
        s.asker = &op;
        s.asked_by = g;
        s.next = askers_;
        if (askers_)
            askers_->previous = &s;
        askers_ = &s;
        if (op.home_->is_current() && op.home_->shutting_down())
            finish(s, -ECANCELED);
        else
            queue(s, lock);
    }

    void give_up(name_lookup& op) noexcept {
        worker_pool::lock lock = take_lock();
        if (op.state_ && op.state_->asker == &op)
            give_up(*op.state_, lock);
    }

    template <class Which>
    void give_up_all(Which which) noexcept {
        worker_pool::lock lock = take_lock();
        for (state *s = askers_, *next; s; s = next) {
            next = s->next;
            if (which(*s))
                give_up(*s, lock);
        }
    }

    void repeat(const engine& e) noexcept {
        worker_pool::lock lock = take_lock();
        while (state* const s = first_idle(e)) // from the head again: it may be served here, without the lock
            queue(*s, lock);
    }

    void describe(const engine& e, std::vector<std::string>& out) {
        worker_pool::lock lock = take_lock();
        for (const state* s = askers_; s; s = s->next) {
            if (&s->asker->home_->owner() != &e)
                continue;
            const name_question& q = s->question;
            out.push_back(
                "ring " + std::to_string(s->asker->home_->index()) + ": look-up of " +
                (q.is_reverse() ? std::string("an address") : '"' + q.host + "\" \"" + q.service + '"') +
                (s->phase == state::under_way ? ", in a thread of the pool" : ", waits for a thread"));
        }
    }

private:
    static std::atomic<source*>& place() noexcept {
        static constinit std::atomic<source*> only{nullptr};
        return only;
    }

    state* first_idle(const engine& e) const noexcept {
        state* s = askers_;
        while (s && (s->phase != state::idle || &s->asker->home_->owner() != &e))
            s = s->next;
        return s;
    }

    void queue(state& s, worker_pool::lock& lock) noexcept {
        s.phase = state::waiting;
        s.next_waiting = nullptr;
        (last_ ? last_->next_waiting : first_) = &s;
        last_ = &s;
        offer(lock);
    }

    void give_up(state& s, worker_pool::lock& lock) noexcept {
        if (s.phase == state::under_way) {
            s.asker->state_ = nullptr; // the thread's from now on
        } else if (s.phase == state::waiting) {
            remove_waiting(s);
            withdraw(lock);
        }
        finish(s, -ECANCELED);
    }

    void remove_waiting(state& s) noexcept {
        state* before = nullptr;
        for (state* it = first_; it != &s; it = it->next_waiting)
            before = it;
        (before ? before->next_waiting : first_) = s.next_waiting;
        if (last_ == &s)
            last_ = before;
        s.phase = state::idle;
    }

    /// While the lock is held the operation's shard exists: see abandon().
    void finish(state& s, int result) noexcept {
        (s.previous ? s.previous->next : askers_) = s.next;
        if (s.next)
            s.next->previous = s.previous;
        s.previous = s.next = nullptr;
        name_lookup& op = *std::exchange(s.asker, nullptr);
        op.result_ = result;
        op.home_->make_ready(op);
    }

    void work(worker_pool::lock& lock) noexcept override {
        state* const s = first_;
        if (!s)
            return;
        remove_waiting(*s);
        s->phase = state::under_way;
        lock.unlock();
        name_answer answer = look_up(s->question);
        lock.lock();
        s->phase = state::idle;
        if (!s->asker) {
            delete s;
            return;
        }
        s->answer = std::move(answer);
        finish(*s, 0);
    }

    void forget() noexcept override {
        first_ = last_ = nullptr;
        for (state* s = askers_; s; s = s->next)
            s->phase = state::idle;
    }

    state* askers_ = nullptr;
    state* first_ = nullptr; // of those that wait
    state* last_ = nullptr;
};

name_lookup::name_lookup(function f, name_question&& q)
    : cancellable_operation(f)
    , state_(nullptr) {
    (void)source::instance();
    state_ = new state(std::move(q));
}

name_lookup::~name_lookup() {
    delete state_;
}

const name_question& name_lookup::question() const noexcept {
    return state_->question;
}

name_answer& name_lookup::answer() noexcept {
    return state_->answer;
}

name_lookup::group name_lookup::new_group() noexcept {
    static constinit std::atomic<group> last{0}; // relaxed: a number stands for itself
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

void name_lookup::start(name_lookup& op, shard& home, group g) noexcept {
    op.home_ = &home;
    op.set_counts_remotely(true);
    home.owner().work_started();
    source::instance().ask(op, g);
}

void name_lookup::cancel(group g) noexcept {
    if (source* const all = source::existing())
        all->give_up_all([g](const state& s) { return s.asked_by == g; });
}

void name_lookup::on_cancel() noexcept {
    source::instance().give_up(*this);
}

void name_lookup::abandon(const engine& e) noexcept {
    if (source* const all = source::existing())
        all->give_up_all([&e](const state& s) { return &s.asker->home_->owner() == &e; });
}

void name_lookup::repeat_after_fork(const engine& e) noexcept {
    if (source* const all = source::existing())
        all->repeat(e);
}

void name_lookup::describe(const engine& e, std::vector<std::string>& out) {
    if (source* const all = source::existing())
        all->describe(e, out);
}

} // namespace aura::core
