// Connections that an ICMP message refuses at once, as firewalls of containers do: the kernel calls the
// connect of io_uring a success then, and the socket holds the error. One test body on Asio's and on ours.
#include "support/libraries.hpp"
#include "support/rejecting_network.hpp"

#include <auraio/asio/basic_stream_socket.hpp>

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <string>

namespace net = test::net;
using test::error_code;
using tcp = net::ip::tcp;
using namespace std::chrono_literals;

namespace {

const tcp::endpoint rejected(net::ip::address_v4::loopback(), test::rejected_port);

template <class Library>
class RejectedConnect : public testing::Test {
protected:
    using socket = net::basic_stream_socket<tcp, typename Library::executor>;

    template <class What>
    static void expect(What what) {
        std::string skipped;
        const std::string wrong = test::in_rejecting_network(what, skipped);
        if (!skipped.empty())
            GTEST_SKIP() << skipped;
        EXPECT_EQ(wrong, "");
    }
    static std::string expect_refused(error_code ec) {
        return ec == net::error::connection_refused ? "" : "not refused: " + ec.message();
    }
};
TYPED_TEST_SUITE(RejectedConnect, test::libraries, test::library_names);

TYPED_TEST(RejectedConnect, IsRefused) {
    TestFixture::expect([] {
        std::string wrong;
        for (const bool non_blocking : {false, true}) {
            typename TypeParam::context ctx;
            typename TestFixture::socket s(ctx, tcp::v4());
            s.non_blocking(non_blocking);
            error_code result;
            s.async_connect(rejected, [&](error_code ec) { result = ec; });
            ctx.run_for(20s);
            wrong += TestFixture::expect_refused(result);
        }
        return wrong;
    });
}

TYPED_TEST(RejectedConnect, OfSeveralEndpointsTheNextIsTried) {
    TestFixture::expect([]() -> std::string {
        const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        tcp::endpoint good(net::ip::address_v4::loopback(), 0);
        auto size = static_cast<socklen_t>(good.capacity());
        if (::bind(listener, good.data(), static_cast<socklen_t>(good.size())) != 0 ||
            ::listen(listener, 1) != 0 || ::getsockname(listener, good.data(), &size) != 0)
            return "no listener";
        typename TypeParam::context ctx;
        typename TestFixture::socket s(ctx);
        error_code result = net::error::would_block;
        const std::array<tcp::endpoint, 2> endpoints{rejected, good};
        net::async_connect(s, endpoints, [&](error_code ec, const tcp::endpoint&) { result = ec; });
        ctx.run_for(20s);
        if (result)
            return result.message();
        error_code ec;
        return s.remote_endpoint(ec) == good ? "" : "connected to the wrong one: " + ec.message();
    });
}

TYPED_TEST(RejectedConnect, IsRefusedToASynchronousOne) {
    TestFixture::expect([] {
        typename TypeParam::context ctx;
        typename TestFixture::socket s(ctx);
        error_code ec;
        s.connect(rejected, ec);
        return TestFixture::expect_refused(ec);
    });
}

} // namespace
