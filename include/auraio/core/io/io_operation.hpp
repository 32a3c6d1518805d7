// io_operation: an operation whose work is done by a backend, and the descriptor it belongs to.
#pragma once

#include "auraio/core/io/io_request.hpp"
#include "auraio/core/io/request_outcome.hpp"
#include "auraio/core/operation/cancellation.hpp"

#include <atomic>
#include <cerrno>

namespace aura::core {

class descriptor;
class device_gate;
class gated_file;
class storage_device;

/// One request on its way through a backend. The handler is added by a class derived in the Asio layer (or
/// the C library); everything here is independent of it.
///
/// Life: started by any thread -> pending on the descriptor's shard -> result() set -> completed or
/// destroyed. Once started the memory the request names belongs to the kernel until then, cancelled or not.
class io_operation : public cancellable_operation {
public:
    const io_request& request() const noexcept { return request_; }

    /// What the request came to: >= 0, or a negated errno. -ECANCELED only when somebody asked for it.
    int result() const noexcept { return result_; }
    void set_result(int result) noexcept { result_ = result; }

    /// Whether the request is to be submitted as it is, and nothing is known of earlier attempts.
    bool is_plain() const noexcept { return way_ == 0; }

    /// Instead of the request itself a poll is to be submitted, for `events` of its file, or, where there is
    /// one, for readiness to read of a descriptor that stands for it.
    bool awaits_readiness() const noexcept { return (way_ & way::polls) != 0; }
    std::uint32_t readiness_events() const noexcept;

    /// The request is to be carried out by its system call.
    bool is_for_this_thread() const noexcept { return (way_ & way::here) != 0; }

    /// What is polled in place of the descriptor, for readiness to read; -1: nothing is. An aid of its own,
    /// or what must be polled because the kernel may not hold the file: see descriptor::watch_listener().
    int stand_in() const noexcept;

    /// For the backend: an accept has succeeded, and there is another connection.
    void note_more_connections() noexcept;

    /// Which of its descriptor's lanes the request belongs to. Requests of one lane take from or add to one
    /// stream of bytes or messages: they must reach the kernel one after the other, for it serves those that
    /// wait for readiness in any order (in fact, the youngest first).
    enum class lane : std::uint8_t { in, out, none };
    lane which_lane() const noexcept {
        if (!transfers_file_data(request_.kind))
            return which_socket_lane();
        if (request_.offset != current_position) [[likely]]
            return lane::none;
        return reads(request_.kind) ? lane::in : lane::out;
    }

    bool cancel_requested() const noexcept { return cancel_requested_; }
    descriptor& target() const noexcept { return *target_; }

    /// What registrations::leave() is owed once the operation's handler has returned; 0: nothing.
    std::uint8_t registered_held() const noexcept { return registered_held_; }

protected:
    io_operation(function f, const io_request& r) noexcept
        : cancellable_operation(f)
        , request_(r) {}
    ~io_operation() = default;

    /// What a derived operation's function does for the two actions that do not consume it.
    void on_arrive();
    void on_cancel();

    /// Before start: it completes with ECANCELED as soon as it is started.
    void cancel_before_start() noexcept { cancel_requested_ = true; }

    /// For operations whose completion concerns the descriptor itself (an open gives it its number): it then
    /// lives until let_go(). Before start.
    void hold_target() noexcept { holds_target_ = true; }

    /// Last access to target() of an operation that holds it.
    void let_go() noexcept;

    /// To be called when an operation that descriptor::refer() has seen is over, before its handler is: what
    /// is registered is not used by it any more.
    void end_reference() {
        if (refers_) [[unlikely]]
            end_reference_here();
    }

    /// For requests that the engine makes on its own account: they are not counted as work, and complete()
    /// and more() are called as soon as their results are reaped. Before submit_internal().
    void make_internal(descriptor& d) noexcept {
        target_ = &d;
        internal_ = true;
    }
    void submit_internal();
    void cancel_internal();

    io_request request_;

private:
    friend class descriptor;
    friend class device_gate;
    friend class gated_file;
    friend class shard;

    /// What is known of the request's way, besides whether it is in the backend; see request_outcome.
    struct way {
        static constexpr std::uint8_t polls = 1;      ///< a poll stands in its place
        static constexpr std::uint8_t ready = 2;      ///< it was waited for before this attempt
        static constexpr std::uint8_t change = 4;     ///< request_.fd2 is an aid: watch_for_change()
        static constexpr std::uint8_t time = 8;       ///< request_.fd2 is an aid: wait_a_while()
        static constexpr std::uint8_t repeated = 16;  ///< submitted again, when ended_ threads had ended
        static constexpr std::uint8_t here = 64;      ///< this attempt is made by its system call
        static constexpr std::uint8_t examined = 128; ///< its success has to be looked at; connect: begun
    };
    void release_aid() noexcept;

