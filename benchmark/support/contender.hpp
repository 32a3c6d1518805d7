// The two libraries under one name: the same source is compiled on aura::io_context and on asio::io_context.
//
// `io` has what differs (io_context, timers, files), `net` is Asio in both: standalone, or Boost's.
#pragma once

#if defined(BENCHMARK_BOOST)
#include <boost/asio.hpp>
#else
#include <asio.hpp>
#endif

#if defined(BENCHMARK_AURAIO)

#include <auraio/auraio.hpp>

namespace io = aura;
namespace net = aura::net;

namespace benchmark {
inline constexpr const char* library = "auraio";
using aura::error_code;
} // namespace benchmark

#else

#if defined(BENCHMARK_BOOST)
namespace io = boost::asio;
namespace net = boost::asio;
#else
namespace io = asio;
namespace net = asio;
#endif

namespace benchmark {
inline constexpr const char* library = "asio";
#if defined(BENCHMARK_BOOST)
using boost::system::error_code;
#else
using asio::error_code;
#endif
} // namespace benchmark

#endif

#include "arguments.hpp"
#include "failure.hpp"

#include <memory>
#include <string>

namespace benchmark {

using io_executor = io::io_context::executor_type;

#if defined(BENCHMARK_BOOST)
inline constexpr int unsafe_hint = BOOST_ASIO_CONCURRENCY_HINT_UNSAFE;
#else
inline constexpr int unsafe_hint = ASIO_CONCURRENCY_HINT_UNSAFE;
#endif

// Argument hint: the concurrency hint given to the constructor, or "none" for the default constructor.
inline std::unique_ptr<io::io_context> make_context(const std::string& hint) {
    if (hint == "1")
        return std::make_unique<io::io_context>(1);
    if (hint == "none")
        return std::make_unique<io::io_context>();
    if (hint == "unsafe")
        return std::make_unique<io::io_context>(unsafe_hint);
    fail("hint is 1, none or unsafe");
}

inline std::unique_ptr<io::io_context> make_context(arguments& args) {
    return make_context(args.text("hint", "1"));
}

} // namespace benchmark
