// thread_stack: where another thread of the process is, told by itself in a signal handler.
#pragma once

#include <string>

namespace aura::core {

/// A line for each function, the innermost first; where they cannot be had, a line that says why.
///
/// The signal is the last of the real-time ones that the program does not handle. A thread in a system call that a
/// signal might end or cut short is left alone, and so are one that goes to sleep again and again and one that blocks
/// the signal. One at a time; takes some milliseconds. Not in handlers. Throws bad_alloc.
std::string stack_of(int thread);

} // namespace aura::core
