// wait_op: a wait for a timer, with its handler.
#pragma once

#include "auraio/core/timer/timer.hpp"
#include "auraio/detail/completion.hpp"
#include "auraio/detail/handler_tracking.hpp"
#include "auraio/error.hpp"

AURAIO_OPEN
namespace detail {

template <class Handler, class IoExecutor>
class wait_op final : public core::wait_operation AURAIO_ALSO_TRACKED {
public:
    template <class H>
    wait_op(H&& handler, const IoExecutor& io, const core::shard& home)
        : core::wait_operation(&run)
        , completion_(std::forward<H>(handler), io, home,
                      [this](call_manner m) { set_manner(m.direct, m.leaves); }) {}

    const Handler& handler() const noexcept { return completion_.handler(); }

private:
    static void run(core::operation& base, core::action what) {
        auto& self = static_cast<wait_op&>(base);
        if (core::stays_pending(self, what))
            return;
        AURAIO_HANDLER_COMPLETION((self));
        // The memory goes first: the handler may start the next wait in it.
        const int result = self.result();
        completion<Handler, IoExecutor> done(self.completion_, self.calls_directly());
        free_op(self, done.handler());
        if (what == core::action::complete) {
            AURAIO_TRACK_CALL(done);
            AURAIO_TRACKED(done).call(to_error_code(result));
        }
    }

    kept_completion<Handler, IoExecutor> completion_;
};

} // namespace detail
AURAIO_CLOSE
