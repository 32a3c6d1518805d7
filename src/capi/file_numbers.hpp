// file_numbers: which entry of the registered files a descriptor has, by its number.
#pragma once

#include "auraio/core/base/published_array.hpp"
#include "auraio/core/io/io_request.hpp"
#include "auraio/core/registered/registrations.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

namespace aura::capi {

/// So that reads and writes of a descriptor that is registered go by its entry, though they do not name that. It is
/// no promise: where an entry cannot be had, or not any more, an operation goes by its number.
class file_numbers {
public:
    explicit file_numbers(core::registrations& files) noexcept
        : files_(files) {}
    file_numbers(const file_numbers&) = delete;

    /// Whether find() might find it. Nothing is registered: one relaxed load, for what is read too late is looked at
    /// once more by find(), and what is missed costs a look-up in the kernel.
    bool may_have(int fd) const noexcept { return static_cast<std::size_t>(fd) < entries_.size(); }

    /// Makes a read or write of r.fd one of the registered file that has this number, if there is one; then
    /// core::found_file says so, and r.number is the number. O(1), without a lock.
    void find(core::io_request& r) const noexcept;

    /// As registrations' functions of these names.
    int register_files(std::span<const int> fds);
    int update_file(std::size_t index, int fd);

    /// They are being unregistered.
    void clear() noexcept;
    /// The number will be another file's; until it is registered again.
    void forget(int fd) noexcept {
        if (has_files_.load(std::memory_order_relaxed)) [[unlikely]]
            forget_here(fd);
    }

private:
    void note_all() noexcept;
    void forget_here(int fd) noexcept;

    core::registrations& files_;
    std::mutex mutex_;     // guards what follows, against others who change it
    std::vector<int> fds_; // by entry
    // Relaxed: who closes a registered number knows of its registration, which has stored this before it returned.
    std::atomic<bool> has_files_{false};
    // By number, up to the largest: the entry, plus 1. Relaxed: files_ says whether it has the number still.
    core::published_array<std::atomic<std::uint32_t>> entries_;
};

} // namespace aura::capi
