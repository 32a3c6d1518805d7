// transfer: reading into and writing from Asio buffer sequences.
#pragma once

#include "auraio/core/io/io_request.hpp"
#include "auraio/core/io/vector_block.hpp"
#include "auraio/detail/config.hpp"
#include "auraio/detail/handler_tracking.hpp"
#include "auraio/error.hpp"

#include AURAIO_ASIO(buffer.hpp)
#include AURAIO_ASIO(registered_buffer.hpp)

#include <cstddef>
#include <limits>
#include <sys/uio.h>

AURAIO_OPEN
namespace detail {

/// More buffers than this are transferred by the next operation of a socket, descriptor or pipe, as in Asio:
/// read_some and write_some may do less than asked. A packet's further buffers are not looked at.
inline constexpr std::size_t most_iovecs = 64;

/// The same for files: what the kernel takes at once (IOV_MAX).
inline constexpr std::size_t most_file_iovecs = 1024;

struct extent {
    unsigned count = 0;
    std::size_t total = 0;
    iovec first{};
};

/// Calls f(index, iovec) for each of the buffers that one operation moves; empty ones are left out.
template <class Buffer, std::size_t Most, class Sequence, class F>
extent for_each_vector(const Sequence& buffers, F f) {
    extent e;
    auto it = net::buffer_sequence_begin(buffers);
    const auto end = net::buffer_sequence_end(buffers);
    for (; it != end && e.count < Most && e.total < core::most_bytes; ++it) {
        const Buffer b(*it);
        if (b.size() == 0)
            continue;
        const std::size_t size =
            b.size() < core::most_bytes - e.total ? b.size() : core::most_bytes - e.total;
        const iovec v{const_cast<void*>(static_cast<const void*>(b.data())), size};
        if (e.count == 0)
            e.first = v;
        f(e.count++, v);
        e.total += size;
    }
    return e;
}

/// The iovecs of a buffer sequence, for a synchronous call.
template <class Buffer, std::size_t Most = most_iovecs>
struct gathered {
    iovec vectors[Most];
    unsigned count;
    std::size_t total;

    template <class Sequence>
    explicit gathered(const Sequence& buffers) {
        const extent e =
            for_each_vector<Buffer, Most>(buffers, [this](unsigned i, const iovec& v) { vectors[i] = v; });
        count = e.count;
        total = e.total;
    }
};

// How an operation has its buffers, by what its owner gave it.

/// One contiguous buffer: what most programs read and write, without an iovec.
template <class Buffer>
struct single {
    static extent measure(const Buffer& b) {
        const std::size_t size = b.size() < core::most_bytes ? b.size() : core::most_bytes;
        return {1, size, {const_cast<void*>(static_cast<const void*>(b.data())), size}};
    }
    static void fill(const Buffer& b, iovec* vectors) { *vectors = measure(b).first; }
};

/// The same, of memory that is registered with the kernel.
template <class Buffer>
struct registered_single : single<Buffer> {
    template <class Registered>
    static extent measure(const Registered& b) {
        return single<Buffer>::measure(b.buffer());
    }
    template <class Registered>
    static std::uint16_t index(const Registered& b) {
        return static_cast<std::uint16_t>(b.id().native_handle());
    }
};

/// Any other sequence.
template <class Buffer, std::size_t Most>
struct several {
    template <class Sequence>
    static extent measure(const Sequence& buffers) {
        return for_each_vector<Buffer, Most>(buffers, [](unsigned, const iovec&) {});
    }
    template <class Sequence>
    static void fill(const Sequence& buffers, iovec* vectors) {
        for_each_vector<Buffer, Most>(buffers, [vectors](unsigned i, const iovec& v) { vectors[i] = v; });
    }
};

template <class Storage>
inline constexpr bool is_several = false;
template <class Buffer, std::size_t Most>
inline constexpr bool is_several<several<Buffer, Most>> = true;

/// For those that need no vector_block.
struct no_block {
    void reset() noexcept {}
};
template <class Storage>
using block_for = std::conditional_t<is_several<Storage>, core::vector_block, no_block>;

template <class Sequence>
inline constexpr bool is_registered_buffer = std::is_same_v<Sequence, net::mutable_registered_buffer> ||
                                             std::is_same_v<Sequence, net::const_registered_buffer>;

template <class Buffer, class Sequence, std::size_t Most = most_iovecs>
using buffer_storage = std::conditional_t<is_registered_buffer<Sequence>, registered_single<Buffer>,
                                          std::conditional_t<std::is_convertible_v<const Sequence&, Buffer>,
                                                             single<Buffer>, several<Buffer, Most>>>;

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

/// Of what is not opened for direct I/O.
struct unaligned {
    explicit unaligned(int) {}
    static void check(std::uint64_t, const iovec*, unsigned) {}
    static int code() { return -1; }
};

/// Remembers, for a file that is, whether the operation is misaligned: the kernel says EINVAL for that, too.
class aligned {
public:
    explicit aligned(int alignment_code)
        : code_(alignment_code) {}
    void check(std::uint64_t offset, const iovec* v, unsigned count) {
        if (code_ >= 0) [[unlikely]]
            code_ = misaligned(code_, offset, v, count);
    }
    int code() const { return code_; }

private:
    int code_;
};

/// Work of io_op: signature void(error_code, std::size_t). Nothing of the request is kept twice.
template <bool IsRead, class Storage, class Alignment = unaligned>
class transfer {
public:
    static constexpr bool concerns_descriptor = false;
    AURAIO_WHEN_TRACKING(static constexpr const char* tracked_name = IsRead ? "async_read_some"
                                                                            : "async_write_some";)
    static constexpr bool transfers_file_data = true;
    static constexpr bool extends_request = true;

    template <class Sequence>
    transfer(core::short_request& r, core::request_extension& x, int fd, std::uint64_t offset,
             int alignment_code, const Sequence& buffers)
        : alignment_(alignment_code) {
        const extent e = Storage::measure(buffers);
        if (e.total == 0)
            return; // nop: nothing to transfer, complete at once
        r.fd = fd;
        x.offset = offset;
        if constexpr (requires { Storage::index(buffers); }) {
            r.registered = core::registered_buffer;
            r.buffer_index = Storage::index(buffers);
        }
        if constexpr (is_several<Storage>) {
            if (e.count > 1) {
                block_ = core::vector_block(e.count);
                Storage::fill(buffers, block_.vectors());
                alignment_.check(offset, block_.vectors(), e.count);
                r.kind = IsRead ? core::request_kind::readv : core::request_kind::writev;
                r.address = block_.vectors();
                r.length = e.count;
                return;
            }
        }
        alignment_.check(offset, &e.first, 1);
        r.kind = IsRead ? core::request_kind::read : core::request_kind::write;
        r.address = e.first.iov_base;
        r.length = static_cast<std::uint32_t>(e.total);
    }

    /// `wanted`: it was a request for more than nothing.
    template <class Completion>
    void finish(int result, bool wanted, Completion& done) {
        block_.reset();
        done.call(code(result, wanted), static_cast<std::size_t>(result > 0 ? result : 0));
    }

private:
    error_code code(int result, bool wanted) const noexcept {
        if (result == -EINVAL && alignment_.code() >= 0)
            return error_code(alignment_.code(), direct_alignment_category());
        if (IsRead && result == 0 && wanted)
            return net::error::eof;
        return to_error_code(result);
    }

    [[no_unique_address]] block_for<Storage> block_;
    [[no_unique_address]] Alignment alignment_;
};

} // namespace detail
AURAIO_CLOSE
