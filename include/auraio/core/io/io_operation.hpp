// io_operation: an operation whose work is done by a backend.
#pragma once

#include "auraio/core/io/io_request.hpp"
#include "auraio/core/io/operation_lanes.hpp"
#include "auraio/core/io/request_outcome.hpp"
#include "auraio/core/io/request_table.hpp"

#include <cassert>
#include <cstdint>

namespace aura::core {

class descriptor;
class device_gate;
class gated_file;

/// One request on its way through a backend. The handler is added by a class derived in the Asio layer (or
/// the C library); everything here is independent of it.
///
/// Life: started by any thread -> pending on the descriptor's shard -> result() set -> completed or
/// destroyed. Once started the memory the request names belongs to the kernel until then, cancelled or not.
class io_operation : public ordered_operation {
public:
    const short_request& request() const noexcept { return request_; }
    /// The rest of a request that has more: of an extended_operation, then.
    const request_extension& extension() const noexcept;

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
    bool is_for_system_call() const noexcept { return (way_ & way::call) != 0; }

    /// What is polled in place of the descriptor, for readiness to read; -1: nothing is. An aid of its own,
    /// or what must be polled because the kernel may not hold the file: see descriptor::watch_listener().
    int stand_in() const noexcept;

    /// For the backend: an accept has succeeded, and there is another connection.
    void note_more_connections() noexcept;

    /// For a backend without tables: its file, which was named by the index of an entry, has this number here.
    void name_file(int fd) noexcept {
        request_.fd = fd;
        request_.registered &= static_cast<std::uint8_t>(~registered_file);
        request_.registered |= named_by_backend;
    }

    /// Which of its descriptor's lanes the request belongs to. Requests of one lane take from or add to one
    /// stream of bytes or messages: they must reach the kernel one after the other, for it serves those that
    /// wait for readiness in any order (in fact, the youngest first).
    using lane = request_lane;
    lane which_lane() const noexcept {
        if (!transfers_file_data(request_.kind))
            return which_socket_lane();
        if (extension().offset != current_position) [[likely]]
            return lane::none;
        return reads(request_.kind) ? lane::in : lane::out;
    }

    bool cancel_requested() const noexcept { return cancel_requested_; }
    descriptor& target() const noexcept { return *target_; }

    /// What registrations::leave() is owed once the operation's handler has returned; 0: nothing.
    std::uint8_t registered_held() const noexcept { return registered_held_; }

    /// The one that was started next on the same descriptor, of those pending.
    io_operation* following() const noexcept {
        return static_cast<io_operation*>(ordered_operation::following());
    }

    // ---- for the gate of its file's device ----

    enum class gate_place : std::uint8_t {
        outside,
        waiting, ///< in its file's line
        inside,  ///< let through, and counted as in flight on the device
    };
    gate_place at_gate() const noexcept { return at_gate_; }
    void set_at_gate(gate_place place) noexcept { at_gate_ = place; }
    gated_file* line() const noexcept;
    void enter_line(gated_file& line) noexcept;
    /// The gate's clock, plus 1, that measures its latency; 0: none.
    unsigned gate_clock() const noexcept { return clock_; }
    void set_gate_clock(unsigned clock) noexcept { clock_ = clock & 63U; }

    // The shard's driver; see stays_pending().
    void on_arrive();
    void on_cancel();

protected:
    io_operation(function f, const short_request& r) noexcept
        : ordered_operation(f)
        , request_(r) {}
    ~io_operation() = default;

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
    /// is called as soon as their results are reaped. Before submit_internal().
    void make_internal(descriptor& d) noexcept {
        target_ = &d;
        internal_ = true;
    }
    void submit_internal();
    void cancel_internal();

private:
    friend class descriptor;
    friend class inspection;
    friend class io_path;

    /// What is known of the request's way, besides whether it is in the backend; see request_outcome.
    struct way {
        static constexpr std::uint8_t polls = 1;      ///< a poll stands in its place
        static constexpr std::uint8_t ready = 2;      ///< it was waited for before this attempt
        static constexpr std::uint8_t change = 4;     ///< aid_ is one: watch_for_change()
        static constexpr std::uint8_t time = 8;       ///< aid_ is one: wait_a_while()
        static constexpr std::uint8_t repeated = 16;  ///< submitted again, when ended_ threads had ended
        static constexpr std::uint8_t call = 64;      ///< this attempt is made by its system call
        static constexpr std::uint8_t examined = 128; ///< its success has to be looked at; connect: begun
    };
    void release_aid() noexcept;

    std::uint64_t sequence() const noexcept;

    void end_reference_here();
    lane which_socket_lane() const noexcept;

    descriptor* target_ = nullptr;
    // Polled in the request's place: way::change, way::time. Else below -1: since when it has been pending, see
    // age_stamp; -1: not known, because it has had an aid, or is the engine's own.
    std::int32_t aid_ = -1;
    std::uint16_t ended_ = 0; // way::repeated: ended_before_this_thread()
    gate_place at_gate_ = gate_place::outside;
    std::uint8_t clock_ : 6 = 0;           // see gate_clock()
    std::uint8_t registered_held_ : 2 = 0; // as short_request::registered

    // In the base, which has room for them:
    //   way_               see way
    //   holds_target_      set before it is started, as the next two
    //   internal_          see make_internal()
    //   refers_            to something registered, and holds its target for it
    //   cancel_requested_
    //   linked_            on its descriptor's list
    //   in_backend_        submitted, result not seen yet
    //   in_lane_           waits for its turn in its lane

    request_extension& own_extension() noexcept;

protected:
    short_request request_;
};

/// One whose request may be of the kinds that have more than a short_request.
class extended_operation : public io_operation {
protected:
    extended_operation(function f, const short_request& r, const request_extension& x) noexcept
        : io_operation(f, r)
        , extension_(x) {}
    extended_operation(function f, const io_request& r) noexcept
        : extended_operation(f, r, r) {}
    ~extended_operation() = default;

    request_extension extension_;

private:
    friend class io_operation;
};

inline const request_extension& io_operation::extension() const noexcept {
    assert(has_extension(request_));
    return static_cast<const extended_operation*>(this)->extension_;
}
inline request_extension& io_operation::own_extension() noexcept {
    assert(has_extension(request_));
    return static_cast<extended_operation*>(this)->extension_;
}

} // namespace aura::core
