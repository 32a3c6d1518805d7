// vector_block: two sizes of memory, of which each thread keeps some.
#include "auraio/core/io/vector_block.hpp"

#include "core/base/poison.hpp"

#include <array>
#include <new>

namespace aura::core {

namespace {

#if defined(AURAIO_ADDRESS_SANITIZER)
constexpr bool keeps = false; // a use after release should show
#else
constexpr bool keeps = true;
#endif

struct size_class {
    std::size_t bytes;
    unsigned kept_most;
};
/// A few buffers and an address; as many as sockets take at once. 24 KiB at most for each thread.
constexpr std::array<size_class, 2> classes{{{256, 32}, {1280, 12}}};
constexpr std::uint32_t no_class = classes.size();

struct free_vector_block {
    free_vector_block* next;
};

/// Released blocks of one thread. A block is mostly released where the next one is made: by its ring's
/// thread.
class block_cache {
public:
    ~block_cache() {
        gone_ = true;
        for (std::uint32_t c = 0; c < no_class; ++c)
            while (void* memory = take(c))
                ::operator delete(memory);
    }

    void* take(std::uint32_t c) noexcept {
        free_vector_block* const block = first_[c];
        if (block) {
            first_[c] = block->next;
            --count_[c];
        }
        return block;
    }
    bool keep(void* memory, std::uint32_t c) noexcept {
        if (!keeps || count_[c] >= classes[c].kept_most)
            return false;
        first_[c] = ::new (memory) free_vector_block{first_[c]};
        ++count_[c];
        return true;
    }

    /// The calling thread's, or null when its thread-local objects have been destroyed already.
    static block_cache* mine() noexcept {
        static thread_local block_cache cache;
        return gone_ ? nullptr : &cache;
    }

private:
    std::array<free_vector_block*, no_class> first_{};
    std::array<unsigned, no_class> count_{};
    inline static thread_local bool gone_ = false; // trivial: readable until the thread is no more
};

std::uint32_t class_of(std::size_t bytes) noexcept {
    std::uint32_t c = 0;
    while (c < no_class && classes[c].bytes < bytes)
        ++c;
    return c;
}

} // namespace

vector_block::layout* vector_block::take(std::size_t vectors, std::size_t name_size) {
    const std::size_t bytes = sizeof(layout) + vectors * sizeof(iovec) + name_size;
    const std::uint32_t c = class_of(bytes);
    void* memory = nullptr;
    if (c != no_class)
        if (block_cache* cache = block_cache::mine())
            memory = cache->take(c);
    if (!memory)
        memory = ::operator new(c == no_class ? bytes : classes[c].bytes);
    return ::new (memory) layout{{}, nullptr, static_cast<std::uint32_t>(vectors), c};
}

void vector_block::give_back(layout* memory) noexcept {
    const std::uint32_t c = memory->size_class;
    block_cache* const cache = c == no_class ? nullptr : block_cache::mine();
    if (!cache || !cache->keep(memory, c))
        ::operator delete(memory);
}

} // namespace aura::core
