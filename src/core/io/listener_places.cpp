// listener_places: a short list under a lock, and a word that spares nearly everybody the look at it.
#include "auraio/core/io/listener_places.hpp"

#include <algorithm>
#include <mutex>
#include <new>

namespace aura::core {

bool listener_places::add(int fd, unsigned shard_index) noexcept {
    std::lock_guard guard(lock_);
    if (std::any_of(all_.begin(), all_.end(),
                    [&](const place& p) { return p.fd == fd && p.shard_index == shard_index; }))
        return true;
    try {
        all_.push_back({fd, shard_index});
    } catch (const std::bad_alloc&) {
        return false;
    }
    some_.store(some_.load(std::memory_order_relaxed) | bit(fd), std::memory_order_release);
    return true;
}

void listener_places::remove(int fd, unsigned shard_index) noexcept {
    std::lock_guard guard(lock_);
    std::erase_if(all_, [&](const place& p) { return p.fd == fd && p.shard_index == shard_index; });
    std::uint64_t some = 0;
    for (const place& p : all_)
        some |= bit(p.fd);
    some_.store(some, std::memory_order_release);
}

int listener_places::find(int fd) const noexcept {
    std::lock_guard guard(lock_);
    for (const place& p : all_)
        if (p.fd == fd)
            return static_cast<int>(p.shard_index);
    return -1;
}

} // namespace aura::core
