// registered_buffers: memory that the kernel keeps at hand for reads and writes of files.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/buffer_pool.hpp"
#include "auraio/detail/registration.hpp"
#include "auraio/io_context.hpp"

#include <iterator>
#include <memory>
#include <vector>

AURAIO_OPEN

/// Memory registered with the rings of a context: asio::buffer_registration. Its elements are Asio's
/// mutable_registered_buffer, for the reads and writes of files (net::buffer(b, n) and `b += n` give a part
/// of one, and async_read_at() & co. take them); elsewhere they serve as any buffer does.
///
/// The kernel then pins no pages for each operation, which pays for direct I/O and for nothing else
/// (doc/memory.md). One registration per context at a time; the memory counts against RLIMIT_MEMLOCK (not for
/// root, CAP_IPC_LOCK). A ring takes part from its first such operation on. See io_uring_register_buffers(3).
///
/// When this is destroyed, or async_unregister() is called, the registration ends as soon as what was started
/// before is over; started after that, operations on its buffers fail with ENOENT, or with EBUSY until it has
/// ended, those on a part outside of a buffer with EOVERFLOW, on one of another context with EINVAL. The
/// memory may be freed once no operation uses it, also before the registration has ended; the context must
/// outlive this.
///
/// Distinct objects: safe. Shared objects: unsafe.
template <class MutableBufferSequence, class Allocator = std::allocator<void>>
class buffer_registration {
    using storage = std::vector<
        net::mutable_registered_buffer,
        typename std::allocator_traits<Allocator>::template rebind_alloc<net::mutable_registered_buffer>>;

public:
    using allocator_type = Allocator;
    using iterator = typename storage::const_iterator;
    using const_iterator = iterator;

    /// Throws system_error: EBUSY (the context has a registration, or one that has not ended), ENOMEM
    /// (RLIMIT_MEMLOCK), EFAULT, EINVAL (none, more than 16384, or one above 1 GiB), EMFILE, ENFILE (it takes
    /// a descriptor).
    buffer_registration(io_context& ctx, const MutableBufferSequence& buffers,
                        const Allocator& a = Allocator())
        : buffer_registration(ctx.get_executor(), buffers, a) {}
    buffer_registration(const executor& e, const MutableBufferSequence& buffers,
                        const Allocator& a = Allocator())
        : sequence_(buffers)
        , buffers_(a)
        , registration_(e, core::registration_kind::buffers) {
        std::vector<iovec> vectors;
        const auto end = net::buffer_sequence_end(sequence_);
        for (auto it = net::buffer_sequence_begin(sequence_); it != end; ++it) {
            const net::mutable_buffer b(*it);
            buffers_.push_back(detail::registered_buffers_of::make(registration_.engine(), b,
                                                                   static_cast<int>(vectors.size())));
            vectors.push_back({b.data(), b.size()});
        }
        registration_.begin("buffers", [&](core::registrations& r) { return r.register_buffers(vectors); });
    }

    buffer_registration(buffer_registration&&) noexcept = default;
    buffer_registration& operator=(buffer_registration&&) noexcept = default;

    std::size_t size() const noexcept { return buffers_.size(); }
    const_iterator begin() const noexcept { return buffers_.begin(); }
    const_iterator cbegin() const noexcept { return buffers_.cbegin(); }
    const_iterator end() const noexcept { return buffers_.end(); }
    const_iterator cend() const noexcept { return buffers_.cend(); }
    const net::mutable_registered_buffer& operator[](std::size_t i) const noexcept { return buffers_[i]; }
    const net::mutable_registered_buffer& at(std::size_t i) const { return buffers_.at(i); }

    /// Ends the registration; completes when the kernel has let go of the memory, on every ring. Signature
    /// void(error_code): ENOENT when it has been ended before. Not cancellable. This object may be destroyed
    /// meanwhile.
    template <class Token = net::default_completion_token_t<executor>>
    auto async_unregister(Token&& token = Token())
        -> detail::initiated<detail::registration::initiate_end, Token> {
        return detail::initiate<detail::registration::initiate_end, Token>(&registration_, token);
    }

private:
    MutableBufferSequence sequence_; // may own the memory
    storage buffers_;
    detail::registration registration_;
};

