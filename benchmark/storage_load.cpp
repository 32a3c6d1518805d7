// Many requests to one device for some seconds, gated or not, with what the controller does about them over
// time.
//
// Prints a line per 100 ms (series=1), then one for the whole. storage.sh runs it, and disturbs it.
#include "support/affinity.hpp"
#include "support/arguments.hpp"
#include "support/failure.hpp"
#include "support/random.hpp"
#include "support/test_file.hpp"

#include <auraio/auraio.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace benchmark;
using namespace std::chrono_literals;
using clock_type = std::chrono::steady_clock;

constexpr auto interval = 100ms;

struct settings {
    explicit settings(arguments& args)
        : path(args.text("path", "data"))
        , depth(static_cast<unsigned>(args.number("depth", 512)))
        , writes(args.text("kind", "read") == "write")
        , adaptive(args.number("adaptive", 1) != 0)
        , sequential_for(args.number("sequential_ms", 0))
        , ceiling(args.number("ceiling_us", 0))
        , ceiling_after(args.number("ceiling_after_ms", 0))
        , warm(args.number("warm_ms", 500))
        , measured(args.number("measure_ms", 2000))
        , place(static_cast<unsigned>(args.number("place", 0)))
        , series(args.number("series", 0) != 0) {
        args.reject_unknown();
    }

    std::string path;
    unsigned depth;
    bool writes;
    bool adaptive;
    std::chrono::milliseconds sequential_for; // then at random
    std::chrono::microseconds ceiling;        // for the P99; 0: none
    std::chrono::milliseconds ceiling_after;
    std::chrono::milliseconds warm;
    std::chrono::milliseconds measured;
    unsigned place;
    bool series;
};

std::uint64_t percentile(std::vector<std::uint64_t>& values, unsigned percent) {
    if (values.empty())
        return 0;
    const auto at = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) * percent / 100);
    std::nth_element(values.begin(), at, values.end());
    return *at;
}

/// A closed loop of `depth` requests of 4 KiB.
class load {
public:
    explicit load(const settings& s)
        : set_(s)
        , context_(1)
        , device_(aura::device_of(s.path))
        , file_(context_, s.path,
                (s.writes ? aura::file_base::read_write : aura::file_base::read_only) |
                    aura::file_base::direct)
        , blocks_(file_.size() / block_size)
        , timer_(context_)
        , memory_(static_cast<std::byte*>(std::aligned_alloc(block_size, s.depth * block_size)))
        , slots_(s.depth) {
        context_.set_adaptive(s.adaptive);
    }

    void run() {
        began_ = clock_type::now();
        for (unsigned i = 0; i < set_.depth; ++i)
            start(i);
        timer_.expires_at(began_ + interval);
        tick();
        context_.run();
        print_summary();
    }

private:
    struct free_memory {
        void operator()(std::byte* memory) const { std::free(memory); }
    };

    void start(unsigned i) {
        slots_[i] = clock_type::now();
        const bool in_order = slots_[i] - began_ < set_.sequential_for;
        const std::uint64_t offset = (in_order ? next_++ % blocks_ : random_.below(blocks_)) * block_size;
        std::byte* const memory = memory_.get() + i * block_size;
        const auto ended = [this, i](const aura::error_code& error, std::size_t size) {
            if (error || size != block_size)
                fail("request", error.value());
            latencies_.push_back(static_cast<std::uint64_t>((clock_type::now() - slots_[i]).count()));
            if (!over_)
                start(i);
        };
        if (set_.writes)
            file_.async_write_some_at(offset, aura::net::buffer(memory, block_size), ended);
        else
            file_.async_read_some_at(offset, aura::net::buffer(memory, block_size), ended);
    }

    void tick() {
        timer_.async_wait([this](const aura::error_code&) {
            const auto now = clock_type::now();
            note(now - began_);
            if (set_.ceiling != 0us && !ceiling_set_ && now - began_ >= set_.ceiling_after) {
                ceiling_set_ = true;
                context_.set_max_p99_latency(set_.ceiling, device_);
            }
            over_ = now - began_ >= set_.warm + set_.measured;
            if (over_)
                return;
            timer_.expires_at(timer_.expiry() + interval);
            tick();
        });
    }

