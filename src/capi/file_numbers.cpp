// file_numbers: which entry of the registered files a descriptor has, by its number.
#include "file_numbers.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace aura::capi {

void file_numbers::find(core::io_request& r) const noexcept {
    const auto* const entry = entries_.find(static_cast<std::size_t>(r.fd));
    const std::uint32_t found = entry ? entry->load(std::memory_order_relaxed) : 0;
    if (found == 0 || !core::transfers_file_data(r.kind))
        return;
    const int number = r.fd;
    const std::size_t index = found - 1;
    if (files_.file_at(index) != number || files_.use_file(r, index) != 0)
        return;
    r.registered |= core::found_file;
    r.number = number;
}

int file_numbers::register_files(std::span<const int> fds) {
    std::vector<int> copy(fds.begin(), fds.end());
    // Without the lock: the log handler may be told something, and call anything. Whoever comes in between makes what
    // is noted wrong, which find() sees.
    if (const int error = files_.register_files(fds))
        return error;
    std::lock_guard guard(mutex_);
    fds_ = std::move(copy);
    entries_.prepare(0);
    note_all();
    return 0;
}

int file_numbers::update_file(std::size_t index, int fd) {
    if (const int error = files_.update_file(index, fd))
        return error;
    std::lock_guard guard(mutex_);
    // What another number says of this entry may stay: the entry has that number no more.
    if (index < fds_.size()) {
        fds_[index] = fd;
        if (may_have(fd))
            entries_[static_cast<std::size_t>(fd)].store(static_cast<std::uint32_t>(index) + 1,
                                                         std::memory_order_relaxed);
        else if (fd >= 0)
            note_all();
    }
    return 0;
}

/// In an array that is as large as the largest of them.
void file_numbers::note_all() noexcept {
    has_files_.store(true, std::memory_order_relaxed);
    const auto size = static_cast<std::size_t>(*std::max_element(fds_.begin(), fds_.end()) + 1);
    try {
        entries_.prepare(size);
    } catch (const std::bad_alloc&) { // they are found by those who name them
        entries_.prepare(0);
        return;
    }
    for (std::size_t i = 0; i < size; ++i)
        entries_[i].store(0, std::memory_order_relaxed);
    for (std::size_t i = 0; i < fds_.size(); ++i)
        if (fds_[i] >= 0)
            entries_[static_cast<std::size_t>(fds_[i])].store(static_cast<std::uint32_t>(i) + 1,
                                                              std::memory_order_relaxed);
    entries_.publish(size);
}

void file_numbers::clear() noexcept {
    std::lock_guard guard(mutex_);
    fds_.clear();
    entries_.prepare(0);
    has_files_.store(false, std::memory_order_relaxed);
}

void file_numbers::forget_here(int fd) noexcept {
    std::lock_guard guard(mutex_);
    std::replace(fds_.begin(), fds_.end(), fd, -1); // note_all() must not bring it back
    if (may_have(fd))
        entries_[static_cast<std::size_t>(fd)].store(0, std::memory_order_relaxed);
}

} // namespace aura::capi
