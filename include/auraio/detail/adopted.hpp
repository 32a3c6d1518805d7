// adopted: an object over any_io_executor that is native where its executor leads to a ring, and Asio's own
// elsewhere.
#pragma once

#include "auraio/any_io_executor.hpp"
#include "auraio/io_context.hpp"

#include <concepts>
#include <type_traits>
#include <utility>
#include <variant>

AURAIO_OPEN
namespace detail {

/// The executor of Asio's own implementation in adopt mode: being of another type, it selects the primary
/// template.
class stock_executor : public net::any_io_executor {
public:
    stock_executor() noexcept = default;
    stock_executor(const net::any_io_executor& e) noexcept
        : net::any_io_executor(e) {}
    template <class E>
        requires(!std::derived_from<E, net::any_io_executor> &&
                 std::constructible_from<net::any_io_executor, E>)
    stock_executor(E e)
        : net::any_io_executor(std::move(e)) {}
};

/// What an adopted object holds. Asked at construction once; costs a test of an index per operation.
template <class Native, class Stock>
class adopted {
    using variant = std::variant<Native, Stock>;

public:
    using native_type = Native;
    using stock_type = Stock;

    /// Builds the one that `e` calls for, from `e` and the other arguments.
    template <class... Args>
    explicit adopted(const net::any_io_executor& e, Args&&... args)
        : object_(make(e, std::forward<Args>(args)...)) {}

    /// From one that exists already.
    explicit adopted(std::in_place_t, Native&& n)
        : object_(std::in_place_index<0>, std::move(n)) {}
    explicit adopted(std::in_place_t, Stock&& s)
        : object_(std::in_place_index<1>, std::move(s)) {}
    /// From what another type of adopted objects holds, where these convert.
    template <class OtherNative, class OtherStock>
    explicit adopted(std::in_place_t, adopted<OtherNative, OtherStock>&& other)
        : object_(other.on([]<class Object>(Object& o) -> variant {
            constexpr auto index = std::is_same_v<Object, OtherNative> ? 0 : 1;
            return variant(std::in_place_index<index>, std::move(o));
        })) {}

    bool is_native() const noexcept { return object_.index() == 0; }

    template <class F>
    decltype(auto) on(F&& f) {
        if (auto* n = std::get_if<0>(&object_)) [[likely]]
            return f(*n);
        return f(*std::get_if<1>(&object_));
    }
    template <class F>
    decltype(auto) on(F&& f) const {
        if (const auto* n = std::get_if<0>(&object_)) [[likely]]
            return f(*n);
        return f(*std::get_if<1>(&object_));
    }

private:
    template <class... Args>
    static variant make(const net::any_io_executor& e, Args&&... args) {
        if (find_placement(e))
            return variant(std::in_place_index<0>, any_io_executor(e), std::forward<Args>(args)...);
        return variant(std::in_place_index<1>, stock_executor(e), std::forward<Args>(args)...);
    }

    variant object_;
};

/// Of an object that an adopted one can be made of: its type tells what is inside.
template <class Executor>
concept adoptable_executor =
    std::is_convertible_v<Executor, net::any_io_executor> && !std::is_same_v<Executor, net::any_io_executor>;

/// Whether a socket or acceptor with these becomes an adopted one of `Protocol`: typed ones do, and adopted
/// ones of another protocol.
template <class OtherProtocol, class OtherExecutor, class Protocol>
concept becomes_adopted =
    std::is_convertible_v<OtherProtocol, Protocol> &&
    (adoptable_executor<OtherExecutor> ||
     (std::is_same_v<OtherExecutor, net::any_io_executor> && !std::is_same_v<OtherProtocol, Protocol>));

/// What an adopted object, `Adopted`, holds when it is made of `other`, an object of the same template.
template <class Adopted, class Other>
auto adopt(Other&& other) {
    using executor = typename Other::executor_type;
    if constexpr (std::is_same_v<executor, net::any_io_executor>)
        return std::move(other.impl_);
    else if constexpr (ring_executor<executor>)
        return typename Adopted::native_type(std::move(other));
    else
        return typename Adopted::stock_type(std::move(other));
}

/// In an initiation: hands the handler to whichever object there is. `Start` is called with that.
template <class Start>
struct start_on_either {
    template <class Object, class Handler, class... Args>
    void operator()(Object& self, Handler&& handler, const Args&... args) const {
        self.impl_.on([&](auto& object) { Start{}(object, std::forward<Handler>(handler), args...); });
    }
};
template <class Object, class Signature, class Start>
using adopted_initiation = initiation<Object*, Signature, start_on_either<Start>>;

/// The async_wait() of every object: of timers and signal sets without an argument.
struct start_either_wait {
    template <class Object, class Handler, class... What>
    void operator()(Object& object, Handler&& handler, const What&... what) const {
        object.async_wait(what..., std::forward<Handler>(handler));
    }
};

/// A socket type, Asio's alias for a protocol, with another executor. The type may be incomplete.
template <class Socket, class Executor>
struct with_executor;
template <template <class, class> class Template, class Protocol, class OldExecutor, class Executor>
struct with_executor<Template<Protocol, OldExecutor>, Executor> {
    using type = Template<Protocol, Executor>;
};

} // namespace detail
AURAIO_CLOSE
