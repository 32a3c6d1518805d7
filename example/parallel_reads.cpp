// parallel_reads: sums the bytes of a file with sixteen coroutines that read it at once, each its own blocks.
#include <auraio/auraio.hpp>

#include <asio/co_spawn.hpp>
#include <asio/read_at.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iostream>
#include <vector>

namespace net = aura::net;

constexpr std::size_t block = 4096;
constexpr std::uint64_t readers = 16;

net::awaitable<void> sum_blocks(aura::random_access_file& file, std::uint64_t first, std::uint64_t& sum) {
    const std::uint64_t size = file.size();
    std::vector<unsigned char> data(block);
    for (std::uint64_t at = first * block; at < size; at += readers * block) {
        const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(block, size - at));
        co_await net::async_read_at(file, at, net::buffer(data, length), net::use_awaitable);
        for (std::size_t i = 0; i < length; ++i)
            sum += data[i];
    }
}

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: parallel_reads FILE\n";
        return 2;
    }
    try {
        aura::io_context ctx(1);
        aura::random_access_file file(ctx, argv[1], aura::file_base::read_only);
        std::uint64_t sum = 0; // all coroutines run on one ring: no lock, no atomic
        for (std::uint64_t i = 0; i < readers; ++i)
            net::co_spawn(ctx, sum_blocks(file, i, sum), [](std::exception_ptr failure) {
                if (failure)
                    std::rethrow_exception(failure);
            });
        ctx.run();
        std::cout << sum << '\n';
    } catch (const std::exception& failure) {
        std::cerr << failure.what() << '\n';
        return 1;
    }
}
