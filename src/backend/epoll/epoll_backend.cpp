// epoll_backend: requests are tried at the end of a turn; those that would wait stand beside their number until an
// event of it.
#include "epoll_backend.hpp"

#include "attempt_mark.hpp"
#include "attempts.hpp"
#include "auraio/core/base/clock.hpp"
#include "auraio/core/loop/engine.hpp"
#include "awaited.hpp"
#include "backend/pool/pool_queue.hpp"
#include "backend/system_calls.hpp"
#include "epoll_set.hpp"
#include "event_pace.hpp"
#include "file_table.hpp"
#include "interest_list.hpp"
#include "readiness_table.hpp"
#include "threadless_backend.hpp"
#include "untried.hpp"
#include "watches.hpp"
#include "whole_receives.hpp"

#include <array>
#include <cerrno>
#include <new>
#include <span>
#include <unistd.h>
#include <utility>

namespace aura::core::epoll {

namespace {

class epoll_backend final : public threadless_backend {
public:
    explicit epoll_backend(const engine_options& options)
        : pool_(*this, options.pool_threads) {}

    /// Ends who waits beside a number.
    auto ending() noexcept {
        return [this](watched& w, int result) noexcept {
            while (operation* const base = w.waiting.pop())
                finish(static_cast<io_operation&>(*base), result);
        };
    }

    void count_into(ring_counters& c) noexcept override { counters_ = &c; }

    void submit(io_operation& op) override {
        ++pending_;
        if ((op.request().registered & (registered_file | named_by_backend)) != 0) [[unlikely]]
            files_.name(op);
        queued_.push(op);
    }

    void cancel(io_operation& op) override {
        watched* const w = table_.find(number_waited_for(op));
        // One that is queued still ends when its turn comes; in a forked child nothing is tried any more.
        if ((w && w->waiting.remove(op)) || (!set_.is_own() && queued_.remove(op)))
            finish(op, -ECANCELED);
        else if (pool_.pending() != 0)
            pool_.cancel(op);
    }

    void flush() override {
        try_queued();
        if (set_.is_own()) // a call that its caller makes next is not to be given what belongs to these
            untried_.try_all(table_, done_, [this](io_operation& op, event_set e) { try_again(op, e); });
        untried_.forget();
        pool_.hand_over();
        if (waits_outside_ &&
            !(done_.empty() && pool_.arm())) // who waits by the descriptor does not see these
            set_.strike();
    }

    bool nothing_queued() const noexcept override { return queued_.empty() && untried_.is_empty(); }
    bool has_taken_all() const noexcept override { return !untried_.may_have_come(set_); }
    bool may_name(int fd) const noexcept override { return pool_.names(fd); }

    void poll(op_queue& done) override { poll(done, false); }
    void poll_between(op_queue& done) override { poll(done, true); }

    bool wait(op_queue& done, nanoseconds_t deadline) override {
        waits_outside_ = false;
        settle();
        try_queued();
        nanoseconds_t left = never;
        bool passed = false;
        if (!done_.empty()) {
            look_for_events(true);
            hand_out(done);
            return false;
        }
        if (!pool_.arm()) {
            left = 0;
        } else if (deadline != never) {
            const nanoseconds_t now = monotonic_now();
            passed = deadline <= now;
            left = passed ? 0 : deadline - now;
        }
        take_events(left);
        hand_out(done);
        return passed;
    }

    bool drain(op_queue& done) noexcept override {
        settle();
        try_queued();
        if (!done_.empty()) { // where everything was told to end, all of it
            hand_out(done);
            return true;
        }
        try {
            if (pool_.arm())
                take_events(never);
        } catch (const std::exception&) {
            return false;
        }
        hand_out(done);
        return true;
    }

    void wake() noexcept override { set_.strike(); }
    std::size_t pending() const noexcept override { return pending_; }

    int readiness_fd() const noexcept override {
        return interest_.share(const_cast<epoll_backend&>(*this).ending()); // no backend is const
    }
    void arm_wake() override {
        settle();
        waits_outside_ = true;
        if (!pool_.arm())
            set_.strike();
    }

