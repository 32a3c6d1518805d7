// descriptor_transfer: reading and writing, for those descriptors and pipes that can.
#pragma once

#include "auraio/detail/descriptor_object.hpp"

AURAIO_OPEN
namespace detail {

/// Adds Asio's read_some() and async_read_some() to a descriptor_object or what derives from it.
template <class Base>
class readable_descriptor : public Base {
    using initiate_read = typename Base::template initiate_transfer<true>;

public:
    using Base::Base;
    using Base::operator=;

    template <class MutableBufferSequence>
    std::size_t read_some(const MutableBufferSequence& buffers) {
        error_code ec;
        const std::size_t n = read_some(buffers, ec);
        throw_if(ec, "read_some");
        return n;
    }
    template <class MutableBufferSequence>
    std::size_t read_some(const MutableBufferSequence& buffers, error_code& ec) {
        return this->template transfer_now<true>(buffers, ec);
    }

    /// Reads at least a byte into the first 64 non-empty buffers; with no room at all it completes at once.
    /// error::eof at the end, of a pipe when no writing end is left. Signature void(error_code, std::size_t).
    /// Cancellation: terminal, partial, total: a cancelled read has taken nothing.
    template <class MutableBufferSequence,
              class Token = net::default_completion_token_t<typename Base::executor_type>>
    auto async_read_some(const MutableBufferSequence& buffers, Token&& token = Token())
        -> initiated<initiate_read, Token, const MutableBufferSequence&> {
        return initiate<initiate_read, Token>(this, token, buffers);
    }

protected:
    readable_descriptor(readable_descriptor&&) = default;
    readable_descriptor& operator=(readable_descriptor&&) = default;
    ~readable_descriptor() = default;
};

/// Adds Asio's write_some() and async_write_some() to a descriptor_object or what derives from it.
template <class Base>
class writable_descriptor : public Base {
    using initiate_write = typename Base::template initiate_transfer<false>;

public:
    using Base::Base;
    using Base::operator=;

    template <class ConstBufferSequence>
    std::size_t write_some(const ConstBufferSequence& buffers) {
        error_code ec;
        const std::size_t n = write_some(buffers, ec);
        throw_if(ec, "write_some");
        return n;
    }
    template <class ConstBufferSequence>
    std::size_t write_some(const ConstBufferSequence& buffers, error_code& ec) {
        return this->template transfer_now<false>(buffers, ec);
    }

    /// Writes some of the first 64 non-empty buffers; error::broken_pipe, and from Linux 6.18 on no SIGPIPE,
    /// to a pipe that nobody reads. Signature void(error_code, std::size_t). Cancellation: terminal, partial,
    /// total: a cancelled write has transferred nothing.
    template <class ConstBufferSequence,
              class Token = net::default_completion_token_t<typename Base::executor_type>>
    auto async_write_some(const ConstBufferSequence& buffers, Token&& token = Token())
        -> initiated<initiate_write, Token, const ConstBufferSequence&> {
        return initiate<initiate_write, Token>(this, token, buffers);
    }

protected:
    writable_descriptor(writable_descriptor&&) = default;
    writable_descriptor& operator=(writable_descriptor&&) = default;
    ~writable_descriptor() = default;
};

} // namespace detail
AURAIO_CLOSE
