// stream_file: reads and writes at a file's own position, as a stream.
#pragma once

#include "auraio/detail/stock.hpp"
#if !defined(AURAIO_STOCK)

#include "auraio/any_io_executor.hpp"
#include "auraio/basic_file.hpp"

AURAIO_OPEN

/// asio::basic_stream_file on a ring. Satisfies AsyncReadStream and AsyncWriteStream: async_read(),
/// async_write() and async_read_until() work with it. The position is the open file's, in the kernel:
/// operations that should see one another's movement are started one after the other, as with every stream.
template <class Executor = any_io_executor>
class basic_stream_file : public basic_file<Executor> {
    using base = basic_file<Executor>;
    using initiate_read = typename base::template initiate_transfer<true>;
    using initiate_write = typename base::template initiate_transfer<false>;

public:
    using typename base::executor_type;
    using typename base::flags;
    using typename base::native_handle_type;
    using typename base::seek_basis;
    using handle_type = basic_stream_file;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_stream_file<OtherExecutor>;
    };

    /// See basic_random_access_file.
    explicit basic_stream_file(const executor_type& e)
        : base(e) {}
    basic_stream_file(const executor_type& e, const char* path, flags f)
        : base(e) {
        this->open(path, f);
    }
    basic_stream_file(const executor_type& e, const std::string& path, flags f)
        : base(e) {
        this->open(path, f);
    }
    basic_stream_file(const executor_type& e, const native_handle_type& fd)
        : base(e) {
        this->assign(fd);
    }

    template <class Context, class... Args>
        requires(std::is_convertible_v<Context&, net::execution_context&>)
    explicit basic_stream_file(Context& c, Args&&... args)
        : basic_stream_file(executor_type(c.get_executor()), std::forward<Args>(args)...) {}

    basic_stream_file(basic_stream_file&&) = default;
    basic_stream_file& operator=(basic_stream_file&&) = default;
    template <class OtherExecutor>
        requires std::is_convertible_v<OtherExecutor, Executor>
    basic_stream_file(basic_stream_file<OtherExecutor>&& other)
        : base(std::move(other)) {}

    /// Moves the position; returns it, in bytes from the start. EINVAL for a position before the start.
    std::uint64_t seek(std::int64_t offset, seek_basis whence) {
        error_code ec;
        const auto position = seek(offset, whence, ec);
        detail::throw_if(ec, "seek");
        return position;
    }
    std::uint64_t seek(std::int64_t offset, seek_basis whence, error_code& ec) {
        std::uint64_t position = 0;
        ec = detail::to_error_code(core::seek_file(this->fd(), offset, whence, position));
        return position;
    }

    /// Blocking; see basic_random_access_file.
    template <class MutableBufferSequence>
    std::size_t read_some(const MutableBufferSequence& buffers) {
        error_code ec;
        const std::size_t n = read_some(buffers, ec);
        detail::throw_if(ec, "read_some");
        return n;
    }
    template <class MutableBufferSequence>
    std::size_t read_some(const MutableBufferSequence& buffers, error_code& ec) {
        return this->template transfer_now<true>(core::current_position, buffers, ec);
    }
    template <class ConstBufferSequence>
    std::size_t write_some(const ConstBufferSequence& buffers) {
        error_code ec;
        const std::size_t n = write_some(buffers, ec);
        detail::throw_if(ec, "write_some");
        return n;
    }
    template <class ConstBufferSequence>
    std::size_t write_some(const ConstBufferSequence& buffers, error_code& ec) {
        return this->template transfer_now<false>(core::current_position, buffers, ec);
    }

    /// Starts a read at the file's position. Signature, errors and buffer lifetime as
    /// basic_random_access_file::async_read_some_at(). Cancellation: terminal, partial, total; a cancelled
    /// read has not moved the position.
    template <class MutableBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_read_some(const MutableBufferSequence& buffers, Token&& token = Token())
        -> detail::initiated<initiate_read, Token, std::uint64_t, const MutableBufferSequence&> {
        return detail::initiate<initiate_read, Token>(this, token, core::current_position, buffers);
    }

    /// Starts a write at the file's position, or at its end if it was opened with append.
    template <class ConstBufferSequence, class Token = net::default_completion_token_t<Executor>>
    auto async_write_some(const ConstBufferSequence& buffers, Token&& token = Token())
        -> detail::initiated<initiate_write, Token, std::uint64_t, const ConstBufferSequence&> {
        return detail::initiate<initiate_write, Token>(this, token, core::current_position, buffers);
    }
};

using stream_file = basic_stream_file<>;

AURAIO_CLOSE

#endif
