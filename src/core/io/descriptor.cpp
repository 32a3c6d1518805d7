// descriptor: the object side: starting, cancelling, and what kind of file it is.
#include "auraio/core/io/socket_calls.hpp"
#include "auraio/core/loop/engine.hpp"
#include "core/base/canary.hpp"
#include "core/io/file_kind.hpp"
#include "core/storage/device_gate.hpp"

#include <cassert>
#include <cerrno>
#include <new>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace aura::core {

descriptor* descriptor::create(shard& home, int fd) {
    home.owner().expect_requests();
    return new descriptor(home, fd);
}

descriptor* descriptor::create_loose(shard& home) {
    auto* d = new descriptor(home, -1);
    d->loose_ = true;
    d->started_ = 1; // every operation has the number 0: only shutdown, which cancels all, looks at it
    return d;
}

AURAIO_NO_CANARY void descriptor::start(io_operation& op) {
    const shard::entry entry(*home_);
    op.target_ = this;
    op.sequence_ = loose_ ? 0 : started_++;
    if (entry.drives()) [[likely]] {
        home_->started_here();
        home_->path().begin(op);
    } else {
        start_from_afar(op);
    }
}

/// Still inside, as in start().
[[gnu::noinline]] void descriptor::start_from_afar(io_operation& op) {
    const bool at_once = !loose_ && !home_->owner().has_threads() && row_of(op.request_.kind).shows_outside;
    if (!loose_)
        ++sent_from_afar_;
    if (loose_ && op.request_.kind == request_kind::accept_now) // who closes the number must not overtake it
        (void)home_->owner().listeners().add(op.request_.fd, home_->index());
    home_->note_start_from_afar(op);
    op.set_counts_remotely(true);
    op.set_message(true);
    home_->owner().work_started();
    if (!at_once) {
        home_->send(op);
        return;
    }
    // While the visit lasts nobody can run the handler, which may destroy this descriptor's object.
    const shard_visit visit(*home_);
    home_->send(op);
    if (visit)
        submit_at_once();
}

/// Of what has been started before nothing is left: neither on its way here nor pending, nor with the backend.
bool descriptor::is_at_rest() const noexcept {
    if (started_ == 0)
        return !twin_;
    if (!home_->is_current()) // only its driver knows, and nobody else may take it away
        return false;
    // Relaxed: written by this thread, as the shard side, or by the object side, which is this thread as well.
    return lanes_.empty() && !being_told_ && !forgotten_ && !storage_ && !twin_ && file_slot_ < 0 &&
           arrived_from_afar_.load(std::memory_order_relaxed) == sent_from_afar_ &&
           message_.load(std::memory_order_relaxed) == 0 && !disturbed_.load(std::memory_order_relaxed) &&
           accept_set_.load(std::memory_order_relaxed).fd < 0 && !home_->may_name(fd_);
}

void descriptor::settle(home_choice& home) noexcept {
    const mark_entry entry; // from the look at the shard's side to the change
    if (!is_at_rest())
        return;
    if (!home_->owner().choose_again(home))
        return;
    if (started_ != 0)
        home_->forget_file(fd_);
    // Plain: the next shard hears of it by the operation that is about to be sent there.
    home_ = home.ring;
    queued_after_.store(~std::uint64_t{0}, std::memory_order_relaxed);
}

int descriptor::refer(io_operation& op) {
    registrations& registered = home_->owner().registered();
    if (file_slot_ < 0 && op.request_.registered == 0 && !registered.has_arenas()) [[likely]]
        return 0;
    if (const int refused = registered.refer(*home_, {op.request_, op.own_extension()}, file_slot_))
        return refused;
    op.refers_ = op.holds_target_ = op.request_.registered != 0;
    op.target_ = this; // also if it is not started after all
    if (op.refers_)
        op.set_leaves(false); // it ends its reference before its handler is called
    return 0;
}

void descriptor::leave_slot() {
    if (file_slot_ >= 0)
        home_->owner().registered().forget_file(static_cast<std::size_t>(std::exchange(file_slot_, -1)), fd_);
}

void descriptor::cancel() {
    if (twin_) [[unlikely]]
        twin_->cancel();
    if (started_ == 0)
        return;
    if (shard_visit visit(*home_); visit) {
        home_->path().cancel_before(*this, started_);
        return;
    }
    cancel_before_.store(started_, std::memory_order_relaxed);
    tell_shard(on_its_way);
}

void descriptor::set_storage(storage_device& device) {
    assert(!storage_ && !loose_);
    storage_ = new gated_file(*this, device);
}

void descriptor::look_at_kind(int fd) {
    switch (kind_of_file(fd)) {
    case file_kind::prompt:
        return;
    case file_kind::terminal:
        if (const int again = open_terminal_again(fd); again >= 0) {
            twin_ = new (std::nothrow) descriptor(*home_, again);
            if (!twin_)
                ::close(again); // a worker will do
        }
        transfers_ = twin_ ? transfers::by_twin : transfers::by_worker;
        break;
    case file_kind::master:
        transfers_ = transfers::without_waiting;
        break;
    case file_kind::may_block:
        transfers_ = transfers::by_worker;
        break;
    }
    note_transfers();
}

bool descriptor::can_be_polled() {
    if (pollable_ == pollable::unknown) {
        // What a file server would be asked may take its time.
        const bool yes = transfers_ == transfers::by_worker || file_can_be_polled(fd_);
        pollable_ = yes ? pollable::yes : pollable::no;
    }
    return pollable_ == pollable::yes;
}

descriptor* descriptor::reroute(io_operation& op) {
    short_request& r = op.request_;
    if (class_ == io_class::background)
        r.flags |= in_background;
    if (transfers_ == transfers::here)
        return this;
    if (transfers_ == transfers::by_worker) {
        r.flags |= in_worker;
        return this;
    }
    if (transfers_ == transfers::without_waiting) {
        (void)set_non_blocking(r.fd, true); // again and again: its owner may have taken it back
        return this;
    }
    r.fd = twin_->fd_;
    if (reads(r.kind) && reads_empty(r.fd)) { // at once: the twin does not block
        const bool several = r.kind == request_kind::readv;
        const iovec one{const_cast<void*>(r.address), r.length};
        op.result_ =
            static_cast<int>(several ? read_now(r.fd, static_cast<const iovec*>(r.address), r.length, false)
                                     : read_now(r.fd, &one, 1, false));
        return nullptr;
    }
    return twin_;
}

void descriptor::set_storage_of(int fd) {
    try {
        if (storage_device* device = storage_device::of_file(fd))
            set_storage(*device);
    } catch (const std::bad_alloc&) { // NOLINT(bugprone-empty-catch): it goes without a gate
    }
}

descriptor::~descriptor() {
    delete storage_;
    if (const int set = accept_set_.load(std::memory_order_relaxed).fd; set >= 0)
        ::close(set);
}

void descriptor::forgotten() noexcept {
    if (!by_number_)
        home_->forget_file(fd_);
    forgotten_ = true;
    free_if_unused();
}

void descriptor::free_if_unused() noexcept {
    // Relaxed: what the object side writes no longer changes, and the rest is this side's.
    if (forgotten_ && lanes_.empty() && !being_told_ &&
        arrived_from_afar_.load(std::memory_order_relaxed) == sent_from_afar_ &&
        message_.load(std::memory_order_relaxed) == 0) {
        if (closes_last_)
            ::close(fd_);
        delete this;
    }
}

} // namespace aura::core
