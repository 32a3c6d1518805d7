// registration: registered buffers and files.
#include "start_operation.hpp"

#include <memory>

using namespace aura;
using namespace aura::capi;

namespace {

/// Whether a function that changes what is registered may go on.
int check(const aura_engine_t* engine) noexcept {
    if (!engine)
        return EINVAL;
    return engine->refusal();
}

bool is_kind(aura_reg_type_t type) noexcept {
    return type == AURA_REG_BUFFERS || type == AURA_REG_FILES;
}
core::registration_kind kind_of(aura_reg_type_t type) noexcept {
    return type == AURA_REG_BUFFERS ? core::registration_kind::buffers : core::registration_kind::files;
}

int result_of(int error) noexcept {
    return error == 0 ? 0 : fail(-error);
}

/// For a thread that waits for the end. On the heap: the wait may be left by an exception.
class end_of_registration final : public core::operation {
public:
    end_of_registration(aura_engine& engine, std::shared_ptr<std::atomic<bool>> over) noexcept
        : operation(&run)
        , engine_(engine)
        , over_(std::move(over)) {}

private:
    static void run(operation& base, core::action) {
        auto& self = static_cast<end_of_registration&>(base);
        aura_engine& engine = self.engine_;
        const auto over = std::move(self.over_);
        delete &self;
        // seq_cst: the waiting thread publishes sleep and then reads this; see engine::rouse_all().
        over->store(true, std::memory_order_seq_cst);
        engine.loop.rouse_all();
    }

    aura_engine& engine_;
    std::shared_ptr<std::atomic<bool>> over_;
};

int request_end(aura_engine& engine, aura_reg_type_t type, aura_callback_t callback, void* user_data) {
    core::shard& home = engine.select();
    request_slot* const r = engine.allocate();
    if (!r)
        return fail(ENOMEM);
    r->prepare(engine, home, AURA_OP_UNREGISTER, -1, callback, user_data);
    unregister_part& end = r->make_unregister();
    r->publish(false);
    if (const int error = engine.loop.registered().request_end(kind_of(type), end, home)) {
        r->withdraw();
        engine.abandon(*r);
        return fail(-error);
    }
    if (type == AURA_REG_FILES)
        engine.numbers.clear();
    return 0;
}

} // namespace

int aura_register_buffers(aura_engine_t* engine, const iovec* buffers, unsigned count) {
    if (const int error = check(engine))
        return fail(error);
    if (!buffers || count == 0 || count > 16384)
        return fail(EINVAL);
    return guarded(
        [&] { return result_of(engine->loop.registered().register_buffers(std::span(buffers, count))); });
}

int aura_register_files(aura_engine_t* engine, const int* fds, unsigned count) {
    if (const int error = check(engine))
        return fail(error);
    if (!fds || count == 0)
        return fail(EINVAL);
    return guarded([&] { return result_of(engine->numbers.register_files(std::span(fds, count))); });
}

int aura_get_fixed_file(const aura_engine_t* engine, int index) {
    if (!engine || index < 0) {
        errno = EINVAL;
        return -1;
    }
    const std::uint32_t name = engine->loop.registered().name_of_file(static_cast<std::size_t>(index));
    if (name == 0) {
        errno = ENOENT;
        return -1;
    }
    return value_of_file(name);
}

int aura_update_file(aura_engine_t* engine, int index, int fd) {
    if (const int error = check(engine))
        return fail(error);
    if (index < 0)
        return fail(EINVAL);
    return guarded([&] { return result_of(engine->numbers.update_file(static_cast<unsigned>(index), fd)); });
}

int aura_unregister(aura_engine_t* engine, aura_reg_type_t type) {
    if (const int error = check(engine))
        return fail(error);
    if (!is_kind(type))
        return fail(EINVAL);
    if (callback_frame::find(*engine))
        return aura_request_unregister(engine, type);
    return guarded([&] {
        const auto over = std::make_shared<std::atomic<bool>>(false);
        auto end = std::make_unique<end_of_registration>(*engine, over);
        if (const int error = engine->loop.registered().request_end(kind_of(type), *end, engine->select()))
            return fail(-error);
        if (type == AURA_REG_FILES)
            engine->numbers.clear();
        [[maybe_unused]] const auto* frees_itself = end.release();
        while (!over->load(std::memory_order_seq_cst))
            engine->loop.run_turn(core::never, *over);
        engine->left();
        return 0;
    });
}

int aura_request_unregister(aura_engine_t* engine, aura_reg_type_t type) {
    return aura_unregister_async(engine, type, nullptr, nullptr);
}

int aura_unregister_async(aura_engine_t* engine, aura_reg_type_t type, aura_callback_t callback,
                          void* user_data) {
    if (const int error = check(engine))
        return fail(error);
    if (!is_kind(type))
        return fail(EINVAL);
    return guarded([&] { return request_end(*engine, type, callback, user_data); });
}
