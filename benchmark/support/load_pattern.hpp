// The bytes of every message of a load: what comes back is compared with them.
#pragma once

#include "random.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace benchmark {

// A message is a window into random bytes, another one each time: the right bytes of the wrong message, or of
// another connection, are noticed too.
class pattern {
public:
    explicit pattern(std::size_t message_size)
        : bytes_(windows + message_size) {
        random_sequence random;
        for (std::byte& one : bytes_)
            one = static_cast<std::byte>(random.next());
    }

    const std::byte* message(std::size_t client, std::uint64_t sequence) const {
        return bytes_.data() + (client * 4099 + sequence * 67) % windows;
    }

private:
    static constexpr std::size_t windows = 16384;
    std::vector<std::byte> bytes_;
};

} // namespace benchmark
