// epoll_backend: requests are tried at the end of a turn; those that would wait stand beside their number until an
// event of it.
#include "epoll_backend.hpp"

#include "attempt_mark.hpp"
#include "attempts.hpp"
#include "auraio/core/base/clock.hpp"
#include "auraio/core/io/request_table.hpp"
#include "auraio/core/io/socket_calls.hpp"
#include "auraio/core/loop/engine.hpp"
#include "backend/pool/pool_queue.hpp"
#include "epoll_set.hpp"
#include "readiness_table.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

namespace aura::core::epoll {

namespace {

/// How many turns in a row may find something to complete without asking for events: those who wait for them
/// are not to starve beside who never waits, and the question costs as much as an attempt.
constexpr unsigned turns_between_events = 8;

class epoll_backend final : public backend {
public:
    explicit epoll_backend(const engine_options& options)
        : pool_(*this, options.pool_threads) {}

    void count_into(ring_counters& c) noexcept override { counters_ = &c; }

    void submit(io_operation& op) override {
        ++pending_;
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
        if (waits_outside_ &&
            !(done_.empty() && pool_.arm())) // who waits by the descriptor does not see these
            set_.strike();
    }

    bool nothing_queued() const noexcept override { return queued_.empty(); }
    bool may_name(int fd) const noexcept override { return pool_.names(fd); }

    void poll(op_queue& done) override {
        waits_outside_ = false;
        try_queued();
        if (done_.empty() || ++turns_without_events_ >= turns_between_events)
            take_events(0);
        hand_out(done);
    }

