// core::timer_queue beside Asio's timer queue and a 4-ary heap, in the life of many time-outs.
//
// Every contender sees the same deadlines; the heap has the advantage that it touches no timer objects. Run
// it pinned (taskset -c 1), several times, and compare medians of the CPU column.
#include "auraio/core/timer/timer_queue.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include <asio/detail/op_queue.hpp>
#include <asio/detail/timer_queue.hpp>
#include <asio/detail/wait_op.hpp>
#include <benchmark/benchmark.h>

namespace {

constexpr std::uint64_t microsecond = 1000;
constexpr std::uint64_t millisecond = 1000 * microsecond;
constexpr std::uint64_t second = 1000 * millisecond;
constexpr std::uint64_t start = 10 * 24 * 3600 * second; // a machine that has been up for ten days

// --- contenders: arm(id, deadline), cancel(id), pop(now, fired), next(now): the time to sleep until ---

class aura_wheel {
public:
    explicit aura_wheel(std::size_t count)
        : queue_(start)
        , timers_(count) {
        for (std::size_t id = 0; id < count; ++id)
            timers_[id].id = id;
    }

    ~aura_wheel() {
        while (queue_.pop_due(UINT64_MAX) != nullptr) {
        }
    }

    void arm(std::size_t id, std::uint64_t deadline) { queue_.insert(timers_[id], deadline); }
    void cancel(std::size_t id) { queue_.remove(timers_[id]); }
    std::uint64_t next(std::uint64_t) { return queue_.next_deadline(); }

    template <class Fired>
    void pop(std::uint64_t now, Fired fired) {
        while (auto* node = queue_.pop_due(now))
            fired(static_cast<timer*>(node)->id);
    }

private:
    struct timer : aura::core::timer_node {
        std::size_t id = 0;
    };

    aura::core::timer_queue queue_;
    std::deque<timer> timers_;
};

// Asio's own queue under a clock that the benchmark sets. Includes the queueing of operations that Asio does
// in the same call; a timer has one wait each.
class asio_heap {
public:
    explicit asio_heap(std::size_t count)
        : timers_(count) {
        for (std::size_t id = 0; id < count; ++id)
            timers_[id].op.id = id;
    }

    ~asio_heap() {
        asio::detail::op_queue<asio::detail::operation> ops;
        queue_.get_all_timers(ops);
        discard(ops);
    }

    void arm(std::size_t id, std::uint64_t deadline) {
        queue_.enqueue_timer(deadline, timers_[id].data, &timers_[id].op);
    }

    void cancel(std::size_t id) {
        asio::detail::op_queue<asio::detail::operation> ops;
        queue_.cancel_timer(timers_[id].data, ops);
        discard(ops);
    }

