// cancellation: how a signal gets to its operation, and the memory of the cells it goes by.
#include "auraio/core/operation/cancellation.hpp"

#include "auraio/core/base/observer.hpp"
#include "auraio/core/loop/engine.hpp"
#include "core/base/poison.hpp"

#include <new>

namespace aura::core {

void cancel_handle::request() const {
    if (shard_visit visit(*cell_->home); visit) {
        if (cell_->op)
            cell_->op->cancel();
        return;
    }
    // Relaxed: whoever has set it sends the cell, and the operation, of which nothing is written here, has
    // been started before either of the signals.
    if (cell_->on_its_way.exchange(true, std::memory_order_relaxed))
        return;
    // Relaxed: the reference this handle holds keeps the cell alive meanwhile.
    cell_->references.fetch_add(1, std::memory_order_relaxed);
    cell_->home->send(*cell_);
}

void cancel_cell::run(operation& base, action what) {
    auto& self = static_cast<cancel_cell&>(base);
    if (what == action::arrive && self.op)
        self.op->cancel();
    self.release();
}

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
