// file_table: registered files where the kernel keeps no table: a number of our own for each.
#pragma once

#include "auraio/core/io/io_operation.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace aura::core::epoll {

/// As with a ring, the files stay open although who registered them closes his numbers, and until the last
/// operation that names one is over. Functions return 0 or a negated errno.
class file_table {
public:
    file_table() = default;
    file_table(const file_table&) = delete;
    ~file_table();

    int set(std::span<const int> fds) noexcept;
    int update(unsigned first, std::span<const int> fds) noexcept;
    void clear() noexcept; // no operation names the table any more

    /// -1: the entry is empty.
    int number(int index) const noexcept {
        const auto i = static_cast<std::size_t>(static_cast<unsigned>(index));
        return i < numbers_.size() ? numbers_[i] : -1;
    }

    /// Of an operation that names a file by its entry, or is back and has a number already: it names the number
    /// until it leaves.
    void name(io_operation& op) noexcept;

    /// What of `done` names numbers leaves them. Some of it may be back with its number before it is settled.
    void leave(op_queue& done) noexcept;
    void settle() noexcept { unsettled_ = false; }

    /// Whether some operations name numbers.
    bool is_named() const noexcept { return operations_ != 0; }

    /// A number that is in no entry any more and that no operation names: the caller closes it. -1: there is none.
    int take_unused() noexcept { return unused_.empty() || unsettled_ ? -1 : find_unused(); }

    /// The operations are no longer ours, nor are the numbers that they name.
    void abandon() noexcept;

private:
    struct use {
        unsigned operations = 0;
        bool in_table = false;
        bool listed = false; // in unused_, where it may be out of date
    };

    int find_unused() noexcept;
    void retire_all() noexcept;
    int know(int number) noexcept;
    void enter(int number) noexcept;
    void leave(int number) noexcept;
    void retire(int number) noexcept;
    void list_if_unused(int number, use& u) noexcept;

    std::vector<int> numbers_;
    std::vector<use> uses_;   // by number
    std::vector<int> unused_; // has room for all of them
    std::size_t operations_ = 0;
    bool unsettled_ = false;
};

} // namespace aura::core::epoll
