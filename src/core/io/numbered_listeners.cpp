// numbered_listeners: looking at what a number means now, and forgetting it when it means something else.
#include "core/io/numbered_listeners.hpp"

#include "auraio/core/loop/engine.hpp"

#include <algorithm>
#include <new>

namespace aura::core {

numbered_listeners::~numbered_listeners() {
    for (const entry& e : entries_)
        e.listener->retire(); // nothing waits any more
}

numbered_listeners::iterator numbered_listeners::position_of(int fd) noexcept {
    return std::lower_bound(entries_.begin(), entries_.end(), fd,
                            [](const entry& e, int number) { return e.fd < number; });
}

descriptor* numbered_listeners::find(int fd) noexcept {
    auto there = position_of(fd);
    if (there != entries_.end() && there->fd == fd) {
        descriptor& known = *there->listener;
        if (known.is_unused() || !known.waits_for_another_file()) [[likely]]
            return &known;
        retire(there);
    }
    try {
        if (entries_.size() >= sweep_at_)
            sweep();
        entries_.reserve(entries_.size() + 1);
        descriptor* const fresh = descriptor::create_for_number(home_, fd);
        if (!home_.owner().listeners().add(fd, home_.index())) {
            fresh->retire();
            return nullptr;
        }
        entries_.insert(position_of(fd), {fd, fresh});
        return fresh;
    } catch (const std::bad_alloc&) {
        return nullptr;
    }
}

void numbered_listeners::retire(int fd) noexcept {
    const auto there = position_of(fd);
    if (there != entries_.end() && there->fd == fd)
        retire(there);
}

void numbered_listeners::retire(iterator which) noexcept {
    const entry e = *which;
    entries_.erase(which);
    // The place stays until the number is closed: an accept may be on its way here, and a close that did not
    // come by would not meet it.
    e.listener->retire();
}

/// Forgets numbers that nobody accepts from and that do not mean what they meant: each has a set, which is a
/// descriptor. Done when there are twice as many as the last time left.
void numbered_listeners::sweep() noexcept {
    for (std::size_t i = entries_.size(); i-- > 0;)
        if (const descriptor& known = *entries_[i].listener; known.is_unused() && !known.watches_file())
            retire(entries_.begin() + static_cast<std::ptrdiff_t>(i));
    sweep_at_ = std::max<std::size_t>(16, 2 * entries_.size());
}

} // namespace aura::core
