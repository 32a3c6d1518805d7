// random_access_file: asynchronous reads and writes at any offset of a file, any number at a time.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/basic_file.hpp"

AURAIO_OPEN

/// asio::basic_random_access_file on a ring: the same interface, and any number of operations in flight on
/// one object. Satisfies AsyncRandomAccessReadDevice and AsyncRandomAccessWriteDevice: async_read_at() and
/// async_write_at() work with it.
template <class Executor = any_io_executor>
class basic_random_access_file : public basic_file<Executor> {
    using base = basic_file<Executor>;
    using initiate_read = typename base::template initiate_transfer<true>;
    using initiate_write = typename base::template initiate_transfer<false>;

public:
    using typename base::executor_type;
    using typename base::flags;
    using typename base::native_handle_type;
    using handle_type = basic_random_access_file;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_random_access_file<OtherExecutor>;
    };

    /// A closed file. In a handler it lives on the current ring, elsewhere on the first; on a ring-bound
    /// executor on that ring. With an executor whose type is erased (any_io_executor): throws system_error
    /// (operation_not_supported) if it does not lead to an aura::io_context.
    explicit basic_random_access_file(const executor_type& e)
        : base(e) {}
    basic_random_access_file(const executor_type& e, const char* path, flags f)
        : base(e) {
        this->open(path, f);
    }
    basic_random_access_file(const executor_type& e, const std::string& path, flags f)
        : base(e) {
        this->open(path, f);
    }
    basic_random_access_file(const executor_type& e, const native_handle_type& fd)
        : base(e) {
        this->assign(fd);
    }

    template <class Context, class... Args>
        requires(std::is_convertible_v<Context&, net::execution_context&>)
    explicit basic_random_access_file(Context& c, Args&&... args)
        : basic_random_access_file(executor_type(c.get_executor()), std::forward<Args>(args)...) {}

    basic_random_access_file(basic_random_access_file&&) = default;
    basic_random_access_file& operator=(basic_random_access_file&&) = default;
    template <class OtherExecutor>
        requires std::is_convertible_v<OtherExecutor, Executor>
    basic_random_access_file(basic_random_access_file<OtherExecutor>&& other)
        : base(std::move(other)) {}

    /// Reads once, blocking. Returns how many bytes; error::eof at and past the end of the file.
    template <class MutableBufferSequence>
    std::size_t read_some_at(std::uint64_t offset, const MutableBufferSequence& buffers) {
        error_code ec;
        const std::size_t n = read_some_at(offset, buffers, ec);
        detail::throw_if(ec, "read_some_at");
        return n;
    }
    template <class MutableBufferSequence>
    std::size_t read_some_at(std::uint64_t offset, const MutableBufferSequence& buffers, error_code& ec) {
        return this->template transfer_now<true>(base::absolute(offset), buffers, ec);
    }

    /// Writes once, blocking. Returns how many bytes, which may be fewer than there are.
    template <class ConstBufferSequence>
    std::size_t write_some_at(std::uint64_t offset, const ConstBufferSequence& buffers) {
        error_code ec;
        const std::size_t n = write_some_at(offset, buffers, ec);
        detail::throw_if(ec, "write_some_at");
        return n;
    }
    template <class ConstBufferSequence>
    std::size_t write_some_at(std::uint64_t offset, const ConstBufferSequence& buffers, error_code& ec) {
        return this->template transfer_now<false>(base::absolute(offset), buffers, ec);
    }

    /// Starts a read of up to buffer_size(buffers) bytes (of the first 1024 non-empty buffers, of 2 GiB less
    /// 4 KiB) at `offset` bytes from the start. Signature void(error_code, std::size_t).
    ///
    /// The buffers must live until the handler is called, cancelled or not: until then the kernel may write
    /// to them. The handler is never called from within this function. Reads may complete in any order.
    ///
    /// Errors: error::eof at or past the end of the file (also when it was cut meanwhile), EINVAL for an
    /// offset above 2^63-1, EBADF when not open for reading, EISDIR for a directory, EIO, and, for direct
    /// I/O, direct_alignment_category(). Buffers of no size at all complete with success. Cancellation:
    /// terminal, partial, total. A read that a device has begun completes with its result.
    template <class MutableBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_read_some_at(std::uint64_t offset, const MutableBufferSequence& buffers,
                            Token&& token = Token())
        -> detail::initiated<initiate_read, Token, std::uint64_t, const MutableBufferSequence&> {
        return detail::initiate<initiate_read, Token>(this, token, base::absolute(offset), buffers);
    }

    /// Starts a write; as async_read_some_at(). Errors besides: ENOSPC, EDQUOT, EFBIG, EROFS, EPERM (sealed).
    /// Writes in flight at once may reach the file in any order; overlapping ones leave either's bytes.
    template <class ConstBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_write_some_at(std::uint64_t offset, const ConstBufferSequence& buffers,
                             Token&& token = Token())
        -> detail::initiated<initiate_write, Token, std::uint64_t, const ConstBufferSequence&> {
        return detail::initiate<initiate_write, Token>(this, token, base::absolute(offset), buffers);
    }
};

using random_access_file = basic_random_access_file<>;

AURAIO_CLOSE

#endif
