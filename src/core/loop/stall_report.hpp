// stall_report: handlers that do not return, told while they run, with where they are.
#pragma once

#include "auraio/core/base/nanoseconds.hpp"

#include <cstdint>

namespace aura::core {

class shard;

/// Belongs to the thread that watches others (see takeover), which begins a look, sees all of them, and then tells. A
/// thread that does not come back to its loop is seen by the count of its turns: it costs the thread nothing.
class stall_report {
public:
    /// What is remembered of a thread. Its driver has it.
    struct memory {
        unsigned ring = 0;
        int thread = 0; ///< the kernel's number; 0: nothing is known
        std::uint64_t turns = 0;
        nanoseconds_t since = 0;
        nanoseconds_t told = 0; ///< for how long it had been there when that was told; 0: it was not
    };

    void begin(nanoseconds_t now) noexcept;
    /// `home`: the ring that the thread has; null: none, `lost`: because others have taken it.
    void see(memory& m, shard* home, bool lost) noexcept;

    /// Of the one that was seen to be stuck for longest, if any is to be told of. With no lock: the log handler may do
    /// anything.
    void tell() noexcept;

    /// When a thread that is in a handler now will have been there for too long; never: none is.
    nanoseconds_t next_look() const noexcept { return next_; }

private:
    nanoseconds_t now_ = 0;
    nanoseconds_t next_ = never;
    nanoseconds_t limit_ = 0; // 0: nothing is told
    memory stuck_;            // told: for how long; 0: nobody
    bool lost_ = false;
};

} // namespace aura::core
