// fork_aware: the list of what has to know, and the handlers the C library calls around fork(2).
#include "auraio/core/fork_aware.hpp"

#include "auraio/core/engine.hpp"

#include <mutex>
#include <pthread.h>

namespace aura::core {

/// Never destroyed: static objects of a program may hold engines.
struct fork_aware::registry {
    std::mutex mutex; // guards the list, and is held across fork(2): the child gets it whole
    fork_aware* first = nullptr;

    static registry& instance() {
        alignas(registry) static unsigned char place[sizeof(registry)];
        static registry& only = *::new (static_cast<void*>(place)) registry;
        static const int refused = ::pthread_atfork(&before, &in_parent, &in_child);
        if (refused != 0)
            throw engine_error(refused, "auraio: pthread_atfork: no memory");
        return only;
    }

    static void before() noexcept { instance().mutex.lock(); }
    static void in_parent() noexcept { instance().mutex.unlock(); }
    static void in_child() noexcept {
        registry& here = instance();
        detail::forks.fetch_add(1, std::memory_order_relaxed);
        for (fork_aware* f = here.first; f; f = f->next_)
            f->sever_(*f);
        here.mutex.unlock();
    }
};

fork_aware::fork_aware(function sever)
    : sever_(sever) {
    registry& all = registry::instance();
    std::lock_guard guard(all.mutex);
    next_ = all.first;
    if (next_)
        next_->previous_ = this;
    all.first = this;
}

fork_aware::~fork_aware() {
    registry& all = registry::instance();
    std::lock_guard guard(all.mutex);
    (previous_ ? previous_->next_ : all.first) = next_;
    if (next_)
        next_->previous_ = previous_;
}

} // namespace aura::core
