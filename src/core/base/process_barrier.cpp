// process_barrier: membarrier(2).
#include "core/base/process_barrier.hpp"

#include "core/base/first_use.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aura::core {

bool has_process_barrier() noexcept {
    static constinit first_use<bool> registered;
    return registered.get(
        [] { return ::syscall(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0; });
}

bool process_barrier() noexcept {
    return ::syscall(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

} // namespace aura::core
