// catalogue: the devices and loads the controller is judged on, fixed ones and families with random
// parameters.
#pragma once

#include "world.hpp"

#include <string>
#include <vector>

namespace simulation {

/// What a scenario is for, which says what is required of it.
enum class purpose : std::uint8_t {
    knee,      ///< the load exceeds the knee: find it
    open_gate, ///< the device absorbs the load: stay out of the way
    change,    ///< the device becomes another one on the way
    ceiling,   ///< keep max_p99
};

struct entry {
    purpose what;
    scenario run;
};

std::vector<entry> fixed_scenarios();

/// Families, by name: a scenario for every seed.
struct family {
    std::string name;
    entry (*make)(std::uint64_t seed);
};
const std::vector<family>& families();

} // namespace simulation
