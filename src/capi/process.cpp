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

const int fork_handlers_refused = ::pthread_atfork(&before_fork, &after_fork_in_parent, &after_fork_in_child);

} // namespace

void watch_forks() {
    if (fork_handlers_refused != 0)
        throw core::engine_error(fork_handlers_refused, "auraio: pthread_atfork: no memory");
}

} // namespace aura::capi
