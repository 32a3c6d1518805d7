// size_classes: the sizes in which buffers come.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace aura::core {

/// Whole pages, two sizes for every doubling: 4, 8, 12, 16, 24, 32, 48, ... 768, 1024 KiB. A buffer is less
/// than half larger than what was asked for (from 4 KiB on), and what is never touched has no memory behind
/// it.
struct size_classes {
    static constexpr std::size_t alignment = 4096; // what O_DIRECT needs at most on today's devices
    static constexpr std::size_t count = 16;
    static constexpr std::size_t largest = 256 * alignment;

    /// The smallest class that holds `size` bytes. Precondition: size <= largest.
    static constexpr std::size_t class_of(std::size_t size) noexcept {
        const std::size_t pages = size <= alignment ? 1 : (size + alignment - 1) / alignment;
        if (pages <= 2)
            return pages - 1;
        // pages lies in (2^(e-1), 2^e]; the class below 2^e is 3/4 of it.
        // (Not bit_width(), whose type is not that of the standard in every library.)
        const auto e = static_cast<unsigned>(64 - std::countl_zero(std::uint64_t{pages - 1}));
        return 2 * e - (pages <= (std::size_t{3} << (e - 2)) ? 2 : 1);
    }

    static constexpr std::size_t size_of(std::size_t size_class) noexcept {
        if (size_class == 0)
            return alignment;
        const std::size_t half = size_class / 2;
        const std::size_t pages = size_class % 2 ? std::size_t{2} << half : std::size_t{3} << (half - 1);
        return pages * alignment;
    }
};
static_assert(size_classes::size_of(size_classes::count - 1) == size_classes::largest);
static_assert(size_classes::class_of(size_classes::largest) == size_classes::count - 1);

} // namespace aura::core
