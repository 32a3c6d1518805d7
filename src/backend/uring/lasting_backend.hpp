// lasting_backend: one that the end of its context may leave to the next.
#pragma once

#include "auraio/core/io/backend.hpp"
#include "auraio/core/loop/engine_options.hpp"

#include <memory>

namespace aura::core::uring {

/// Setting up a ring, mapping it and giving it back is more than half of what a context costs that does little and
/// ends. So a process that makes one context after the other keeps one ring between them: from the end of the second
/// that has had one, for the next if it asks for the same. It costs a descriptor and the ring's memory. Who asks for
/// another finds none: no ring is made, perhaps with the last descriptor, while one is kept.
class lasting_backend : public backend {
public:
    explicit lasting_backend(const engine_options& options) noexcept
        : made_by_(options) {}

    bool keep(std::unique_ptr<backend>& self) noexcept final;

    /// What was kept, if it was made by the same options and can be used; else it is given up, and null. Any
    /// thread.
    static std::unique_ptr<backend> take(const engine_options& options) noexcept;

    /// Gives up what is kept. Any thread.
    static void drop() noexcept;

protected:
    /// After quiesce(): whether it is as if it had just been made.
    virtual bool starts_over() noexcept = 0;

    /// Whether it is this process's, and not closed by it. Asked before it is used, and before it is destroyed:
    /// programs may have closed numbers that they do not know of, and got them again for files of their own.
    virtual bool has_its_number() noexcept = 0;

    /// Whether it can be used by what is allowed in this process now.
    virtual bool answers() noexcept = 0;

private:
    /// All that a ring and what belongs to it are made by.
    struct making {
        explicit making(const engine_options& o) noexcept
            : sq_entries(o.sq_entries)
            , cq_entries(o.cq_entries)
            , pool_threads(o.pool_threads)
            , worker_limit(o.worker_limit)
            , task_work(o.task_work)
            , wake(o.wake)
            , restrict_rings(o.restrict_rings)
            , keep_ring(o.keep_ring) {}
        bool operator==(const making&) const noexcept = default;

        unsigned sq_entries, cq_entries, pool_threads, worker_limit;
        task_run task_work;
        wake_mechanism wake;
        bool restrict_rings, keep_ring;
    };

    const making made_by_;
};

} // namespace aura::core::uring