    bool wait(op_queue& done, nanoseconds_t deadline) override {
        waits_outside_ = false;
        try_queued();
        nanoseconds_t left = never;
        bool passed = false;
        if (!done_.empty() || !pool_.arm()) {
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

    void wake() noexcept override { set_.strike(); }
    std::size_t pending() const noexcept override { return pending_; }

    // Nothing here is a thread's: what waits, waits in the set.
    void attach_thread() override {}
    void detach_thread() override {}
    void attach_visitor() noexcept override {}
    bool obeys_this_thread() const noexcept override { return true; }
    bool is_only_submitter() const noexcept override { return true; }
    bool holds_files() const noexcept override { return false; }

    int readiness_fd() const noexcept override { return set_.fd(); }
    void arm_wake() override {
        waits_outside_ = true;
        if (!pool_.arm())
            set_.strike();
    }

    void watch(int fd, unsigned key) override {
        if (key >= watches_.size())
            watches_.resize(key + 1);
        watch_of_key& w = watches_[key];
        w = {fd, static_cast<std::uint16_t>(w.number + 1), true};
        constexpr std::uint32_t once = EPOLLIN | EPOLLONESHOT;
        int r = set_.add(fd, once, watch_token(key));
        if (r == -EEXIST)
            r = set_.modify(fd, once, watch_token(key));
        if (r < 0)
            throw engine_error(-r, std::string("auraio: epoll_ctl: ") + std::strerror(-r));
    }

    void unwatch(unsigned key) noexcept override {
        if (!watch_fired(key)) {
            set_.remove(watches_[key].fd);
            watches_[key].armed = false;
        }
    }

    bool watch_fired(unsigned key) const noexcept override {
        return key >= watches_.size() || !watches_[key].armed;
    }

    bool end_requests_on(int) noexcept override {
        // Nothing of ours is pending in the kernel; only an attempt may be under way.
        mark_.wait_until_left();
        return true;
    }

    void leave_file(int fd) noexcept override { set_.remove(fd); }

    void forget_file(int fd) noexcept override {
        if (watched* const w = table_.find(fd); w && w->owner) {
            set_.remove(fd);
            table_.forget(fd);
        }
    }

    void quiesce() override {}

    void abandon_after_fork() override {
        for (op_queue* q : {&queued_, &done_})
            while (q->pop()) {
            }
        pool_.abandon();
        table_.abandon();
        watches_.clear();
        pending_ = 0;
    }

private:
    struct watch_of_key {
        int fd = -1;
        std::uint16_t number = 0; // of the watch: an event of an earlier one says nothing
        bool armed = false;
    };
    // Below that of the eventfd, and no file's.
    static constexpr std::uint32_t watch_mark = 0xfffffffe;
    std::uint64_t watch_token(unsigned key) const noexcept {
        return watch_mark | std::uint64_t{key} << 32 | std::uint64_t{watches_[key].number} << 48;
    }

    void finish(io_operation& op, int result) noexcept {
        op.set_result(result);
        done_.push(op);
    }

    void hand_out(op_queue& done) noexcept {
        pool_.collect(done_);
        pending_ -= done_.size();
        done.splice(done_);
    }

    void count_calls() noexcept {
        // Release: who sees the count sees what was tried before; see descriptor::is_submitted().
        if (counters_)
            counters_->enters.store(counters_->enters.load(std::memory_order_relaxed) + 1,
                                    std::memory_order_release);
    }

    // ---- trying ----

    void try_queued() {
        if (queued_.empty() || !set_.is_own())
            return;
        while (operation* const base = queued_.pop())
            start(static_cast<io_operation&>(*base));
        count_calls();
    }

    /// The number that an operation waits for: its file's, or that of what stands for it.
    static int number_waited_for(const io_operation& op) noexcept {
        if (const int instead = op.stand_in(); instead >= 0)
            return instead;
        return op.request().fd;
    }
    static bool is_stood_for(const io_operation& op) noexcept { return op.stand_in() >= 0; }

    static event_set events_wanted(const io_operation& op) noexcept {
        return static_cast<event_set>(is_stood_for(op) ? EPOLLIN : op.readiness_events());
    }

    static bool only_polls(const io_operation& op) noexcept {
        return op.awaits_readiness() || op.request().kind == request_kind::poll;
    }

    void start(io_operation& op) noexcept {
        const short_request& r = op.request();
        if (op.cancel_requested() && r.kind != request_kind::close) {
            finish(op, -ECANCELED);
        } else if (only_polls(op)) {
            look(op);
        } else if (r.kind == request_kind::nop) {
            finish(op, 0);
        } else if (op.is_for_system_call() || !can_be_attempted(r) || is_for_storage(op)) {
            pool_.start_file(op);
        } else {
            const watched* const w = table_.find(r.fd);
            if (w && readiness_table::is_known_not_ready(*w, &op.target(), events_wanted(op)))
                stand_by(op);
            else
                try_once(op);
        }
    }

    bool is_for_storage(const io_operation& op) noexcept {
        const short_request& r = op.request();
        if (!transfers_file_data(r.kind))
            return false;
        return op.extension().offset != current_position || is_storage(r.fd);
    }

    void try_once(io_operation& op) noexcept {
        const short_request& r = op.request();
        if (op.target().is_disturbed()) [[unlikely]] {
            finish(op, -ECANCELED); // its number means another file, or is about to
            return;
        }
        mark_.enter();
        const int result = op.target().is_disturbed() ? -ECANCELED : attempt(op, r.fd);
        mark_.leave();
        const bool connects = r.kind == request_kind::connect;
        const bool must_wait = connects ? result == -EINPROGRESS || result == -EINTR : result == -EAGAIN;
        if (must_wait && can_be_waited_for(r))
            stand_by(op);
        else
            finish(op, result);
    }

    /// Of those that were refused: a send that is refused for another reason than the room in its own socket is told
    /// apart by its shard, which asks for a look first.
    bool can_be_waited_for(const short_request& r) noexcept {
        if (r.kind != request_kind::send && r.kind != request_kind::sendmsg)
            return true;
        return is_stream(r.fd);
    }

    /// What is waited for may have come about.
    void try_again(io_operation& op, event_set events) noexcept {
        if (only_polls(op))
            finish(op, events & (events_wanted(op) | failures));
        else if (op.request().kind == request_kind::connect)
            finish(op, 0); // whether it has succeeded is the socket's to say
        else
            try_once(op);
    }

    // ---- waiting ----

    /// A poll tells what is true now, not what was.
    void look(io_operation& op) noexcept {
        const int fd = number_waited_for(op);
        const int events = events_now(fd, events_wanted(op));
        if (events != 0)
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
            if (const int error = see_told(op, fd, w, wanted); error < 0) {
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
        else
            finish(op, only_polls(op) ? events_wanted(op) : -EAGAIN);
    }

    /// Whether one cannot say of a number when it comes to mean another file.
    static bool is_loosely_named(const io_operation& op) noexcept {
        return is_stood_for(op) || op.target().names_by_number();
    }

    /// Sees to it that the kernel tells of `wanted`. What is ready by then shows as an event.
    int see_told(const io_operation& op, int fd, watched& w, event_set wanted) noexcept {
        const void* const owner = &op.target();
        if (readiness_table::is_told(w, owner, wanted) && !is_loosely_named(op)) [[likely]]
            return 0;
        const bool known = w.owner != nullptr;
        const auto events = static_cast<event_set>(always_told | wanted | (known ? w.told : 0));
        int r = -ENOENT;
        if (known) {
            const std::uint64_t token = table_.begin_registration(fd, w, owner, events);
            r = set_.modify(fd, events | EPOLLET, token);
            if (r == -ENOENT)
                end_all(w, -EBADF); // they wait for a file whose number was closed behind them
        }
        if (r == -ENOENT) {
            const std::uint64_t token = table_.begin_registration(fd, w, owner, events);
            r = set_.add(fd, events | EPOLLET, token);
            if (r == -EEXIST) // of a number that was given up, whose file is not closed
                r = set_.modify(fd, events | EPOLLET, token);
        }
        if (r < 0)
            table_.forget(fd);
        return r;
    }

    void end_all(watched& w, int result) noexcept {
        while (operation* const base = w.waiting.pop())
            finish(static_cast<io_operation&>(*base), result);
    }

    // ---- events ----

    void take_events(nanoseconds_t left) {
        turns_without_events_ = 0;
        const int count = set_.wait(events_, left);
        count_calls();
        if (count < 0) {
            if (count == -EINTR || !set_.is_own())
                return;
            throw engine_error(-count, std::string("auraio: epoll_wait: ") + std::strerror(-count));
        }
        for (int i = 0; i < count; ++i) {
            const epoll_event& e = events_[static_cast<std::size_t>(i)];
            const std::uint64_t token = e.data.u64;
            if (static_cast<std::uint32_t>(token) < watch_mark)
                on_event(token, static_cast<event_set>(e.events));
            else if (token != epoll_set::woken)
                on_watch(token);
        }
    }

    void on_watch(std::uint64_t token) noexcept {
        const auto key = static_cast<unsigned>(token >> 32 & 0xffff);
        if (key < watches_.size() && token == watch_token(key))
            watches_[key].armed = false;
    }

    void on_event(std::uint64_t token, event_set events) noexcept {
        int fd = -1;
        watched* const w = table_.of_token(token, fd);
        if (!w)
            return;
        w->ready |= events;
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
    }

    epoll_set set_;
    attempt_mark mark_;
    readiness_table table_;
    op_queue queued_; // not tried yet
    op_queue done_;   // have their results
    pool_queue pool_; // files and metadata
    std::size_t pending_ = 0;
    ring_counters* counters_ = nullptr;
    unsigned turns_without_events_ = 0;
    bool waits_outside_ = false; // its driver waits by readiness_fd()
    std::vector<watch_of_key> watches_;
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
