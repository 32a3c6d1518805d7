// adopted_socket: Asio's sockets over any_io_executor in adopt mode.
#pragma once

#include "auraio/asio/basic_stream_socket.hpp"
#include "auraio/detail/adopted.hpp"

AURAIO_NET_OPEN

/// Base of the adopted sockets, which all functions are forwarded from: to the native socket where the
/// executor leads to a ring, to Asio's own otherwise. Meaning and overloads are Asio's.
template <class Protocol>
class basic_socket<Protocol, any_io_executor> : public socket_base {
    using error_code = aura::error_code;
    template <class Executor>
    using on_executor = typename aura::detail::with_executor<typename Protocol::socket, Executor>::type;

public:
    using executor_type = any_io_executor;
    using protocol_type = Protocol;
    using endpoint_type = typename Protocol::endpoint;
    using native_handle_type = int;
    using lowest_layer_type = basic_socket;

    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_socket<Protocol, OtherExecutor>;
    };

    explicit basic_socket(const executor_type& e)
        : impl_(e) {}
    basic_socket(const executor_type& e, const protocol_type& protocol)
        : impl_(e, protocol) {}
    basic_socket(const executor_type& e, const endpoint_type& endpoint)
        : impl_(e, endpoint) {}
    basic_socket(const executor_type& e, const protocol_type& protocol, const native_handle_type& fd)
        : impl_(e, protocol, fd) {}
    template <aura::detail::context_for<executor_type> Context>
    explicit basic_socket(Context& c)
        : basic_socket(executor_type(c.get_executor())) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_socket(Context& c, const protocol_type& protocol)
        : basic_socket(executor_type(c.get_executor()), protocol) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_socket(Context& c, const endpoint_type& endpoint)
        : basic_socket(executor_type(c.get_executor()), endpoint) {}
    template <aura::detail::context_for<executor_type> Context>
    basic_socket(Context& c, const protocol_type& protocol, const native_handle_type& fd)
        : basic_socket(executor_type(c.get_executor()), protocol, fd) {}
    basic_socket(basic_socket&&) = default;
    basic_socket& operator=(basic_socket&&) = default;

    executor_type get_executor() noexcept {
        return impl_.on([](auto& s) { return executor_type(s.get_executor()); });
    }
    lowest_layer_type& lowest_layer() { return *this; }
    const lowest_layer_type& lowest_layer() const { return *this; }

    bool is_open() const {
        return impl_.on([](auto& s) { return s.is_open(); });
    }
    native_handle_type native_handle() {
        return impl_.on([](auto& s) { return s.native_handle(); });
    }

    void open(const protocol_type& protocol = protocol_type()) {
        impl_.on([&](auto& s) { s.open(protocol); });
    }
    aura::detail::sync_result open(const protocol_type& protocol, error_code& ec) {
        return forward(ec, [&](auto& s) { s.open(protocol, ec); });
    }
    void assign(const protocol_type& protocol, const native_handle_type& fd) {
        impl_.on([&](auto& s) { s.assign(protocol, fd); });
    }
    aura::detail::sync_result assign(const protocol_type& protocol, const native_handle_type& fd,
                                     error_code& ec) {
        return forward(ec, [&](auto& s) { s.assign(protocol, fd, ec); });
    }
    void close() {
        impl_.on([](auto& s) { s.close(); });
    }
    aura::detail::sync_result close(error_code& ec) {
        return forward(ec, [&](auto& s) { s.close(ec); });
    }
    native_handle_type release() {
        return impl_.on([](auto& s) { return s.release(); });
    }
    native_handle_type release(error_code& ec) {
        return impl_.on([&](auto& s) { return s.release(ec); });
    }
    void cancel() {
        impl_.on([](auto& s) { s.cancel(); });
    }
    aura::detail::sync_result cancel(error_code& ec) {
        return forward(ec, [&](auto& s) { s.cancel(ec); });
    }
    bool at_mark() const {
        return impl_.on([](auto& s) { return s.at_mark(); });
    }
    bool at_mark(error_code& ec) const {
        return impl_.on([&](auto& s) { return s.at_mark(ec); });
    }
    std::size_t available() const {
        return impl_.on([](auto& s) { return s.available(); });
    }
    std::size_t available(error_code& ec) const {
        return impl_.on([&](auto& s) { return s.available(ec); });
    }
    void bind(const endpoint_type& e) {
        impl_.on([&](auto& s) { s.bind(e); });
    }
    aura::detail::sync_result bind(const endpoint_type& e, error_code& ec) {
        return forward(ec, [&](auto& s) { s.bind(e, ec); });
    }
    void connect(const endpoint_type& e) {
        impl_.on([&](auto& s) { s.connect(e); });
    }
    aura::detail::sync_result connect(const endpoint_type& e, error_code& ec) {
        return forward(ec, [&](auto& s) { s.connect(e, ec); });
    }
    template <class Option>
    void set_option(const Option& o) {
        impl_.on([&](auto& s) { s.set_option(o); });
    }
    template <class Option>
    aura::detail::sync_result set_option(const Option& o, error_code& ec) {
        return forward(ec, [&](auto& s) { s.set_option(o, ec); });
    }
    template <class Option>
    void get_option(Option& o) const {
        impl_.on([&](auto& s) { s.get_option(o); });
    }
    template <class Option>
    aura::detail::sync_result get_option(Option& o, error_code& ec) const {
        impl_.on([&](auto& s) { s.get_option(o, ec); });
        return aura::detail::sync_return(ec);
    }
    template <class Command>
    void io_control(Command& c) {
        impl_.on([&](auto& s) { s.io_control(c); });
    }
    template <class Command>
    aura::detail::sync_result io_control(Command& c, error_code& ec) {
        return forward(ec, [&](auto& s) { s.io_control(c, ec); });
    }
    bool non_blocking() const {
        return impl_.on([](auto& s) { return s.non_blocking(); });
    }
    void non_blocking(bool mode) {
        impl_.on([&](auto& s) { s.non_blocking(mode); });
    }
    aura::detail::sync_result non_blocking(bool mode, error_code& ec) {
        return forward(ec, [&](auto& s) { s.non_blocking(mode, ec); });
    }
    bool native_non_blocking() const {
        return impl_.on([](auto& s) { return s.native_non_blocking(); });
    }
    void native_non_blocking(bool mode) {
        impl_.on([&](auto& s) { s.native_non_blocking(mode); });
    }
    aura::detail::sync_result native_non_blocking(bool mode, error_code& ec) {
        return forward(ec, [&](auto& s) { s.native_non_blocking(mode, ec); });
    }
    endpoint_type local_endpoint() const {
        return impl_.on([](auto& s) { return s.local_endpoint(); });
    }
    endpoint_type local_endpoint(error_code& ec) const {
        return impl_.on([&](auto& s) { return s.local_endpoint(ec); });
    }
    endpoint_type remote_endpoint() const {
        return impl_.on([](auto& s) { return s.remote_endpoint(); });
    }
    endpoint_type remote_endpoint(error_code& ec) const {
        return impl_.on([&](auto& s) { return s.remote_endpoint(ec); });
    }
    void shutdown(shutdown_type what) {
        impl_.on([&](auto& s) { s.shutdown(what); });
    }
    aura::detail::sync_result shutdown(shutdown_type what, error_code& ec) {
        return forward(ec, [&](auto& s) { s.shutdown(what, ec); });
    }
    void wait(wait_type w) {
        impl_.on([&](auto& s) { s.wait(w); });
    }
    aura::detail::sync_result wait(wait_type w, error_code& ec) {
        return forward(ec, [&](auto& s) { s.wait(w, ec); });
    }

