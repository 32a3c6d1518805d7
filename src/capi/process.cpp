// process: what the C library calls around fork(2).
#include "process.hpp"

#include "engine.hpp"

#include <pthread.h>

namespace aura::capi {

namespace {

void before_fork() noexcept {
    request_store::instance().before_fork();
}
void after_fork_in_parent() noexcept {
    request_store::instance().after_fork();
}
void after_fork_in_child() noexcept {
    request_store::instance().after_fork();
}

} // namespace

void watch_forks() {
    static const int refused = ::pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child);
    if (refused != 0)
        throw core::engine_error(refused, "auraio: pthread_atfork: no memory");
}

} // namespace aura::capi
