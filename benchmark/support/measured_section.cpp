#include "measured_section.hpp"

#include "arguments.hpp"
#include "failure.hpp"

namespace benchmark {

measured_section::measured_section(arguments& args, std::uint64_t stride)
    : next_look_(stride)
    , stride_(stride)
    , measure_(args.number("measure_ms", 1000))
    , deadline_(std::chrono::steady_clock::now() + std::chrono::milliseconds(args.number("warm_ms", 200))) {}

bool measured_section::look_at_clock() {
    // next_look_ stays behind once finished: every later completion comes here and is told to stop.
    if (phase_ == phase::finished)
        return false;
    next_look_ = operations_ + stride_;
    if (std::chrono::steady_clock::now() < deadline_)
        return true;
    if (phase_ == phase::warm_up) {
        phase_ = phase::measured;
        operations_begin_ = operations_;
        begin_ = usage_now();
        deadline_ = begin_.wall + measure_;
        return true;
    }
    end_ = usage_now();
    operations_end_ = operations_;
    phase_ = phase::finished;
    next_look_ = 0;
    return false;
}

void measured_section::print(const arguments& args, std::uint64_t depth, std::initializer_list<figure> more) {
    if (phase_ != phase::finished)
        fail("the measurement did not come to its end");
    print_result(args, depth, begin_, end_, operations_end_ - operations_begin_, more);
}

} // namespace benchmark
