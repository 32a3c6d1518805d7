// inspection: the walk through a ring's lists.
#include "core/report/inspection.hpp"

#include "auraio/core/timer/timer.hpp"
#include "core/storage/device_gate.hpp"

#include <algorithm>
#include <mutex>

namespace aura::core {

namespace {

/// Of each kind on one ring: more is not read by anybody, and the ring's thread has other things to do.
constexpr std::size_t most = 2000;

const void* code_of(const operation& op, engine::handler_finder handler_of) noexcept {
    const void* const found = handler_of ? handler_of(op) : nullptr;
    return found ? found : op.code();
}

} // namespace

pending_request inspection::describe(const io_operation& op, engine::handler_finder handler_of) {
    using place = pending_request::place;
    const short_request& r = op.request();
    const bool by_index = (r.registered & registered_file) != 0;
    const bool is_index = by_index && op.target_->is_loose();
    pending_request p{.kind = r.kind,
                      .where = place::over,
                      .cancelled = op.cancel_requested_,
                      .internal = op.internal_,
                      .is_index = is_index,
                      .fd = by_index && !is_index ? op.extension().number : r.fd,
                      .handler = op.internal_ ? nullptr : code_of(op, handler_of),
                      .age = age_stamp::is_one(op.aid_) ? age_stamp::age(op.aid_, coarse_now()) : never};
    if (operation_lanes::waits(op))
        p.where = place::lane;
    else if (op.at_gate() == io_operation::gate_place::waiting)
        p.where = place::gate;
    else if (op.in_backend_)
        p.where = op.awaits_readiness()     ? place::readiness
                  : op.is_for_system_call() ? place::call
                                            : place::backend;
    if (op.at_gate() != io_operation::gate_place::outside)
        p.device = op.line()->device().name();
    return p;
}

void inspection::look_at(timer& t, bool other_clock, ring_contents& into, engine::handler_finder handler_of) {
    if (into.timers.size() == most) {
        ++into.more_timers;
        return;
    }
    std::lock_guard guard(t.lock_);
    const operation* const oldest = t.waits_.front();
    into.timers.push_back({t.timer_node::deadline(), other_clock, t.waits_.size(),
                           oldest ? code_of(*oldest, handler_of) : nullptr});
}

void inspection::look_at_timers(shard& s, ring_contents& into, engine::handler_finder handler_of) {
    const auto circle = [&](const timer_queue::slot& slot) {
        timer_node* node = slot.head;
        if (!node)
            return;
        do {
            timer& t = timer::from(*node);
            if (t.behaviour_.clock == nullptr)
                look_at(t, false, into, handler_of);
            node = node->next_;
        } while (node != slot.head);
    };
    const timer_queue& wheel = s.timers_;
    if (wheel.empty())
        return;
    circle(wheel.late_);
    for (const auto& level : wheel.slots_)
        for (const timer_queue::slot& slot : level)
            circle(slot);
}

void inspection::look_at_clocks(shard& s, ring_contents& into, engine::handler_finder handler_of) {
    std::vector<clock_node*> above;
    for (clock_node* first = s.clocks_.clocks_; first; first = first->next_) {
        look_at(clock_timer::from(*first), true, into, handler_of);
        if (first->first_child_)
            above.push_back(first->first_child_);
    }
    while (!above.empty()) { // each is the first of some siblings
        clock_node* node = above.back();
        above.pop_back();
        for (; node; node = node->next_) {
            look_at(clock_timer::from(*node), true, into, handler_of);
            if (node->first_child_)
                above.push_back(node->first_child_);
        }
    }
}

ring_contents inspection::look(shard& s, engine::handler_finder handler_of) {
    ring_contents found;
    found.operations = s.work_;
    found.handed_over = s.inbox_.count();
    found.ready = s.ready_.size();
    for (const descriptor* d = s.path_.active_; d; d = d->next_active_)
        for (const io_operation* op = d->oldest(); op; op = op->following()) {
            if (found.requests.size() < most)
                found.requests.push_back(describe(*op, handler_of));
            else
                ++found.more_requests;
        }
    look_at_timers(s, found, handler_of);
    look_at_clocks(s, found, handler_of);
    std::ranges::sort(found.timers, {}, &pending_timer::deadline);
    return found;
}

} // namespace aura::core
