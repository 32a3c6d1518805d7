// An HTTP server as one writes it with Boost.Beast, keep-alive, callbacks: plain Boost.Asio and auraio from
// one source.
#include "support/contender.hpp"
#include "support/served_load.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace {

using namespace benchmark;
namespace beast = boost::beast;
namespace http = beast::http;
using net::ip::tcp;

using stream = net::basic_stream_socket<tcp, io_executor>;
using acceptor = net::basic_socket_acceptor<tcp, io_executor>;

class session {
public:
    session(stream socket, const std::string& body)
        : socket_(std::move(socket))
        , body_(body) {
        error_code ignored;
        socket_.set_option(tcp::no_delay(true), ignored);
    }

    // Owns itself: it ends with its connection.
    void read() {
        request_ = {};
        http::async_read(socket_, buffer_, request_, [this](const error_code& error, std::size_t) {
            if (error)
                delete this;
            else
                answer();
        });
    }

private:
    void answer() {
        response_.emplace(http::status::ok, request_.version());
        response_->set(http::field::server, "benchmark");
        response_->set(http::field::content_type, "text/plain");
        response_->keep_alive(request_.keep_alive());
        response_->body() = body_;
        response_->prepare_payload();
        http::async_write(socket_, *response_, [this](const error_code& error, std::size_t) {
            if (error || !response_->keep_alive())
                delete this;
            else
                read();
        });
    }

    stream socket_;
    const std::string& body_;
    beast::flat_buffer buffer_;
    http::request<http::empty_body> request_;
    std::optional<http::response<http::string_body>> response_;
};

void accept_next(acceptor& listening, const std::string& body) {
    listening.async_accept([&](const error_code& error, stream socket) {
        if (!error)
            (new session(std::move(socket), body))->read();
        accept_next(listening, body);
    });
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    const std::string hint = args.text("hint", "1");
    return run_under_load(args, [&](const served_socket& what) {
        const auto context = make_context(hint);
        const std::string body(what.message_size, 'x');
        acceptor listening(*context, tcp::v4(), what.fd);
        accept_next(listening, body);
        context->run();
        fail("the context has run out of work");
    });
}
