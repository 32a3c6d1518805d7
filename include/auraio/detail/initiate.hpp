// initiate: what initiating functions share: the object that Asio is given to start an operation with, and the
// type that comes back.
#pragma once

#include "auraio/detail/cancellation.hpp"
#include "auraio/detail/wait_op.hpp"

#include AURAIO_ASIO(async_result.hpp)
#include AURAIO_ASIO(execution/executor.hpp)
#include AURAIO_ASIO(execution_context.hpp)
#include AURAIO_ASIO(is_executor.hpp)

#include <memory>
#include <type_traits>
#include <utility>

AURAIO_OPEN
namespace detail {

/// What functions take to say where: an executor, or a context in its place.
template <class T>
concept any_executor = net::execution::is_executor<T>::value || net::is_executor<T>::value;
template <class T>
concept any_context = std::is_convertible_v<T&, net::execution_context&>;

/// The same for a template's parameter, `is_any_executor<E> = 0`, of initiating functions: Clang looks at a
/// result's type before it looks at constraints, and with a wrong type that may be an error, no answer.
template <class T>
using is_any_executor = std::enable_if_t<any_executor<T>, int>;
template <class T>
using is_any_context = std::enable_if_t<any_context<T>, int>;

/// An execution context whose executor an object on Executor can be built from.
template <class Context, class Executor>
concept context_for = std::is_convertible_v<Context&, net::execution_context&> &&
                      std::is_constructible_v<Executor, typename Context::executor_type>;

/// The shard an executor leads to: directly, or through Asio's wrappers around ours.
template <ring_executor E>
core::shard& shard_for(const E& e) {
    return placement(e.query(ring_t{})).choose();
}
/// The same for an object that is spread when threads have come.
template <ring_executor E>
core::home_choice home_for(const E& e) {
    return placement(e.query(ring_t{})).choose_home();
}

/// Checks at compile time what Asio checks of a handler, with its words.
template <class Handler, class... Args>
constexpr void check_handler() {
    static_assert(std::is_invocable_v<std::decay_t<Handler>&, Args...> ||
                      std::is_invocable_v<std::decay_t<Handler>, Args...>,
                  "the completion handler cannot be called with the operation's completion signature");
}

/// What an initiating function hands to Asio, which calls it once the token has become a handler; a token that
/// keeps it (deferred, a sender) does so later or never, and the object must be there then. `Pointer` leads to
/// the object. `Start` has no state; its call, with the object, the handler and the function's arguments, starts
/// the operation.
template <class Pointer, class Signature, class Start>
class initiation;
template <class Pointer, class... Results, class Start>
class initiation<Pointer, void(Results...), Start> {
public:
    using pointer = Pointer;
    using signature = void(Results...);
    using executor_type = typename std::pointer_traits<Pointer>::element_type::executor_type;

    explicit initiation(const Pointer& p)
        : object_(p) {}
    decltype(auto) get_executor() const noexcept { return (*object_).get_executor(); }

    // Inline always, as what it calls down to the operation's constructor: each has one caller, and GCC at -O2
    // passes what it has in registers through memory else, which is 25 instructions for each read.
    template <class Handler, class... Args>
    [[gnu::always_inline]] void operator()(Handler&& handler, Args&&... args) const {
        check_handler<Handler, Results...>();
        Start{}(*object_, std::forward<Handler>(handler), std::forward<Args>(args)...);
    }

private:
    Pointer object_;
};

/// How an argument of an initiating function is passed on. Tokens may keep arguments (deferred does), and then
/// their types, references included, are part of the result's: this is the one rule for declaring and passing.
/// What is an rvalue and worth it is moved, everything else is a constant lvalue.
template <class T>
using passed = std::conditional_t<std::is_lvalue_reference_v<T> ||
                                      std::is_trivially_copyable_v<std::remove_reference_t<T>>,
                                  const std::remove_reference_t<T>&, std::remove_reference_t<T>&&>;

/// The result of an initiating function, with an Initiation, a token and arguments of these types. Where the
/// token does not fit the signature there is none, which is an answer in a `requires` expression.
template <class Initiation, class Token, class... Args>
using initiated = decltype(net::async_initiate<Token, typename Initiation::signature>(
    std::declval<Initiation>(), std::declval<std::remove_reference_t<Token>&>(),
    std::declval<passed<Args>>()...));

/// The body of an initiating function. Token is told, not found out: only so does an lvalue stay one.
template <class Initiation, class Token, class... Args>
decltype(auto) initiate(const typename Initiation::pointer& object, std::remove_reference_t<Token>& token,
                        Args&&... args) {
    return net::async_initiate<Token, typename Initiation::signature>(Initiation(object), token,
                                                                      static_cast<passed<Args>>(args)...);
}

} // namespace detail
AURAIO_CLOSE
