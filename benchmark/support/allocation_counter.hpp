// Counts calls of malloc and its relatives by the whole process. Not operator new: Asio's handler memory
// comes from aligned_alloc.
#pragma once

#include <cstdint>

namespace benchmark {

std::uint64_t allocation_count();

// Before and after fork(): the child's allocations are then what allocation_count() tells in both processes,
// and this one's are no longer counted.
void share_allocation_count();
void leave_allocation_count();

} // namespace benchmark
