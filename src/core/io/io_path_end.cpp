// io_path: requests at the end of a context, in a forked child, and without a backend that knows them.
#include "auraio/core/io/io_path.hpp"

#include "auraio/core/loop/engine.hpp"

#include <cerrno>

namespace aura::core {

void io_path::cancel_all() {
    for (descriptor *d = active_, *next; d; d = next) {
        next = d->next_active_; // it leaves the list where nothing of it is in the backend
        cancel_before(*d, d->started_);
    }
}

void io_path::submit_again() {
    op_queue ended;
    for (descriptor* d = active_; d; d = d->next_active_)
        for (io_operation* op = d->oldest(); op; op = op->following()) {
            if (!op->in_backend_)
                continue;
            if (op->cancel_requested_) {
                op->result_ = -ECANCELED;
                ended.push(*op);
                continue;
            }
            op->release_aid(); // it would share the parent's, and take its events
            const bool polls = op->request_.kind == request_kind::accept_now && op->awaits_readiness();
            op->way_ &= io_operation::way::examined;
            if (polls || waits_first(op->request_.kind, op->request_.flags))
                op->way_ |= io_operation::way::polls;
            if (op->request_.kind == request_kind::connect) // begun already, for both
                op->way_ |= io_operation::way::polls | io_operation::way::examined;
            if (op->stand_in() >= 0)
                (void)d->watch_listener(); // that one is the parent's
            else if (op->request_.kind == request_kind::poll && op->request_.listens != 0)
                d->prepare_to_listen(*op);
            hand_over(*op);
        }
    finish(ended);
}

void io_path::end_all() {
    op_queue ended;
    for (descriptor* d = active_; d; d = d->next_active_)
        for (io_operation* op = d->oldest(); op; op = op->following())
            if (op->in_backend_) {
                op->cancel_requested_ = true;
                op->result_ = -ECANCELED;
                ended.push(*op);
            }
    finish(ended);
}

} // namespace aura::core
