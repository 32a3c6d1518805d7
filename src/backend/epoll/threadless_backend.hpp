// threadless_backend: a backend to which it is all the same which thread calls it, one at a time.
#pragma once

#include "auraio/core/io/backend.hpp"

namespace aura::core::epoll {

/// Nothing here is a thread's: what waits, waits in the set.
class threadless_backend : public backend {
public:
    void attach_thread() override {}
    void detach_thread() override {}
    void attach_visitor() noexcept override {}
    bool obeys_this_thread() const noexcept override { return true; }
    bool is_only_submitter() const noexcept override { return true; }
    bool holds_files() const noexcept override { return false; }
    void quiesce() override {}
};

} // namespace aura::core::epoll
