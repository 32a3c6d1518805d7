// files: starting operations on files.
#include "core/base/canary.hpp"
#include "start_operation.hpp"

#include <climits>

namespace aura::capi {

using core::request_kind;

namespace {

bool valid_offset(off_t offset) noexcept {
    return offset >= 0 || offset == AURA_CURRENT_POSITION;
}

request_kind kind_of(aura_op_type_t type) noexcept {
    switch (type) {
    case AURA_OP_READ:
        return request_kind::read;
    case AURA_OP_WRITE:
        return request_kind::write;
    case AURA_OP_READV:
        return request_kind::readv;
    case AURA_OP_WRITEV:
        return request_kind::writev;
    case AURA_OP_FSYNC:
        return request_kind::fsync;
    case AURA_OP_FDATASYNC:
        return request_kind::fdatasync;
    case AURA_OP_FTRUNCATE:
        return request_kind::ftruncate;
    default:
        return request_kind::close;
    }
}

int describe_file(operation_description& d, const aura_engine_t* engine, aura_op_type_t type,
                  int file) noexcept {
    d.type = type;
    d.request.kind = kind_of(type);
    if (is_marked_background(file)) {
        file = without_mark(file);
        if (core::transfers_file_data(d.request.kind))
            d.request.flags |= core::in_background;
    }
    if (file >= 0) [[likely]] {
        d.request.fd = file;
        if (engine && engine->numbers.may_have(file)) [[unlikely]]
            engine->numbers.find(d.request);
        return 0;
    }
    if (!is_registered_file(file))
        return EBADF;
    return engine ? -engine->loop.registered().use_named_file(d.request, name_of_value(file)) : EINVAL;
}

/// What does not depend on whether anything is registered; 0 or an errno value.
inline int describe_bytes(core::io_request& r, std::size_t len, off_t offset) noexcept {
    r.length = static_cast<std::uint32_t>(len < core::most_bytes ? len : core::most_bytes);
    r.offset = static_cast<std::uint64_t>(offset);
    return valid_offset(offset) ? 0 : EINVAL;
}

aura_request_t* start_rare(aura_engine_t* engine, aura_op_type_t type, int file, aura_buf_t buf,
                           std::size_t len, off_t offset, aura_callback_t callback,
                           void* user_data) noexcept {
    operation_description d;
    if (const int error = describe_transfer(d, engine, type, file, buf, len, offset))
        return refuse(error);
    return start(engine, d, callback, user_data);
}

// The operations that come in millions: what describes one stays in registers until it is written to its slot
// (which is why nothing here may take its address).
[[gnu::always_inline]] inline aura_request_t* start_transfer(aura_engine_t* engine, aura_op_type_t type,
                                                             int file, aura_buf_t buf, std::size_t len,
                                                             off_t offset, aura_callback_t callback,
                                                             void* user_data) noexcept {
    const bool plain =
        static_cast<unsigned>(file) < static_cast<unsigned>(AURA_BACKGROUND); // and not negative
    if (!plain || buf.index != -1 || buf.reserved != 0 || !buf.u.pointer) [[unlikely]]
        return start_rare(engine, type, file, buf, len, offset, callback, user_data);
    if (!engine || engine->numbers.may_have(file)) [[unlikely]]
        return start_rare(engine, type, file, buf, len, offset, callback, user_data);
    operation_description d;
    d.type = type;
    d.request.kind = kind_of(type);
    d.request.fd = file;
    d.request.address = buf.u.pointer;
    if (const int error = describe_bytes(d.request, len, offset)) [[unlikely]]
        return refuse(error);
    return start_plain(engine, d, callback, user_data);
}

aura_request_t* start_vector(aura_engine_t* engine, aura_op_type_t type, int file, const iovec* buffers,
                             int count, off_t offset, aura_callback_t callback, void* user_data) noexcept {
    operation_description d;
    if (const int error = describe_vector(d, engine, type, file, buffers, count, offset))
        return refuse(error);
    return start(engine, d, callback, user_data);
}

aura_request_t* start_on_file(aura_engine_t* engine, aura_op_type_t type, int file, off_t length,
                              aura_callback_t callback, void* user_data) noexcept {
    operation_description d;
    if (const int error = describe_plain(d, engine, type, file, length))
        return refuse(error);
    return start(engine, d, callback, user_data);
}

} // namespace

int describe_transfer(operation_description& d, const aura_engine_t* engine, aura_op_type_t type, int file,
                      aura_buf_t buf, std::size_t len, off_t offset) noexcept {
    if (const int error = describe_file(d, engine, type, file))
        return error;
    if (buf.index < -1 || buf.reserved != 0)
        return EINVAL;
    if (const int error = describe_bytes(d.request, len, offset))
        return error;
    if (buf.index != -1) {
        if (!engine)
            return EINVAL;
        return -engine->loop.registered().use_buffer(d.request, static_cast<unsigned>(buf.index),
                                                     buf.u.offset);
    }
    d.request.address = buf.u.pointer;
    return !buf.u.pointer && len != 0 ? EINVAL : 0;
}

int describe_vector(operation_description& d, const aura_engine_t* engine, aura_op_type_t type, int file,
                    const iovec* buffers, int count, off_t offset) noexcept {
    if (const int error = describe_file(d, engine, type, file))
        return error;
    if (!valid_offset(offset) || count < 0 || count > IOV_MAX || (!buffers && count != 0))
        return EINVAL;
    d.request.address = buffers;
    d.request.length = static_cast<std::uint32_t>(count);
    d.request.offset = static_cast<std::uint64_t>(offset);
    return 0;
}

int describe_plain(operation_description& d, const aura_engine_t* engine, aura_op_type_t type, int file,
                   off_t length) noexcept {
    const bool may_be_fixed = type == AURA_OP_FSYNC || type == AURA_OP_FDATASYNC;
    if ((is_registered_file(file) || is_marked_background(file)) && !may_be_fixed)
        return EBADF;
    if (const int error = describe_file(d, engine, type, file))
        return error;
    if (length < 0)
        return EINVAL;
    if (type == AURA_OP_FTRUNCATE)
        d.request.length64 = static_cast<std::uint64_t>(length);
    return 0;
}

} // namespace aura::capi

