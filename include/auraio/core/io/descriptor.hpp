// descriptor: an open file together with the operations pending on it.
#pragma once

#include "auraio/core/io/io_class.hpp"
#include "auraio/core/io/io_operation.hpp"

#include <atomic>
#include <cstdint>

namespace aura::core {

class storage_device;
struct home_choice;

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
    static descriptor* create(shard& home, int fd);

    /// The target of operations on files that are not ours; it lives as long as its shard. Any thread may
    /// start operations on it; they are cancelled one by one, by the shard side, or when the engine shuts
    /// down.
    static descriptor* create_loose(shard& home);

    /// The target of accepts on a listening socket that is not ours and that they name by its number; belongs
    /// to numbered_listeners, which retires it. Shard side, as what follows. Throws bad_alloc.
    static descriptor* create_for_number(shard& home, int fd);

    /// What is pending ends with ECANCELED. It lives as long as that.
    void retire() noexcept;
    bool is_unused() const noexcept { return lanes_.empty(); }
    /// Whether nobody tells when a number that its operations name comes to mean another file.
    bool names_by_number() const noexcept { return loose_ || by_number_; }
    /// Whether the file was, or is being, replaced under its number: nothing is to be asked of it any more.
    bool is_disturbed() const noexcept { return disturbed_.load(std::memory_order_acquire); }
    /// Whether its epoll set has the file in it which its number means now.
    bool watches_file() const noexcept;
    /// Whether accepts wait in a set which has not.
    bool waits_for_another_file() const noexcept;

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
        if (transfers_as_usual_) [[likely]]
            return this;
        return reroute(op);
    }

    /// Object side: whom reads and writes serve that are started from now on.
    io_class get_io_class() const noexcept { return class_; }
    void set_io_class(io_class which) noexcept {
        class_ = which;
        note_transfers();
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

    /// Object side, before an operation is made for start(): goes to another shard where that is still open,
    /// there are threads to choose from by now, and nothing of it is pending.
    void settle(home_choice& home) noexcept;

    // ---- the thread that drives the shard, as what follows ----

    /// Its operations name a file each, and have no order: see create_loose().
    bool is_loose() const noexcept { return loose_; }
    /// Its part in the gate of its device, if it has one.
    gated_file* storage() const noexcept { return storage_; }
    /// The epoll set that stands for a listening socket; -1: none.
    int listener_set() const noexcept {
        return accept_set_.load(std::memory_order_relaxed).fd; // made by the thread that asks
    }
    /// An accept has succeeded, and there is another connection.
    void note_more_connections() noexcept { more_connections_ = true; }

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
    friend class inspection;
    friend class io_path;

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
    void start_from_afar(io_operation& op);
    void submit_at_once() noexcept;
    bool submit_by_visit();
    void submit_visited();
    void await_submission();
    bool is_submitted() const noexcept;
    void note_transfers() noexcept {
        transfers_as_usual_ = transfers_ == transfers::here && class_ == io_class::foreground;
    }
    void tell_shard(unsigned what) noexcept;
    bool disconnect() noexcept;
    void close_twin() noexcept;

    // Shard side.
    io_operation* oldest() const noexcept { return static_cast<io_operation*>(lanes_.oldest()); }
    io_operation::lane lane_of(const io_operation& op) const noexcept {
        return loose_ ? io_operation::lane::none : op.which_lane(); // loose: each names a file of its own
    }
    /// Whether `op` has to wait until those before it in its lane have ended.
    bool waits_in_lane(io_operation& op) noexcept { return lanes_.enter(op, lane_of(op)); }
    descriptor* reroute(io_operation& op);
    static void run(operation& base, action what);
    void told();
    void submit_here();
    void prepare_to_listen(io_operation& op) noexcept;
    void watch_for_others(io_operation& op) noexcept;
    int watch_listener() noexcept;
    bool is_at_rest() const noexcept;
    void drop_set() noexcept;
    void unwatch_listener() noexcept;
    void watch_listener_again() noexcept;
    bool owns(accept_set s) const noexcept;
    void forgotten() noexcept;
    void free_if_unused() noexcept;
    bool let_kernel_go(bool driving) noexcept;

    // Fixed before its first use.
    bool loose_ = false;
    bool by_number_ = false; // see create_for_number()

    // Object side: how reads and writes are made so that none holds the ring's thread.
    enum class transfers : std::uint8_t {
        here,
        by_twin,         ///< of a terminal, on another descriptor for it, which does not block and is ours
        without_waiting, ///< the file is made O_NONBLOCK
        by_worker,
    };
    transfers transfers_ = transfers::here;
    io_class class_ = io_class::foreground;
    bool transfers_as_usual_ = true; // neither of the two asks for anything
    bool assigned_ = false;
    enum class pollable : std::uint8_t { unknown, yes, no };
    pollable pollable_ = pollable::unknown;
    descriptor* twin_ = nullptr;

    // Shard side.
    bool forgotten_ = false;
    bool being_told_ = false;
    bool closes_last_ = false; // fd_, which is inert by now, with the last operation: see backend::may_name()

    // The object side adds bits and sends the descriptor when on_its_way was not among them; the shard takes
    // them all back before it looks at anything else. Both acq_rel: when the object side finds on_its_way,
    // the shard's exchange comes later and sees the other bits and what was written before. What says that
    // the object has let go is the last access of the object side.
    std::atomic<std::uint8_t> message_{0};

    // Set by the object side before it disturbs the descriptor of operations that may be under way (see
    // disconnect()), read by the shard when one of them fails. Release/acquire; the order that matters (set
    // before the kernel sees the disturbance) is given by the system call in between.
    std::atomic<bool> disturbed_{false};

    // Changed while nothing of it is pending, by the object side, which is then the only one to know it.
    shard* home_;

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
    bool more_connections_ = true;          // as far as is known: an accept is worth trying before waiting
    operation_lanes lanes_;                 // the operations pending on it
    descriptor* previous_active_ = nullptr; // links in the shard's list of descriptors that have operations
    descriptor* next_active_ = nullptr;
};

inline gated_file* io_operation::line() const noexcept {
    return target_->is_loose() ? line_ : target_->storage();
}
inline void io_operation::enter_line(gated_file& line) noexcept {
    if (target_->is_loose())
        line_ = &line;
}
inline std::uint64_t io_operation::sequence() const noexcept {
    return target_->is_loose() ? 0 : sequence_;
}

} // namespace aura::core
