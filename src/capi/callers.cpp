// callers: the engines that a thread has used before the last one.
#include "callers.hpp"

#include <utility>
#include <vector>

namespace aura::capi {

/// Of one thread, while its thread_local objects live.
class callers::others {
public:
    others() = default;
    others(const others&) = delete;
    ~others() { others_are_gone_ = true; }

    /// Makes `current` the entry of `engine`, and keeps what it was.
    void exchange(entry& current, std::uint64_t engine) {
        for (entry& known : known_)
            if (known.engine == engine) {
                std::swap(known, current);
                return;
            }
        if (current.engine != 0) {
            if (known_.size() == most) // engines that are gone, no doubt
                known_.erase(known_.begin());
            known_.push_back(current);
        }
        current = {engine, {}};
    }

private:
    static constexpr std::size_t most = 64;
    std::vector<entry> known_;
};

core::ring_selector::caller& callers::change_to(std::uint64_t engine) {
    if (others_are_gone_) { // the thread ends: what it does now is not worth remembering
        last_ = {engine, {}};
    } else {
        static thread_local others all;
        all.exchange(last_, engine);
    }
    return last_.caller;
}

} // namespace aura::capi
