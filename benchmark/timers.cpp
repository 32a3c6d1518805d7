// Timers among many pending ones: set and cancel, re-arm, fire.
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
    fail("mode is set_cancel, rearm or fire");
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

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    pin_this_thread(0);
    const auto context = make_context(args);
    measured_section section(args);
    timer_load load(*context, section, args);
    args.reject_unknown();

    load.start();
    context->run();
    section.print(args, load.pending());
}
