// engine_options: reading them from the environment.
#include "auraio/core/base/engine_error.hpp"
#include "backend/backends.hpp"
#include "core/base/only_thread.hpp"

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string_view>
#include <unistd.h>
#include <vector>

namespace aura::core {

namespace {

template <class Enum>
struct choice {
    std::string_view name;
    Enum value;
};

[[noreturn]] void refuse(const char* variable, std::string_view value, const std::string& expected) {
    throw engine_error(EINVAL, std::string("auraio: environment variable ") + variable + "=" +
                                   std::string(value) + ": expected " + expected);
}

template <class Enum>
void read_choice(const char* variable, Enum& out, std::span<const choice<Enum>> choices) {
    const char* value = ::secure_getenv(variable);
    if (!value || !*value)
        return;
    std::string names;
    for (const auto& c : choices) {
        if (c.name == value) {
            out = c.value;
            return;
        }
        names += (names.empty() ? "" : ", ") + std::string(c.name);
    }
    refuse(variable, value, names);
}

template <class Enum>
void read_choice(const char* variable, Enum& out, std::initializer_list<choice<Enum>> choices) {
    read_choice<Enum>(variable, out, std::span(choices.begin(), choices.size()));
}

void read_count(const char* variable, const char* of_what, unsigned& out, unsigned least = 1) {
    const char* value = ::secure_getenv(variable);
    if (!value || !*value)
        return;
    unsigned number = 0;
    const char* end = value + std::strlen(value);
    const auto [stop, error] = std::from_chars(value, end, number);
    if (error != std::errc{} || stop != end || number < least)
        refuse(variable, value,
               std::string("a number of ") + of_what + ", " + std::to_string(least) + " or more");
    out = number;
}

/// Whether any of the variables is there: one look at all that are, where each would be looked for among them. A third
/// of what the library itself does for a context that makes one post.
bool are_any_set() noexcept {
    constexpr std::string_view prefix = "AURAIO_";
    if (!environ)
        return false;
    if (!is_only_thread()) // another may be changing it, and only getenv(3) knows how to look nevertheless
        return true;
    for (const char* const* variable = environ; *variable; ++variable)
        if (std::strncmp(*variable, prefix.data(), prefix.size()) == 0)
            return true;
    return false;
}

} // namespace

engine_options options_from_environment(engine_options options) {
    if (!are_any_set())
        return options;
    std::vector<choice<backend_kind>> backends{{"auto", backend_kind::automatic}};
    for (const backend_entry& b : all_backends())
        backends.push_back({b.name, b.kind});
    read_choice<backend_kind>("AURAIO_BACKEND", options.backend, backends);
    read_choice<task_run>("AURAIO_TASK_RUN", options.task_work,
                          {{"cooperative", task_run::cooperative},
                           {"immediate", task_run::immediate},
                           {"deferred", task_run::deferred}});
    read_choice<wake_mechanism>("AURAIO_WAKE", options.wake,
                                {{"auto", wake_mechanism::automatic},
                                 {"message", wake_mechanism::message},
                                 {"event", wake_mechanism::event}});
    read_count("AURAIO_SQ_ENTRIES", "entries", options.sq_entries);
    read_count("AURAIO_CQ_ENTRIES", "entries", options.cq_entries);
    read_count("AURAIO_TAKEOVER_AFTER", "microseconds", options.takeover_after, 0);
    read_count("AURAIO_POOL_THREADS", "threads", options.pool_threads);
    read_count("AURAIO_WORKER_LIMIT", "threads", options.worker_limit);
    read_choice<bool>("AURAIO_IMPLICIT_STRANDS", options.implicit_strands, {{"on", true}, {"off", false}});
    read_choice<bool>("AURAIO_RESTRICT_RINGS", options.restrict_rings, {{"on", true}, {"off", false}});
    read_choice<bool>("AURAIO_PACK_RINGS", options.pack_rings, {{"on", true}, {"off", false}});
    read_choice<bool>("AURAIO_KEEP_RING", options.keep_ring, {{"on", true}, {"off", false}});
    return options;
}

} // namespace aura::core
