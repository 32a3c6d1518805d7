// log: what the library has to say, and which version says it.
#include "engine.hpp"

#define AURA_TEXT_OF(x) #x
#define AURA_TEXT(x) AURA_TEXT_OF(x)

namespace {

struct receiver {
    std::recursive_mutex mutex; // guards what follows; recursive, as handlers may set handlers
    bool telling = false;       // a handler runs: its own messages would call it again
    aura_log_handler_t handler = nullptr;
    void* user_data = nullptr;
};

receiver& log_receiver() {
    static receiver* const r = new receiver; // outlives static objects that still make engines
    return *r;
}

} // namespace

void aura::capi::log_message(aura_log_level_t level, const char* message) noexcept {
    receiver& r = log_receiver();
    std::lock_guard guard(r.mutex);
    if (!r.handler || r.telling)
        return;
    r.telling = true;
    r.handler(level, message, r.user_data);
    r.telling = false;
}

void aura::capi::renew_log_lock() noexcept {
    // Whoever held it may not exist here, and the thread that forked could not unlock it: it has another
    // number.
    receiver& r = log_receiver();
    ::new (static_cast<void*>(&r.mutex)) std::recursive_mutex;
    r.telling = false;
}

void aura_set_log_handler(aura_log_handler_t handler, void* user_data) {
    receiver& r = log_receiver();
    std::lock_guard guard(r.mutex);
    r.handler = handler;
    r.user_data = user_data;
}

const char* aura_version() {
    return AURA_TEXT(AURA_VERSION_MAJOR) "." AURA_TEXT(AURA_VERSION_MINOR) "." AURA_TEXT(AURA_VERSION_PATCH);
}

int aura_version_int() {
    return AURA_VERSION_MAJOR * 10000 + AURA_VERSION_MINOR * 100 + AURA_VERSION_PATCH;
}
