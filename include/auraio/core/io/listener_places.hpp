// listener_places: which shards of an engine have accepted connections from which numbers.
#pragma once

#include "auraio/core/base/spin_lock.hpp"

#include <atomic>
#include <cstdint>
#include <vector>

namespace aura::core {

/// Which shards of an engine have accepted connections from which numbers: for who closes one. Any thread.
class listener_places {
public:
    /// False for nearly every number that no shard has accepted from: one load, of a word that changes when
    /// listening sockets come and go.
    bool may_have(int fd) const noexcept {
        // Acquire: what the shard did to the socket before it said so has happened.
        return (some_.load(std::memory_order_acquire) & bit(fd)) != 0;
    }
    /// Before an accept is sent there, or begins there. False when there is no memory.
    bool add(int fd, unsigned shard_index) noexcept;
    void remove(int fd, unsigned shard_index) noexcept;
    /// A shard that has accepted from the number; -1: none has.
    int find(int fd) const noexcept;

private:
    static std::uint64_t bit(int fd) noexcept { return std::uint64_t{1} << (static_cast<unsigned>(fd) & 63); }

    struct place {
        int fd;
        unsigned shard_index;
    };
    std::atomic<std::uint64_t> some_{0}; // the union of all their bits; written under lock_
    mutable spin_lock lock_;             // guards all_
    std::vector<place> all_;
};

} // namespace aura::core
