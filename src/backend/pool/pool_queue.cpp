// pool_queue: queues on both sides of the pool's lock.
#include "backend/pool/pool_queue.hpp"

#include "auraio/core/io/descriptor.hpp"
#include "auraio/core/io/file_system.hpp"
#include "auraio/core/io/request_table.hpp"
#include "backend/system_calls.hpp"

#include <cerrno>
#include <fcntl.h>
#include <new>

namespace aura::core {

namespace {

/// Without destroying anything: the operations are their descriptors'.
void empty(op_queue& q) noexcept {
    while (q.pop()) {
    }
}

} // namespace

void pool_queue::start(io_operation& op) noexcept {
    queue(op, 0);
    hand_over_now();
}

void pool_queue::start_rest(io_operation& op, int moved) noexcept {
    queue(op, moved);
}

void pool_queue::queue(io_operation& op, int moved) noexcept {
    ++pending_;
    op.set_result(moved); // so far
    fresh_.push(op);
}

void pool_queue::hand_over_now() noexcept {
    worker_pool::lock lock = take_lock_to_offer();
    const std::uint32_t count = fresh_.size();
    waiting_.splice(fresh_);
    offer(lock, count);
}

/// Direct I/O has nothing in the cache, and RWF_NOWAIT does not keep it from waiting for the device. A file
/// server may keep a thread whatever the flags.
bool pool_queue::may_be_cached(const io_operation& op) noexcept {
    const short_request& r = op.request();
    if (!transfers_file_data(r.kind) || (r.flags & in_worker) != 0)
        return false;
    const descriptor& d = op.target();
    if (d.fd() == r.fd)
        return d.direct_alignment_code() == -1;
    const int flags = ::fcntl(r.fd, F_GETFL);
    return flags < 0 || (flags & O_DIRECT) == 0;
}

int pool_queue::start_file(io_operation& op) noexcept {
    int moved = 0;
    if (!op.is_for_system_call() && may_be_cached(op)) {
        const int result = carry_out_from_cache(op);
        const bool is_whole =
            !is_broken_off(op, result) || nature_of(op.request().fd) != file_nature::storage;
        if (result != -EAGAIN && is_whole)
            return result;
        moved = result == -EAGAIN ? 0 : result;
    }
    queue(op, moved);
    return is_started;
}

void pool_queue::cancel(io_operation& op) noexcept {
    if (!fresh_.remove(op)) {
        worker_pool::lock lock = take_lock();
        if (waiting_.remove(op))
            withdraw(lock);
        else if (!held_.remove(op))
            return; // under way, or finished
    }
    if (op.result() == 0) // else some of it has been written
        op.set_result(-ECANCELED);
    done_here_.push(op);
}

void pool_queue::collect_finished(op_queue& done) noexcept {
    hand_over();
    const std::uint32_t before = done.size();
    done.splice(done_here_);
    {
        const worker_pool::lock lock = take_lock();
        armed_ = false;
        done.splice(finished_);
    }
    pending_ -= done.size() - before;
}

bool pool_queue::arm_now() noexcept {
    hand_over();
    if (!done_here_.empty())
        return false;
    const worker_pool::lock lock = take_lock();
    armed_ = finished_.empty();
    return armed_;
}

bool pool_queue::is_under_way(int fd) const noexcept {
    const worker_pool::lock lock = take_lock();
    return is_under_way_locked(fd);
}

bool pool_queue::is_under_way_locked(int fd) const noexcept {
    for (const call* c = calls_; c; c = c->next)
        if (c->op.request().fd == fd)
            return true;
    return false;
}

void pool_queue::abandon() noexcept {
    empty(fresh_);
    worker_pool::lock lock = take_lock();
    empty(waiting_);
    empty(held_);
    all_left_.wait(lock, [this] { return threads_inside_ == 0; });
    empty(finished_);
    empty(done_here_);
    pending_ = 0;
    withdraw_all(lock); // those of closes that were held back, too: nobody may come to what is destroyed
}

// ---- threads of the pool, with the lock held ----

/// The oldest that may begin. A close waits for the calls that have been given its number: it could be
/// another file's before they come to look it up.
io_operation* pool_queue::take() noexcept {
    while (auto* const op = static_cast<io_operation*>(waiting_.pop())) {
        if (op->request().kind != request_kind::close || !is_under_way_locked(op->request().fd))
            return op;
        held_.push(*op);
    }
    return nullptr;
}

void pool_queue::put_held_back(worker_pool::lock& lock) noexcept {
    const std::uint32_t count = held_.size();
    waiting_.splice(held_);
    offer(lock, count);
}

void pool_queue::work(worker_pool::lock& lock) noexcept {
    io_operation* const op = take();
    if (!op)
        return;
    call here{*op, calls_};
    if (calls_)
        calls_->previous = &here;
    calls_ = &here;
    ++threads_inside_;
    lock.unlock();
    op->set_result(op->result() == 0 ? carry_out(*op) : carry_out_rest(*op, op->result()));
    lock.lock();
    (here.previous ? here.previous->next : calls_) = here.next;
    if (here.next)
        here.next->previous = here.previous;
    finished_.push(*op);
    if (!held_.empty()) [[unlikely]]
        put_held_back(lock);
    if (armed_) {
        armed_ = false;
        lock.unlock();
        owner_.wake();
        lock.lock();
    }
    if (--threads_inside_ == 0)
        all_left_.notify_all();
}

void pool_queue::forget() noexcept {
    empty(fresh_);
    empty(waiting_);
    empty(held_);
    empty(finished_);
    empty(done_here_);
    calls_ = nullptr;
    threads_inside_ = 0;
    armed_ = false;
    pending_ = 0;
    ::new (static_cast<void*>(&all_left_)) std::condition_variable; // of one that a thread may be waiting at
}

} // namespace aura::core
