// storage: naming a storage device, for the settings of its gate.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/core/storage/block_device.hpp"
#include "auraio/detail/config.hpp"
#include "auraio/error.hpp"

#include <string>

AURAIO_OPEN

/// A storage device by its numbers, as stat(2) gives them.
using core::device_id;

/// The device that a file, directory or block device lies on. Blocks as stat(2) does.
inline device_id device_of(const std::string& path, error_code& ec) {
    device_id id;
    ec = detail::to_error_code(core::device_of_path(path.c_str(), id));
    return id;
}
inline device_id device_of(const std::string& path) {
    error_code ec;
    const device_id id = device_of(path, ec);
    detail::throw_if(ec, "device_of");
    return id;
}

AURAIO_CLOSE

#endif