    gated_file* line() const noexcept;
    void enter_line(gated_file& line) noexcept;
    std::uint64_t sequence() const noexcept;

    void end_reference_here();
    lane which_socket_lane() const noexcept;

    /// Where it is with respect to the gate of its file's device.
    enum class gate_place : std::uint8_t {
        outside,
        waiting, ///< in its file's line
        inside,  ///< let through, and counted as in flight on the device
    };

    descriptor* target_ = nullptr;
    io_operation* previous_ = nullptr;
    io_operation* following_ = nullptr;
    // Of one that names a file of its own (see create_loose()) the line it waits or has waited in, at_gate_;
    // of others that is the file's. These have a position among the operations started on target_.
    union {
        std::uint64_t sequence_ = 0;
        gated_file* line_;
    };
    bool holds_target_ : 1 = false; // these three are set before it is started
    bool internal_ : 1 = false;
    bool refers_ : 1 = false; // to something registered, and holds its target for it
    std::uint8_t way_ = 0;
    std::uint16_t ended_ = 0; // way::repeated: ended_before_this_thread()
    bool cancel_requested_ : 1 = false;
    bool linked_ : 1 = false;     // on its descriptor's list
    bool in_backend_ : 1 = false; // submitted, result not seen yet
    bool in_lane_ : 1 = false;    // waits for its turn in its lane
    gate_place at_gate_ = gate_place::outside;
    std::uint8_t registered_held_ = 0; // as io_request::registered
    std::uint8_t clock_ = 0;           // the gate's, plus 1, that measures its latency; 0: none
};

/// An open file descriptor together with the operations pending on it. It lives on one shard, and on the
/// heap: the object that owns it (a file, a socket) holds a pointer, so that moving the object moves nothing
/// else, and destroying the object cannot free what pending operations still refer to.
///
/// Two sides touch it. The *object side* is whichever thread uses the owning object; as with Asio's objects,
/// the user lets only one thread at a time do that. The *shard side* is the thread that drives the shard.
/// Fields belong to one side each; what passes between the sides passes through the shard's inbox:
/// operations, and the descriptor itself, as the message that there is something to cancel, to close or to
/// forget. Hence none of these allocates.
class descriptor : private operation {
public:
    /// Object side. Takes ownership of `fd` (which may be -1: no file descriptor, only a set of operations).
    static descriptor* create(shard& home, int fd) { return new descriptor(home, fd); }

    /// The target of operations on files that are not ours; it lives as long as its shard. Any thread may
    /// start operations on it; they are cancelled one by one, by the shard side, or when the engine shuts
    /// down.
    static descriptor* create_loose(shard& home);

    int fd() const noexcept { return fd_; }
    /// Object side, or an operation that holds its target and completes: the number of a file opened since.
    void adopt(int fd) noexcept { fd_ = fd; }

    /// Object side, as adopt(): what direct I/O on it must be aligned to, as an error code value; -1: not
    /// direct.
    int direct_alignment_code() const noexcept { return direct_alignment_code_; }
    void set_direct_alignment_code(int code) noexcept { direct_alignment_code_ = code; }

    /// Object side, as adopt(), before any read or write is started: they pass the gate of this device, or of
    /// the one that holds the open file `fd`, if any does.
    void set_storage(storage_device& device);
    void set_storage_of(int fd);

    /// Object side: whether the program had it before, see assigned_numbers.
    bool is_assigned() const noexcept { return assigned_; }
    void set_assigned() noexcept { assigned_ = true; }

    /// Object side: whether readiness means anything: not to regular files, directories and /dev/null. Asks
    /// the kernel once.
    bool can_be_polled();

    /// Object side, as adopt(), before any read or write is started: looks at what kind of file `fd` is,
    /// which is or becomes this descriptor's, so that no read or write of it holds the ring's thread.
    void look_at_kind(int fd);

    /// Object side: where a read or write that was made for fd() is to be started: here, or, the operation
    /// having been changed for it, where it does not hold the ring's thread. Null when the operation has its
    /// result already.
    descriptor* for_transfer(io_operation& op) {
        if (transfers_ == transfers::here) [[likely]]
            return this;
        return reroute(op);
    }

