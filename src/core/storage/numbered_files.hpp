// numbered_files: the parts in gates of files that operations name by their numbers alone, as the C library's
// do.
#pragma once

#include "core/storage/device_gate.hpp"

#include <forward_list>
#include <vector>

namespace aura::core {

/// Belongs to a shard; everything is called by the thread that drives it. Each number has a line of its own,
/// so that files take turns here, too.
///
/// Nobody says when a number comes to mean another file: it is looked at again after a few milliseconds of
/// use (a system call of 1 us in 10 ms), and until then its operations may wait for, and count towards, the
/// device of the file before. An operation leaves the line, and the gate, that it entered.
class numbered_files {
public:
    /// `loose`: the target of those operations.
    explicit numbered_files(descriptor& loose) noexcept
        : loose_(loose) {}
    numbered_files(const numbered_files&) = delete;

    /// What is known of the file with a number.
    struct answer {
        gated_file* file; ///< null: no storage device has to do with it
        bool elsewhere;   ///< it may hold the thread that reads or writes it: see file_kind
    };
    /// `now`: any clock that stands still no longer than some milliseconds.
    answer find(int fd, nanoseconds_t now) noexcept {
        const auto index = static_cast<std::size_t>(fd);
        if (index < numbers_.size() && now < numbers_[index].look_again) [[likely]]
            return {numbers_[index].file, (numbers_[index].look_again & blocks) != 0};
        return look(fd, now);
    }

private:
    static constexpr nanoseconds_t trusted = 10'000'000;
    static constexpr nanoseconds_t blocks = 1; // bit of look_again, which is not that exact
    static constexpr std::size_t most_numbers = std::size_t{1} << 20; // 16 MiB; those above pass no gate

    struct number {
        gated_file* file = nullptr;
        nanoseconds_t look_again = 0; // and whether it blocks
    };
    /// One for each number and device it has been on: operations may still be in the line of the former.
    struct line {
        line(int number, descriptor& loose, storage_device& device) noexcept
            : fd(number)
            , file(loose, device) {}
        int fd;
        gated_file file;
    };
    answer look(int fd, nanoseconds_t now) noexcept;
    gated_file& line_of(int fd, storage_device& device);

    descriptor& loose_;
    std::vector<number> numbers_;
    std::forward_list<line> lines_; // they do not move
};

} // namespace aura::core
