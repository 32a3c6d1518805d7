// cancellation: how a signal that may come at any time, from any thread, finds an operation that may be gone.
#pragma once

#include "auraio/core/operation/operation.hpp"

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace aura::core {

class shard;
class cancellable_operation;

/// The identity of one pending operation, shared by it and by the cancellation slot that outlives it.
///
/// A slot must not hold the operation's address: the address is recycled, and the next operation living there
/// would be cancelled in its place. It holds this cell instead. `op` is read and written only by the thread
/// that drives the shard; it is null once the operation has completed. Only operations with a connected slot
/// have a cell.
///
/// It is also the message that carries a signal to the shard: cancelling allocates nothing.
struct cancel_cell final : operation {
    explicit cancel_cell(shard& s, cancellable_operation& o) noexcept
        : operation(&run)
        , home(&s)
        , op(&o) {
        set_message(true);
    }

    shard* const home;
    cancellable_operation* op;
    // Two holders at the start (operation and slot), one more for each signal on its way between threads.
    // acq_rel on the last release orders every other holder's use of the cell before its deletion.
    std::atomic<std::uint32_t> references{2};
    std::atomic<bool> on_its_way{false}; // has been sent, which once is enough: the shard does the rest

    // Recycled per thread: operations with a connected slot allocate nothing in steady state.
    static void* operator new(std::size_t size);
    static void operator delete(void* memory) noexcept;

    void release() noexcept {
        if (references.fetch_sub(1, std::memory_order_acq_rel) == 1)
            end();
    }

private:
    static void run(operation& base, action what);
    void end() noexcept;
};

/// What a cancellation slot holds: requests cancellation of the operation, if it is still pending.
class cancel_handle {
public:
    explicit cancel_handle(cancel_cell& cell) noexcept
        : cell_(&cell) {}
    cancel_handle(cancel_handle&& other) noexcept
        : cell_(std::exchange(other.cell_, nullptr)) {}
    cancel_handle& operator=(cancel_handle&&) = delete;
    ~cancel_handle() {
        if (cell_)
            cell_->release();
    }

    /// Any thread; hops to the operation's shard when called elsewhere. Harmless once the operation has
    /// completed.
    void request() const;

private:
    cancel_cell* cell_;
};

/// An operation that can be cancelled one by one.
class cancellable_operation : public operation {
public:
    /// Gives the operation an identity for cancellation. Before it is started, once.
    cancel_handle make_cancellable(shard& home) {
        cell_ = new cancel_cell(home, *this);
        return cancel_handle(*cell_);
    }

protected:
    using operation::operation;
    ~cancellable_operation() { detach(); }

    // What io_operation has in the room that the base leaves, see there.
    bool holds_target_ : 1 = false;
    bool internal_ : 1 = false;
    bool refers_ : 1 = false;
    bool cancel_requested_ : 1 = false;
    bool linked_ : 1 = false;
    bool in_backend_ : 1 = false;
    bool in_lane_ : 1 = false;
    std::uint8_t way_ = 0;

    // What it came to. Until it has a result, nobody takes this for one that owns something.
    int result_ = -ECANCELED;

    /// Forgets the slot: from here on a signal finds nothing. Owning thread, or destruction.
    void detach() noexcept {
        if (!cell_)
            return;
        cell_->op = nullptr;
        cell_->release();
        cell_ = nullptr;
    }

private:
    cancel_cell* cell_ = nullptr;
};

/// What the function of a derived operation does first: carries out the two actions that leave the operation
/// pending. False: it is to be consumed.
template <class Operation>
bool stays_pending(Operation& op, action what) {
    if (what == action::arrive)
        op.on_arrive();
    else if (what == action::cancel)
        op.on_cancel();
    else
        return false;
    return true;
}

} // namespace aura::core
