// prometheus: snapshots as text that Prometheus reads.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/core/report/prometheus.hpp"
#include "auraio/detail/config.hpp"

AURAIO_OPEN

using core::prometheus_text;

AURAIO_CLOSE

#endif