protected:
    template <class Derived, class Signature, class Start>
    using initiation = aura::detail::adopted_initiation<Derived, Signature, Start>;
    template <class Start>
    using initiate_transfer = initiation<basic_socket, void(error_code, std::size_t), Start>;

    struct start_connect {
        template <class Object, class Handler>
        void operator()(Object& s, Handler&& handler, const endpoint_type& e) const {
            s.async_connect(e, std::forward<Handler>(handler));
        }
    };
    struct start_send {
        template <class Object, class Handler, class Buffers>
        void operator()(Object& s, Handler&& handler, const Buffers& b, message_flags f) const {
            s.async_send(b, f, std::forward<Handler>(handler));
        }
    };
    struct start_receive {
        template <class Object, class Handler, class Buffers>
        void operator()(Object& s, Handler&& handler, const Buffers& b, message_flags f) const {
            s.async_receive(b, f, std::forward<Handler>(handler));
        }
    };
    using initiate_connect = initiation<basic_socket, void(error_code), start_connect>;
    using initiate_wait = initiation<basic_socket, void(error_code), aura::detail::start_either_wait>;
    using initiate_send = initiate_transfer<start_send>;
    using initiate_receive = initiate_transfer<start_receive>;

public:
    template <class Token = default_completion_token_t<executor_type>>
    auto async_connect(const endpoint_type& e, Token&& token = Token())
        -> aura::detail::initiated<initiate_connect, Token, const endpoint_type&> {
        return aura::detail::initiate<initiate_connect, Token>(this, token, e);
    }
    template <class Token = default_completion_token_t<executor_type>>
    auto async_wait(wait_type w, Token&& token = Token())
        -> aura::detail::initiated<initiate_wait, Token, wait_type> {
        return aura::detail::initiate<initiate_wait, Token>(this, token, w);
    }

