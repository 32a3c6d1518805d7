// requests: starting, linking, cancelling and asking about operations.
#include "operations.hpp"

#include <vector>

namespace aura::capi {

using core::shard;
using core::shard_visit;

aura_request_t* start(aura_engine_t* engine, const operation_description& what, aura_callback_t callback,
                      void* user_data) noexcept {
    if (what.request.registered == 0)
        return start_plain(engine, what, callback, user_data);
    if (const int refused = engine->refusal()) // there is an engine: it has what is registered
        return refuse(refused);
    aura_request_t* handle = nullptr;
    guarded([&] {
        const callback_frame* const here = callback_frame::find(*engine);
        shard& home = engine->select(here);
        if (const int error = engine->loop.registered().enlist(home, what.request))
            return fail(-error);
        return start_on(home, *engine, here, what, callback, user_data, handle);
    });
    return handle;
}

namespace {

int describe(operation_description& d, const aura_engine& engine, const aura_op_t& op) noexcept {
    if (op.type < AURA_OP_READ || op.type > AURA_OP_TIMEOUT)
        return EINVAL;
    const auto type = static_cast<aura_op_type_t>(op.type);
    const file_name file{op.fd, op.flags};
    switch (type) {
    case AURA_OP_READ:
    case AURA_OP_WRITE:
        return describe_transfer(d, &engine, type, file, op.data.buf, op.len, op.offset);
    case AURA_OP_READV:
    case AURA_OP_WRITEV:
        return describe_vector(d, &engine, type, file, op.data.buffers, op.count, op.offset);
    case AURA_OP_FSYNC:
    case AURA_OP_FDATASYNC:
    case AURA_OP_CLOSE:
    case AURA_OP_FTRUNCATE:
        return describe_plain(d, &engine, type, file, op.offset);
    default:
        return EINVAL;
    }
}

/// Whether the kernel is asked for less than the program asks for, as it moves no more at once.
bool is_cut(const aura_op_t& op) noexcept {
    return (op.type == AURA_OP_READ || op.type == AURA_OP_WRITE) && op.len > most_bytes;
}

/// Slots that are given back unless they are used.
class reservation {
public:
    explicit reservation(aura_engine& e) noexcept
        : engine_(e) {}
    ~reservation() {
        for (request_slot* r : slots_)
            engine_.abandon(*r);
    }
    bool add() {
        slots_.reserve(slots_.size() + 1);
        request_slot* const r = engine_.allocate();
        if (r)
            slots_.push_back(r);
        return r != nullptr;
    }
    request_slot& operator[](std::size_t i) const noexcept { return *slots_[i]; }
    void used() noexcept { slots_.clear(); }

private:
    aura_engine& engine_;
    std::vector<request_slot*> slots_;
};

aura_request_t* start_linked(aura_engine& engine, const aura_op_t* operations, std::size_t count,
                             aura_request_t** handles) {
    std::vector<operation_description> what(count);
    reservation slots(engine);
    for (std::size_t i = 0; i < count; ++i) {
        if (const int error = describe(what[i], engine, operations[i]))
            return refuse(error);
        if (!slots.add())
            return refuse(ENOMEM);
    }
    shard& home = engine.select();
    for (const operation_description& d : what)
        if (const int error = engine.loop.registered().enlist(home, d.request))
            return refuse(-error);
    aura_request_t* handle = nullptr;
    io_part* first = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
        request_slot& r = slots[i];
        r.prepare(engine, home, what[i].type, what[i].request.fd, operations[i].callback,
                  operations[i].user_data);
        io_part& io = r.make_io(what[i].request);
        if (i == 0)
            first = &io;
        else
            slots[i - 1].link(r, !is_cut(operations[i - 1]));
        handle = r.publish(i != 0);
        if (handles)
            handles[i] = handle;
    }
    slots.used();
    home.loose().start(*first);
    return handle;
}

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

aura_request_t* aura_submit_linked(aura_engine_t* engine, const aura_op_t* operations, size_t count,
                                   aura_request_t** requests) {
    if (!engine || !operations || count == 0)
        return refuse(EINVAL);
    if (const int refused = engine->refusal())
        return refuse(refused);
    aura_request_t* handle = nullptr;
    guarded([&] {
        handle = start_linked(*engine, operations, count, requests);
        return 0;
    });
    return handle;
}

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
