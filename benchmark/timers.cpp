// Timers among many pending ones: set and cancel, re-arm, fire; and many that are armed, then due all at once.
#include "support/affinity.hpp"
#include "support/contender.hpp"
#include "support/measured_section.hpp"
#include "support/random.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using namespace benchmark;
using namespace std::chrono_literals;

enum class activity { set_cancel, rearm, fire };

activity activity_named(const std::string& name) {
    if (name == "set_cancel")
        return activity::set_cancel;
    if (name == "rearm")
        return activity::rearm;
    if (name == "fire")
        return activity::fire;
    fail("mode is set_cancel, rearm, fire or bulk");
}

class timer_load {
public:
    // Arguments: mode, depth (how many timers are pending), batch (how many of them a turn of the loop
    // touches), spread_us (in what time those that are to fire are due).
    timer_load(io::io_context& context, measured_section& section, arguments& args)
        : executor_(context.get_executor())
        , section_(section)
        , activity_(activity_named(args.text("mode", "set_cancel")))
        , batch_(args.number("batch", 64))
        , spread_(args.number("spread_us", 1000) * 1000) {
        const std::uint64_t pending = args.number("depth", 1000);
        batch_ = std::min(batch_, pending);
        for (std::uint64_t i = 0; i < pending; ++i) {
            timers_.emplace_back(context);
            order_.push_back(i);
        }
        // Fixed but scattered: neighbours in memory are not neighbours in time.
        for (std::uint64_t i = pending; i > 1; --i)
            std::swap(order_[i - 1], order_[random_.below(i)]);
    }

    void start() {
        for (std::uint64_t i = 0; i < timers_.size(); ++i)
            arm(i);
        if (activity_ != activity::fire)
            net::post(executor_, [this] { turn(); });
    }

    std::uint64_t pending() const { return timers_.size(); }

private:
    // Far away, as a server's time-outs are; near for those that are to fire.
    std::chrono::nanoseconds delay() {
        if (activity_ == activity::fire)
            return std::chrono::nanoseconds(random_.below(spread_));
        return 1s + std::chrono::microseconds(random_.below(3'600'000'000));
    }

    void arm(std::uint64_t index) {
        timers_[index].expires_after(delay());
        timers_[index].async_wait([this, index](const std::error_code& error) { ended(index, error); });
    }

    void ended(std::uint64_t index, const std::error_code& error) {
        if (!error != (activity_ == activity::fire) && !stopping_)
            fail("a timer ended as it should not", error.value());
        if (stopping_)
            return;
        if (!section_.count())
            stop();
        else if (activity_ != activity::rearm)
            arm(index);
    }

    // Cancels or re-arms some timers; their handlers run before the next turn.
    void turn() {
        for (std::uint64_t i = 0; i < batch_ && !stopping_; ++i) {
            const std::uint64_t index = order_[cursor_];
            cursor_ = cursor_ + 1 < order_.size() ? cursor_ + 1 : 0;
            if (activity_ == activity::rearm)
                arm(index);
            else
                timers_[index].cancel();
        }
        if (!stopping_)
            net::post(executor_, [this] { turn(); });
    }

    void stop() {
        stopping_ = true;
        for (io::steady_timer& timer : timers_)
            timer.cancel();
    }

    io_executor executor_;
    measured_section& section_;
    activity activity_;
    std::uint64_t batch_;
    std::uint64_t spread_;
    std::deque<io::steady_timer> timers_;
    std::vector<std::uint64_t> order_;
    std::uint64_t cursor_ = 0;
    random_sequence random_;
    bool stopping_ = false;
};

// Arms all timers, sleeps until they are due, and runs them: what each of the two costs. Arguments: depth, spread_us,
// from (inside of run() or outside, where the timers are armed).
class bulk_load {
public:
    bulk_load(io::io_context& context, measured_section& section, arguments& args)
        : context_(context)
        , section_(section)
        , inside_(args.text("from", "inside") == "inside")
        , spread_(args.number("spread_us", 1000) * 1000) {
        for (std::uint64_t i = args.number("depth", 1000); i > 0; --i)
            timers_.emplace_back(context);
    }

    void run() {
        do {
            if (inside_)
                net::post(context_, [this] { arm(); });
            else
                arm();
            context_.restart();
            context_.run();
            const usage fired = usage_now();
            if (!section_.warming_up()) {
                arming_ += cpu(armed_) - cpu(begin_);
                firing_ += cpu(fired) - cpu(due_);
                ++rounds_;
            }
        } while (section_.count(timers_.size()));
        if (fired_ % timers_.size() != 0)
            fail("a timer was aborted");
    }

    void print(const arguments& args) const {
        const double count = static_cast<double>(rounds_) * static_cast<double>(timers_.size());
        section_.print(args, timers_.size(),
                       {{"arm_ns", static_cast<double>(arming_.count()) / count},
                        {"fire_ns", static_cast<double>(firing_.count()) / count}});
    }

private:
    static std::chrono::nanoseconds cpu(const usage& what) { return what.cpu_user + what.cpu_system; }

    void arm() {
        begin_ = usage_now();
        for (io::steady_timer& timer : timers_) {
            timer.expires_at(begin_.wall + std::chrono::nanoseconds(random_.below(spread_)));
            timer.async_wait([this](const std::error_code& error) { fired_ += error ? 0U : 1U; });
        }
        armed_ = usage_now();
        std::this_thread::sleep_until(begin_.wall + std::chrono::nanoseconds(spread_));
        due_ = usage_now();
    }

    io::io_context& context_;
    measured_section& section_;
    bool inside_;
    std::uint64_t spread_;
    std::deque<io::steady_timer> timers_;
    random_sequence random_;
    usage begin_{}, armed_{}, due_{};
    std::uint64_t fired_ = 0;
    std::uint64_t rounds_ = 0;
    std::chrono::nanoseconds arming_{0};
    std::chrono::nanoseconds firing_{0};
};

void measure_bulk(io::io_context& context, arguments& args) {
    measured_section section(args, 1);
    bulk_load load(context, section, args);
    args.reject_unknown();
    load.run();
    load.print(args);
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    pin_this_thread(0);
    const auto context = make_context(args);
    if (args.text("mode", "set_cancel") == "bulk") {
        measure_bulk(*context, args);
        return 0;
    }
    measured_section section(args);
    timer_load load(*context, section, args);
    args.reject_unknown();

    load.start();
    context->run();
    section.print(args, load.pending());
}