    /// Object side, as adopt(): the entry of the file among the registered files, -1: it has none. Reads and
    /// writes started from now on use it, for as long as it holds the file's number. Given up with fd().
    int file_slot() const noexcept { return file_slot_; }
    void set_file_slot(int slot) noexcept { file_slot_ = slot; }
    void leave_slot();

    /// Object side, before start(): lets a read or write of the file use what is registered. A negated errno
    /// when it names a registered buffer that it cannot have: then it is not to be started.
    int refer(io_operation& op);

    shard& home() const noexcept { return *home_; }

    /// Object side. Starts an operation, which must name fd() if it names any descriptor. It is not touched
    /// after it has been handed over: when this returns it may be gone.
    void start(io_operation& op);

    /// Object side. Requests cancellation of everything started before this call, and of nothing started
    /// later. Each operation still completes through its handler: with ECANCELED, or with its result if that
    /// came first.
    void cancel();

    /// Object side, before a synchronous call on the file: the kernel gets what has been started here and
    /// only waits to be submitted, as it would have in Asio's initiating functions. Costs next to nothing
    /// when there is no such thing. From a thread that does not drive the shard it waits for the one that
    /// does, but not for a handler which that one is in.
    void submit_queued() noexcept {
        if (twin_) [[unlikely]]
            twin_->submit_queued();
        if (started_ != 0)
            submit_queued_operations();
    }

    /// The same before a call that may block: also what the calling thread has started on other descriptors
    /// of its shard, for what the call waits for may come of that.
    void submit_before_blocking() noexcept;

    /// Object side; the owner forgets the descriptor in this call. Cancels what is pending and closes the
    /// file descriptor; the memory goes when the last pending operation has completed. Returns 0 or a negated
    /// errno. Does not allocate.
    ///
    /// The number is given up only when no request that the kernel may still have to read names it. Until
    /// then it refers to something inert, and the file itself is closed; where the process has no descriptor
    /// left for that, and none in reserve, the file stays open until then.
    int close_and_forget() noexcept;

    /// Object side; the owner forgets the descriptor in this call. As close_and_forget(), but `op`, which the
    /// caller has made for a request of kind close, does the closing, and the call never blocks in it.
    void close_and_forget(io_operation& op);

    /// Object side; the owner forgets the descriptor in this call, unless it fails. As close_and_forget(),
    /// but hands the file descriptor to the caller instead of closing it. No operation consumes from it once
    /// this has returned. A negated errno when there is no number to be had for it: nothing has happened
    /// then.
    int release_and_forget() noexcept;

private:
    friend class device_gate;
    friend class io_operation;
    friend class shard;

    /// What the shard is told by the descriptor itself, as a message; bits of message_.
    enum : std::uint8_t {
        on_its_way = 1, ///< it is in the inbox: look at cancel_before_
        forget = 2,     ///< the object has let go
        close_it = 4,   ///< and the number is to be closed
    };

    /// See watch_listener().
    struct accept_set {
        int fd = -1;
        unsigned generation = 0; // fork_generation() when it was made
    };

    descriptor(shard& home, int fd) noexcept
        : operation(&run)
        , home_(&home)
        , fd_(fd) {
        set_message(true);
    }
    ~descriptor();

    // Object side.
    void submit_queued_operations() noexcept;
    void submit_at_once() noexcept;
    bool submit_by_visit();
    void submit_visited();
    void await_submission();
    bool is_submitted() const noexcept;
    void tell_shard(unsigned what) noexcept;
    bool disconnect() noexcept;
    void close_twin() noexcept;

