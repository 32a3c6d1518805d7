// ring_configurations: this kernel's ring set-ups, and the backend without rings, for all integration tests.
#pragma once

#include <auraio/io_context_options.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <ostream>
#include <string>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

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

/// Whether the kernel sets rings up with these flags, for which the library is not asked: what it cannot do and should
/// is not left out. A shortage is no refusal.
inline bool kernel_sets_up_rings(unsigned flags) {
    alignas(8) unsigned parameters[30] = {0, 0, flags}; // io_uring_params: the third number is `flags`
    const long fd = ::syscall(__NR_io_uring_setup, 4, parameters);
    if (fd >= 0)
        ::close(static_cast<int>(fd));
    return fd >= 0 || errno == EMFILE || errno == ENFILE || errno == ENOMEM;
}

/// Those of them that this kernel has. RingConfigurations.AreAllThere tells which are left out.
inline std::vector<ring_configuration> existing(std::vector<ring_configuration> all) {
    static const bool rings = kernel_sets_up_rings(0);
    static const bool deferred =
        kernel_sets_up_rings(1u << 12 | 1u << 13); // SINGLE_ISSUER | DEFER_TASKRUN, Linux 6.1
    std::vector<ring_configuration> some;
    for (const ring_configuration& c : all)
        if (!c.has_rings() || (c.task_work == aura::task_run::deferred ? deferred : rings))
            some.push_back(c);
    return some;
}

inline std::vector<ring_configuration> both(std::vector<ring_configuration> some,
                                            const std::vector<ring_configuration>& more) {
    some.insert(some.end(), more.begin(), more.end());
    return some;
}

/// For tests in which rings change hands.
inline const std::vector<ring_configuration> every_adoptable_one{
    {"cooperative", aura::task_run::cooperative, aura::wake_mechanism::automatic},
    {"cooperative_eventfd", aura::task_run::cooperative, aura::wake_mechanism::event},
    {"immediate", aura::task_run::immediate, aura::wake_mechanism::automatic},
    {"immediate_eventfd", aura::task_run::immediate, aura::wake_mechanism::event},
    {"epoll", aura::task_run::cooperative, aura::wake_mechanism::automatic, aura::backend_kind::epoll},
};
inline const std::vector<ring_configuration> every_deferred_one{
    {"deferred", aura::task_run::deferred, aura::wake_mechanism::automatic},
    {"deferred_eventfd", aura::task_run::deferred, aura::wake_mechanism::event},
};

inline const std::vector<ring_configuration> adoptable_rings = existing(every_adoptable_one);
inline const std::vector<ring_configuration> deferred_rings = existing(every_deferred_one);
/// For tests with a single thread in run().
inline const std::vector<ring_configuration> all_rings = both(adoptable_rings, deferred_rings);

/// Whether who is not the ring's thread can end its requests: IORING_REGISTER_SYNC_CANCEL (24), Linux 6.0.
inline bool kernel_cancels_from_other_threads() {
    alignas(8) unsigned parameters[30] = {};
    const long fd = ::syscall(__NR_io_uring_setup, 4, parameters);
    alignas(8) unsigned nothing[16] = {}; // io_uring_sync_cancel_reg
    const bool known = ::syscall(__NR_io_uring_register, fd, 24, nothing, 1) == 0 || errno != EINVAL;
    ::close(static_cast<int>(fd));
    return known;
}

/// For what has to be so at once when something is closed. Where no other thread can end what is under way, the kernel
/// does when it comes to it: then within seconds.
template <class F>
bool at_once(F is_so) {
    if (is_so())
        return true;
    if (kernel_cancels_from_other_threads())
        return false;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (std::chrono::steady_clock::now() < end) {
        if (is_so())
            return true;
        std::this_thread::yield();
    }
    return false;
}

inline std::string configuration_name(const testing::TestParamInfo<ring_configuration>& info) {
    return info.param.name;
}

} // namespace test
