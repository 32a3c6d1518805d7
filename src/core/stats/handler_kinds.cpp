// handler_kinds: the list of the kinds there are.
#include "auraio/core/stats/handler_kinds.hpp"

#include <algorithm>
#include <cstring>
#include <new>

namespace aura::core {

namespace {

/// What does not fit is left out, in comparisons, too.
void copy(const char* from, std::array<char, 48>& to) noexcept {
    std::memcpy(to.data(), from, std::min(std::strlen(from), to.size() - 1));
}

bool equal(const char* name, const std::array<char, 48>& kept) noexcept {
    return std::strncmp(name, kept.data(), kept.size() - 1) == 0;
}

} // namespace

handler_kind::handler_kind(const char* object, const char* function) noexcept {
    copy(object, object_);
    copy(function, function_);
}

bool handler_kind::is(const char* object, const char* function) const noexcept {
    return equal(object, object_) && equal(function, function_);
}

handler_kind* handler_kind::look_up(handler_kind* first, const char* object, const char* function) noexcept {
    for (handler_kind* k = first; k; k = k->older_)
        if (k->is(object, function))
            return k;
    return nullptr;
}

handler_kind* handler_kind::find(const char* object, const char* function) noexcept {
    handler_kind* first = newest.load(std::memory_order_acquire);
    if (handler_kind* const known = look_up(first, object, function))
        return known;
    auto* const made = new (std::nothrow) handler_kind(object, function);
    if (!made)
        return nullptr;
    for (;;) {
        made->older_ = first;
        if (newest.compare_exchange_strong(first, made, std::memory_order_acq_rel, std::memory_order_acquire))
            return made;
        if (handler_kind* const known = look_up(first, object, function)) { // of another thread
            delete made;
            return known;
        }
    }
}

void handler_kind::record(nanoseconds_t time) noexcept {
    calls_.fetch_add(1, std::memory_order_relaxed);
    total_time_.fetch_add(time, std::memory_order_relaxed);
    std::uint64_t before = longest_.load(std::memory_order_relaxed);
    while (before < time && !longest_.compare_exchange_weak(before, time, std::memory_order_relaxed)) {
    }
}

std::vector<handler_kind_stats> handler_kind::all() {
    std::vector<handler_kind_stats> kinds;
    for (const handler_kind* k = newest.load(std::memory_order_acquire); k; k = k->older_)
        kinds.push_back({k->object_.data(), k->function_.data(), k->calls_.load(std::memory_order_relaxed),
                         k->total_time_.load(std::memory_order_relaxed),
                         k->longest_.load(std::memory_order_relaxed)});
    std::reverse(kinds.begin(), kinds.end());
    return kinds;
}

} // namespace aura::core
