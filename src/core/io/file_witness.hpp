// file_witness: whether a descriptor's number still means the file that it meant before.
#pragma once

#include <cstdint>
#include <map>

namespace aura::core {

/// For files that nothing else tells apart: one inode stands for all timers, events and watches. An epoll set
/// knows each of its files by file and number, and holds none of them: adding a number succeeds unless it is
/// the same file at the same number. The set is there while a number is held, and nobody waits for it.
///
/// Not thread-safe.
class file_witness {
public:
    /// A name for the file that this number means now: the same as last time while the number is held and it
    /// is the same file. 0 where that cannot be told (what has no readiness, or no set can be had).
    std::uint64_t look(int number);

    /// Somebody remembers what look() has said, until as many calls of drop(). Comes right after it, unless it
    /// was 0 or is remembered already.
    void hold(int number) noexcept { ++numbers_.find(number)->second.holders; }
    void drop(int number) noexcept;

    /// In a child of fork(2), which shares the set with its parent until then.
    void renew() noexcept;

private:
    struct entry {
        std::uint64_t name = 0;
        unsigned holders = 0;
    };

    int add(int number) noexcept;
    void erase(std::map<int, entry>::iterator place) noexcept;

    int set_ = -1;
    std::uint64_t names_ = 0;
    std::map<int, entry> numbers_;
};

} // namespace aura::core
