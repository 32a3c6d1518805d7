// process_barrier: a full fence in all threads of the process, which costs them nothing otherwise; see membarrier(2).
#pragma once

namespace aura::core {

/// Whether it is to be had: asked once, and before the first.
bool has_process_barrier() noexcept;

/// False: refused, by a filter that came later, or for want of memory.
[[nodiscard]] bool process_barrier() noexcept;

} // namespace aura::core
