// request_handles: cancelling operations, and asking about them.
#include "start_operation.hpp"

namespace aura::capi {

using core::shard;
using core::shard_visit;

namespace {

/// The same as a cancel_note, for a slot whose own is on its way.
class cancel_message final : public core::operation {
public:
    cancel_message(request_slot& r, std::uint64_t life) noexcept
        : operation(&run)
        , request_(r)
        , life_(life) {
        set_message(true);
    }

private:
    static void run(core::operation& base, core::action what) {
        auto& self = static_cast<cancel_message&>(base);
        // The shard's driver, alone, ends an operation that lives here: when it is pending now it stays so.
        if (what == core::action::arrive && self.request_.life() == self.life_)
            self.request_.cancel_here();
        delete &self;
    }
    request_slot& request_;
    const std::uint64_t life_;
};

int cancel(aura_engine& engine, request_slot& r, std::uint64_t life) {
    // Between two looks that find the same life, home and engine are those of that life: see request.
    if (r.life() != life)
        return fail(ENOENT);
    shard& home = r.home();
    const bool ours = r.engine() == &engine;
    if (r.life() != life)
        return fail(ENOENT);
    if (!ours)
        return fail(EINVAL);
    bool visited = false;
    if (shard_visit visit(home); visit) {
        if (r.life() != life)
            return fail(ENOENT);
        r.cancel_here();
        visited = !visit.driving();
    } else {
        if (r.note().take(life))
            home.send(r.note());
        else
            home.send(*new cancel_message(r, life));
    }
    if (visited && !callback_frame::find(engine))
        engine.left(); // what was cancelled may be ready
    return 0;
}

/// Reads a field of the operation `handle` names; `otherwise` when that is no more.
template <class Read, class T>
T ask(const aura_request_t* handle, Read read, T otherwise) noexcept {
    const request_name name = request_name::of(handle);
    const request_slot* r = handle ? request_store::instance().find(name.index) : nullptr;
    if (!r)
        return otherwise;
    const std::uint64_t before = r->life();
    if (before >> 2 != name.generation || before == name.life(request_slot::free))
        return otherwise;
    const T value = read(*r);
    return r->life() >> 2 == name.generation ? value : otherwise;
}

} // namespace

} // namespace aura::capi

using namespace aura::capi;

int aura_cancel(aura_engine_t* engine, aura_request_t* handle) {
    if (!engine || !handle)
        return fail(EINVAL);
    if (engine->is_inherited())
        return fail(ECHILD);
    const request_name name = request_name::of(handle);
    request_slot* const r = request_store::instance().find(name.index);
    if (!r)
        return fail(ENOENT);
    return guarded([&] { return cancel(*engine, *r, name.life(request_slot::pending)); });
}

bool aura_request_pending(const aura_request_t* handle) {
    const request_name name = request_name::of(handle);
    const request_slot* r = handle ? request_store::instance().find(name.index) : nullptr;
    return r && r->life() == name.life(request_slot::pending);
}

int aura_request_fd(const aura_request_t* handle) {
    return ask(handle, [](const request_slot& r) { return r.fd(); }, -1);
}

void* aura_request_user_data(const aura_request_t* handle) {
    return ask(handle, [](const request_slot& r) { return r.user_data(); }, static_cast<void*>(nullptr));
}

int aura_request_op_type(const aura_request_t* handle) {
    return ask(handle, [](const request_slot& r) { return static_cast<int>(r.type()); }, -1);
}
