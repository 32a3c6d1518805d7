// thread_memory: makes Asio recycle handler and coroutine memory in threads that are inside aura's run().
#pragma once

#include "auraio/detail/config.hpp"

// Asio keeps freed handler memory and coroutine frames per thread, but only while one of its own contexts is
// on the thread's call stack. These few lines, which use names of asio::detail that have not changed
// from 1.22 to 1.38, put ours there. Define AURA_NO_ASIO_DETAIL to do without: everything works, and
// allocates more.
#if !defined(AURA_NO_ASIO_DETAIL)
#include AURAIO_ASIO(detail/thread_context.hpp)
#include AURAIO_ASIO(detail/thread_info_base.hpp)
#endif

AURAIO_OPEN
namespace detail {

#if !defined(AURA_NO_ASIO_DETAIL)
/// Lives on the stack for as long as the thread is in run().
class thread_memory {
    struct key : net::detail::thread_context {
        using stack = thread_call_stack;
    };

public:
    thread_memory()
        : context_(&the_key(), info_) {}

private:
    static key& the_key() {
        static key k;
        return k;
    }

    net::detail::thread_info_base info_;
    key::stack::context context_;
};
#else
class thread_memory {
public:
    thread_memory() {}
};
#endif

} // namespace detail
AURAIO_CLOSE
