// stock: where there are no rings, namespace aura is Asio under the same names, by its headers alone.
#pragma once

#include "auraio/detail/config.hpp"

// AURAIO_STOCK is for programs that are built elsewhere as well: on systems other than Linux it is set by itself. Every
// public header then stands for all of Asio, and nothing is linked. What exists only on the rings (ring_executor(),
// registered buffers, the context's options and statistics, files where Asio has none) is absent; listen(), which
// programs call from generic code, says why.
#if defined(AURAIO_STOCK)

#include "auraio/namespace.hpp"

#include AURAIO_ASIO_EVERYTHING

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

AURAIO_OPEN

/// The type of executors that programs name: here the context's own.
using executor = net::io_context::executor_type;

namespace detail {
template <class...>
constexpr bool on_rings() {
    return false;
}
} // namespace detail

template <class... Args>
void listen(Args&&...) {
    static_assert(
        detail::on_rings<Args...>(),
        "auraio: listen() makes one acceptor per ring, and AURAIO_STOCK has no rings: use Asio's acceptor");
}

/// As in run_on_each_cpu.hpp, with the processors of the machine; `pin` has no effect.
struct each_cpu_options {
    unsigned threads = 0;
    bool pin = false;
};

inline unsigned usable_cpu_count() noexcept {
    return std::max(std::thread::hardware_concurrency(), 1u);
}

inline std::size_t run_on_each_cpu(net::io_context& ctx, const each_cpu_options& options = {}) {
    const unsigned count = options.threads != 0 ? options.threads : usable_cpu_count();
    std::atomic<std::size_t> handlers{0}; // relaxed: read when all threads have been joined
    std::mutex mutex;
    std::exception_ptr first;
    const auto body = [&] {
        try {
            handlers.fetch_add(ctx.run(), std::memory_order_relaxed);
        } catch (...) {
            const std::lock_guard guard(mutex);
            if (!first)
                first = std::current_exception();
        }
    };
    struct joined {
        std::vector<std::thread> threads;
        ~joined() {
            for (std::thread& t : threads)
                t.join();
        }
    };
    {
        joined all;
        all.threads.reserve(count);
        for (unsigned i = 0; i < count; ++i)
            all.threads.emplace_back(body);
    }
    if (first)
        std::rethrow_exception(first);
    return handlers.load(std::memory_order_relaxed);
}

AURAIO_CLOSE

#endif