    void watch(int fd, unsigned key) override { watches_.add(fd, key); }
    void unwatch(unsigned key) noexcept override { watches_.remove(key); }
    bool watch_fired(unsigned key) const noexcept override { return watches_.has_fired(key); }

    bool end_requests_on(int) noexcept override {
        // Nothing of ours is pending in the kernel; only an attempt may be under way.
        return mark_.wait_until_left();
    }

    void leave_file(int fd) noexcept override {
        (void)mark_.wait_until_left(); // what begins later sees that the descriptor is disturbed
        set_.remove(fd);
    }
    void return_to_file(int fd) noexcept override {
        constexpr std::uint32_t all = always_told | EPOLLOUT | EPOLLET; // what was told before is there
        (void)set_.add(fd, all, readiness_table::token_of_any_registration(fd));
    }

    void forget_file(int fd) noexcept override {
        if (watched* const w = table_.find(fd); w && w->owner) {
            set_.remove(fd);
            table_.forget(fd);
        }
    }

    // The memory of a registered buffer is memory like any other.
    int register_buffers(std::span<const iovec>, registration_source*) override { return 0; }
    int register_files(std::span<const int> fds) override { return files_.set(fds); }
    int update_files(unsigned first, std::span<const int> fds) override {
        const int result = files_.update(first, fds);
        close_unused();
        return result;
    }
    void unregister(registration_kind kind) noexcept override {
        if (kind == registration_kind::files)
            files_.clear();
        close_unused();
    }

    void abandon_after_fork() override {
        while (queued_.pop() || done_.pop()) {
        }
        pool_.abandon();
        table_.abandon();
        interest_.abandon();
        files_.abandon();
        untried_.forget();
        watches_.clear();
        whole_.clear();
        pending_ = 0;
    }

private:
    /// What was handed out before is over, or has been submitted again.
    void settle() noexcept {
        files_.settle();
        close_unused();
    }
    void close_unused() noexcept {
        for (int number; (number = files_.take_unused()) >= 0; ::close(number))
            forget_file(number);
    }

    void poll(op_queue& done, bool busy) {
        waits_outside_ = false;
        settle();
        try_queued();
        look_for_events(busy);
        hand_out(done);
    }
    void look_for_events(bool busy) {
        if ((!busy && done_.empty()) || pace_.is_due())
            take_events(0);
    }

    void finish(io_operation& op, int result) noexcept {
        op.set_result(whole_.empty() ? result : whole_.end(op, result));
        done_.push(op);
    }

    void hand_out(op_queue& done) noexcept {
        pool_.collect(done_);
        pending_ -= done_.size();
        if (files_.is_named()) [[unlikely]] {
            files_.leave(done_);
            close_unused();
        }
        done.splice(done_);
    }

    void count_calls() const noexcept {
        // Release: who sees the count sees what was tried before; see descriptor::is_submitted().
        if (counters_)
            counters_->enters.store(counters_->enters.load(std::memory_order_relaxed) + 1,
                                    std::memory_order_release);
    }

    // ---- trying ----

    void try_queued() noexcept {
        if (queued_.empty() || !set_.is_own())
            return;
        while (operation* const base = queued_.pop())
            start(static_cast<io_operation&>(*base));
        count_calls();
    }

    /// False: it is to be tried.
    bool stands_by_untried(io_operation& op) noexcept {
        return is_in_vain(op, table_) && untried_.remember(number_waited_for(op)) && (stand_by(op), true);
    }

    /// While `f` makes calls that name the number of the operation's file, nobody replaces it.
    template <class F>
    void with_its_number(io_operation& op, F f) noexcept {
        mark_.enter();
        if (!op.target().is_disturbed()) [[likely]]
            f();
        else
            finish(op, -ECANCELED); // it means another file, or is about to
        mark_.leave();
    }

