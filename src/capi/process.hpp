// process: what the C library does around fork(2), beyond what the engine does.
#pragma once

namespace aura::capi {

/// Before the first engine of the process is made: from now on a child inherits no lock of the C library that
/// another thread holds. Throws engine_error when there is no memory to be told of forks.
void watch_forks();

} // namespace aura::capi
