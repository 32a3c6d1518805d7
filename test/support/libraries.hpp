// libraries: the two that one test body runs on, plain Asio and ours, as the type parameters of typed tests.
#pragma once

#include "support/flavour.hpp"

#include <gtest/gtest.h>

#include <string>

namespace test {

/// The model: whatever a test says must be true of it first.
struct plain_asio {
    static constexpr const char* name = "asio";
    using context = net::io_context;
    using executor = net::io_context::executor_type;
    using steady_timer = net::steady_timer;
    using system_timer = net::system_timer;
    using high_resolution_timer = net::high_resolution_timer;
    template <class Clock, class Traits = net::wait_traits<Clock>>
    using waitable_timer = net::basic_waitable_timer<Clock, Traits, executor>;
};

#if AURAIO_TEST_HAS_AURA
struct this_library {
    static constexpr const char* name = "aura";
    using context = ::aura::io_context;
    using executor = ::aura::executor;
    using steady_timer = ::aura::steady_timer;
    using system_timer = ::aura::system_timer;
    using high_resolution_timer = ::aura::high_resolution_timer;
    template <class Clock, class Traits = net::wait_traits<Clock>>
    using waitable_timer = net::basic_waitable_timer<Clock, Traits, executor>;
};
using libraries = testing::Types<plain_asio, this_library>;
#else
using libraries = testing::Types<plain_asio>;
#endif

/// For TYPED_TEST_SUITE: cases are called Suite/asio.Case and Suite/aura.Case.
struct library_names {
    template <class Library>
    static std::string GetName(int) {
        return Library::name;
    }
};

} // namespace test
