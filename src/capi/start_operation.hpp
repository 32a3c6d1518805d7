// start_operation: describing and starting an operation, for the files that say which there are.
#pragma once

#include "engine.hpp"

namespace aura::capi {

/// What is asked for, once its arguments have been checked.
struct operation_description {
    aura_op_type_t type;
    core::io_request request;
};

/// NULL and errno.
inline aura_request_t* refuse(int error) noexcept {
    errno = error;
    return nullptr;
}

/// Starts an operation of the engine; NULL with errno when there is no memory for it, or no engine any more.
aura_request_t* start(aura_engine_t* engine, operation_description& what, aura_callback_t callback,
                      void* user_data) noexcept;

/// For a file that was found by its number (file_numbers): the number that the program has passed.
inline bool was_found(const core::io_request& r) noexcept {
    return (r.registered & core::found_file) != 0;
}
inline int shown_number(const core::io_request& r) noexcept {
    return was_found(r) ? r.number : r.fd;
}
/// Before a request is handed to `home`: 0, or a negated errno.
int enlist(aura_engine& engine, core::shard& home, core::io_request& r);

/// Puts an operation into a slot and starts it on `home`. 0, or a negated errno. Inline, as what follows:
/// what describes an operation need not go through memory then, where it would be written and read again at
/// once. `here`: the callback of the engine that the calling thread is in, if it is. `shown`: its descriptor, for
/// those who ask.
[[gnu::always_inline]] inline int start_on(core::shard& home, aura_engine_t& engine,
                                           const callback_frame* here, const operation_description& what,
                                           int shown, aura_callback_t callback, void* user_data,
                                           aura_request_t*& handle) {
    request_slot* const r = engine.allocate(here);
    if (!r) [[unlikely]]
        return fail(ENOMEM);
    r->prepare(engine, home, what.type, shown, callback, user_data);
    io_part& io = r->make_io(what.request);
    handle = r->publish(false);
    home.loose().start(io); // from here on it may have ended
    return 0;
}

/// As start(), for what refers to nothing registered.
[[gnu::always_inline]] inline aura_request_t* start_plain(aura_engine_t* engine,
                                                          const operation_description& what,
                                                          aura_callback_t callback,
                                                          void* user_data) noexcept {
    if (!engine) [[unlikely]]
        return refuse(EINVAL);
    if (const int refused = engine->refusal()) [[unlikely]]
        return refuse(refused);
    aura_request_t* handle = nullptr;
    guarded([&] {
        const callback_frame* const here = callback_frame::find(*engine);
        return start_on(engine->select(here), *engine, here, what, what.request.fd, callback, user_data,
                        handle);
    });
    return handle;
}

/// What stands for a registered file where a descriptor stands: a value of AURA_FIXED_FILE and its name.
constexpr int value_of_file(std::uint32_t name) noexcept {
    return static_cast<int>(static_cast<std::uint32_t>(AURA_FIXED_FILE) + name);
}
constexpr bool is_registered_file(int fd) noexcept {
    return fd < value_of_file(core::registrations::end_of_names);
}
constexpr std::uint32_t name_of_value(int fd) noexcept {
    return static_cast<std::uint32_t>(fd) - static_cast<std::uint32_t>(AURA_FIXED_FILE);
}

/// What a program passes for a file may be marked as AURA_BACKGROUND: names end below that bit.
static_assert(core::registrations::end_of_names <= AURA_BACKGROUND);
constexpr bool is_marked_background(int file) noexcept {
    return (file & AURA_BACKGROUND) != 0;
}
constexpr int without_mark(int file) noexcept {
    return file & ~AURA_BACKGROUND;
}

/// Descriptions; 0 or an errno value. The engine, which may be NULL, is the one that has what is registered.
int describe_transfer(operation_description& d, const aura_engine_t* engine, aura_op_type_t type, int file,
                      aura_buf_t buf, std::size_t len, off_t offset) noexcept;
int describe_vector(operation_description& d, const aura_engine_t* engine, aura_op_type_t type, int file,
                    const iovec* buffers, int count, off_t offset) noexcept;
int describe_plain(operation_description& d, const aura_engine_t* engine, aura_op_type_t type, int file,
                   off_t length) noexcept;

} // namespace aura::capi
