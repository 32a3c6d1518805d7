// chain: operations that are started together and run one after the other.
#include "start_operation.hpp"
#include "versioned_struct.hpp"

#include <vector>

using namespace aura::capi;
using aura::core::shard;

namespace {

int describe(operation_description& d, const aura_engine& engine, const aura_op_t& op) noexcept {
    if (op.type < AURA_OP_READ || op.type > AURA_OP_TIMEOUT || op.flags != 0)
        return EINVAL;
    const auto type = static_cast<aura_op_type_t>(op.type);
    switch (type) {
    case AURA_OP_READ:
    case AURA_OP_WRITE:
        return describe_transfer(d, &engine, type, op.fd, op.data.buf, op.len, op.offset);
    case AURA_OP_READV:
    case AURA_OP_WRITEV:
        return describe_vector(d, &engine, type, op.fd, op.data.buffers, op.count, op.offset);
    case AURA_OP_FSYNC:
    case AURA_OP_FDATASYNC:
    case AURA_OP_CLOSE:
    case AURA_OP_FTRUNCATE:
        return describe_plain(d, &engine, type, op.fd, op.offset);
    default:
        return EINVAL;
    }
}

/// Whether the kernel is asked for less than the program asks for, as it moves no more at once.
bool is_cut(const aura_op_t& op) noexcept {
    return (op.type == AURA_OP_READ || op.type == AURA_OP_WRITE) && op.len > aura::core::most_bytes;
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

/// An operation of a chain, checked.
struct link {
    aura_op_t asked;
    operation_description what;
};

/// Number `i` of an array whose elements are as large as the program, of whatever version, has said.
int read(aura_op_t& op, const aura_op_t* operations, std::size_t i) noexcept {
    const std::size_t size = operations->struct_size;
    const auto* bytes = reinterpret_cast<const unsigned char*>(operations) + i * size;
    const auto* given = reinterpret_cast<const aura_op_t*>(bytes);
    op = aura_op_describe(0, -1, nullptr, nullptr);
    return size % alignof(aura_op_t) != 0 || given->struct_size != size ? EINVAL : take(given, op, 0);
}

aura_request_t* start_linked(aura_engine& engine, const aura_op_t* operations, std::size_t count,
                             aura_request_t** handles) {
    std::vector<link> links(count);
    reservation slots(engine);
    for (std::size_t i = 0; i < count; ++i) {
        if (const int error = read(links[i].asked, operations, i))
            return refuse(error);
        if (const int error = describe(links[i].what, engine, links[i].asked))
            return refuse(error);
        if (!slots.add())
            return refuse(ENOMEM);
    }
    shard& home = engine.select();
    for (link& l : links)
        if (const int error = enlist(engine, home, l.what.request))
            return refuse(-error);
    for (const link& l : links) // nothing can fail any more
        if (l.asked.type == AURA_OP_CLOSE)
            engine.numbers.forget(l.asked.fd);
    aura_request_t* handle = nullptr;
    io_part* first = nullptr;
    for (std::size_t i = 0; i < count; ++i) {
        request_slot& r = slots[i];
        const auto& [asked, what] = links[i];
        r.prepare(engine, home, what.type, shown_number(what.request), asked.callback, asked.user_data);
        io_part& io = r.make_io(what.request);
        if (i == 0)
            first = &io;
        else
            slots[i - 1].link(r, !is_cut(links[i - 1].asked));
        handle = r.publish(i != 0);
        if (handles)
            handles[i] = handle;
    }
    slots.used();
    home.loose().start(*first);
    return handle;
}

} // namespace

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
