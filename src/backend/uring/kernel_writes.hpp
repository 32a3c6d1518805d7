// kernel_writes: tells Memcheck what the kernel has written into the program's memory.
#pragma once

#include "core/base/valgrind.hpp"

namespace aura::core {
class op_queue;
}

namespace aura::core::uring {

/// Requests that have completed, all io_operations. Memcheck does not know what memory a request names, and
/// would call data that was read uninitialised.
void tell_memcheck(op_queue& done) noexcept;

extern bool memory_is_looked_at; // constant since before the first object of namespace scope was made

inline void tell_of_kernel_writes(op_queue& done) noexcept {
    if (memory_is_looked_at) [[unlikely]]
        tell_memcheck(done);
}

} // namespace aura::core::uring
