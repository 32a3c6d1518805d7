// block_memory: blocks of memory as a buffer sequence, and how an operation on them ended.
#pragma once

#include <auraio/auraio.hpp>

#include "support/scratch_file.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <vector>

namespace test {

inline constexpr std::size_t block = 4096, blocks = 16;

/// Some blocks of memory as a buffer sequence.
struct block_memory {
    explicit block_memory(std::size_t count = 4)
        : memory(count * block) {
        for (std::size_t i = 0; i < count; ++i)
            sequence.emplace_back(static_cast<char*>(memory.data()) + i * block, block);
    }
    const char* operator[](std::size_t i) const { return static_cast<const char*>(sequence[i].data()); }
    aligned_buffer memory;
    std::vector<aura::net::mutable_buffer> sequence;
};

/// How an operation ended; has_value() when it has.
struct outcome {
    auto note() {
        return [this](aura::error_code e, std::size_t n = 0) {
            EXPECT_FALSE(over) << "called twice";
            over = true;
            ec = e;
            bytes = n;
        };
    }
    bool over = false;
    aura::error_code ec;
    std::size_t bytes = 0;
};

} // namespace test
