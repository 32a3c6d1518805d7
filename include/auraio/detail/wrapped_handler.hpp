// wrapped_handler: what wrap() returns: calls its handler by way of an executor.
#pragma once

#include "auraio/detail/completion.hpp"

#include AURAIO_ASIO(associated_cancellation_slot.hpp)

AURAIO_OPEN
namespace detail {

/// Called, it dispatches the handler with copies of the arguments; given to an operation, the executor is the
/// handler's, for all steps of composed ones.
template <class Executor, class Handler>
class wrapped_handler {
public:
    using result_type = void;
    using executor_type = Executor;
    using allocator_type = net::associated_allocator_t<Handler>;
    using cancellation_slot_type = net::associated_cancellation_slot_t<Handler>;

    wrapped_handler(const Executor& e, Handler&& handler)
        : executor_(e)
        , handler_(std::move(handler)) {}

    executor_type get_executor() const noexcept { return executor_; }
    allocator_type get_allocator() const noexcept { return net::get_associated_allocator(handler_); }
    cancellation_slot_type get_cancellation_slot() const noexcept {
        return net::get_associated_cancellation_slot(handler_);
    }

    template <class... Args>
    void operator()(Args&&... args) const& {
        call(Handler(handler_), std::forward<Args>(args)...);
    }
    template <class... Args>
    void operator()(Args&&... args) && {
        call(std::move(handler_), std::forward<Args>(args)...);
    }

private:
    template <class... Args>
    void call(Handler&& handler, Args&&... args) const {
        net::dispatch(executor_, bound_handler<Handler, std::decay_t<Args>...>(std::move(handler),
                                                                               std::forward<Args>(args)...));
    }

    Executor executor_;
    Handler handler_;
};

} // namespace detail
AURAIO_CLOSE
