// log: who hears what the library has to say.
#pragma once

#include "auraio/core/base/log.hpp"
#include "auraio/detail/config.hpp"

AURAIO_OPEN

using core::log_handler;
using core::log_level;
using core::set_log_handler;

AURAIO_CLOSE
