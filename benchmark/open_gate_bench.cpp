// What passing an open gate costs a read: the same closed loop of reads through an engine whose backend
// answers at once, from a file that passes a gate and from one that does not.
//
// The difference of the two rows is the figure. Run it pinned (taskset -c 1), with
// --benchmark_repetitions=20 --benchmark_enable_random_interleaving=true, and compare medians of the CPU
// column.
#include "auraio/core/loop/engine.hpp"
#include "core/storage/device_gate.hpp"

#include <array>
#include <cstddef>
#include <memory>
#include <new>

#include <benchmark/benchmark.h>

namespace {

using namespace aura::core;

constexpr std::size_t depth = 32;
constexpr unsigned batch = 100'000;

/// A device without latency: what is submitted in one turn has completed in the next.
class instant_backend final : public backend {
public:
    void submit(io_operation& op) override {
        op.set_result(4096);
        finished_.push(op);
        ++pending_;
    }
    void cancel(io_operation&) override {}
    void flush() override {}
    void poll(op_queue& done) override {
        pending_ = 0;
        done.splice(finished_);
    }
    bool wait(op_queue& done, nanoseconds_t) override {
        poll(done);
        return false;
    }
    void wake() noexcept override {}
    std::size_t pending() const noexcept override { return pending_; }
    void attach_thread() override {}
    void detach_thread() override {}
    void attach_visitor() noexcept override {}
    int readiness_fd() const noexcept override { return -1; }
    void arm_wake() override {}
    void watch(int, unsigned) override {}
    void unwatch(unsigned) noexcept override {}
    bool watch_fired(unsigned) const noexcept override { return true; }
    bool end_requests_on(int) noexcept override { return true; }
    bool obeys_this_thread() const noexcept override { return true; }
    bool is_only_submitter() const noexcept override { return true; }
    void quiesce() override {}
    void abandon_after_fork() override {}

private:
    op_queue finished_;
    std::size_t pending_ = 0;
};

engine_options without_kernel() {
    engine_options options;
    options.make_backend = [](const engine_options&, void*) -> std::unique_ptr<backend> {
        return std::make_unique<instant_backend>();
    };
    return options;
}

/// Reads one after the other, each started by the completion of the one before, in the same memory.
class read_chain {
public:
    void run(descriptor& file, unsigned& left) {
        file_ = &file;
        left_ = &left;
        next();
    }

private:
    class read final : public extended_operation {
    public:
        explicit read(read_chain& chain)
            : extended_operation(&ends, request())
            , chain_(chain) {}

    private:
        static io_request request() {
            io_request r;
            r.kind = request_kind::read;
            r.length = 4096;
            return r;
        }
        static void ends(operation& base, action what) {
            auto& self = static_cast<read&>(base);
            if (what == action::arrive) {
                self.on_arrive();
            } else if (what == action::complete) {
                read_chain& chain = self.chain_;
                std::destroy_at(&self);
                chain.next();
            }
        }
        read_chain& chain_;
    };

    void next() {
        if (*left_ == 0)
            return;
        --*left_;
        file_->start(*::new (memory_.data()) read(*this));
    }

    descriptor* file_ = nullptr;
    unsigned* left_ = nullptr;
    alignas(read) std::array<std::byte, sizeof(read)> memory_{};
};

enum class passes { no_gate, open_gate };

void reads(benchmark::State& state, passes what) {
    static storage_device device({4095, 1});
    engine e(without_kernel());
    descriptor* file = descriptor::create(e.shard_at(0), -1);
    if (what == passes::open_gate)
        file->set_storage(device);
    std::array<read_chain, depth> chains;
    unsigned left = 0;
    while (state.KeepRunningBatch(batch)) {
        left = batch;
        for (read_chain& chain : chains)
            chain.run(*file, left);
        e.restart();
        e.run(never);
    }
    if (what == passes::open_gate && device.stats().delayed != 0)
        state.SkipWithError("the gate was shut");
    file->close_and_forget();
}

BENCHMARK_CAPTURE(reads, no_gate, passes::no_gate);
BENCHMARK_CAPTURE(reads, open_gate, passes::open_gate);

// The gate's own part: what the operation's path calls on it, back to back.
void open_ring_gate(benchmark::State& state) {
    ring_gate gate;
    for (auto _ : state) {
        bool passed = gate.try_admit(gate_lane::read);
        benchmark::DoNotOptimize(passed);
        bool sampled = gate.sampled(gate_lane::read);
        benchmark::DoNotOptimize(sampled);
        gate.complete(gate_lane::read, 4096);
    }
}
BENCHMARK(open_ring_gate);

} // namespace

BENCHMARK_MAIN();