    /// The interval that has passed.
    void note(clock_type::duration at) {
        aura::device_stats device;
        for (const aura::device_stats& d : context_.stats().devices)
            if (d.id == device_)
                device = d;
        const std::uint64_t seen = percentile(latencies_, 99) / 1000;
        // Without the gate nothing waits in front of the device.
        const std::uint64_t p99 = set_.adaptive ? device.p99_latency / 1000 : seen;
        const auto span = std::chrono::duration<double>(at - noted_).count();
        const auto rate = static_cast<std::uint64_t>(static_cast<double>(latencies_.size()) / span);
        const unsigned limit =
            device.limit == aura::core::no_limit ? set_.depth : std::min(device.limit, set_.depth);
        if (set_.series)
            std::printf("at_ms=%lld iops=%llu device_p99_us=%llu seen_p99_us=%llu limit=%u phase=%s\n",
                        static_cast<long long>(at / 1ms), static_cast<unsigned long long>(rate),
                        static_cast<unsigned long long>(p99), static_cast<unsigned long long>(seen), limit,
                        aura::core::name(device.phase));
        if (at > set_.warm) {
            if (rates_.empty())
                counted_from_ = counters_now();
            else
                requests_ += latencies_.size();
            rates_.push_back(rate);
            p99s_.push_back(p99);
            limits_.push_back(limit);
        }
        latencies_.clear();
        noted_ = at;
    }

    /// What the requests have cost so far.
    struct counters {
        std::uint64_t cpu_ns = 0;
        std::uint64_t enters = 0;
        std::uint64_t waits = 0; // at the gate
    };
    counters counters_now() const {
        const aura::ring_stats sum = context_.stats().total();
        timespec cpu{};
        if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &cpu) != 0)
            fail("clock_gettime", errno);
        constexpr std::uint64_t second = 1'000'000'000;
        return {static_cast<std::uint64_t>(cpu.tv_sec) * second + static_cast<std::uint64_t>(cpu.tv_nsec),
                sum.enters, sum.gate_waits};
    }

    void print_summary() {
        std::uint64_t sum = 0;
        for (const std::uint64_t rate : rates_)
            sum += rate;
        const counters spent = counters_now();
        const auto each = [&](std::uint64_t to, std::uint64_t from) {
            return static_cast<double>(to - from) /
                   static_cast<double>(std::max<std::uint64_t>(requests_, 1));
        };
        std::printf("depth=%u adaptive=%d iops=%llu device_p99_us=%llu limit=%llu cpu_ns=%.0f enters=%.4f "
                    "waits=%.3f\n",
                    set_.depth, set_.adaptive ? 1 : 0,
                    static_cast<unsigned long long>(rates_.empty() ? 0 : sum / rates_.size()),
                    static_cast<unsigned long long>(percentile(p99s_, 50)),
                    static_cast<unsigned long long>(percentile(limits_, 50)),
                    each(spent.cpu_ns, counted_from_.cpu_ns), each(spent.enters, counted_from_.enters),
                    each(spent.waits, counted_from_.waits));
    }

    const settings& set_;
    aura::io_context context_;
    aura::device_id device_;
    aura::random_access_file file_;
    std::uint64_t blocks_;
    aura::steady_timer timer_;
    std::unique_ptr<std::byte[], free_memory> memory_;
    std::vector<clock_type::time_point> slots_; // when each one's request was started
    random_sequence random_;
    std::uint64_t next_ = 0; // block of a sequential load
    clock_type::time_point began_;
    clock_type::duration noted_{0};
    bool ceiling_set_ = false;
    bool over_ = false;
    counters counted_from_;
    std::uint64_t requests_ = 0;                       // since then
    std::vector<std::uint64_t> latencies_;             // of the current interval, in nanoseconds
    std::vector<std::uint64_t> rates_, p99s_, limits_; // one per interval
};

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, "storage_load");
    const settings s(args);
    pin_this_thread(s.place);
    load(s).run();
}
