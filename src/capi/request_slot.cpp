// request_slot: the life of one operation.
#include "request_slot.hpp"

#include "auraio/core/loop/shard.hpp"
#include "core/base/canary.hpp"
#include "engine.hpp"

#include <cerrno>

namespace aura::capi {

// ---- the end of an operation ----

/// `stays`: others may not take its ring. See shard::run().
departure departure_of(const core::operation& op, bool stays) noexcept {
    const auto id = reinterpret_cast<core::thread_mark::handler_id>(&op) + !op.counts_remotely();
    return {stays ? core::thread_mark::inside : id, op.expected_long(), op.counts_remotely()};
}

inline void request_slot::end(int result, const departure& d) noexcept {
    life_.store((life_.load(std::memory_order_relaxed) & ~std::uint64_t{3}) + ending,
                std::memory_order_release);
    if (!callback_)
        return;
    // noexcept: an exception that leaves a callback has nowhere to go.
    const callback_frame frame(*engine_.load(std::memory_order_relaxed),
                               *home_.load(std::memory_order_relaxed));
    core::thread_mark& mark = core::this_thread_mark();
    // Inside already, where it stays so: at the end of an engine the mark may be that of a callback of another.
    const bool leaves = d.leaving != core::thread_mark::inside;
    if (leaves && d.expected_long != 0) [[unlikely]]
        frame.shard.give_up_before(d.expected_long, d.remotely);
    if (leaves)
        mark.leave(d.leaving);
    callback_(handle(), result, user_data_.load(std::memory_order_relaxed));
    if (leaves && !mark.enter()) [[unlikely]]
        (void)mark.settle(); // what follows asks whether it drives home()
}

inline void request_slot::recycle() noexcept {
    std::uint64_t generation = (life_.load(std::memory_order_relaxed) >> 2) + 1;
    if (generation >> generation_bits != 0)
        generation = 1; // 0 is for handles that are null
    life_.store(generation << 2, std::memory_order_release);
    engine_.load(std::memory_order_relaxed)->recycle(*this);
}

// ---- the parts known to the engine ----

AURAIO_NO_CANARY void io_part::run(core::operation& base, core::action what) {
    auto& self = static_cast<io_part&>(base);
    request_slot& owner = self.owner_;
    if (stays_pending(self, what))
        return;
    // Also when the engine is shut down (destroy) a callback is owed.
    const int result = self.result();
    if (owner.has_successor()) [[unlikely]] {
        if (what == core::action::complete)
            owner.start_linked(owner.succeeded(self.request(), result));
        else
            owner.end_linked(-ECANCELED);
    }
    const std::uint8_t held = self.registered_held();
    // What has to do with the ring after its callback, or in order with it, keeps the ring meanwhile.
    const bool stays = held != 0 || owner.has_successor() || what != core::action::complete;
    const departure leaving = departure_of(self, stays);
    self.~io_part();
    owner.end(result, leaving);
    if (held != 0) [[unlikely]] // not before: the callback may look at what was read into a registered buffer
        owner.engine()->loop.registered().leave(owner.home(), held);
    owner.recycle();
}

void timeout_part::wait_part::run(core::operation& base, core::action what) {
    auto& self = static_cast<wait_part&>(base);
    if (stays_pending(self, what))
        return;
    timeout_part& timer = self.timer_;
    timer.owner_.end(self.result(), departure_of(self, what != core::action::complete));
    timer.forget(); // calls free(), now or when a message that is under way has arrived
}

void unregister_part::run(core::operation& base, core::action what) {
    auto& self = static_cast<unregister_part&>(base);
    request_slot& owner = self.owner_;
    const departure leaving = departure_of(self, what != core::action::complete);
    self.~unregister_part();
    owner.end(0, leaving);
    owner.recycle();
}

void timeout_part::free(core::timer& t) {
    auto& self = static_cast<timeout_part&>(t);
    request_slot& owner = self.owner_;
    self.~timeout_part();
    owner.recycle();
}

const void* callback_of(const core::operation& op) noexcept {
    const request_slot* owner = nullptr;
    const auto is = [&op](core::operation::function f) {
        return op.code() == reinterpret_cast<const void*>(f);
    };
    if (is(&io_part::run))
        owner = &static_cast<const io_part&>(op).owner_;
    else if (is(&timeout_part::wait_part::run))
        owner = &static_cast<const timeout_part::wait_part&>(op).timer_.owner_;
    return owner ? reinterpret_cast<const void*>(owner->owed_callback()) : nullptr;
}

// ---- one operation ----

void request_slot::withdraw() noexcept {
    life_.store(life_.load(std::memory_order_relaxed) - pending, std::memory_order_release);
}

void cancel_note::run(core::operation& base, core::action what) {
    auto& self = static_cast<cancel_note&>(base);
    const std::uint64_t life = self.life_;
    // Release: whoever takes it next writes after what has been read here.
    self.on_its_way_.store(false, std::memory_order_release);
    // The shard's driver, alone, ends an operation that lives here: when it is pending now it stays so.
    if (what == core::action::arrive && self.owner_.life() == life)
        self.owner_.cancel_here();
}

void request_slot::cancel_here() noexcept {
    if (type() == AURA_OP_TIMEOUT)
        timeout().waiting().cancel();
    else if (!started_)
        io().cancel_before_start();
    else if (type() != AURA_OP_CLOSE) // it always closes, and may be on a visit to another shard
        io().cancel();
}

bool request_slot::succeeded(const core::short_request& r, int result) const noexcept {
    if (result < 0 || !all_asked_for_)
        return false;
    std::size_t wanted = 0;
    switch (r.kind) {
    case core::request_kind::read:
    case core::request_kind::write:
        wanted = r.length;
        break;
    case core::request_kind::readv:
    case core::request_kind::writev:
        for (std::uint32_t i = 0; i < r.length; ++i)
            wanted += static_cast<const iovec*>(r.address)[i].iov_len;
        break;
    default:
        return true;
    }
    return static_cast<std::size_t>(result) == wanted;
}

void request_slot::start_linked(bool predecessor_succeeded) noexcept {
    request_slot& next = *successor_;
    if (!predecessor_succeeded)
        next.io().cancel_before_start();
    next.started_ = true;
    next.home().loose().start(next.io());
}

void request_slot::end_linked(int result) noexcept {
    for (request_slot* r = successor_; r;) {
        request_slot& ended = *r;
        r = ended.successor_;
        ended.io().~io_part();
        ended.end(result);
        ended.recycle();
    }
}

} // namespace aura::capi
