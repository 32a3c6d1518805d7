// request_store: the slots of all operations of the process, and the numbers that name them.
#pragma once

#include "auraio/core/base/spin_lock.hpp"
#include "request_slot.hpp"

#include <array>
#include <atomic>
#include <cstdint>

namespace aura::capi {

/// What a handle says.
struct request_name {
    std::uint32_t index;
    std::uint64_t generation;

    static request_name of(const aura_request_t* handle) noexcept {
        const auto number = reinterpret_cast<std::uintptr_t>(handle);
        return {static_cast<std::uint32_t>(number & ((std::uintptr_t{1} << request_slot::index_bits) - 1)),
                number >> request_slot::index_bits};
    }
    std::uint64_t life(request_slot::stage s) const noexcept { return generation << 2 | s; }
};
static_assert(sizeof(void*) == 8, "request handles are numbers of 64 bits");

/// All slots of the process: handles stay harmless even when their engine is gone.
class request_store {
public:
    static request_store& instance() noexcept;

    /// Up to `wanted` slots, linked by next_free; null when there is no memory, or 2^24 are in use.
    request_slot* take(unsigned wanted, unsigned& got) noexcept;
    static request_slot* take_one() noexcept {
        unsigned got;
        return instance().take(1, got);
    }
    void put(request_slot* first, request_slot* last) noexcept;

    /// So that a child of fork(2) does not get a lock that nobody holds there.
    void before_fork() noexcept { lock_.lock(); }
    void after_fork() noexcept { lock_.unlock(); }

    /// The slot of a handle that was once given out; null for any other value.
    request_slot* find(std::uint32_t index) const noexcept;

private:
    // Chunk 0 has slots 0 to 63, chunk k > 0 as many as there are before it.
    static constexpr unsigned first_bits = 6;
    static constexpr unsigned chunk_count = request_slot::index_bits - first_bits + 1;
    bool grow() noexcept;

    core::spin_lock lock_; // guards what follows, except reading chunks_
    request_slot* free_ = nullptr;
    unsigned made_ = 0; // chunks
    // Release/acquire: whoever sees a chunk sees its slots.
    std::array<std::atomic<request_slot*>, chunk_count> chunks_{};
};

/// A few free slots in the hands of whoever drives a shard, so that most operations need no lock.
class request_cache {
public:
    request_slot* take() noexcept {
        if (!head_ && !refill()) [[unlikely]]
            return nullptr;
        request_slot* const r = head_;
        head_ = r->next_free;
        --count_;
        return r;
    }
    void put(request_slot& r) noexcept {
        r.next_free = head_;
        head_ = &r;
        if (++count_ == 2 * batch) [[unlikely]]
            give_back_half();
    }
    void give_back_all() noexcept;

private:
    static constexpr unsigned batch = 64;
    bool refill() noexcept;
    void give_back_half() noexcept;

    request_slot* head_ = nullptr;
    unsigned count_ = 0;
};

} // namespace aura::capi
