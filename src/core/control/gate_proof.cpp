// gate_proof: comparisons, and when they are enough.
#include "core/control/gate_proof.hpp"

#include <algorithm>
#include <cmath>

namespace aura::core {

namespace {
constexpr double comparisons_min = 4;
constexpr double comparisons_min_patient = 12;
constexpr unsigned comparisons_max = 8;
constexpr unsigned comparisons_again = 3; // where the first of a renewal leaves doubt
constexpr double fallen = 3;              // times the scatter of counting
constexpr unsigned comparisons_max_disturbed = 24;
constexpr double far_too_low = 0.7;     // of the rate: two comparisons tell
constexpr double refuted_calm = 2;      // standard errors
constexpr double refuted_disturbed = 3; // pauses fall into few of the comparisons, and far off
constexpr double shown = 1;             // standard errors
constexpr double kept_when_old = 0.8;   // of the weight of what was seen before
constexpr double excess = 2;            // times the scatter of counting
constexpr std::uint64_t few_samples = 50;
constexpr double settled_after = 10; // mean latencies

// Of the P99 where it was sampled often enough in both, over a time in which a queue of the device comes to its
// length; else of the mean.
double latency_ratio(const proof_sample& shut, const proof_sample& open) noexcept {
    const bool settled = in_seconds(open.length) >= settled_after * open.latency;
    if (settled && std::min(shut.sampled.count, open.sampled.count) >= few_samples)
        return static_cast<double>(shut.sampled.p99) / static_cast<double>(open.sampled.p99);
    return shut.latency / open.latency;
}
} // namespace

void gate_proof::sums::add(double logarithm) noexcept {
    ++weight;
    sum += logarithm;
    squares += logarithm * logarithm;
}

void gate_proof::sums::age(double kept) noexcept {
    weight *= kept;
    sum *= kept;
    squares *= kept;
}

rate_ratio gate_proof::sums::ratio() const noexcept {
    if (weight < 2)
        return {1, 1};
    const double mean = sum / weight;
    const double variance = std::max(0.0, squares / weight - mean * mean) / (weight - 1);
    const double value = std::exp(mean);
    return {value, value * std::sqrt(variance) * (1 + 1.5 / (weight - 1))};
}

void gate_proof::forget() noexcept {
    rate_ = latency_ = again_ = {};
    proven_ = false;
    active_ = false;
}

void gate_proof::begin(nanoseconds_t now, unsigned shut, unsigned open) noexcept {
    forget();
    shut_ = shut;
    open_ = open;
    before_ = {};
    comparisons_ = 0;
    spent_ = 0;
    opened_ = now;
    at_open_ = false;
    active_ = true;
}

void gate_proof::renew(nanoseconds_t now, unsigned shut, unsigned open, const proof_sample& last) noexcept {
    rate_.age(kept_when_old);
    latency_.age(kept_when_old);
    again_ = {};
    shut_ = shut;
    open_ = open;
    before_ = last;
    comparisons_ = 0;
    spent_ = 0;
    opened_ = now;
    at_open_ = true;
    active_ = true;
}

gate_proof::verdict gate_proof::add(nanoseconds_t now, const proof_sample& seen) noexcept {
    at_open_ = !at_open_;
    if (!at_open_) {
        between_ = seen;
        return verdict::undecided;
    }
    const bool first = before_.rate <= 0;
    if (!first) {
        compare(seen);
        spent_ += now - opened_;
    }
    before_ = seen;
    opened_ = now;
    const verdict result = first ? verdict::undecided : judge();
    if (result == verdict::undecided)
        return result;
    active_ = false;
    proven_ = result == verdict::holds;
    const auto rest = static_cast<nanoseconds_t>(static_cast<double>(spent_) / options_->proof_share);
    due_ = now + std::clamp(rest, options_->proof_gap_min, options_->proof_gap_max);
    return result;
}

void gate_proof::compare(const proof_sample& after) noexcept {
    ++comparisons_;
    if (between_.rate <= 0 || after.rate <= 0)
        return;
    const double kept = std::log(std::sqrt(before_.rate * after.rate) / between_.rate);
    rate_.add(kept);
    again_.add(kept);
    latency_.add(std::log(latency_ratio(after, between_)));
    counting_ = std::sqrt(1.5 / std::max(1.0, between_.completions));
}

bool gate_proof::disturbed() const noexcept {
    if (rate_.weight < 2)
        return false;
    const double mean = rate_.sum / rate_.weight;
    return std::sqrt(std::max(0.0, rate_.squares / rate_.weight - mean * mean)) > excess * counting_;
}

nanoseconds_t gate_proof::mean_latency() const noexcept {
    return static_cast<nanoseconds_t>(before_.latency * nanoseconds_per_second);
}

double gate_proof::refuted() const noexcept {
    return disturbed() ? refuted_disturbed : refuted_calm;
}

gate_proof::answer gate_proof::keeps_rate(bool last) const noexcept {
    const rate_ratio kept = rate_.ratio();
    if (kept.below(options_->proof_rate, refuted()))
        return answer::no;
    const bool calm = !disturbed();
    // What a calm device was searched with is evidence too; one that is disturbed has to show it here.
    if (calm ? kept.value >= options_->proof_rate - kept.error : kept.above(options_->proof_rate, shown))
        return answer::yes;
    if (!last)
        return answer::unknown;
    return !calm && kept.value >= options_->proof_rate ? answer::yes : answer::no;
}

gate_proof::answer gate_proof::lowers_latency(bool last) const noexcept {
    const rate_ratio left = latency_.ratio();
    const double wanted = options_->proof_latency;
    if (left.below(wanted, shown) || (last && left.value <= wanted))
        return answer::yes;
    return left.above(wanted, refuted()) || last ? answer::no : answer::unknown;
}

gate_proof::verdict gate_proof::judge() const noexcept {
    if (comparisons_ >= 2 && rate_.ratio().below(far_too_low, refuted_calm))
        return verdict::too_low;
    if (proven_)
        return judge_again();
    const unsigned most = patient_ || disturbed() ? comparisons_max_disturbed : comparisons_max;
    if (rate_.weight < (patient_ ? comparisons_min_patient : comparisons_min) && comparisons_ < most)
        return verdict::undecided;
    const bool last = comparisons_ >= most;
    const answer rate = keeps_rate(last);
    if (rate == answer::no)
        return verdict::too_low;
    const answer latency = lowers_latency(last);
    if (latency == answer::no)
        return verdict::useless;
    return rate == answer::yes && latency == answer::yes ? verdict::holds : verdict::undecided;
}

// What has been seen before does not hide a fall.
bool gate_proof::has_fallen() const noexcept {
    const double mean = again_.sum / std::max(again_.weight, 1.0);
    return std::exp(mean) < options_->proof_rate * (1 - fallen * counting_);
}

// One comparison more, and others where that one leaves doubt: what is started meanwhile pays for it.
gate_proof::verdict gate_proof::judge_again() const noexcept {
    const bool useless = latency_.ratio().above(options_->proof_latency, refuted());
    const bool too_low =
        rate_.ratio().below(options_->proof_rate, refuted()) ||
        (comparisons_ >= comparisons_again && again_.ratio().below(options_->proof_rate, refuted()));
    if (comparisons_ < comparisons_again && (useless || too_low || has_fallen()))
        return verdict::undecided;
    return too_low ? verdict::too_low : useless ? verdict::useless : verdict::holds;
}

} // namespace aura::core
