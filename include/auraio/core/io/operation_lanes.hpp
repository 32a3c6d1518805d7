// operation_lanes: the operations pending on one file, in the order in which they were started, and which wait.
#pragma once

#include "auraio/core/io/request_table.hpp"
#include "auraio/core/operation/cancellation.hpp"

#include <cassert>
#include <cstdint>

namespace aura::core {

class gated_file;

/// What operation_lanes has to know of an operation.
class ordered_operation : public cancellable_operation {
public:
    /// Of those pending on the same file the one that was started next; null: none was.
    ordered_operation* following() const noexcept { return following_; }

protected:
    using cancellable_operation::cancellable_operation;
    ~ordered_operation() = default;

    // Its position among the operations started on its file. Where the files are the operations' own, which
    // then have no order, the line of a device's gate that it waits or has waited in.
    union {
        std::uint64_t sequence_ = 0;
        gated_file* line_;
    };

private:
    friend class operation_lanes;

    ordered_operation* previous_ = nullptr;
    ordered_operation* following_ = nullptr;
};

/// Those of one file. Requests of one lane take from or add to one stream, so one of them at a time is given
/// to the backend: the oldest. The others wait here. Called by one thread; calls nobody.
class operation_lanes {
public:
    bool empty() const noexcept { return first_ == nullptr; }
    ordered_operation* oldest() const noexcept { return first_; }

    /// The youngest from now on. True: it is the only one.
    bool append(ordered_operation& op) noexcept {
        op.previous_ = last_;
        op.following_ = nullptr;
        op.linked_ = true;
        ordered_operation* const before = last_;
        last_ = &op;
        if (before) [[likely]]
            before->following_ = &op;
        else
            first_ = &op;
        return !before;
    }

    /// True: none is left.
    bool remove(ordered_operation& op) noexcept {
        (op.previous_ ? op.previous_->following_ : first_) = op.following_;
        (op.following_ ? op.following_->previous_ : last_) = op.previous_;
        op.previous_ = op.following_ = nullptr;
        op.linked_ = false;
        return !first_;
    }

    /// Whether `op`, which has been appended, waits until those before it in its lane have ended.
    bool enter(ordered_operation& op, request_lane lane) noexcept {
        if (lane == request_lane::none)
            return false;
        op.in_lane_ = count_of(lane)++ != 0;
        return op.in_lane_;
    }

    /// One that did not wait any more has ended, and has not been removed yet: whether another waits.
    bool leave(request_lane lane) noexcept { return lane != request_lane::none && --count_of(lane) != 0; }

    /// The one whose turn it is when `ended` has left its lane, and leave() has said that one waits: of those
    /// that came later the first whose lane, which `lane_of` tells, is the same.
    template <class F>
    ordered_operation& next_in(request_lane lane, const ordered_operation& ended, F lane_of) const noexcept {
        ordered_operation* op = ended.following_;
        while (!op->in_lane_ || lane_of(*op) != lane)
            op = op->following_;
        return *op;
    }

    static bool waits(const ordered_operation& op) noexcept { return op.in_lane_; }
    /// It waits no longer: its turn has come.
    static void take_turn(ordered_operation& op) noexcept { op.in_lane_ = false; }
    /// It waits no longer: it is given up.
    void withdraw(ordered_operation& op, request_lane lane) noexcept {
        assert(op.in_lane_);
        op.in_lane_ = false;
        --count_of(lane);
    }

    /// Whether any waits for another, and how many are in lanes.
    bool any_waits() const noexcept { return in_lane_[0] > 1 || in_lane_[1] > 1; }
    std::uint32_t count() const noexcept { return in_lane_[0] + in_lane_[1]; }

    /// Those with a smaller sequence number that arrive from now on have been cancelled on their way.
    void cancel_before(std::uint64_t sequence) noexcept {
        if (sequence > cancelled_before_)
            cancelled_before_ = sequence;
    }
    bool was_cancelled(std::uint64_t sequence) const noexcept { return sequence < cancelled_before_; }

private:
    std::uint32_t& count_of(request_lane lane) noexcept { return in_lane_[static_cast<unsigned>(lane)]; }

    std::uint32_t in_lane_[2] = {}; // of each lane, the one that the backend has included
    std::uint64_t cancelled_before_ = 0;
    ordered_operation* first_ = nullptr;
    ordered_operation* last_ = nullptr;
};

} // namespace aura::core
