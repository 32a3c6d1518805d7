// timer: claiming waits exactly once, from the shard that fires and from the threads that cancel.
#include "auraio/core/timer/timer.hpp"

#include "auraio/core/loop/engine.hpp"
#include "core/base/canary.hpp"

#include <cerrno>
#include <mutex>

namespace aura::core {

namespace {

constexpr std::size_t all = static_cast<std::size_t>(-1);

/// What an object-side call holds. Nothing, in the thread that drives the shard: the shard side is then the
/// calling thread itself, and the object side makes one call at a time, so there is nobody to keep out. The
/// lock would be two locked instructions, 10 ns, of the 70 that a wait costs.
class object_side_guard {
public:
    object_side_guard(spin_lock& lock, bool here) noexcept
        : lock_(here ? nullptr : &lock) {
        if (lock_)
            lock_->lock();
    }
    ~object_side_guard() {
        if (lock_)
            lock_->unlock();
    }
    object_side_guard(const object_side_guard&) = delete;

private:
    spin_lock* lock_;
};

} // namespace

void wait_operation::on_arrive() {
    timer_->wait_arrived(*this);
}

void wait_operation::on_cancel() {
    // timer_ is alive: a timer is freed on this thread, and only after all its waits have been detached here.
    if (timer_->claim(*this)) {
        result_ = -ECANCELED;
        detach();
        timer_->home_->make_ready_here(*this);
    }
}

timer::timer(shard& home, const behaviour& b) noexcept
    : operation(&run)
    , home_(&home)
    , behaviour_(b) {
    home.owner().expect_requests(); // waiting needs a ring as well
    set_message(true);
}

timer::timer(home_choice home, const behaviour& b) noexcept
    : timer(*home.ring, b) {
    open_ = home.open;
}

/// That nothing waits is enough: what is under way, or stands in the queue, goes when the timer is forgotten.
bool timer::settle(home_choice& there) noexcept {
    {
        std::lock_guard guard(lock_);
        if (!waits_.empty())
            return false;
    }
    there = {home_, open_};
    const bool changed = home_->owner().choose_again(there);
    open_ = there.open;
    return changed;
}

void timer::run(operation& base, action) {
    // destroy (engine shutdown) has the same duties as arrive: nothing else would free a forgotten timer.
    static_cast<timer&>(base).arrived();
}

/// Object side. True if the shard side is this thread, which has to arm the timer then.
[[gnu::always_inline]] inline bool timer::start_wait(wait_operation& op, bool here, nanoseconds_t deadline) {
    op.timer_ = this;
    known_to_shard_ = true;
    if (here) [[likely]] {
        home_->started_here();
        deadline_ = deadline;
        waits_.push(op);
        return true;
    }
    home_->note_start_from_afar(op);
    op.set_counts_remotely(true);
    home_->count_from_afar();
    bool send;
    {
        std::lock_guard guard(lock_);
        deadline_ = deadline;
        waits_.push(op);
        send = !message_under_way_;
        message_under_way_ = true;
    }
    if (send)
        home_->send(*this);
    return false;
}

void timer::wait(wait_operation& op, nanoseconds_t deadline) {
    const shard::entry entry(*home_);
    if (start_wait(op, entry.drives(), deadline)) [[likely]]
        arm_locked();
}

std::size_t timer::cancel() {
    const shard::entry entry(*home_);
    const bool here = entry.drives();
    const std::size_t count = end_waits(all, here);
    if (here && queued())
        home_->timers().remove(*this);
    return count;
}

std::size_t timer::cancel_one() {
    const shard::entry entry(*home_);
    return end_waits(1, entry.drives());
}

std::size_t timer::cancel_for_rearm() {
    const shard::entry entry(*home_);
    if (entry.drives() && waits_.empty()) // as after it has fired
        return 0;
    return end_waits(all, entry.drives());
}

/// Object side. `here`: the calling thread drives the shard.
AURAIO_NO_CANARY std::size_t timer::end_waits(std::size_t limit, bool here) {
    op_queue waits;
    std::size_t count;
    {
        object_side_guard guard(lock_, here);
        count = take_locked(waits, limit);
    }
    finish(waits, -ECANCELED, here);
    return count;
}

void timer::forget() {
    if (!known_to_shard_) {
        behaviour_.free(*this);
        return;
    }
    const shard::entry entry(*home_);
    const bool here = entry.drives();
    end_waits(all, here);
    bool send = false;
    bool free_now = false;
    {
        object_side_guard guard(lock_, here);
        forgotten_ = true;
        if (here)
            free_now = unused_locked();
        else if (!message_under_way_ && in_transit_ == 0)
            send = message_under_way_ = true;
    }
    if (send)
        home_->send(*this);
    if (free_now)
        behaviour_.free(*this);
}

void timer::arrived() {
    bool free_now;
    {
        std::lock_guard guard(lock_);
        message_under_way_ = false;
        free_now = unused_locked();
        if (!forgotten_ && behaviour_.clock)
            static_cast<clock_timer&>(*this).arm_in_clock();
        else if (!forgotten_)
            arm_locked();
    }
    if (free_now)
        behaviour_.free(*this);
}

void timer::wait_arrived(wait_operation& op) {
    // It was claimed from afar: its result is set, only the hop was missing.
    op.set_message(false);
    op.detach();
    home_->make_ready_here(op);
    bool free_now;
    {
        std::lock_guard guard(lock_);
        --in_transit_;
        free_now = unused_locked();
    }
    if (free_now)
        behaviour_.free(*this);
}

bool timer::unused_locked() {
    if (!forgotten_ || message_under_way_ || in_transit_ != 0)
        return false;
    if (queued())
        home_->timers().remove(*this);
    return true;
}

AURAIO_NO_CANARY void timer::fire(nanoseconds_t now) {
    if (behaviour_.clock) [[unlikely]]
        return; // the first of its clock, which is looked at after this
    op_queue waits;
    {
        std::lock_guard guard(lock_);
        if (waits_.empty())
            return;
        if (deadline_ > now) { // it was moved further away without touching the queue
            home_->timers().insert(*this, deadline_);
            return;
        }
        take_locked(waits, all);
    }
    finish(waits, 0, true);
}

void timer::abandon() {
    if (behaviour_.clock) // lets the next one of its clock into the wheel
        static_cast<clock_timer&>(*this).leave_clock();
    op_queue waits;
    {
        std::lock_guard guard(lock_);
        take_locked(waits, all);
    }
    finish(waits, -ECANCELED, home_->is_current());
}

bool timer::claim(wait_operation& op) {
    std::lock_guard guard(lock_);
    return waits_.remove(op);
}

void timer::arm_locked() {
    if (waits_.empty())
        return;
    if (queued()) {
        // Queued for an earlier time than needed: fire() will notice and move it. This makes the common
        // pattern, a time-out pushed further away at every operation, cost nothing.
        if (timer_node::deadline() <= deadline_)
            return;
        home_->timers().remove(*this);
    }
    home_->timers().insert(*this, deadline_);
}

std::size_t timer::take_locked(op_queue& out, std::size_t limit) {
    std::size_t count = 0;
    while (count < limit) {
        operation* op = waits_.pop();
        if (!op)
            break;
        out.push(*op);
        ++count;
    }
    return count;
}

void timer::finish(op_queue& waits, int result, bool here) {
    if (waits.empty())
        return;
    if (!here) {
        finish_from_afar(waits, result);
        return;
    }
    while (operation* op = waits.pop()) {
        auto& wait = static_cast<wait_operation&>(*op);
        wait.result_ = result;
        wait.detach();
        home_->make_ready_here(wait);
    }
}

void timer::finish_from_afar(op_queue& waits, int result) {
    {
        std::lock_guard guard(lock_);
        in_transit_ += waits.size();
    }
    while (operation* op = waits.pop()) {
        auto& wait = static_cast<wait_operation&>(*op);
        wait.result_ = result;
        wait.set_message(true);
        home_->send(wait);
    }
}

// --- on a clock that may be set ---

clock_timer::clock_timer(home_choice home, const behaviour& b) noexcept
    : timer(home, b)
    , clock_node(*b.clock) {}

clock_timer::~clock_timer() {
    // Queued only where the shard frees it; unknown to the shard, it is freed by any thread.
    if (clock_node::queued())
        leave_clock();
}

void clock_timer::wait(wait_operation& op, nanoseconds_t look_at) {
    const shard::entry entry(*home_);
    if (start_wait(op, entry.drives(), look_at)) [[likely]]
        arm_in_clock();
}

std::size_t clock_timer::cancel() {
    const shard::entry entry(*home_);
    const bool here = entry.drives();
    const std::size_t count = end_waits(all, here);
    if (here && clock_node::queued())
        leave_clock();
    return count;
}

void clock_timer::leave_clock() {
    home_->clocks().remove(*this);
}

/// The time that the object was set to is looked at only while there are waits: they are what keeps the
/// object side from changing it (it cancels first, and adds waits after).
void clock_timer::arm_in_clock() {
    const clock_kind& clock = *behaviour_.clock;
    if (waits_.empty())
        return;
    if (clock_node::queued()) {
        if (!clock.moved(*this)) { // keeps its place among equal times
            home_->clocks().look_by(*this, deadline_);
            return;
        }
        leave_clock();
    }
    clock.renew(*this);
    home_->clocks().insert(*this, deadline_);
}

/// The clock has come to the time it was queued for.
void clock_timer::expire() {
    op_queue waits;
    {
        std::lock_guard guard(lock_);
        if (waits_.empty())
            return;
        if (behaviour_.clock->moved(*this)) { // from afar; the message that says so is under way
            arm_in_clock();
            return;
        }
        take_locked(waits, all);
    }
    finish(waits, 0, true);
}

} // namespace aura::core
