// stall_report: handlers that do not return, told while they run, with where they are.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <cstdint>

namespace aura::core {

class shard;

/// Belongs to the thread that watches others (see takeover and stall_watch), which begins a look, sees all of them,
/// chooses, and then tells. A thread that does not come back to its loop is seen by what stands still from one look to
/// the next: it costs the thread nothing.
class stall_report {
public:
    /// What a look finds of a thread.
    struct sample {
        unsigned ring = 0;
        int thread = 0;    ///< the kernel's number; 0: nothing is known
        bool idle = false; ///< it waits for events, or has just been woken
        std::uint64_t turns = 0;
        std::uint64_t handlers = 0;
        std::uintptr_t handler = 0; ///< which one; 0: one, or several, or none

        bool operator==(const sample&) const = default;
    };
    /// What is remembered of it. Its driver has it.
    struct memory {
        sample last;
        nanoseconds_t since = 0; ///< of the look that first found it so
        nanoseconds_t told = 0;  ///< for how long it had been there when that was told; 0: it was not
    };
    /// What is told.
    struct facts {
        unsigned ring = 0;
        int thread = 0;
        nanoseconds_t lasted = 0; ///< 0: nothing
        bool lost = false;        ///< others have taken its ring
        bool one = false;         ///< one handler for all that time
    };

    void begin(nanoseconds_t now) noexcept;
    /// `home`: the ring that the thread has; null: none, `lost`: because others have taken it.
    void see(memory& m, shard* home, std::uintptr_t handler, bool lost) noexcept;
    /// A ring whose thread does not show whether it is in a handler. `one_each`: no thread has more rings than one, so
    /// that what stands still in the middle of a turn is one handler.
    void see(memory& m, shard& s, bool one_each) noexcept;
    void see(memory& m, const sample& s) noexcept;
    void see_lost(memory& m) noexcept;

    /// After all were seen: the one that has been stuck for longest is told of, if it is time.
    void choose() noexcept;
    const facts& chosen() const noexcept { return chosen_; }

    /// Of whom was chosen. In a thread of its own, which has nothing of the engine's: the log handler may do anything,
    /// and may wait for whoever waits for the thread that watches.
    void tell() const noexcept;

    /// When a thread that is in a handler now will have been there for too long; never: none is.
    nanoseconds_t next_look() const noexcept { return next_; }

private:
    void see_stuck(memory& m, bool lost) noexcept;

    nanoseconds_t now_ = 0;
    nanoseconds_t next_ = never;
    nanoseconds_t limit_ = 0; // 0: nothing is told
    memory* longest_ = nullptr;
    bool longest_lost_ = false;
    facts chosen_;
};

} // namespace aura::core
