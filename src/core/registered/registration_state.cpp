// registration_state: the transitions.
#include "auraio/core/registered/registration_state.hpp"

#include <cassert>
#include <cerrno>

namespace aura::core {

int registration_state::begin(std::uint32_t number) noexcept {
    if (stage() != registration_stage::unregistered)
        return -EBUSY;
    assert(attached_.none());
    epoch_ = registration_epoch::of(number, registration_stage::registered);
    return 0;
}

int registration_state::request_end(bool& first) noexcept {
    first = false;
    switch (stage()) {
    case registration_stage::unregistered:
        return -ENOENT;
    case registration_stage::registered:
        epoch_ = epoch_.with(registration_stage::draining);
        first = true;
        return 0;
    case registration_stage::draining:
        break;
    }
    return 0;
}

int registration_state::check_update() const noexcept {
    switch (stage()) {
    case registration_stage::unregistered:
        return -ENOENT;
    case registration_stage::registered:
        return 0;
    case registration_stage::draining:
        break;
    }
    return -EBUSY;
}

int registration_state::attach(unsigned ring) noexcept {
    if (const int refused = check_update())
        return refused;
    attached_.set(ring);
    return 0;
}

bool registration_state::detach(unsigned ring) noexcept {
    assert(attached_.test(ring));
    attached_.reset(ring);
    return drained();
}

void registration_state::finish() noexcept {
    assert(drained());
    epoch_ = epoch_.with(registration_stage::unregistered);
}

} // namespace aura::core
