// handler_tracking: Asio's handler tracking for our objects and executors, by Asio's own macros, so that a
// custom tracking header is honoured as well. Where tracking is off, everything here expands to nothing.
#pragma once

#include "auraio/core/io/request_table.hpp"
#include "auraio/core/loop/engine.hpp"
#include "auraio/core/stats/handler_kinds.hpp"
#include "auraio/detail/config.hpp"

#include AURAIO_ASIO(detail/handler_tracking.hpp)

#include <cstdint>
#include <poll.h>
#include <type_traits>
#include <utility>

#if defined(AURAIO_TRACKS_HANDLERS)

/// What is there only while handlers are tracked.
#define AURAIO_WHEN_TRACKING(...) __VA_ARGS__

/// The base of an operation that has another one already.
#define AURAIO_ALSO_TRACKED                                                                                  \
    AURAIO_ASIO_MACRO(ALSO_INHERIT_TRACKED_HANDLER), public ::aura::core::handler_of_kind

#define AURAIO_HANDLER_TRACKING_INIT AURAIO_ASIO_MACRO(HANDLER_TRACKING_INIT)
#define AURAIO_HANDLER_CREATION(args) AURAIO_ASIO_MACRO(HANDLER_CREATION)(args)
#define AURAIO_HANDLER_OPERATION(args) AURAIO_ASIO_MACRO(HANDLER_OPERATION)(args)

/// In the function that consumes an operation, before its memory goes. What it declares tells, when it goes
/// out of scope, of a handler that was destroyed or left by an exception. What kind it was is kept for
/// AURAIO_MEASURE_HANDLER, which measures the rest of its block, in that function as well.
#define AURAIO_HANDLER_COMPLETION(args)                                                                      \
    AURAIO_ASIO_MACRO(HANDLER_COMPLETION)(args);                                                             \
    ::aura::core::handler_kind* const kind_of_handler = ::aura::detail::kind_of args
#define AURAIO_MEASURE_HANDLER const ::aura::core::handler_measure time_of_handler(kind_of_handler)
#define AURAIO_HANDLER_INVOCATION_BEGIN(args) AURAIO_ASIO_MACRO(HANDLER_INVOCATION_BEGIN)(args)
#define AURAIO_HANDLER_INVOCATION_END AURAIO_ASIO_MACRO(HANDLER_INVOCATION_END)

/// Declares a stand-in for `done`, a completion, which tells of the call of its handler; it is what
/// AURAIO_TRACKED(done) names. Asio's macros refer to what AURAIO_HANDLER_COMPLETION has declared by a name
/// of its own choice, so that they must stand in the same function.
#define AURAIO_TRACK_CALL(done)                                                                              \
    auto call_##done = [&]<class... Args>(Args... args) {                                                    \
        if constexpr (::aura::detail::tracked_as_they_are<Args...>) {                                        \
            AURAIO_HANDLER_INVOCATION_BEGIN((args...));                                                      \
        } else {                                                                                             \
            [&](const auto& first, const auto&...) {                                                         \
                AURAIO_HANDLER_INVOCATION_BEGIN((first, "..."));                                             \
            }(args...);                                                                                      \
        }                                                                                                    \
        {                                                                                                    \
            AURAIO_MEASURE_HANDLER;                                                                          \
            done.call(std::move(args)...);                                                                   \
        }                                                                                                    \
        AURAIO_HANDLER_INVOCATION_END;                                                                       \
    };                                                                                                       \
    ::aura::detail::tracked_call tracked_##done(call_##done)
#define AURAIO_TRACKED(done) tracked_##done

#else

#define AURAIO_WHEN_TRACKING(...)
#define AURAIO_ALSO_TRACKED
#define AURAIO_HANDLER_TRACKING_INIT static_cast<void>(0)
#define AURAIO_HANDLER_CREATION(args) static_cast<void>(0)
#define AURAIO_HANDLER_OPERATION(args) static_cast<void>(0)
#define AURAIO_HANDLER_COMPLETION(args) static_cast<void>(0)
#define AURAIO_MEASURE_HANDLER static_cast<void>(0)
#define AURAIO_HANDLER_INVOCATION_BEGIN(args) static_cast<void>(0)
#define AURAIO_HANDLER_INVOCATION_END static_cast<void>(0)
#define AURAIO_TRACK_CALL(done) static_cast<void>(0)
#define AURAIO_TRACKED(done) done

#endif

#if defined(AURAIO_TRACKS_HANDLERS)
AURAIO_OPEN
namespace detail {

/// The execution context of an engine that has one. Defined with io_context.
net::execution_context& context_of(core::engine& e);

inline core::handler_kind* kind_of(const core::handler_of_kind& op) noexcept {
    return op.kind();
}

/// What an operation is started on, as Asio names it.
struct tracked_object {
    const char* type;
    const void* address;

    bool is_socket() const noexcept { return type[0] == 's'; }
};

/// The arguments Asio can print: none, a code, and beside it a number of bytes or of a signal.
template <class... Args>
inline constexpr bool tracked_as_they_are = sizeof...(Args) < 2;
template <class Code, class Number>
inline constexpr bool tracked_as_they_are<Code, Number> =
    std::is_same_v<Number, std::size_t> || std::is_same_v<Number, int>;

/// A completion as a Work sees it.
template <class F>
class tracked_call {
public:
    explicit tracked_call(F& f)
        : f_(f) {}

    template <class... Args>
    void call(Args... args) {
        f_(std::move(args)...);
    }

private:
    F& f_;
};

/// What Asio calls the function that started a request. A Work that stands for one function says it itself.
template <class Work>
const char* operation_name(const tracked_object& o, const core::short_request& r) noexcept {
    if constexpr (requires { Work::tracked_name; })
        if (Work::tracked_name)
            return Work::tracked_name;
    if (r.kind == core::request_kind::poll) { // the wait of a transfer of null_buffers
        if ((r.flags & POLLOUT) != 0)
            return o.is_socket() ? "async_send(null_buffers)" : "async_write_some(null_buffers)";
        return o.is_socket() ? "async_receive(null_buffers)" : "async_read_some(null_buffers)";
    }
    return core::row_of(r.kind).asio_function;
}

/// Tells of the creation of an operation, before it is started.
template <class Op>
void track_creation(core::engine& engine, Op& op, const tracked_object& o, int fd, const char* name) {
    op.set_kind(core::handler_kind::find(o.type, name));
    AURAIO_HANDLER_CREATION((context_of(engine), op, o.type, const_cast<void*>(o.address),
                             static_cast<std::uintmax_t>(fd), name));
}

/// Tells of what is done to an object at once: close, cancel, release.
inline void track_operation(core::engine& engine, const tracked_object& o, int fd, const char* name) {
    AURAIO_HANDLER_OPERATION(
        (context_of(engine), o.type, const_cast<void*>(o.address), static_cast<std::uintmax_t>(fd), name));
}

} // namespace detail
AURAIO_CLOSE
#endif
