// serve_statistics: what a context does, for auraio-top, scripts and Prometheus to look at while it runs.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/core/report/statistics_server.hpp"
#include "auraio/error.hpp"
#include "auraio/io_context.hpp"

#include <string>

AURAIO_OPEN

/// See there.
using core::statistics_options;
using core::statistics_server;

/// Serves the statistics of `ctx` on a UNIX socket at `path`, which only this user may open, until what is returned is
/// destroyed: before the context. Throws system_error.
///
///     aura::io_context ctx;
///     const auto statistics = aura::serve_statistics(ctx, "/run/user/1000/server.stats");
[[nodiscard]] inline statistics_server serve_statistics(io_context& ctx, const std::string& path,
                                                        const statistics_options& options = {}) {
    try {
        return statistics_server([&ctx] { return ctx.stats(); }, path, options);
    } catch (const core::engine_error& e) {
        detail::rethrow(e);
    }
}

AURAIO_CLOSE

#endif
