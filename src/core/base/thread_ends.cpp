// thread_ends: counted by a thread-local object's destructor, which runs before the kernel hears of the end.
#include "core/base/thread_ends.hpp"

#include <atomic>

namespace aura::core {

namespace {

// Release and acquire: who sees a request cancelled for a thread's end has got that from the kernel, which
// has let the thread end after this was counted; so it sees the count.
std::atomic<std::uint16_t> ended{0};

thread_local constinit bool this_one_has_ended = false; // trivial: readable until the thread is no more

struct end_of_thread {
    ~end_of_thread() {
        this_one_has_ended = true;
        ended.fetch_add(1, std::memory_order_release);
    }
    bool known = false;
};

} // namespace

void submits_from_now_on() noexcept {
    if (this_one_has_ended)
        return; // it has been counted
    static thread_local end_of_thread mark;
    mark.known = true;
}

std::uint16_t ended_submitters() noexcept {
    return ended.load(std::memory_order_acquire);
}

std::uint16_t ended_before_this_thread() noexcept {
    const std::uint16_t count = ended_submitters();
    return this_one_has_ended ? static_cast<std::uint16_t>(count - 1) : count;
}

} // namespace aura::core
