// executor_op: a function submitted to an executor, on its way to a shard.
#pragma once

#include "auraio/core/operation/operation.hpp"
#include "auraio/detail/handler_tracking.hpp"
#include "auraio/detail/op_memory.hpp"

AURAIO_OPEN
namespace detail {

/// Owns `F` and the allocator its memory came from: as the user gave it. It is rebound inside functions only,
/// where this class is complete, as an allocator may look at the size of what it is rebound to.
template <class F, class Allocator>
class executor_op final : public core::operation AURAIO_ALSO_TRACKED {
public:
    template <class G>
    static executor_op& create(G&& f, const Allocator& a) {
        return *create_in<executor_op>(a, std::forward<G>(f), a);
    }

    template <class G>
    executor_op(G&& f, const Allocator& a)
        : core::operation(&run)
        , function_(std::forward<G>(f))
        , allocator_(a) {}

private:
    static void run(core::operation& base, core::action what) {
        auto& self = static_cast<executor_op&>(base);
        AURAIO_HANDLER_COMPLETION((self));
        const Allocator allocator(std::move(self.allocator_));
        F function(std::move(self.function_));
        free_in(self, allocator);
        if (what == core::action::complete) {
            AURAIO_HANDLER_INVOCATION_BEGIN(());
            {
                AURAIO_MEASURE_HANDLER;
                std::move(function)();
            }
            AURAIO_HANDLER_INVOCATION_END;
        }
    }

    F function_;
    [[no_unique_address]] Allocator allocator_;
};

} // namespace detail
AURAIO_CLOSE
