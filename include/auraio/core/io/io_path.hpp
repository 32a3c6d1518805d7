// io_path: the way of a shard's requests: from the object to the backend, and back to the ready list.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"
#include "auraio/core/io/descriptor.hpp"
#include "auraio/core/io/request_outcome.hpp"
#include "auraio/core/operation/operation.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace aura::core {

class device_gate;
class gated_file;
class numbered_files;
class numbered_listeners;
class shard;
class storage_device;

/// Belongs to a shard; everything is called by the thread that drives or visits it. A request comes in by
/// begin(), waits for those before it in its lane, then for its storage device, is given to the backend by
/// submit(), comes out again in finish(), and is on the shard's ready list, or goes round once more. It may
/// be cancelled at any point.
class io_path {
public:
    explicit io_path(shard& home);
    io_path(const io_path&) = delete;
    ~io_path();

    // ---- requests ----

    /// One that was started on its descriptor, in this thread or (arrive) through the inbox.
    void begin(io_operation& op);
    void arrive(io_operation& op);
    /// One of the engine's own: see io_operation::make_internal().
    void begin_internal(io_operation& op);

    /// One that nothing is in the way of any more.
    void submit(io_operation& op);

    /// What the backend has done.
    void finish(op_queue& done);

    /// See descriptor::cancel(): those with a smaller sequence number. The greatest stands for all that are
    /// here.
    void cancel_before(descriptor& d, std::uint64_t sequence);
    void cancel(io_operation& op);

    /// The last access of an operation that holds its target to that.
    void let_go(io_operation& op);

    /// Requests that the backend has.
    std::size_t pending() const noexcept { return pending_; }

    /// Those given to it since it last told the kernel are being submitted.
    void note_flush() noexcept { queued_ = 0; }

    /// The descriptor for requests that name none of ours (rename, unlink, open).
    descriptor& loose() noexcept { return *loose_; }

    /// Outside of run() requests of this descriptor begin, and of others only those with an effect that others
    /// can see; null: all. See descriptor::submit_at_once().
    void begin_only(const descriptor* d) noexcept { begins_at_once_ = d; }
    /// Of others, which is not to begin now.
    bool keeps_out(const descriptor& d, const io_operation& op) const noexcept;

    /// A thread begins to drive the shard.
    void attach_thread() noexcept;

    // ---- storage devices ----

    /// The gate of a device for operations of this shard; created when there is none yet. Null when there is
    /// no memory for it: then they go without, for they are on their way already.
    device_gate* gate_for(storage_device& device) noexcept;

    /// A gate wants to tick, at this time or soon after.
    void tick_at(nanoseconds_t due) noexcept { tick_due_ = due < tick_due_ ? due : tick_due_; }
    nanoseconds_t tick_due() const noexcept { return tick_due_; }
    void tick_gates();

    /// Nothing is in flight or waits there any more.
    void leave_devices() noexcept;

    // ---- the end, and fork ----

    void cancel_all();

    /// The backend is another one, and gets what the former had. What was cancelled ends now: its descriptor
    /// may be closed, and the number another's.
    void submit_again();

    /// The backend has dropped everything: what it had ends, cancelled.
    void end_all();

private:
    friend class inspection;

    // The way there.
    bool refuses(io_operation& op);
    bool start_otherwise(io_operation& op);
    bool accepts_by_number(io_operation& op);
    bool closes_here(io_operation& op);
    void end_before_start(io_operation& op, int result);
    void issue(io_operation& op);
    gated_file* find_storage(short_request& r);
    void note_queued(io_operation& op) noexcept;
    void hand_over(io_operation& op);
    void hand_over_again(io_operation& op);

    // A descriptor's operations.
    void link(descriptor& d, io_operation& op) noexcept {
        if (d.lanes_.append(op)) [[unlikely]]
            begin_list(d);
    }
    void unlink(descriptor& d, io_operation& op) noexcept {
        if (d.lanes_.remove(op))
            end_list(d);
    }
    void begin_list(descriptor& d) noexcept;
    void end_list(descriptor& d) noexcept;
    void lane_advances(descriptor& d, io_operation& finished);
    void submit_next_of(descriptor& d, request_lane which, io_operation& finished);

    // The way back.
    void finish_internal(io_operation& op);
    bool goes_on(io_operation& op);
    request_facts facts_of(const io_operation& op) const noexcept;
    int number_of(const short_request& r) const noexcept;
    int prepare_next(io_operation& op, next_step step);
    static int prepare_call(io_operation& op) noexcept;

    // Latencies of operations that no gate measures.
    void count_submission(const io_operation& op) noexcept;
    void begin_sample(const io_operation& op) noexcept;
    void end_sample(const io_operation& op) noexcept;

    shard& home_;
    std::size_t pending_ = 0;
    std::uint32_t queued_ = 0; // given to the backend since it last told the kernel
    // At most one latency is being measured at a time, so that operations need no room for it.
    std::uint32_t until_sample_ = 1;
    const io_operation* sampled_ = nullptr;
    nanoseconds_t sample_began_ = 0;
    descriptor* active_ = nullptr; // descriptors that have operations
    descriptor* loose_ = nullptr;  // the target of operations that belong to no open file
    const descriptor* begins_at_once_ = nullptr;
    std::uint16_t ended_at_start_ = 0; // ended_before_this_thread() when a driver last found nothing pending

    // Storage devices that were used here. Ticks look after them for as long as something is in flight.
    std::vector<std::unique_ptr<device_gate>> gates_;
    nanoseconds_t tick_due_ = never; // the earliest of the gates'

    std::unique_ptr<numbered_files> numbered_;      // where operations name files by number
    std::unique_ptr<numbered_listeners> listeners_; // where accepts do
};

} // namespace aura::core
