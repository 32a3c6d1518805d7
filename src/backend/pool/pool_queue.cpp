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
    op.set_result(0); // so far
    enqueue(op);
}

void pool_queue::start_rest(io_operation& op, int moved) noexcept {
    op.set_result(moved);
    enqueue(op);
}

void pool_queue::enqueue(io_operation& op) noexcept {
    ++pending_;
    worker_pool::lock lock = take_lock_to_offer();
    waiting_.push(op);
    offer(lock);
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

bool pool_queue::start_file(io_operation& op) noexcept {
    if (!op.is_for_system_call() && may_be_cached(op)) {
        const int result = carry_out_from_cache(op);
        if (result == -ESPIPE)
            return false;
        if (is_broken_off(op, result) && nature_of(op.request().fd) == file_nature::storage) {
            start_rest(op, result);
            return true;
        }
        if (result != -EAGAIN) {
            ++pending_;
            op.set_result(result);
            done_here_.push(op);
            return true;
        }
    }
    start(op);
    return true;
}

void pool_queue::cancel(io_operation& op) noexcept {
    {
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
    for (std::uint32_t left = held_.size(); left != 0; --left) {
        waiting_.push(*held_.pop());
        offer(lock);
    }
}

void pool_queue::work(worker_pool::lock& lock) noexcept {
    io_operation* const op = take();
    if (!op)
        return;
    call here{*op, calls_};
    calls_ = &here;
    ++threads_inside_;
    lock.unlock();
    op->set_result(op->result() == 0 ? carry_out(*op) : carry_out_rest(*op, op->result()));
    lock.lock();
    call** place = &calls_;
    while (*place != &here)
        place = &(*place)->next;
    *place = here.next;
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
