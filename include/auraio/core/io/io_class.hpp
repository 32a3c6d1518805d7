// io_class: who goes first where reads and writes wait for a storage device.
#pragma once

#include <cstdint>

namespace aura::core {

/// Whom the reads and writes of a file serve.
enum class io_class : std::uint8_t {
    foreground, ///< somebody who waits
    background  ///< nobody who does (a scrub, a compaction): they yield to foreground ones on the same device
};

} // namespace aura::core
