// fork_aware: the list of what has to know, and the handlers the C library calls around fork(2).
#include "auraio/core/base/fork_aware.hpp"

#include "auraio/core/base/engine_error.hpp"
#include "auraio/core/base/spin_lock.hpp"

#include <mutex>
#include <pthread.h>
#include <type_traits>

namespace aura::core {

struct fork_aware::registry {
    // Guards the list, and is held across fork(2): the child gets it whole. One that cannot throw.
    spin_lock lock;
    fork_aware* first = nullptr;

    static registry& instance() noexcept {
        static constinit registry only;
        return only;
    }

    static const int refused; // by pthread_atfork

    static void before() noexcept { instance().lock.lock(); }
    static void in_parent() noexcept { instance().lock.unlock(); }
    static void in_child() noexcept {
        registry& here = instance();
        detail::forks.fetch_add(1, std::memory_order_relaxed);
        for (fork_aware* f = here.first; f; f = f->next_)
            f->sever_(*f);
        here.lock.unlock();
    }
};

// When the library is loaded: a static of a function would have a guard, which a child could inherit while another
// thread of its parent has it.
const int fork_aware::registry::refused = ::pthread_atfork(&before, &in_parent, &in_child);

fork_aware::fork_aware(function sever)
    : sever_(sever) {
    // Static objects of a program may hold engines, which may be destroyed after the list would have been.
    static_assert(std::is_trivially_destructible_v<registry>);
    if (registry::refused != 0)
        throw engine_error(registry::refused, "auraio: pthread_atfork: no memory");
}

fork_aware::~fork_aware() {
    delist();
}

void fork_aware::enlist() noexcept {
    registry& all = registry::instance();
    std::lock_guard guard(all.lock);
    next_ = all.first;
    if (next_)
        next_->previous_ = this;
    all.first = this;
    listed_ = true;
}

void fork_aware::delist() noexcept {
    if (!listed_)
        return;
    registry& all = registry::instance();
    std::lock_guard guard(all.lock);
    (previous_ ? previous_->next_ : all.first) = next_;
    if (next_)
        next_->previous_ = previous_;
    listed_ = false;
}

} // namespace aura::core
