// executor_op: a function submitted to an executor, on its way to a shard.
#pragma once

#include "auraio/core/operation.hpp"
#include "auraio/detail/op_memory.hpp"

AURAIO_OPEN
namespace detail {

/// Owns `F` and the allocator its memory came from.
template <class F, class Allocator>
class executor_op final : public core::operation {
    using allocator_type = typename recycled<Allocator, executor_op>::type;
    using traits = std::allocator_traits<allocator_type>;

public:
    template <class G>
    static core::operation& create(G&& f, const Allocator& a) {
        allocator_type allocator = recycled_allocator<executor_op>(a);
        executor_op* memory = std::to_address(traits::allocate(allocator, 1));
        struct guard {
            allocator_type& a;
            executor_op* memory;
            ~guard() {
                if (memory)
                    traits::deallocate(a, memory, 1);
            }
        } undo{allocator, memory};
        auto* op = ::new (static_cast<void*>(memory)) executor_op(std::forward<G>(f), allocator);
        undo.memory = nullptr;
        return *op;
    }

private:
    template <class G>
    executor_op(G&& f, const allocator_type& a)
        : core::operation(&run)
        , function_(std::forward<G>(f))
        , allocator_(a) {}

    static void run(core::operation& base, core::action what) {
        auto& self = static_cast<executor_op&>(base);
        allocator_type allocator(self.allocator_);
        F function(std::move(self.function_));
        self.~executor_op();
        traits::deallocate(allocator, &self, 1);
        if (what == core::action::complete)
            std::move(function)();
    }

    F function_;
    [[no_unique_address]] allocator_type allocator_;
};

} // namespace detail
AURAIO_CLOSE