    // Shard side.
    void link(io_operation& op) noexcept {
        op.previous_ = last_;
        op.following_ = nullptr;
        op.linked_ = true;
        if (last_) [[likely]]
            last_->following_ = &op;
        else
            begin_list(op);
        last_ = &op;
    }
    void unlink(io_operation& op) noexcept {
        (op.previous_ ? op.previous_->following_ : first_) = op.following_;
        (op.following_ ? op.following_->previous_ : last_) = op.previous_;
        op.previous_ = op.following_ = nullptr;
        op.linked_ = false;
        if (!first_)
            end_list();
    }
    void begin_list(io_operation& op) noexcept;
    void end_list() noexcept;
    void arrived(io_operation& op);
    io_operation::lane lane_of(const io_operation& op) const noexcept {
        return loose_ ? io_operation::lane::none : op.which_lane(); // loose: each names a file of its own
    }
    /// Whether `op` has to wait until those before it in its lane have ended.
    bool waits_in_lane(io_operation& op) noexcept {
        const io_operation::lane which = lane_of(op);
        if (which == io_operation::lane::none)
            return false;
        op.in_lane_ = in_lane_[static_cast<unsigned>(which)]++ != 0;
        return op.in_lane_;
    }
    /// `finished` has ended in the backend and is still linked: the next of its lane, if any, is submitted.
    void lane_advances(io_operation& finished) {
        const io_operation::lane which = lane_of(finished);
        if (which != io_operation::lane::none && --in_lane_[static_cast<unsigned>(which)] != 0) [[unlikely]]
            submit_next_of(which, finished);
    }
    descriptor* reroute(io_operation& op);
    void submit_next_of(io_operation::lane which, io_operation& finished);
    void cancel_before(std::uint64_t sequence);
    void cancel_one(io_operation& op);
    void finish_queued(io_operation& op, int result);
    static void run(operation& base, action what);
    void told();
    void submit_here();
    void prepare_to_listen(io_operation& op) noexcept;
    int watch_listener() noexcept;
    void unwatch_listener() noexcept;
    void watch_listener_again() noexcept;
    bool owns(accept_set s) const noexcept;
    void forgotten() noexcept;
    void free_if_unused() noexcept;
    bool let_kernel_go(bool driving) noexcept;
    bool is_disturbed() const noexcept { return disturbed_.load(std::memory_order_acquire); }

    bool loose_ = false; // fixed before its first use

    // Object side: how reads and writes are made so that none holds the ring's thread.
    enum class transfers : std::uint8_t {
        here,
        by_twin,         ///< of a terminal, on another descriptor for it, which does not block and is ours
        without_waiting, ///< the file is made O_NONBLOCK
        by_worker,
    };
    transfers transfers_ = transfers::here;
    bool assigned_ = false;
    enum class pollable : std::uint8_t { unknown, yes, no };
    pollable pollable_ = pollable::unknown;
    descriptor* twin_ = nullptr;

    // Shard side.
    bool forgotten_ = false;
    bool being_told_ = false;

    // The object side adds bits and sends the descriptor when on_its_way was not among them; the shard takes
    // them all back before it looks at anything else. Both acq_rel: when the object side finds on_its_way,
    // the shard's exchange comes later and sees the other bits and what was written before. What says that
    // the object has let go is the last access of the object side.
    std::atomic<std::uint8_t> message_{0};

    // Set by the object side before it disturbs the descriptor of operations that may be under way (see
    // disconnect()), read by the shard when one of them fails. Release/acquire; the order that matters (set
    // before the kernel sees the disturbance) is given by the system call in between.
    std::atomic<bool> disturbed_{false};

    shard* const home_;

    // Object side; also read by the shard when the object has let go.
    int fd_;
    int direct_alignment_code_ = -1;
    int file_slot_ = -1;
    gated_file* storage_ = nullptr; // the file's part in its device's gate, which belongs to the shard side
    std::uint64_t started_ = 0;     // sequence number of the next operation
    std::uint64_t sent_from_afar_ = 0; // operations that went through the inbox

    // Written by the object side: what was started before it is to be cancelled. Relaxed: see message_.
    std::atomic<std::uint64_t> cancel_before_{0};

    // The epoll set that holds the listening socket, see watch_listener(); -1: there is none. Made by the
    // shard side; whoever gives the socket up takes it out, from any thread. Release/acquire: whoever sees
    // the number sees the set, and the socket in it.
    std::atomic<accept_set> accept_set_{accept_set{}};

    // Written by the shard side, see is_submitted(): of those that were sent, how many have been dealt with,
    // and the number of the ring's last system call when an operation was queued last.
    std::atomic<std::uint64_t> arrived_from_afar_{0};
    std::atomic<std::uint64_t> queued_after_{~std::uint64_t{0}};

    // Shard side.
    bool more_connections_ = true;       // as far as is known: an accept is worth trying before waiting
    std::uint32_t in_lane_[2] = {};      // pending operations of each lane; the oldest is the backend's
    std::uint64_t cancelled_before_ = 0; // operations with a smaller sequence that arrive late are cancelled
    io_operation* first_ = nullptr;
    io_operation* last_ = nullptr;
    descriptor* previous_active_ = nullptr; // links in the shard's list of descriptors that have operations
    descriptor* next_active_ = nullptr;
};

inline gated_file* io_operation::line() const noexcept {
    return target_->loose_ ? line_ : target_->storage_;
}
inline void io_operation::enter_line(gated_file& line) noexcept {
    if (target_->loose_)
        line_ = &line;
}
inline std::uint64_t io_operation::sequence() const noexcept {
    return target_->loose_ ? 0 : sequence_;
}

} // namespace aura::core
