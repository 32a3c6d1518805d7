// start_operation: starting one that refers to something registered.
#include "start_operation.hpp"

namespace aura::capi {

int enlist(aura_engine& engine, core::shard& home, core::io_request& r) {
    const int error = engine.loop.registered().enlist(home, r);
    if (error == 0 || !was_found(r))
        return error;
    r.registered &= static_cast<std::uint8_t>(~(core::registered_file | core::found_file));
    r.fd = r.number;
    return engine.loop.registered().enlist(home, r); // for a buffer, which was asked for
}

aura_request_t* start(aura_engine_t* engine, operation_description& what, aura_callback_t callback,
                      void* user_data) noexcept {
    if (what.request.registered == 0)
        return start_plain(engine, what, callback, user_data);
    if (const int refused = engine->refusal()) // there is an engine: it has what is registered
        return refuse(refused);
    aura_request_t* handle = nullptr;
    guarded([&] {
        const callback_frame* const here = callback_frame::find(*engine);
        core::shard& home = engine->select(here);
        if (const int error = enlist(*engine, home, what.request))
            return fail(-error);
        return start_on(home, *engine, here, what, shown_number(what.request), callback, user_data, handle);
    });
    return handle;
}

} // namespace aura::capi
