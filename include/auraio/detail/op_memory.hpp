// op_memory: operations live in memory from their handler's associated allocator, and give it back before the
// upcall.
#pragma once

#include "auraio/detail/config.hpp"

#include AURAIO_ASIO(associated_allocator.hpp)
#include AURAIO_ASIO(recycling_allocator.hpp)

#include <memory>
#include <utility>

AURAIO_OPEN
namespace detail {

/// The default allocator stands for "no preference": such memory comes from the thread's recycled blocks.
template <class Allocator, class T>
struct recycled {
    using type = typename std::allocator_traits<Allocator>::template rebind_alloc<T>;
};
template <class U, class T>
struct recycled<std::allocator<U>, T> {
    using type = net::recycling_allocator<T>;
};

/// Whether a handler says where its operations are to live: in memory of a fixed size, it may be.
template <class Allocator>
inline constexpr bool is_preference = true;
template <class U>
inline constexpr bool is_preference<std::allocator<U>> = false;

template <class T, class Allocator>
auto recycled_allocator(const Allocator& a) {
    using type = typename recycled<Allocator, T>::type;
    if constexpr (std::is_constructible_v<type, const Allocator&>)
        return type(a);
    else
        return type();
}

/// Creates an Op in memory of `a`, rebound. Inline always: see initiation.
template <class Op, class Allocator, class... Args>
[[gnu::always_inline]] inline Op* create_in(const Allocator& a, Args&&... args) {
    auto allocator = recycled_allocator<Op>(a);
    using traits = std::allocator_traits<decltype(allocator)>;
    Op* memory = std::to_address(traits::allocate(allocator, 1));
    struct guard {
        decltype(allocator)& a;
        Op* memory;
        ~guard() {
            if (memory)
                traits::deallocate(a, memory, 1);
        }
    } undo{allocator, memory};
    Op* op = ::new (static_cast<void*>(memory)) Op(std::forward<Args>(args)...);
    undo.memory = nullptr;
    return op;
}

/// Destroys `op` and gives its memory back to `a`, or what equals it.
template <class Op, class Allocator>
void free_in(Op& op, const Allocator& a) {
    auto allocator = recycled_allocator<Op>(a);
    op.~Op();
    std::allocator_traits<decltype(allocator)>::deallocate(allocator, &op, 1);
}

/// Creates an Op in memory for `owner` (a handler, or anything with an associated allocator).
template <class Op, class Owner, class... Args>
[[gnu::always_inline]] inline Op* create_op(const Owner& owner, Args&&... args) {
    return create_in<Op>(net::get_associated_allocator(owner), std::forward<Args>(args)...);
}

/// Destroys `op` and frees its memory. `owner` is what create_op() was given, or what was moved from it.
template <class Op, class Owner>
void free_op(Op& op, const Owner& owner) {
    free_in(op, net::get_associated_allocator(owner));
}

} // namespace detail
AURAIO_CLOSE