using namespace aura::capi;
using aura::core::request_kind;

AURAIO_NO_CANARY aura_request_t* aura_read(aura_engine_t* engine, int fd, aura_buf_t buf, size_t len,
                                           off_t offset, aura_callback_t callback, void* user_data) {
    return start_transfer(engine, AURA_OP_READ, fd, buf, len, offset, callback, user_data);
}

AURAIO_NO_CANARY aura_request_t* aura_write(aura_engine_t* engine, int fd, aura_buf_t buf, size_t len,
                                            off_t offset, aura_callback_t callback, void* user_data) {
    return start_transfer(engine, AURA_OP_WRITE, fd, buf, len, offset, callback, user_data);
}

aura_request_t* aura_readv(aura_engine_t* engine, int fd, const iovec* buffers, int count, off_t offset,
                           aura_callback_t callback, void* user_data) {
    return start_vector(engine, AURA_OP_READV, fd, buffers, count, offset, callback, user_data);
}

aura_request_t* aura_writev(aura_engine_t* engine, int fd, const iovec* buffers, int count, off_t offset,
                            aura_callback_t callback, void* user_data) {
    return start_vector(engine, AURA_OP_WRITEV, fd, buffers, count, offset, callback, user_data);
}

aura_request_t* aura_fsync(aura_engine_t* engine, int fd, aura_callback_t callback, void* user_data) {
    return start_on_file(engine, AURA_OP_FSYNC, fd, 0, callback, user_data);
}

aura_request_t* aura_fdatasync(aura_engine_t* engine, int fd, aura_callback_t callback, void* user_data) {
    return start_on_file(engine, AURA_OP_FDATASYNC, fd, 0, callback, user_data);
}

aura_request_t* aura_close(aura_engine_t* engine, int fd, aura_callback_t callback, void* user_data) {
    if (engine && fd >= 0 && !engine->refusal())
        engine->numbers.forget(fd); // another file may get it, whatever is registered
    return start_on_file(engine, AURA_OP_CLOSE, fd, 0, callback, user_data);
}

