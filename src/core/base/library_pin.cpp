// library_pin: one more reference to what the loader has.
#include "core/base/library_pin.hpp"

#include <atomic>
#include <dlfcn.h>

namespace aura::core {

void pin_library() noexcept {
    static constinit std::atomic<bool> pinned{false};
    if (pinned.load(std::memory_order_acquire)) // of the release below: the reference is there
        return;
    Dl_info where{};
    if (::dladdr(reinterpret_cast<void*>(&pin_library), &where) != 0 && where.dli_fname)
        (void)::dlopen(where.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE);
    pinned.store(true, std::memory_order_release);
}

} // namespace aura::core
