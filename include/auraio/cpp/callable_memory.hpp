// callable_memory: where the callable of an operation is kept until it is called.
#pragma once

#include "auraio/cpp/error.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace aura::cpp_detail {

/// A slot of this size goes from one operation of a thread to the next: two cache lines, room for a dozen captures.
inline constexpr std::size_t slot_bytes = 128;

/// Free slots of the calling thread. What one thread starts and another one completes ends up at the second, hence the
/// bound: the rest goes back to where it came from.
struct free_slots {
    static constexpr unsigned most = 1024;

    void* first = nullptr;
    unsigned count = 0;
    bool is_watched = false; // the end of the thread gives them back
    bool has_ended = false;  // that has happened; destructors that run later do without
};
inline thread_local constinit free_slots own_slots;

/// Its destructor is the end of the thread.
struct slots_watch {
    slots_watch() noexcept { own_slots.is_watched = true; }
    ~slots_watch() {
        own_slots.has_ended = true;
        while (own_slots.first)
            ::operator delete(std::exchange(own_slots.first, *static_cast<void**>(own_slots.first)));
    }
    slots_watch(const slots_watch&) = delete;
    slots_watch& operator=(const slots_watch&) = delete;
};

inline void* take_slot() {
    void* const slot = own_slots.first;
    if (!slot) [[unlikely]]
        return ::operator new(slot_bytes);
    own_slots.first = *static_cast<void**>(slot);
    --own_slots.count;
    return slot;
}

inline void give_slot(void* slot) noexcept {
    if (!own_slots.is_watched) [[unlikely]] {
        static thread_local slots_watch watch;
        (void)watch;
    }
    if (own_slots.count == free_slots::most || own_slots.has_ended) [[unlikely]] {
        ::operator delete(slot);
        return;
    }
    ::new (slot) void*(own_slots.first);
    own_slots.first = slot;
    ++own_slots.count;
}

/// Memory for one T: a slot where it fits, else a buffer of the engine's pool.
template <class T>
struct memory_for {
    static constexpr bool fits = sizeof(T) <= slot_bytes && alignof(T) <= alignof(std::max_align_t);
    static_assert(alignof(T) <= 4096, "what is captured is aligned beyond a page");

    static void* take(aura_engine_t* engine, const char* what) {
        if constexpr (fits) {
            return take_slot();
        } else {
            void* const memory = aura_buffer_alloc(engine, sizeof(T));
            if (!memory)
                raise(errno, what);
            return memory;
        }
    }
    static void give(aura_engine_t* engine, void* memory) noexcept {
        if constexpr (fits)
            give_slot(memory);
        else
            aura_buffer_free(engine, memory);
    }
};

/// A callable that goes through C as a user_data. keep(), then take() or drop(), each once.
template <class F>
class kept_callable {
public:
    template <class G>
    static void* keep(aura_engine_t* engine, G&& callable, const char* what) {
        void* const memory = memory_for<holder>::take(engine, what);
        try {
            ::new (memory) holder{F(std::forward<G>(callable)), engine};
        } catch (...) {
            memory_for<holder>::give(engine, memory);
            throw;
        }
        return memory;
    }
    /// By value: its memory is free before it is called, so that what it starts finds it.
    static F take(void* data) {
        const freed_at_end kept{static_cast<holder*>(data)};
        return std::move(kept.what->callable);
    }
    static void drop(void* data) noexcept { const freed_at_end kept{static_cast<holder*>(data)}; }

private:
    struct holder {
        F callable;
        aura_engine_t* engine;
    };
    struct freed_at_end {
        holder* what;
        ~freed_at_end() {
            aura_engine_t* const engine = what->engine;
            what->~holder();
            memory_for<holder>::give(engine, what);
        }
    };
};

/// One that is no larger than a pointer is the user_data: [this], [&one], and what captures nothing.
template <class F>
    requires(sizeof(F) <= sizeof(void*) && std::is_trivially_copyable_v<F>)
class kept_callable<F> {
public:
    template <class G>
    static void* keep(aura_engine_t*, G&& callable, const char*) {
        void* data = nullptr;
        if constexpr (!std::is_empty_v<F>) {
            const F copy(std::forward<G>(callable));
            std::memcpy(&data, &copy, sizeof copy);
        }
        return data;
    }
    static F take(void* data) noexcept {
        std::array<std::byte, sizeof(F)> bytes;
        std::memcpy(bytes.data(), &data, sizeof bytes);
        return std::bit_cast<F>(bytes);
    }
    static void drop(void*) noexcept {}
};

} // namespace aura::cpp_detail
