// stall_report: after how long handlers that do not return are reported to the log handler, with their stacks.
#pragma once

#include "auraio/core/base/stall_limit.hpp"
#include "auraio/detail/config.hpp"

AURAIO_OPEN

using core::set_stall_report;
using core::stall_report_after;

AURAIO_CLOSE
