// io_context_strand: aura::io_context::strand, the name that strands had before asio::strand.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/io_context.hpp"

#if defined(AURAIO_HAS_TS_EXECUTORS)

AURAIO_OPEN

/// The strand that make_strand(ctx) gives, with the members that asio::io_context::strand has beyond it.
class io_context::strand : public net::strand<executor> {
    using base = net::strand<executor>;

public:
    explicit strand(io_context& ctx)
        : base(make_strand(ctx)) {}

    io_context& context() const noexcept { return get_inner_executor().query(net::execution::context); }

    using base::dispatch;
    using base::post;
#if defined(AURAIO_HAS_DEPRECATED)
    io_context& get_io_context() const noexcept { return context(); }
    io_context& get_io_service() const noexcept { return context(); }

    template <class F>
    auto dispatch(F&& f) {
        return net::dispatch(static_cast<const base&>(*this), std::forward<F>(f));
    }
    template <class F>
    auto post(F&& f) {
        return net::post(static_cast<const base&>(*this), std::forward<F>(f));
    }

    /// A function object that dispatches `handler` on the strand.
    template <class Handler>
    auto wrap(Handler handler) {
        return detail::wrapped_handler<base, Handler>(*this, std::move(handler));
    }
#endif
};

AURAIO_CLOSE
#endif

#endif
