// The life of a context: constructed, given one thing to do, run and destroyed.
//
// A post, or a byte from one end of a socket pair to the other. What programs with a context per request, and tests
// with one per case, do all day.
#include "support/affinity.hpp"
#include "support/contender.hpp"
#include "support/measured_section.hpp"

#include <cerrno>
#include <string>

#include <sys/socket.h>

namespace {

using namespace benchmark;
using stream = net::local::stream_protocol;

void live_with_post(const std::string& hint) {
    const auto context = make_context(hint);
    bool ran = false;
    net::post(*context, [&ran] { ran = true; });
    context->run();
    if (!ran)
        fail("the handler did not run");
}

void live_with_socket(const std::string& hint) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        fail("socketpair", errno);
    const auto context = make_context(hint);
    net::basic_stream_socket<stream, io_executor> one(*context, stream(), ends[0]);
    net::basic_stream_socket<stream, io_executor> other(*context, stream(), ends[1]);
    char sent = 'x';
    char received = 0;
    const auto check = [](const error_code& error, std::size_t) {
        if (error)
            fail("socket", error.value());
    };
    one.async_write_some(net::buffer(&sent, 1), check);
    other.async_read_some(net::buffer(&received, 1), check);
    context->run();
    if (received != sent)
        fail("the byte did not arrive");
}

} // namespace

int main(int argc, char** argv) {
    arguments args(argc, argv, library);
    pin_this_thread(0);
    const std::string with = args.text("with", "post");
    const std::string hint = args.text("hint", "1");
    if (with != "post" && with != "socket")
        fail("with is post or socket");
    measured_section section(args, 16);
    args.reject_unknown();
    do
        with == "post" ? live_with_post(hint) : live_with_socket(hint);
    while (section.count());
    section.print(args, 1);
}
