// ring_configurations: the ring set-ups, and the backend without rings, that every integration test runs under.
#pragma once

#include <auraio/io_context_options.hpp>

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace test {

/// As a program that asks for rings by name: nothing else is taken instead. For what io_uring alone limits or needs,
/// whichever backend the tests are run on.
inline aura::io_context_options on_rings() {
    aura::io_context_options options;
    options.backend = aura::backend_kind::uring;
    return options;
}

struct ring_configuration {
    const char* name;
    aura::task_run task_work;
    aura::wake_mechanism wake;
    aura::backend_kind backend = aura::backend_kind::uring;

    aura::io_context_options options() const {
        aura::io_context_options o;
        o.task_work = task_work;
        o.wake = wake;
        o.backend = backend;
        return o;
    }
    /// For what is said of io_uring alone; to be asked before GTEST_SKIP().
    bool has_rings() const { return backend == aura::backend_kind::uring; }

    friend std::ostream& operator<<(std::ostream& out, const ring_configuration& c) { return out << c.name; }
};

/// For tests in which rings change hands.
inline const ring_configuration adoptable_rings[] = {
    {"cooperative", aura::task_run::cooperative, aura::wake_mechanism::automatic},
    {"cooperative_eventfd", aura::task_run::cooperative, aura::wake_mechanism::event},
    {"immediate", aura::task_run::immediate, aura::wake_mechanism::automatic},
    {"immediate_eventfd", aura::task_run::immediate, aura::wake_mechanism::event},
    {"epoll", aura::task_run::cooperative, aura::wake_mechanism::automatic, aura::backend_kind::epoll},
};

/// For tests with a single thread in run().
inline const ring_configuration all_rings[] = {
    adoptable_rings[0],
    adoptable_rings[1],
    adoptable_rings[2],
    adoptable_rings[3],
    {"deferred", aura::task_run::deferred, aura::wake_mechanism::automatic},
    {"deferred_eventfd", aura::task_run::deferred, aura::wake_mechanism::event},
    adoptable_rings[4],
};

inline std::string configuration_name(const testing::TestParamInfo<ring_configuration>& info) {
    return info.param.name;
}

} // namespace test
