// cancellation: connects a handler's cancellation slot to the operation started with it.
#pragma once

#include "auraio/core/operation/cancellation.hpp"
#include "auraio/detail/config.hpp"

#include AURAIO_ASIO(associated_cancellation_slot.hpp)
#include AURAIO_ASIO(cancellation_type.hpp)

AURAIO_OPEN
namespace detail {

/// What is put into a slot. Holds the operation's identity, never its address: the slot outlives the
/// operation.
class slot_handler {
public:
    slot_handler(core::cancel_handle&& handle, net::cancellation_type_t accepted) noexcept
        : handle_(std::move(handle))
        , accepted_(accepted) {}

    void operator()(net::cancellation_type_t type) {
        if ((type & accepted_) != net::cancellation_type_t::none)
            handle_.request();
    }

private:
    core::cancel_handle handle_;
    net::cancellation_type_t accepted_;
};

/// To be called before `op` is started, which is gone when this throws.
template <class Handler>
void connect_slot(const Handler& handler, core::cancellable_operation& op, core::shard& home,
                  net::cancellation_type_t accepted) {
    auto slot = net::get_associated_cancellation_slot(handler);
    if (!slot.is_connected())
        return;
    struct gone_unless_connected {
        core::cancellable_operation* op;
        ~gone_unless_connected() {
            if (op)
                op->destroy();
        }
    } undo{&op};
    slot.template emplace<slot_handler>(op.make_cancellable(home), accepted);
    undo.op = nullptr;
}

/// Timers, reads and writes at an offset: a cancelled one has had no effect, whichever way it was asked for.
inline constexpr net::cancellation_type_t every_cancellation =
    static_cast<net::cancellation_type_t>(static_cast<unsigned>(net::cancellation_type_t::terminal) |
                                          static_cast<unsigned>(net::cancellation_type_t::partial) |
                                          static_cast<unsigned>(net::cancellation_type_t::total));

} // namespace detail
AURAIO_CLOSE
