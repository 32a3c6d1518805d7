// write_share: cuts and raises.
#include "core/control/write_share.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
// Where reads are few it is judged by what there is: cuts that come of chance are made good by raises.
constexpr nanoseconds_t longest = 1'000'000'000;
constexpr std::uint64_t few = 16;
constexpr nanoseconds_t shortest = 100'000'000; // several ticks, for the share of each is another
constexpr nanoseconds_t shortest_with_pauses = 200'000'000;
constexpr nanoseconds_t margin =
    32;                         // aims at so much less than the ceiling: a share scatters around its best
constexpr double far_off = 1.5; // from the ceiling: a share is cut at once by as much
constexpr double largest_raise = 1.15;
constexpr double careful_raise = 1.03; // where reads are few: a cut in eight judgements balances it
constexpr double most_ever = 1e6;
} // namespace

void write_share::tick(nanoseconds_t now, const load& seen, const latency_sample& reads,
                       bool reads_throttled) noexcept {
    const bool were_mixed = mixed_;
    note(now, seen);
    answers_ = mixed_ && !were_mixed; // what was sampled before says nothing
    if (!mixed_ && proof_.on_trial())
        proof_.stop();
    if (mixed_) {
        if (!were_mixed)
            restart(now);
        most_in_flight_ = std::max(most_in_flight_, seen.writes_in_flight);
        if (were_mixed)
            answers_ = answers_to(reads);
        const load_reading writes{now, {.in_flight = seen.writes_in_flight}};
        const limit_change::state change = change_.look(writes, limit_);
        if (change == limit_change::state::just_over)
            restart(now);
        else if (change == limit_change::state::none && were_mixed)
            proof_.decides() ? follow_proof(now, reads, reads_throttled)
                             : judge(now, seen, reads, reads_throttled);
        doubt(now);
    }
    open_or_pause(now);
}

/// Who is there.
void write_share::note(nanoseconds_t now, const load& seen) noexcept {
    if (seen.reads_completed != last_.reads_completed)
        read_at_ = now;
    if (seen.writes_in_flight != 0 || seen.writes_submitted != last_.writes_submitted)
        written_at_ = now;
    if (limits() && seen.writes_waiting != 0)
        held_at_ = now;
    last_ = seen;
    const bool no_reads = now - read_at_ >= together;
    mixed_ = options_->max_p99 != 0 && !no_reads && now - written_at_ < together;
    in_force_ = limits() && now - held_at_ < together;
    if (options_->max_p99 != ceiling_was_)
        proof_.forget();
    ceiling_was_ = options_->max_p99;
    if (options_->max_p99 == 0 || no_reads)
        lift();
}

bool write_share::answers_to(const latency_sample& reads) const noexcept {
    if (proof_.decides())
        return proof_.on_trial();
    return share_ > smallest && !blameless_ && reads.p99 > options_->max_p99;
}

/// Next to no write is there, or reads are throttled as well, and their latency is about the ceiling all the same.
void write_share::doubt(nanoseconds_t now) noexcept {
    if (proof_.decides() || !proof_.doubtful(now, limits() && strained_))
        return;
    proof_.release(now);
    lift();
    restart(now);
}

void write_share::follow_proof(nanoseconds_t now, const latency_sample& reads,
                               bool reads_throttled) noexcept {
    const std::uint64_t done = last_.reads_completed + last_.writes_submitted;
    if (proof_.measure_due(now)) {
        proof_.measure(now, done);
        restart(now);
    } else if (proof_.measured(now, reads.count)) {
        if (proof_.on_trial()) {
            if (!proof_.judge(now, done, reads.p99))
                lift();
        } else if (reads_throttled || reads.p99 > options_->max_p99) {
            proof_.try_again(now, done, reads.p99);
            share_ = smallest;
            ceiling_.set_bound(true);
            change_.begin(now, true, 2 * reads.p99);
        } else {
            proof_.stop();
        }
        restart(now);
    }
}

void write_share::judge(nanoseconds_t now, const load& seen, const latency_sample& reads,
                        bool reads_throttled) noexcept {
    if (limits() && now - restarted_ < (share_ < 1 ? shortest_with_pauses : shortest))
        return;
    const latency_sample judged{reads.count, reads.p99 + reads.p99 / margin};
    auto share = ceiling_.judge(judged, !limits(), false);
    const bool sure = share.has_value();
    if (!share && now - restarted_ >= longest && reads.count >= few)
        share = static_cast<double>(judged.p99) / static_cast<double>(options_->max_p99);
    if (!share)
        return;
    strained_ = (reads_throttled || share_ <= smallest) && *share >= options_->proof_latency;
    const double before = share_;
    if (ceiling_.exceeded(*share)) {
        blameless_ = most_in_flight_ == 0;
        if (share_ <= smallest || blameless_) // there is nothing to be had from writes
            return;
        cut(*share);
    } else if (ceiling_.has_room(*share) && limits() && !reads_throttled && seen.writes_waiting != 0) {
        raise(*share, sure ? largest_raise : careful_raise);
    }
    restart(now);
    if (share_ != before)
        change_.begin(now, share_ < before, 2 * reads.p99);
}

void write_share::cut(double share_of_ceiling) noexcept {
    const double depth = std::min(share_, static_cast<double>(most_in_flight_));
    const double factor = options_->ceiling_aim / share_of_ceiling;
    const bool near = limits() && share_of_ceiling < far_off;
    share_ = std::max(smallest, depth * (near ? std::max(options_->backoff, factor) : factor));
    ceiling_.set_bound(true);
}

void write_share::raise(double share_of_ceiling, double largest) noexcept {
    share_ *= std::min(largest, options_->ceiling_aim / share_of_ceiling);
    if (share_ >= most_ever)
        lift();
}

/// What is not whole is saved for a later tick.
void write_share::open_or_pause(nanoseconds_t now) noexcept {
    if (!limits())
        return;
    saved_ += share_;
    if (saved_ < 1 && now - opened_ >= patience)
        saved_ = 1;
    limit_ = static_cast<unsigned>(saved_);
    saved_ -= limit_;
    if (limit_ != 0)
        opened_ = now;
}

void write_share::lift() noexcept {
    share_ = unlimited;
    limit_ = unlimited;
    in_force_ = false;
    change_.forget();
}

void write_share::restart(nanoseconds_t now) noexcept {
    restart_ = true;
    restarted_ = now;
    most_in_flight_ = 0;
    blameless_ = false;
}

} // namespace aura::core
