// request_store: slots are made in chunks, which are never freed, and go from hand to hand in lists.
#include "request_store.hpp"

#include <bit>
#include <cstdlib>
#include <mutex>

namespace aura::capi {

request_store& request_store::instance() noexcept {
    static constinit request_store all; // never destroyed: threads may outlive static objects
    return all;
}

request_slot* request_store::find(std::uint32_t index) const noexcept {
    const unsigned chunk = static_cast<unsigned>(std::bit_width(index >> first_bits));
    request_slot* const slots = chunks_[chunk].load(std::memory_order_acquire);
    const std::uint32_t first = chunk == 0 ? 0 : std::uint32_t{1} << (first_bits + chunk - 1);
    return slots ? slots + (index - first) : nullptr;
}

bool request_store::grow() noexcept {
    if (made_ == chunk_count)
        return false;
    const std::uint32_t first = made_ == 0 ? 0 : std::uint32_t{1} << (first_bits + made_ - 1);
    const std::uint32_t count = made_ == 0 ? std::uint32_t{1} << first_bits : first;
    void* const memory = std::aligned_alloc(alignof(request_slot), sizeof(request_slot) * count);
    if (!memory)
        return false;
    auto* const slots = static_cast<request_slot*>(memory);
    for (std::uint32_t i = count; i-- > 0;) {
        request_slot* const slot = ::new (slots + i) request_slot(first + i);
        slot->next_free = free_;
        free_ = slot;
    }
    chunks_[made_].store(slots, std::memory_order_release);
    ++made_;
    return true;
}

request_slot* request_store::take(unsigned wanted, unsigned& got) noexcept {
    std::lock_guard guard(lock_);
    got = 0;
    if (!free_ && !grow())
        return nullptr;
    request_slot* const first = free_;
    request_slot* last = first;
    for (got = 1; got < wanted && last->next_free; ++got)
        last = last->next_free;
    free_ = last->next_free;
    last->next_free = nullptr;
    return first;
}

void request_store::put(request_slot* first, request_slot* last) noexcept {
    std::lock_guard guard(lock_);
    last->next_free = free_;
    free_ = first;
}

bool request_cache::refill() noexcept {
    head_ = request_store::instance().take(batch, count_);
    return head_ != nullptr;
}

/// Operations started elsewhere end here: what has gathered goes back to where those come from.
void request_cache::give_back_half() noexcept {
    request_slot* const first = head_;
    request_slot* last = first;
    for (unsigned i = 1; i < batch; ++i)
        last = last->next_free;
    head_ = last->next_free;
    count_ -= batch;
    request_store::instance().put(first, last);
}

void request_cache::give_back_all() noexcept {
    if (!head_)
        return;
    request_slot* last = head_;
    while (last->next_free)
        last = last->next_free;
    request_store::instance().put(head_, last);
    head_ = nullptr;
    count_ = 0;
}

} // namespace aura::capi
