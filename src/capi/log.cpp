// log: what the library has to say, and which version says it.
#include "core/base/log.hpp"
#include "auraio/core/base/stall_limit.hpp"
#include "engine.hpp"

#include <exception>

using namespace aura;

#define AURA_TEXT_OF(x) #x
#define AURA_TEXT(x) AURA_TEXT_OF(x)

void aura::capi::log_message(aura_log_level_t level, const char* message) noexcept {
    core::log_message(static_cast<core::log_level>(level), message);
}

namespace {

/// Who listens, under the C library's types. Read and written under the core's lock.
struct c_receiver {
    aura_log_handler_t handler = nullptr;
    void* user_data = nullptr;
};
constinit c_receiver current;

void tell(core::log_level level, const char* message, void*) {
    const c_receiver to = current; // it may set another
    to.handler(static_cast<aura_log_level_t>(level), message, to.user_data);
}

} // namespace

void aura_set_log_handler(aura_log_handler_t handler, void* user_data) {
    c_receiver next{handler, user_data};
    try {
        core::change_log_handler(
            handler ? &tell : nullptr, nullptr, [](void* p) { current = *static_cast<c_receiver*>(p); },
            &next);
    } catch (const std::exception&) { // NOLINT(bugprone-empty-catch): without memory for it nobody listens
    }
}

void aura_set_stall_report(unsigned milliseconds) {
    core::set_stall_report(milliseconds);
}

const char* aura_version() {
    return AURA_TEXT(AURA_VERSION_MAJOR) "." AURA_TEXT(AURA_VERSION_MINOR) "." AURA_TEXT(AURA_VERSION_PATCH);
}

int aura_version_int() {
    return AURA_VERSION_MAJOR * 10000 + AURA_VERSION_MINOR * 100 + AURA_VERSION_PATCH;
}
