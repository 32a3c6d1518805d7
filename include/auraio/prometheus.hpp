// prometheus: snapshots as text that Prometheus reads.
#pragma once

#include "auraio/core/report/prometheus.hpp"
#include "auraio/detail/config.hpp"

AURAIO_OPEN

using core::prometheus_text;

AURAIO_CLOSE
