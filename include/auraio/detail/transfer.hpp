// transfer: reading into and writing from Asio buffer sequences.
#pragma once

#include "auraio/core/io_request.hpp"
#include "auraio/detail/config.hpp"
#include "auraio/error.hpp"

#include AURAIO_ASIO(buffer.hpp)
#include AURAIO_ASIO(registered_buffer.hpp)

#include <cstddef>
#include <limits>
#include <sys/uio.h>

AURAIO_OPEN
namespace detail {

/// More buffers than this are transferred by the next operation: read_some and write_some may do less than
/// asked.
inline constexpr std::size_t most_iovecs = 16;

/// What one read(2) or write(2) moves at most (MAX_RW_COUNT).
inline constexpr std::size_t most_bytes = 0x7ffff000;

/// The iovecs of a buffer sequence; empty buffers are left out.
template <class Buffer, std::size_t Most = most_iovecs>
struct gathered {
    iovec vectors[Most];
    unsigned count = 0;
    std::size_t total = 0;

    template <class Sequence>
    explicit gathered(const Sequence& buffers) {
        auto it = net::buffer_sequence_begin(buffers);
        const auto end = net::buffer_sequence_end(buffers);
        for (; it != end && count < Most && total < most_bytes; ++it) {
            const Buffer b(*it);
            if (b.size() == 0)
                continue;
            const std::size_t size = b.size() < most_bytes - total ? b.size() : most_bytes - total;
            vectors[count++] = {const_cast<void*>(static_cast<const void*>(b.data())), size};
            total += size;
        }
    }
};

/// One contiguous buffer: what most programs read and write, without an iovec.
template <class Buffer>
struct single {
    const void* data;
    std::size_t total;

    explicit single(const Buffer& b)
        : data(b.data())
        , total(b.size() < most_bytes ? b.size() : most_bytes) {}
};

/// The same, of memory that is registered with the kernel.
template <class Buffer>
struct registered_single : single<Buffer> {
    int index;

    template <class Registered>
    explicit registered_single(const Registered& b)
        : single<Buffer>(b.buffer())
        , index(b.id().native_handle()) {}
};

template <class Sequence>
inline constexpr bool is_registered_buffer = std::is_same_v<Sequence, net::mutable_registered_buffer> ||
                                             std::is_same_v<Sequence, net::const_registered_buffer>;

template <class Buffer, class Sequence>
using buffer_storage = std::conditional_t<
    is_registered_buffer<Sequence>, registered_single<Buffer>,
    std::conditional_t<std::is_convertible_v<const Sequence&, Buffer>, single<Buffer>, gathered<Buffer>>>;

/// Error code value for misaligned direct I/O, or -1: it is aligned, or nothing is known to demand it.
inline int misaligned(int alignment_code, std::uint64_t offset, const iovec* v, unsigned count) noexcept {
    if (alignment_code < 0)
        return -1;
    auto memory = static_cast<unsigned>(alignment_code) >> 16;
    auto unit = static_cast<unsigned>(alignment_code) & 0xffff;
    memory = memory ? memory : 512;
    unit = unit ? unit : 512;
    bool bad = offset != core::current_position && offset % unit != 0;
    for (unsigned i = 0; i < count; ++i)
        bad =
            bad || reinterpret_cast<std::uintptr_t>(v[i].iov_base) % memory != 0 || v[i].iov_len % unit != 0;
    return bad ? alignment_code : -1;
}

/// Work of io_op: signature void(error_code, std::size_t).
template <bool IsRead, class Storage>
class transfer {
public:
    static constexpr bool concerns_descriptor = false;
    static constexpr bool transfers_file_data = true;

    template <class Sequence>
    transfer(int fd, std::uint64_t offset, int alignment_code, const Sequence& buffers)
        : fd_(fd)
        , offset_(offset)
        , buffers_(buffers) {
        if (alignment_code >= 0) [[unlikely]]
            misalignment_ = check(alignment_code);
    }

    core::io_request request() {
        core::io_request r;
        if (buffers_.total == 0)
            return r; // nop: nothing to transfer, complete at once
        r.fd = fd_;
        r.offset = offset_;
        if constexpr (requires { buffers_.index; }) {
            r.registered = core::registered_buffer;
            r.buffer_index = static_cast<std::uint16_t>(buffers_.index);
        }
        if constexpr (is_single) {
            r.kind = IsRead ? core::request_kind::read : core::request_kind::write;
            r.address = buffers_.data;
            r.length = static_cast<std::uint32_t>(buffers_.total);
        } else if (buffers_.count == 1) {
            r.kind = IsRead ? core::request_kind::read : core::request_kind::write;
            r.address = buffers_.vectors[0].iov_base;
            r.length = static_cast<std::uint32_t>(buffers_.vectors[0].iov_len);
        } else {
            r.kind = IsRead ? core::request_kind::readv : core::request_kind::writev;
            r.address = buffers_.vectors;
            r.length = buffers_.count;
        }
        return r;
    }

    template <class Completion>
    void finish(int result, Completion& done) {
        done.call(code(result), static_cast<std::size_t>(result > 0 ? result : 0));
    }

private:
    static constexpr bool is_single = requires(Storage& s) { s.data; };

    int check(int alignment_code) const noexcept {
        if constexpr (is_single) {
            const iovec v{const_cast<void*>(buffers_.data), buffers_.total};
            return misaligned(alignment_code, offset_, &v, 1);
        } else {
            return misaligned(alignment_code, offset_, buffers_.vectors, buffers_.count);
        }
    }

    error_code code(int result) const noexcept {
        if (result == -EINVAL && misalignment_ >= 0)
            return error_code(misalignment_, direct_alignment_category());
        if (IsRead && result == 0 && buffers_.total != 0)
            return net::error::eof;
        return to_error_code(result);
    }

    int fd_;
    int misalignment_ = -1;
    std::uint64_t offset_;
    Storage buffers_;
};

} // namespace detail
AURAIO_CLOSE
