// io_context_options: what can be chosen about an io_context.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/core/loop/engine_options.hpp"
#include "auraio/detail/config.hpp"

AURAIO_OPEN

/// Every field is documented at core::engine_options: concurrency hint, queue sizes, backend, task work,
/// wakes.
using io_context_options = core::engine_options;
using core::backend_kind;
using core::task_run;
using core::wake_mechanism;

using core::options_from_environment;

AURAIO_CLOSE

#endif
