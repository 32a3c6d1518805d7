// adopted_descriptor: what Asio's descriptors and pipes over any_io_executor share in adopt mode.
#pragma once

#include "auraio/asio/basic_stream_descriptor.hpp"
#include "auraio/detail/adopted.hpp"
#include "auraio/detail/socket_object.hpp"

AURAIO_OPEN
namespace detail {

/// Forwards to the native object where the executor leads to a ring, to Asio's own otherwise: `Template` over
/// one executor or the other. Meaning and overloads are Asio's.
template <template <class> class Template>
class adopted_descriptor {
    using native_type = Template<any_io_executor>;
    using stock_type = Template<stock_executor>;

public:
    using executor_type = net::any_io_executor;
    using native_handle_type = int;

    executor_type get_executor() noexcept {
        return impl_.on([](auto& d) { return executor_type(d.get_executor()); });
    }
    bool is_open() const {
        return impl_.on([](auto& d) { return d.is_open(); });
    }
    native_handle_type native_handle() {
        return impl_.on([](auto& d) { return d.native_handle(); });
    }
    void assign(const native_handle_type& fd) {
        impl_.on([&](auto& d) { d.assign(fd); });
    }
    sync_result assign(const native_handle_type& fd, error_code& ec) {
        return forward(ec, [&](auto& d) { d.assign(fd, ec); });
    }
    void close() {
        impl_.on([](auto& d) { d.close(); });
    }
    sync_result close(error_code& ec) {
        return forward(ec, [&](auto& d) { d.close(ec); });
    }
    template <class Stock = stock_type>
        requires requires(Stock& s) { s.release(); } // pipes since Asio 1.24
    native_handle_type release() {
        return impl_.on([](auto& d) { return d.release(); });
    }
    void cancel() {
        impl_.on([](auto& d) { d.cancel(); });
    }
    sync_result cancel(error_code& ec) {
        return forward(ec, [&](auto& d) { d.cancel(ec); });
    }

protected:
    template <class... Args>
    explicit adopted_descriptor(const executor_type& e, const Args&... args)
        : impl_(e, args...) {}
    template <class Executor>
    adopted_descriptor(std::in_place_t, Template<Executor>&& other)
        : impl_(std::in_place, convert(std::move(other))) {}
    adopted_descriptor(adopted_descriptor&&) = default;
    adopted_descriptor& operator=(adopted_descriptor&&) = default;
    ~adopted_descriptor() = default;

    template <class F>
    sync_result forward(error_code& ec, F f) {
        impl_.on(f);
        return sync_return(ec);
    }

private:
    template <class Executor>
    static auto convert(Template<Executor>&& other) {
        if constexpr (ring_executor<Executor>)
            return native_type(std::move(other));
        else
            return stock_type(std::move(other));
    }

public:
    adopted<native_type, stock_type> impl_;
};

/// Adds the functions that read to a descriptor or pipe.
template <class Base>
class adopted_reader : public Base {
    struct start_read {
        template <class Object, class Handler, class Buffers>
        void operator()(Object& object, Handler&& handler, const Buffers& buffers) const {
            object.async_read_some(buffers, std::forward<Handler>(handler));
        }
    };
    using initiate_read = adopted_initiation<adopted_reader, void(error_code, std::size_t), start_read>;

public:
    using Base::Base;

    template <class Buffers>
    std::size_t read_some(const Buffers& b) {
        return this->impl_.on([&](auto& d) { return d.read_some(b); });
    }
    template <class Buffers>
    std::size_t read_some(const Buffers& b, error_code& ec) {
        return this->impl_.on([&](auto& d) { return d.read_some(b, ec); });
    }
    template <class Buffers, class Token = net::default_completion_token_t<net::any_io_executor>>
    auto async_read_some(const Buffers& b, Token&& token = Token())
        -> initiated<initiate_read, Token, const Buffers&> {
        return initiate<initiate_read, Token>(this, token, b);
    }
};

/// Adds the functions that write.
template <class Base>
class adopted_writer : public Base {
    struct start_write {
        template <class Object, class Handler, class Buffers>
        void operator()(Object& object, Handler&& handler, const Buffers& buffers) const {
            object.async_write_some(buffers, std::forward<Handler>(handler));
        }
    };
    using initiate_write = adopted_initiation<adopted_writer, void(error_code, std::size_t), start_write>;

public:
    using Base::Base;

    template <class Buffers>
    std::size_t write_some(const Buffers& b) {
        return this->impl_.on([&](auto& d) { return d.write_some(b); });
    }
    template <class Buffers>
    std::size_t write_some(const Buffers& b, error_code& ec) {
        return this->impl_.on([&](auto& d) { return d.write_some(b, ec); });
    }
    template <class Buffers, class Token = net::default_completion_token_t<net::any_io_executor>>
    auto async_write_some(const Buffers& b, Token&& token = Token())
        -> initiated<initiate_write, Token, const Buffers&> {
        return initiate<initiate_write, Token>(this, token, b);
    }
};

} // namespace detail
AURAIO_CLOSE