/// The memory of a buffer_pool, registered: reads and writes of files use fixed buffers by themselves
/// wherever a buffer of the pool, or a part of one, is their one buffer. It takes the place of a
/// buffer_registration, and behaves as one.
///
/// What the pool has when this is constructed is registered: buffer_pool::reserve() first. Buffers from
/// memory it takes from the system later, and those above 1 MiB, go on as ordinary ones; nothing fails for
/// want of a registration. While it lasts the pool gives nothing back to the system. It must be destroyed
/// before pool and context.
class pool_registration {
public:
    /// Throws as buffer_registration's. EINVAL: the pool has no memory yet.
    pool_registration(io_context& ctx, buffer_pool& pool)
        : registration_(ctx.get_executor(), core::registration_kind::buffers)
        , pin_(&pool.native()) {
        const std::vector<iovec> arenas = pool.native().pin();
        registration_.begin("a buffer pool",
                            [&](core::registrations& r) { return r.register_arenas(arenas); });
    }
    pool_registration(pool_registration&&) noexcept = default;
    pool_registration& operator=(pool_registration&& other) noexcept {
        registration_ = std::move(other.registration_); // ended before the memory may go
        pin_ = std::move(other.pin_);
        return *this;
    }

    /// As buffer_registration's. Buffers of the pool go on as ordinary ones at once.
    template <class Token = net::default_completion_token_t<executor>>
    auto async_unregister(Token&& token = Token())
        -> detail::initiated<detail::registration::initiate_end, Token> {
        return detail::initiate<detail::registration::initiate_end, Token>(&registration_, token);
    }

private:
    struct unpin {
        void operator()(core::buffer_pool* pool) const noexcept { pool->unpin(); }
    };

    detail::registration registration_;
    // Declared last, and yet gone first: what is being drained is in use, and the pool does not unmap that.
    std::unique_ptr<core::buffer_pool, unpin> pin_;
};

AURAIO_CLOSE

AURAIO_NET_OPEN
/// Registers `buffers` with the context. Beside Asio's own, as make_strand() in io_context.hpp: calls of
/// every kind find these, the more specialised ones.
template <class MutableBufferSequence>
[[nodiscard]] aura::buffer_registration<MutableBufferSequence>
register_buffers(aura::io_context& ctx, const MutableBufferSequence& buffers) {
    return aura::buffer_registration<MutableBufferSequence>(ctx, buffers);
}
template <class MutableBufferSequence>
[[nodiscard]] aura::buffer_registration<MutableBufferSequence>
register_buffers(const aura::executor& e, const MutableBufferSequence& buffers) {
    return aura::buffer_registration<MutableBufferSequence>(e, buffers);
}
template <class MutableBufferSequence, class Allocator>
[[nodiscard]] aura::buffer_registration<MutableBufferSequence, Allocator>
register_buffers(aura::io_context& ctx, const MutableBufferSequence& buffers, const Allocator& a) {
    return aura::buffer_registration<MutableBufferSequence, Allocator>(ctx, buffers, a);
}
template <class MutableBufferSequence, class Allocator>
[[nodiscard]] aura::buffer_registration<MutableBufferSequence, Allocator>
register_buffers(const aura::executor& e, const MutableBufferSequence& buffers, const Allocator& a) {
    return aura::buffer_registration<MutableBufferSequence, Allocator>(e, buffers, a);
}
[[nodiscard]] inline aura::pool_registration register_buffers(aura::io_context& ctx,
                                                              aura::buffer_pool& pool) {
    return aura::pool_registration(ctx, pool);
}
AURAIO_NET_CLOSE

AURAIO_OPEN
using net::register_buffers;
AURAIO_CLOSE

#endif