aura_request_t* aura_ftruncate(aura_engine_t* engine, int fd, off_t length, aura_callback_t callback,
                               void* user_data) {
    return start_on_file(engine, AURA_OP_FTRUNCATE, fd, length, callback, user_data);
}

aura_request_t* aura_openat(aura_engine_t* engine, int directory, const char* path, int flags, mode_t mode,
                            aura_callback_t callback, void* user_data) {
    if (!path)
        return refuse(EINVAL);
    operation_description d{AURA_OP_OPENAT, {}};
    d.request.kind = request_kind::openat;
    d.request.fd = directory;
    d.request.address = path;
    d.request.flags = static_cast<unsigned>(flags);
    d.request.length = mode;
    return start(engine, d, callback, user_data);
}

aura_request_t* aura_statx(aura_engine_t* engine, int directory, const char* path, int flags, unsigned mask,
                           struct statx* result, aura_callback_t callback, void* user_data) {
    if (!path || !result)
        return refuse(EINVAL);
    operation_description d{AURA_OP_STATX, {}};
    d.request.kind = request_kind::statx;
    d.request.fd = directory;
    d.request.address = path;
    d.request.address2 = result;
    d.request.flags = static_cast<unsigned>(flags);
    d.request.length = mask;
    return start(engine, d, callback, user_data);
}

aura_request_t* aura_renameat(aura_engine_t* engine, int old_directory, const char* old_path,
                              int new_directory, const char* new_path, unsigned flags,
                              aura_callback_t callback, void* user_data) {
    if (!old_path || !new_path)
        return refuse(EINVAL);
    operation_description d{AURA_OP_RENAMEAT, {}};
    d.request.kind = request_kind::renameat;
    d.request.fd = old_directory;
    d.request.address = old_path;
    d.request.directory2 = new_directory;
    d.request.address2 = new_path;
    d.request.flags = flags;
    return start(engine, d, callback, user_data);
}

aura_request_t* aura_unlinkat(aura_engine_t* engine, int directory, const char* path, int flags,
                              aura_callback_t callback, void* user_data) {
    if (!path)
        return refuse(EINVAL);
    operation_description d{AURA_OP_UNLINKAT, {}};
    d.request.kind = request_kind::unlinkat;
    d.request.fd = directory;
    d.request.address = path;
    d.request.flags = static_cast<unsigned>(flags);
    return start(engine, d, callback, user_data);
}

aura_request_t* aura_mkdirat(aura_engine_t* engine, int directory, const char* path, mode_t mode,
                             aura_callback_t callback, void* user_data) {
    if (!path)
        return refuse(EINVAL);
    operation_description d{AURA_OP_MKDIRAT, {}};
    d.request.kind = request_kind::mkdirat;
    d.request.fd = directory;
    d.request.address = path;
    d.request.length = mode;
    return start(engine, d, callback, user_data);
}

aura_request_t* aura_fallocate(aura_engine_t* engine, int fd, int mode, off_t offset, off_t len,
                               aura_callback_t callback, void* user_data) {
    if (fd < 0)
        return refuse(EBADF);
    if (offset < 0 || len < 0)
        return refuse(EINVAL);
    operation_description d{AURA_OP_FALLOCATE, {}};
    d.request.kind = request_kind::fallocate;
    d.request.fd = fd;
    d.request.flags = static_cast<unsigned>(mode);
    d.request.offset = static_cast<std::uint64_t>(offset);
    d.request.length64 = static_cast<std::uint64_t>(len);
    return start(engine, d, callback, user_data);
}

aura_request_t* aura_sync_file_range(aura_engine_t* engine, int fd, off_t offset, off_t len, unsigned flags,
                                     aura_callback_t callback, void* user_data) {
    if (fd < 0)
        return refuse(EBADF);
    if (offset < 0 || len < 0 || len > off_t{UINT_MAX})
        return refuse(EINVAL);
    operation_description d{AURA_OP_SYNC_FILE_RANGE, {}};
    d.request.kind = request_kind::sync_file_range;
    d.request.fd = fd;
    d.request.offset = static_cast<std::uint64_t>(offset);
    d.request.length = static_cast<std::uint32_t>(len);
    d.request.flags = flags;
    return start(engine, d, callback, user_data);
}
