// cancellation: the memory of cancel cells.
#include "auraio/core/operation/cancellation.hpp"

#include "auraio/core/base/observer.hpp"
#include "core/base/poison.hpp"

#include <new>

namespace aura::core {

namespace {

#if defined(AURAIO_ADDRESS_SANITIZER)
constexpr unsigned kept_most = 0; // a use after release should show
#else
constexpr unsigned kept_most = 64; // 2 KiB at most for each thread
#endif

struct free_block {
    free_block* next;
};
static_assert(sizeof(cancel_cell) >= sizeof(free_block));

/// Released cells of one thread. A cell is mostly released where the next one is made: by its ring's thread.
class cell_cache {
public:
    ~cell_cache() {
        gone_ = true;
        while (first_)
            ::operator delete(take());
    }

    void* take() noexcept {
        free_block* block = first_;
        if (block) {
            first_ = block->next;
            --count_;
        }
        return block;
    }
    bool keep(void* memory) noexcept {
        if (count_ >= kept_most)
            return false;
        first_ = ::new (memory) free_block{first_};
        ++count_;
        return true;
    }

    /// The calling thread's, or null when its thread-local objects have been destroyed already.
    static cell_cache* mine() noexcept {
        static thread_local cell_cache cache;
        return gone_ ? nullptr : &cache;
    }

private:
    free_block* first_ = nullptr;
    unsigned count_ = 0;
    inline static thread_local bool gone_ = false; // trivial: readable until the thread is no more
};

} // namespace

void* cancel_cell::operator new(std::size_t size) {
    if (cell_cache* cache = cell_cache::mine())
        if (void* memory = cache->take())
            return memory;
    return ::operator new(size);
}

void cancel_cell::end() noexcept {
    happens_after(&references); // a slot's release is inline, in a user's code
    delete this;
}

void cancel_cell::operator delete(void* memory) noexcept {
    cell_cache* cache = cell_cache::mine();
    if (!cache || !cache->keep(memory))
        ::operator delete(memory);
}

} // namespace aura::core
