// io_operation: what a backend or the shard asks an operation that is not the plain case.
#include "auraio/core/io/io_operation.hpp"

#include "auraio/core/io/descriptor.hpp"
#include "auraio/core/loop/engine.hpp"

#include <poll.h>
#include <unistd.h>
#include <utility>

namespace aura::core {

void io_operation::on_arrive() {
    target_->home().path().arrive(*this);
}
void io_operation::on_cancel() {
    target_->home().path().cancel(*this);
}

void io_operation::end_reference_here() {
    shard& home = target_->home();
    let_go();
    home.owner().registered().leave(home, registered_held_);
}

void io_operation::let_go() noexcept {
    if (linked_) // else it was refused before it reached the shard, and may have no target
        target_->home().path().let_go(*this);
}

std::uint32_t io_operation::readiness_events() const noexcept {
    return request_.kind == request_kind::poll ? request_.flags
                                               : core::readiness_events(request_.kind, request_.flags);
}

io_operation::lane io_operation::which_socket_lane() const noexcept {
    // A receive that is waited for first goes its own way beside the others.
    return waits_first(request_.kind, request_.flags) ? lane::none : row_of(request_.kind).lane;
}

void io_operation::submit_internal() {
    target_->home().path().begin_internal(*this);
}

void io_operation::cancel_internal() {
    target_->home().path().cancel(*this);
}

int io_operation::stand_in() const noexcept {
    if ((way_ & (way::change | way::time)) != 0)
        return aid_;
    const bool waits_for_connection =
        request_.kind == request_kind::accept_now ||
        (request_.kind == request_kind::poll && request_.listens != 0 && request_.flags == POLLIN);
    return waits_for_connection ? target_->listener_set() : -1;
}

void io_operation::note_more_connections() noexcept {
    if (request_.kind == request_kind::accept_now)
        target_->note_more_connections();
}

void io_operation::release_aid() noexcept {
    if ((way_ & (way::change | way::time)) == 0)
        return;
    if (const int aid = std::exchange(aid_, -1); aid >= 0)
        ::close(aid);
    way_ &= static_cast<std::uint8_t>(~(way::change | way::time));
}

} // namespace aura::core