    void start(io_operation& op) noexcept {
        if (op.cancel_requested() && op.request().kind != request_kind::close)
            finish(op, -ECANCELED);
        else if (is_plain_message(op)) [[likely]]
            with_its_number(op, [&] {
                if (!stands_by_untried(op))
                    begin_message(op);
            });
        else if (may_keep_thread(op)) [[unlikely]]
            carry_out_when_ready(op);
        else if (!only_polls(op) && (op.is_for_system_call() || !can_be_attempted(op)))
            carry_out(op);
        else
            with_its_number(op, [&] {
                if (only_polls(op))
                    look(op);
                else if (!stands_by_untried(op))
                    try_once(op);
            });
    }

    /// By the system call, which may block. A close comes after the calls that have its number; one of a socket or
    /// pipe does not wait, and is not worth another thread.
    void carry_out(io_operation& op) noexcept {
        const short_request& r = op.request();
        if (r.kind == request_kind::nop)
            finish(op, 0);
        else if (r.kind == request_kind::close && pool_.pending() == 0 && !is_storage(r.fd))
            finish(op, core::carry_out(op));
        else if (const int result = pool_.start_file(op); result == -ESPIPE)
            with_its_number(op, [&] { try_once(op); });
        else if (result != pool_queue::is_started)
            finish(op, result);
    }

    /// A thread of the pool cannot be called back from a terminal at which nobody types. Here the operation can be
    /// cancelled.
    void carry_out_when_ready(io_operation& op) noexcept {
        bool may_block = false;
        with_its_number(op, [&] {
            const int result = attempt_on_terminal(op, op.request().fd);
            may_block = result == -EOPNOTSUPP;
            if (result == -EAGAIN)
                stand_by(op);
            else if (!may_block)
                finish(op, result);
        });
        if (may_block)
            carry_out(op);
    }

    /// Without an event before it.
    void begin_message(io_operation& op) noexcept {
        const int result = try_message(op);
        if (is_receive(op.request().kind) && (result > 0 || result == -EAGAIN))
            if (watched* const w = find_own(op, table_))
                interest_.note_attempt(op.request().fd, *w, result < 0, ending());
    }

    int try_message(io_operation& op) noexcept {
        const short_request& r = op.request();
        const int result =
            whole_receives::asks_for_all(r) ? whole_.attempt(op, r.fd) : attempt_message(r, r.fd);
        if (result == -EAGAIN) {
            wait_or_finish(op, result);
            return result;
        }
        if (result > 0 && is_receive(r.kind))
            note_received(op, result, table_);
        finish(op, result);
        return result;
    }

    void try_once(io_operation& op) noexcept {
        const short_request& r = op.request();
        if (is_message(r.kind)) {
            try_message(op);
            return;
        }
        const int result = attempt(op, r.fd);
        const bool connects = r.kind == request_kind::connect;
        if (connects ? result == -EINPROGRESS || result == -EINTR : result == -EAGAIN)
            wait_or_finish(op, result);
        else if (result == -EOPNOTSUPP && transfers_file_data(r.kind)) [[unlikely]]
            try_unasked(op);
        else if (transfers_file_data(r.kind) && is_broken_off(op, result) &&
                 ask(table_, op, &watched::is_storage, &core::epoll::is_storage)) [[unlikely]]
            pool_.start_rest(op, result);
        else
            finish(op, result);
    }

    /// A file that cannot be asked not to wait: storage is never waited for by events.
    void try_unasked(io_operation& op) noexcept {
        if (ask(table_, op, &watched::is_storage, &core::epoll::is_storage)) {
            carry_out(op);
            return;
        }
        const int result = attempt_when_ready(op, op.request().fd);
        if (result == -EAGAIN)
            stand_by(op);
        else
            finish(op, result);
    }

    void wait_or_finish(io_operation& op, int refusal) noexcept {
        if (transfers_file_data(op.request().kind) &&
            ask(table_, op, &watched::is_storage, &core::epoll::is_storage))
            carry_out(op);
        else if (waits_by_its_shard(op, table_))
            finish(op, refusal);
        else
            stand_by(op);
    }