protected:
    using held =
        aura::detail::adopted<on_executor<aura::any_io_executor>, on_executor<aura::detail::stock_executor>>;

    template <class Object>
    basic_socket(std::in_place_t, Object&& object)
        : impl_(std::in_place, std::move(object)) {}
    ~basic_socket() = default;

    template <class F>
    aura::detail::sync_result forward(error_code& ec, F f) {
        impl_.on(f);
        return aura::detail::sync_return(ec);
    }

public:
    held impl_;
};

template <class Protocol>
class basic_stream_socket<Protocol, any_io_executor> : public basic_socket<Protocol, any_io_executor> {
    using base = basic_socket<Protocol, any_io_executor>;
    using error_code = aura::error_code;

    using typename base::initiate_receive;
    using typename base::initiate_send;

public:
    using typename base::endpoint_type;
    using typename base::executor_type;
    using typename base::native_handle_type;
    using typename base::protocol_type;
    using message_flags = socket_base::message_flags;
    template <class OtherExecutor>
    struct rebind_executor {
        using other = basic_stream_socket<Protocol, OtherExecutor>;
    };

    using base::base;
    basic_stream_socket(basic_stream_socket&&) = default;
    basic_stream_socket& operator=(basic_stream_socket&&) = default;

    /// From a socket with an executor of a known type, or of another protocol: it becomes what is inside.
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::becomes_adopted<OtherProtocol, OtherExecutor, Protocol>
    basic_stream_socket(basic_stream_socket<OtherProtocol, OtherExecutor>&& other)
        : base(std::in_place, aura::detail::adopt<typename base::held>(std::move(other))) {}
    template <class OtherProtocol, class OtherExecutor>
        requires aura::detail::becomes_adopted<OtherProtocol, OtherExecutor, Protocol>
    basic_stream_socket& operator=(basic_stream_socket<OtherProtocol, OtherExecutor>&& other) {
        return *this = basic_stream_socket(std::move(other));
    }
    ~basic_stream_socket() = default;

    template <class Buffers>
    std::size_t send(const Buffers& b, message_flags f = 0) {
        return this->impl_.on([&](auto& s) { return s.send(b, f); });
    }
    template <class Buffers>
    std::size_t send(const Buffers& b, message_flags f, error_code& ec) {
        return this->impl_.on([&](auto& s) { return s.send(b, f, ec); });
    }
    template <class Buffers>
    std::size_t receive(const Buffers& b, message_flags f = 0) {
        return this->impl_.on([&](auto& s) { return s.receive(b, f); });
    }
    template <class Buffers>
    std::size_t receive(const Buffers& b, message_flags f, error_code& ec) {
        return this->impl_.on([&](auto& s) { return s.receive(b, f, ec); });
    }
    template <class Buffers>
    std::size_t write_some(const Buffers& b) {
        return this->impl_.on([&](auto& s) { return s.write_some(b); });
    }
    template <class Buffers>
    std::size_t write_some(const Buffers& b, error_code& ec) {
        return this->impl_.on([&](auto& s) { return s.write_some(b, ec); });
    }
    template <class Buffers>
    std::size_t read_some(const Buffers& b) {
        return this->impl_.on([&](auto& s) { return s.read_some(b); });
    }
    template <class Buffers>
    std::size_t read_some(const Buffers& b, error_code& ec) {
        return this->impl_.on([&](auto& s) { return s.read_some(b, ec); });
    }

    template <class Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_send(const Buffers& b, message_flags f, Token&& token = Token())
        -> aura::detail::initiated<initiate_send, Token, const Buffers&, message_flags> {
        return aura::detail::initiate<initiate_send, Token>(this, token, b, f);
    }
    template <class Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_send(const Buffers& b, Token&& token = Token())
        -> aura::detail::initiated<initiate_send, Token, const Buffers&, message_flags> {
        return aura::detail::initiate<initiate_send, Token>(this, token, b, message_flags(0));
    }
    template <class Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_write_some(const Buffers& b, Token&& token = Token())
        -> aura::detail::initiated<initiate_send, Token, const Buffers&, message_flags> {
        return aura::detail::initiate<initiate_send, Token>(this, token, b, message_flags(0));
    }
    template <class Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_receive(const Buffers& b, message_flags f, Token&& token = Token())
        -> aura::detail::initiated<initiate_receive, Token, const Buffers&, message_flags> {
        return aura::detail::initiate<initiate_receive, Token>(this, token, b, f);
    }
    template <class Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_receive(const Buffers& b, Token&& token = Token())
        -> aura::detail::initiated<initiate_receive, Token, const Buffers&, message_flags> {
        return aura::detail::initiate<initiate_receive, Token>(this, token, b, message_flags(0));
    }
    template <class Buffers, class Token = default_completion_token_t<executor_type>>
    auto async_read_some(const Buffers& b, Token&& token = Token())
        -> aura::detail::initiated<initiate_receive, Token, const Buffers&, message_flags> {
        return aura::detail::initiate<initiate_receive, Token>(this, token, b, message_flags(0));
    }
};

AURAIO_NET_CLOSE
