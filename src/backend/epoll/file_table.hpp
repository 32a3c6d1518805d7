// file_table: registered files where the kernel keeps no table: a number of our own for each.
#pragma once

#include <span>
#include <vector>

namespace aura::core::epoll {

/// As with a ring, the files stay open although who registered them closes his numbers. Functions return 0 or a
/// negated errno.
class file_table {
public:
    ~file_table() { clear(); }

    int set(std::span<const int> fds) noexcept;
    int update(unsigned first, std::span<const int> fds) noexcept;
    void clear() noexcept;

    /// -1: the entry is empty.
    int number(int index) const noexcept {
        const auto i = static_cast<std::size_t>(static_cast<unsigned>(index));
        return i < numbers_.size() ? numbers_[i] : -1;
    }

private:
    std::vector<int> numbers_;
    std::vector<int> replaced_; // a thread of the pool may still have to look one up: closed with the table
};

} // namespace aura::core::epoll