    /// What is waited for may have come about.
    void try_again(io_operation& op, event_set events) noexcept {
        if (is_plain_message(op)) [[likely]]
            with_its_number(op, [&] { try_message(op); });
        else if (only_polls(op))
            finish(op, events & (events_wanted(op) | failures));
        else if (op.request().kind == request_kind::connect)
            finish(op, 0); // whether it has succeeded is the socket's to say
        else if (may_keep_thread(op)) [[unlikely]]
            carry_out_when_ready(op);
        else
            with_its_number(op, [&] { try_once(op); });
    }

    // ---- waiting ----

    /// A poll tells what is true now, not what was.
    void look(io_operation& op) noexcept {
        const int fd = number_waited_for(op);
        if (const int events = events_now(fd, events_wanted(op)); events != 0)
            finish(op, events);
        else
            stand_by(op);
    }

    /// `op` waits until the kernel says that its file may be ready.
    void stand_by(io_operation& op) noexcept {
        const int fd = number_waited_for(op);
        const event_set wanted = events_wanted(op);
        try {
            watched& w = table_.make(fd);
            if (const int error = interest_.see_told(op, fd, w, wanted, ending()); error < 0) {
                give_up(op, error);
                return;
            }
            w.ready &= static_cast<event_set>(~wanted);
            w.waiting.push(op);
        } catch (const std::bad_alloc&) {
            finish(op, -ENOMEM);
        }
    }

    /// What has no events is ready at any time, or answers for itself.
    void give_up(io_operation& op, int error) noexcept {
        if (error != -EPERM)
            finish(op, error);
        else if (may_keep_thread(op))
            carry_out(op);
        else
            finish(op, only_polls(op) ? events_wanted(op) : -EAGAIN);
    }

    // ---- events ----

    void take_events(nanoseconds_t left) {
        pace_.begin();
        if (interest_.has_levels_to_end()) [[unlikely]]
            interest_.end_levels(ending());
        const int count = set_.wait(events_, left);
        count_calls();
        for (const epoll_event& e : std::span(events_).first(static_cast<std::size_t>(count))) {
            const std::uint64_t token = e.data.u64;
            if (watches::is_token(token))
                watches_.fired(token);
            else if (token != epoll_set::woken)
                on_event(token, static_cast<event_set>(e.events));
        }
        untried_.note_events(static_cast<std::size_t>(count), events_.size());
        interest_.renew_if_strays_stay(ending());
    }

    void on_event(std::uint64_t token, event_set events) noexcept {
        int fd = -1;
        watched* const w = table_.of_token(token, fd);
        if (!w) {
            interest_.note_stray();
            return;
        }
        if (readiness_table::is_of_any_registration(token)) [[unlikely]]
            w->trigger.change(false); // see return_to_file()
        w->ready |= events;
        const std::uint32_t had_results = done_.size();
        op_queue waiting(std::move(w->waiting));
        while (operation* const base = waiting.pop()) {
            auto& op = static_cast<io_operation&>(*base);
            const event_set wanted = events_wanted(op);
            // Of those that want the same the first one may have found that there is no more.
            watched& now = *table_.find(fd);
            if ((events & (wanted | failures)) != 0 && (now.ready & (wanted | failures)) != 0)
                try_again(op, events);
            else
                now.waiting.push(op);
        }
        watched& now = *table_.find(fd);
        if (now.trigger.is_by_level() && done_.size() == had_results) [[unlikely]]
            interest_.note_untaken(fd, now, ending());
    }

    epoll_set set_;
    attempt_mark mark_;
    readiness_table table_;
    mutable interest_list interest_{set_, table_, watches_};
    whole_receives whole_;
    file_table files_;
    op_queue queued_; // not tried yet
    untried untried_; // stand by all the same
    op_queue done_;   // have their results
    pool_queue pool_; // files and metadata
    std::size_t pending_ = 0;
    ring_counters* counters_ = nullptr;
    event_pace pace_;
    bool waits_outside_ = false; // its driver waits by readiness_fd()
    watches watches_{set_};
    std::array<epoll_event, 128> events_;
};

} // namespace

std::string check_available(bool) {
    const epoll_set trial;
    return "epoll";
}

std::unique_ptr<backend> make_backend(const engine_options& options) {
    return std::make_unique<epoll_backend>(options);
}

} // namespace aura::core::epoll