    // Asio tells how long to wait; a microsecond is its finest answer.
    std::uint64_t next(std::uint64_t now) {
        manual_time::current = now;
        const long wait_us = queue_.wait_duration_usec(3'600'000'000L);
        return now + static_cast<std::uint64_t>(wait_us) * microsecond;
    }

    template <class Fired>
    void pop(std::uint64_t now, Fired fired) {
        manual_time::current = now;
        asio::detail::op_queue<asio::detail::operation> ops;
        queue_.get_ready_timers(ops);
        while (asio::detail::operation* ready = ops.front()) {
            ops.pop();
            fired(static_cast<wait*>(ready)->id);
        }
    }

private:
    // Asio's concept of time traits over plain nanoseconds.
    struct manual_time {
        struct posix_duration {
            std::int64_t ns;
            std::int64_t ticks() const { return ns; }
            std::int64_t total_seconds() const { return ns / 1'000'000'000; }
            std::int64_t total_milliseconds() const { return ns / 1'000'000; }
            std::int64_t total_microseconds() const { return ns / 1000; }
        };
        using time_type = std::uint64_t;
        using duration_type = std::int64_t;
        static inline time_type current = start;
        static time_type now() { return current; }
        static bool less_than(time_type a, time_type b) { return a < b; }
        static duration_type subtract(time_type a, time_type b) { return static_cast<duration_type>(a - b); }
        static posix_duration to_posix_duration(duration_type duration) { return {duration}; }
    };

    struct wait : asio::detail::wait_op {
        wait()
            : wait_op(&nothing) {}
        static void nothing(void*, asio::detail::operation*, const asio::error_code&, std::size_t) {}
        std::size_t id = 0;
    };

    using queue = asio::detail::timer_queue<manual_time>;

    struct timer {
        queue::per_timer_data data;
        wait op;
    };

    static void discard(asio::detail::op_queue<asio::detail::operation>& ops) {
        while (ops.front() != nullptr)
            ops.pop();
    }

    std::deque<timer> timers_;
    queue queue_;
};

// The best heap we know for this: four children, keys in the heap's array, back-indices in the timers.
class four_ary_heap {
public:
    explicit four_ary_heap(std::size_t count)
        : index_(count) {
        heap_.reserve(count);
    }

    void arm(std::size_t id, std::uint64_t deadline) {
        heap_.push_back({deadline, id});
        up(heap_.size() - 1, {deadline, id});
    }

    void cancel(std::size_t id) {
        const std::size_t at = index_[id];
        const entry last = heap_.back();
        heap_.pop_back();
        if (at == heap_.size())
            return;
        if (at > 0 && last.key < heap_[(at - 1) / 4].key)
            up(at, last);
        else
            down(at, last);
    }

    std::uint64_t next(std::uint64_t) { return heap_.empty() ? UINT64_MAX : heap_.front().key; }

    template <class Fired>
    void pop(std::uint64_t now, Fired fired) {
        while (!heap_.empty() && heap_.front().key <= now) {
            const std::size_t id = heap_.front().id;
            cancel(id);
            fired(id);
        }
    }

private:
    struct entry {
        std::uint64_t key;
        std::size_t id;
    };

    void put(std::size_t at, entry value) {
        heap_[at] = value;
        index_[value.id] = at;
    }

    void up(std::size_t at, entry value) {
        while (at > 0 && value.key < heap_[(at - 1) / 4].key) {
            put(at, heap_[(at - 1) / 4]);
            at = (at - 1) / 4;
        }
        put(at, value);
    }

    void down(std::size_t at, entry value) {
        for (;;) {
            const std::size_t first = 4 * at + 1;
            if (first >= heap_.size())
                break;
            const std::size_t end = std::min(first + 4, heap_.size());
            std::size_t least = first;
            for (std::size_t child = first + 1; child < end; ++child) {
                if (heap_[child].key < heap_[least].key)
                    least = child;
            }
            if (value.key <= heap_[least].key)
                break;
            put(at, heap_[least]);
            at = least;
        }
        put(at, value);
    }

    std::vector<entry> heap_;
    std::vector<std::size_t> index_;
};

// --- scenarios ---

__extension__ using uint128 = unsigned __int128; // GCC's and Clang's, not the standard's

// A cheap generator, so that it does not drown what is measured (splitmix by its constants).
class random_numbers {
public:
    std::uint64_t below(std::uint64_t bound) {
        state_ += 0x9e3779b97f4a7c15;
        std::uint64_t mixed = state_;
        mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
        mixed ^= mixed >> 27;
        return static_cast<std::uint64_t>((static_cast<uint128>(mixed) * bound) >> 64);
    }

private:
    std::uint64_t state_ = 1;
};

// Time-outs of 30 s, re-armed at every I/O of a random connection, 1 us apart; none fires. 32 per loop turn.
template <class Queue>
void rearm(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    Queue queue(count);
    random_numbers random;
    std::uint64_t now = start;
    for (std::size_t id = 0; id < count; ++id)
        queue.arm(id, now + 30 * second);
    std::uint64_t fired = 0;
    unsigned turn = 0;
    for (auto _ : state) {
        const std::size_t id = random.below(count);
        now += microsecond;
        queue.cancel(id);
        queue.arm(id, now + 30 * second);
        if (++turn % 32 == 0) {
            queue.pop(now, [&](std::size_t late) {
                ++fired;
                queue.arm(late, now + 30 * second);
            });
            benchmark::DoNotOptimize(queue.next(now));
        }
    }
    state.counters["fired"] = static_cast<double>(fired);
}

// One time-out set before an operation and cancelled after it, of 1 to 60 s, while `count` others are
// pending.
template <class Queue>
void set_cancel(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    Queue queue(count + 1);
    random_numbers random;
    std::uint64_t now = start;
    for (std::size_t id = 0; id < count; ++id)
        queue.arm(id, now + 3600 * second + random.below(60 * second));
    unsigned turn = 0;
    for (auto _ : state) {
        now += microsecond;
        queue.arm(count, now + second + random.below(59 * second));
        queue.cancel(count);
        if (++turn % 32 == 0) {
            queue.pop(now, [](std::size_t) {});
            benchmark::DoNotOptimize(queue.next(now));
        }
    }
}

// `count` timers armed at random times of the coming second, then fired in at most 1000 turns. Per timer.
template <class Queue>
void fire(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    Queue queue(count);
    random_numbers random;
    std::uint64_t now = start;
    const std::uint64_t turn = second / std::min<std::size_t>(count, 1000);
    std::uint64_t fired = 0;
    for (auto _ : state) {
        for (std::size_t id = 0; id < count; ++id)
            queue.arm(id, now + random.below(second));
        for (const std::uint64_t end = now + second; now <= end; now += turn) {
            if (queue.next(now) <= now)
                queue.pop(now, [&](std::size_t) { ++fired; });
        }
    }
    const auto expected = static_cast<std::uint64_t>(state.iterations()) * count;
    state.SetItemsProcessed(static_cast<std::int64_t>(expected));
    if (fired != expected)
        state.SkipWithError("timers were lost");
}

// Periodic timers of 1 to 100 ms, re-armed as they fire; the loop sleeps exactly until the next one. Per
// firing.
template <class Queue>
void periodic(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    Queue queue(count);
    random_numbers random;
    std::uint64_t now = start;
    std::vector<std::uint64_t> period(count);
    for (std::size_t id = 0; id < count; ++id) {
        period[id] = millisecond + random.below(99 * millisecond);
        queue.arm(id, now + random.below(period[id]));
    }
    std::uint64_t fired = 0;
    std::vector<std::size_t> ready;
    for (auto _ : state) {
        now = std::max(now + 10 * microsecond, queue.next(now));
        queue.pop(now, [&](std::size_t id) { ready.push_back(id); });
        for (const std::size_t id : ready)
            queue.arm(id, now + period[id]);
        fired += ready.size();
        ready.clear();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(fired));
}

// A server's mix: 30 s time-outs re-armed at random, one connection in eight idle until its time-out fires,
// and a 5 ms retransmission timer that is set per operation and fires once in 64. 10 us per operation.
template <class Queue>
void server_mix(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    const std::size_t active = count - count / 8;
    Queue queue(2 * count);
    random_numbers random;
    std::vector<bool> armed(2 * count, true);
    std::uint64_t now = start;
    for (std::size_t id = 0; id < count; ++id) {
        queue.arm(id, now + random.below(30 * second));
        armed[count + id] = false;
    }
    std::uint64_t fired = 0;
    unsigned turn = 0;
    for (auto _ : state) {
        const std::size_t id = random.below(active);
        now += 10 * microsecond;
        queue.cancel(id);
        queue.arm(id, now + 30 * second);
        if (armed[count + id])
            queue.cancel(count + id);
        armed[count + id] = true;
        queue.arm(count + id, now + 5 * millisecond);
        if (random.below(64) != 0) {
            queue.cancel(count + id);
            armed[count + id] = false;
        }
        if (++turn % 32 == 0 && queue.next(now) <= now) {
            queue.pop(now, [&](std::size_t due) {
                ++fired;
                armed[due] = false;
                if (due < count) {
                    queue.arm(due, now + 30 * second);
                    armed[due] = true;
                }
            });
        }
    }
    state.counters["fired"] = static_cast<double>(fired);
}

#define AURAIO_TIMER_BENCH(scenario)                                                                         \
    BENCHMARK(scenario<aura_wheel>)->Arg(10)->Arg(1000)->Arg(100'000);                                       \
    BENCHMARK(scenario<asio_heap>)->Arg(10)->Arg(1000)->Arg(100'000);                                        \
    BENCHMARK(scenario<four_ary_heap>)->Arg(10)->Arg(1000)->Arg(100'000)

AURAIO_TIMER_BENCH(rearm);
AURAIO_TIMER_BENCH(set_cancel);
AURAIO_TIMER_BENCH(fire);
AURAIO_TIMER_BENCH(periodic);
AURAIO_TIMER_BENCH(server_mix);

} // namespace

BENCHMARK_MAIN();
