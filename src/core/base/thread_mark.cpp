// thread_mark: what an entry does that has been asked to wait.
#include "core/base/thread_mark.hpp"

#include <mutex>

namespace aura::core {

bool thread_mark::settle() noexcept {
    if (!lock_)
        return decision();
    std::lock_guard guard(*lock_);
    return decision();
}

void thread_mark::recover() noexcept {
    std::lock_guard guard(*lock_);
    refuse();
}

} // namespace aura::core
