// lasting_backend: the place for one.
#include "lasting_backend.hpp"

#include "auraio/core/base/observer.hpp"

#include <atomic>

namespace aura::core::uring {

namespace {

// Owned: who exchanges it out of here has it. Acquire and release: what its last user did to it is seen by the next. No
// lock, which a child of fork(2) might find held.
constinit std::atomic<lasting_backend*> kept{nullptr};

// Relaxed: it only counts.
constinit std::atomic<bool> has_ended{false};

std::unique_ptr<lasting_backend> get() noexcept {
    std::unique_ptr<lasting_backend> found(kept.exchange(nullptr, std::memory_order_acq_rel));
    happens_after(&kept);
    return found;
}

/// False, and `b` is as it was: the place is taken.
bool put(std::unique_ptr<lasting_backend>& b) noexcept {
    lasting_backend* nothing = nullptr;
    lasting_backend* const given = b.release();
    happens_before(&kept);
    if (!kept.compare_exchange_strong(nothing, given, std::memory_order_acq_rel, std::memory_order_relaxed)) {
        b.reset(given);
        return false;
    }
    return true;
}

} // namespace

bool lasting_backend::keep(std::unique_ptr<backend>& self) noexcept {
    if (!made_by_.keep_ring || !has_ended.exchange(true, std::memory_order_relaxed) ||
        kept.load(std::memory_order_relaxed) != nullptr || !starts_over())
        return false;
    std::unique_ptr<lasting_backend> mine(static_cast<lasting_backend*>(self.release()));
    if (!put(mine))
        self = std::move(mine);
    return !self;
}

std::unique_ptr<backend> lasting_backend::take(const engine_options& options) noexcept {
    std::unique_ptr<lasting_backend> found = get();
    if (!found || !found->has_its_number() || found->made_by_ != making(options) || !found->answers())
        return nullptr;
    return found;
}

// Without entering it: who forbids io_uring at the end, and ends whoever tries, ends nobody here.
void lasting_backend::drop() noexcept {
    if (const std::unique_ptr<lasting_backend> found = get())
        (void)found->has_its_number();
}

namespace {

/// When the library is unloaded. At the end of a program contexts of static objects may end later, and leave a ring to
/// the kernel.
struct at_the_end {
    ~at_the_end() { lasting_backend::drop(); }
};
[[maybe_unused]] const at_the_end end{};

} // namespace

} // namespace aura::core::uring
