// write_share: how many writes may be at a device beside reads that have a ceiling to keep.
#pragma once

#include "auraio/core/control/controller_events.hpp"
#include "core/control/controller_options.hpp"
#include "core/control/hold_proof.hpp"
#include "core/control/latency_ceiling.hpp"
#include "core/control/limit_change.hpp"
#include "core/control/load_reading.hpp"

#include <cstdint>
#include <limits>

namespace aura::core {

/// Where the user has set max_p99 and reads and writes are under way together, it is the reads that are to keep it, and
/// writes give way first: their share is cut while the reads' P99 exceeds the ceiling, and raised again while it has
/// room. A share below one is one write in flight for that part of the time. What the smallest share does not
/// bring the limit of both has to: adaptive_controller. Where that is so, hold_proof asks whether it helps at all.
///
/// Without a ceiling it does nothing. Pure, as the controller.
class write_share {
public:
    static constexpr unsigned unlimited = no_limit;
    /// Writes and syncs begin in one tick of so many at least, and after this time whatever the ticks do.
    static constexpr double smallest = 1.0 / 8;
    static constexpr nanoseconds_t patience = 80'000'000;

    /// The options are the controller's, whose ceiling may change.
    explicit write_share(const controller_options& options) noexcept
        : options_(&options)
        , ceiling_(options)
        , change_(options)
        , proof_(options) {}

    /// Sums over the rings.
    struct load {
        std::uint64_t reads_completed = 0;
        std::uint64_t writes_submitted = 0;
        std::uint64_t writes_in_flight = 0;
        std::uint64_t writes_waiting = 0;
    };

    /// On every tick. `reads`: latencies since take_restart() was last true. `reads_throttled`: the limit of both is
    /// down for the ceiling's sake.
    void tick(nanoseconds_t now, const load& seen, const latency_sample& reads,
              bool reads_throttled) noexcept;
    /// There is nobody any more who would tick.
    void rest() noexcept {
        lift();
        proof_.stop();
        mixed_ = false;
        answers_ = false;
    }

    /// Of writes in flight, on average; infinite: as many as there are.
    double share() const noexcept { return limits() ? share_ : std::numeric_limits<double>::infinity(); }

    /// Writes in flight, on the whole device, until the next tick. 0: no sync begins either.
    unsigned limit() const noexcept { return limit_; }
    /// Reads and writes are under way together, and there is a ceiling.
    bool mixed() const noexcept { return mixed_; }
    /// It holds writes back, and could do so more: nothing else is to limit the load.
    bool in_force() const noexcept { return mixed_ && in_force_ && share_ > smallest; }
    /// This excess is the writes' to mend, or being mended: the limit of both stays.
    bool answers() const noexcept { return answers_; }
    bool take_restart() noexcept {
        const bool restart = restart_;
        restart_ = false;
        return restart;
    }

private:
    static constexpr nanoseconds_t together = 1'000'000'000; // what was not seen for so long is not there

    void note(nanoseconds_t now, const load& seen) noexcept;
    void judge(nanoseconds_t now, const load& seen, const latency_sample& reads,
               bool reads_throttled) noexcept;
    bool answers_to(const latency_sample& reads) const noexcept;
    void doubt(nanoseconds_t now) noexcept;
    void follow_proof(nanoseconds_t now, const latency_sample& reads, bool reads_throttled) noexcept;
    void cut(double share_of_ceiling) noexcept;
    void raise(double share_of_ceiling, double largest) noexcept;
    void open_or_pause(nanoseconds_t now) noexcept;
    void lift() noexcept;
    void restart(nanoseconds_t now) noexcept;
    bool limits() const noexcept { return share_ < unlimited; }

    const controller_options* options_;
    latency_ceiling ceiling_;
    limit_change change_;
    hold_proof proof_;
    nanoseconds_t ceiling_was_ = 0;
    double share_ = unlimited;
    unsigned limit_ = unlimited;
    double saved_ = 0; // of a share below one, parts of a write
    nanoseconds_t opened_ = 0;
    bool mixed_ = false;
    bool in_force_ = false;
    bool answers_ = false;
    bool blameless_ = false; // none was in flight while reads exceeded the ceiling
    bool strained_ = false;  // as last judged: holding them back does not mend it
    bool restart_ = false;
    nanoseconds_t restarted_ = 0;
    nanoseconds_t read_at_ = -together; // last seen
    nanoseconds_t written_at_ = -together;
    nanoseconds_t held_at_ = -together;
    std::uint64_t most_in_flight_ = 0; // of writes, since the latencies began anew
    load last_;
};

} // namespace aura::core
