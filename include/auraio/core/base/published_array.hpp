// published_array: an array that one thread replaces while others read it.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <vector>

namespace aura::core {

/// T is made of atomics. Storage is replaced only by larger one (at least twice as large) and kept to the
/// end, so that a reader needs no lock and holds nothing up; what it reads while the array is replaced may be
/// of either content.
template <class T>
class published_array {
public:
    /// Readers. Null beyond the end. Acquire, on both: whoever sees a size sees the storage and the entries
    /// that were there when it was set.
    const T* find(std::size_t index) const noexcept {
        return index < size_.load(std::memory_order_acquire) ? &data_.load(std::memory_order_acquire)[index]
                                                             : nullptr;
    }

    /// Readers. May have changed by the time find() is called.
    std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }

    // ---- one thread at a time ----

    /// Empty, with room for `size` entries. Throws bad_alloc, and is unchanged then.
    void prepare(std::size_t size) {
        if (size > capacity_) {
            const std::size_t larger = std::bit_ceil(size);
            all_.reserve(all_.size() + 1);
            all_.push_back(std::make_unique<T[]>(larger));
            capacity_ = larger;
            size_.store(0, std::memory_order_relaxed);
            data_.store(all_.back().get(), std::memory_order_release);
        }
        size_.store(0, std::memory_order_relaxed);
    }
    /// An entry, to be written before publish() or in the course of time.
    T& operator[](std::size_t index) noexcept { return data_.load(std::memory_order_relaxed)[index]; }
    /// Precondition: prepare(size), and all entries written.
    void publish(std::size_t size) noexcept { size_.store(size, std::memory_order_release); }

private:
    std::atomic<std::size_t> size_{0};
    std::atomic<T*> data_{nullptr};
    std::size_t capacity_ = 0;
    std::vector<std::unique_ptr<T[]>> all_;
};

} // namespace aura::core
