// readiness_table: registrations by number, told apart by a generation.
#include "readiness_table.hpp"

#include <algorithm>

namespace aura::core::epoll {

/// By more than one, that the numbers of a growing server do not move it each time.
watched& readiness_table::grow(int fd) {
    const auto index = static_cast<std::size_t>(fd);
    const std::size_t size = std::max<std::size_t>({16, index + 1, entries_.size() + entries_.size() / 2});
    entries_.reserve(size);
    while (entries_.size() < size)
        entries_.emplace_back();
    return entries_[index];
}

std::uint64_t readiness_table::begin_registration(int fd, watched& w, const void* owner,
                                                  event_set events) noexcept {
    if (std::exchange(w.owner, owner) != owner)
        w.trigger = {};
    w.trigger.change(false);
    w.told = events;
    w.ready = static_cast<event_set>(events & (EPOLLIN | EPOLLOUT)); // may well be; what is rare will be told
    if (++w.generation == 0)
        w.generation = 1;
    w.read_short = false;
    w.is_tcp = w.is_stream = w.is_storage = watched::answer::unknown;
    return token(fd, w);
}

void readiness_table::forget(int fd) noexcept {
    watched* const w = find(fd);
    if (!w)
        return;
    w->owner = nullptr;
    w->told = w->ready = 0;
}

void readiness_table::abandon() noexcept {
    for (watched& w : entries_)
        while (w.waiting.pop()) {
        }
    entries_.clear();
}

} // namespace aura::core::epoll
