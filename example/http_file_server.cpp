// An HTTP server with Boost.Beast that streams files from random_access_file. http_file_server DIRECTORY
// [PORT]
#include <auraio/beast.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

namespace net = aura;
namespace beast = aura::beast;
namespace http = beast::http;
using net::ip::tcp;

namespace {

using request = http::request<http::empty_body>;

/// The path on disk, or nothing for one that leads out of the directory.
std::string path_of(const std::string& directory, const request& q) {
    const std::string target(q.target());
    if (target.empty() || target.front() != '/' || target.find("..") != std::string::npos)
        return {};
    return directory + (target.back() == '/' ? target + "index.html" : target);
}

net::awaitable<void> refuse(beast::tcp_stream& stream, const request& q, http::status status) {
    http::response<http::string_body> r(status, q.version());
    r.keep_alive(q.keep_alive());
    r.body() = std::string(http::obsolete_reason(status)) + "\n";
    r.prepare_payload();
    co_await http::async_write(stream, r, net::use_awaitable);
}

/// The header, then the file in pieces: one read ahead of the network would be a second buffer away.
net::awaitable<void> send_file(beast::tcp_stream& stream, const request& q, net::random_access_file& file) {
    const std::uint64_t size = file.size();
    http::response<http::empty_body> head(http::status::ok, q.version());
    head.keep_alive(q.keep_alive());
    head.content_length(size);
    http::response_serializer<http::empty_body> serializer(head);
    co_await http::async_write_header(stream, serializer, net::use_awaitable);
    if (q.method() == http::verb::head)
        co_return;
    auto data = std::make_unique<std::array<char, 256 * 1024>>();
    for (std::uint64_t at = 0; at < size;) {
        const std::size_t n = co_await file.async_read_some_at(at, net::buffer(*data), net::use_awaitable);
        stream.expires_after(std::chrono::seconds(30));
        co_await net::async_write(
            stream, net::buffer(*data, static_cast<std::size_t>(std::min<std::uint64_t>(n, size - at))),
            net::use_awaitable);
        at += n;
    }
}

net::awaitable<void> session(beast::tcp_stream stream, const std::string& directory) {
    beast::flat_buffer buffer;
    for (bool go_on = true; go_on;) {
        request q;
        stream.expires_after(std::chrono::seconds(30));
        co_await http::async_read(stream, buffer, q, net::use_awaitable);
        go_on = q.keep_alive();
        if (q.method() != http::verb::get && q.method() != http::verb::head) {
            co_await refuse(stream, q, http::status::method_not_allowed);
            continue;
        }
        net::random_access_file file(stream.get_executor());
        net::error_code ec;
        if (const std::string path = path_of(directory, q); !path.empty())
            co_await file.async_open(path, net::file_base::read_only,
                                     net::redirect_error(net::use_awaitable, ec));
        if (file.is_open())
            co_await send_file(stream, q, file);
        else
            co_await refuse(stream, q, http::status::not_found);
    }
    stream.socket().shutdown(tcp::socket::shutdown_send);
}

net::awaitable<void> listen(tcp::acceptor acceptor, const std::string& directory) {
    for (;;) {
        beast::tcp_stream stream(co_await acceptor.async_accept(net::use_awaitable));
        auto executor = stream.get_executor();
        net::co_spawn(executor, session(std::move(stream), directory), [](const std::exception_ptr&) {});
    }
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::cerr << "usage: http_file_server DIRECTORY [PORT]\n";
        return 1;
    }
    net::io_context ctx;
    const std::string directory = argv[1];
    const auto port = static_cast<unsigned short>(argc > 2 ? std::atoi(argv[2]) : 0);
    tcp::acceptor acceptor(ctx, {tcp::v4(), port});
    std::cout << "listening on " << acceptor.local_endpoint().port() << std::endl;
    net::co_spawn(ctx, listen(std::move(acceptor), directory), net::detached);
    ctx.run();
}
