// library_pin: the library's code stays where it is.
#pragma once

namespace aura::core {

/// The code of a thread must stay where it is. A library that was loaded by dlopen(3) is kept, by one more reference to
/// it: to be called before a thread is made that nobody joins. Not under a lock, and with no guard of a static: a
/// thread inside dlopen(3), which has the loader's lock, may want them, as what it loads may make a context or fork.
/// Doing it twice does no harm, and is one load from the second time on.
void pin_library() noexcept;

} // namespace aura::core
