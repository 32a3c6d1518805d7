// Statistics that a context serves: who may look, what there is to see, and what becomes of the socket.
#include "support/flavour.hpp"

#include <auraio/serve_statistics.hpp>

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

namespace net = test::net;
using net::ip::tcp;
using net::local::stream_protocol;

class ServeStatistics : public testing::Test {
protected:
    ServeStatistics() {
        std::string name = (std::filesystem::temp_directory_path() / "auraio-statistics-XXXXXX").string();
        directory_ = ::mkdtemp(name.data());
        path_ = directory_ + "/socket";
    }
    ~ServeStatistics() override { std::filesystem::remove_all(directory_); }

    static std::string read_line(net::local::stream_protocol::socket& socket) {
        std::string line;
        net::read_until(socket, net::dynamic_buffer(line), '\n');
        return line;
    }

    /// Whole answer to a request by HTTP.
    std::string get(unsigned short port, const std::string& request) {
        tcp::socket socket(plain_);
        socket.connect({net::ip::address_v4::loopback(), port});
        net::write(socket, net::buffer(request + "\r\n\r\n"));
        std::string reply;
        test::error_code ec;
        net::read(socket, net::dynamic_buffer(reply), ec);
        EXPECT_EQ(ec, net::error::eof);
        return reply;
    }

    int error_of(const std::string& path) {
        try {
            const auto server = aura::serve_statistics(ctx_, path);
        } catch (const test::system_error& e) {
            return e.code().value();
        }
        return 0;
    }

    std::string directory_, path_;
    net::io_context plain_; // whoever looks
    aura::io_context ctx_;
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST_F(ServeStatistics, OneSnapshotAtOnceAndOneForEachLine) {
    const auto server = aura::serve_statistics(ctx_, path_, {.name = "a \"name\""});
    stream_protocol::socket socket(plain_);
    socket.connect(stream_protocol::endpoint(path_));
    EXPECT_TRUE(read_line(socket).starts_with("{\"context\":\"a \\\"name\\\"\",\"process\":" +
                                              std::to_string(::getpid())));

    aura::post(ctx_, [] {});
    ctx_.run();
    net::write(socket, net::buffer("\n", 1));
    const std::string line = read_line(socket);
    EXPECT_TRUE(contains(line, "\"backend\":\"" + std::string(ctx_.backend()) + "\"")) << line;
    EXPECT_TRUE(contains(line, "\"handlers\":1,")) << line;
    EXPECT_TRUE(
        contains(line, "\"read_latency_seconds\":{\"count\":0,\"sum\":0,\"p50\":0,\"p99\":0,\"max\":0}"))
        << line;
    EXPECT_TRUE(line.ends_with("]}\n")) << line;
}

TEST_F(ServeStatistics, OnlyItsUserMayOpenTheSocketWhateverTheUmask) {
    const mode_t before = ::umask(0);
    const auto server = aura::serve_statistics(ctx_, path_);
    ::umask(before);
    struct stat found{};
    ASSERT_EQ(::stat(path_.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777, 0600u);
    if (::geteuid() != 0)
        GTEST_SKIP() << "only root can try as another user";
    const pid_t child = ::fork();
    if (child == 0) {
        // Root's child gives its rights away; the mode alone keeps it out.
        const bool is_other = ::chmod(directory_.c_str(), 0755) == 0 && ::setresuid(65534, 65534, 65534) == 0;
        test::error_code ec;
        stream_protocol::socket socket(plain_);
        socket.connect(stream_protocol::endpoint(path_), ec);
        ::_exit(is_other && ec == test::error_code(EACCES, net::error::get_system_category()) ? 0 : 1);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
}

TEST_F(ServeStatistics, TheSocketGoesWithTheServerAndAStaleOneIsReplaced) {
    {
        const auto server = aura::serve_statistics(ctx_, path_);
        EXPECT_EQ(error_of(path_), EADDRINUSE);
    }
    EXPECT_FALSE(std::filesystem::exists(path_));
    {
        stream_protocol::acceptor left_behind(plain_, stream_protocol::endpoint(path_));
    }
    ASSERT_TRUE(std::filesystem::exists(path_));
    EXPECT_EQ(error_of(path_), 0);
}

TEST_F(ServeStatistics, NothingElseIsReplaced) {
    std::ofstream(path_) << "a file";
    EXPECT_EQ(error_of(path_), EADDRINUSE);
    EXPECT_EQ(std::filesystem::file_size(path_), 6u);
    EXPECT_EQ(error_of(directory_ + "/none/socket"), ENOENT);
    EXPECT_EQ(error_of(std::string(200, 'x')), ENAMETOOLONG);
    EXPECT_EQ(error_of(""), EINVAL);
}

TEST_F(ServeStatistics, PrometheusReadsThemOnALoopbackPortIfAsked) {
    const auto without = aura::serve_statistics(ctx_, path_);
    EXPECT_EQ(without.prometheus_port(), 0);
    const auto server = aura::serve_statistics(ctx_, path_ + "2", {.name = "main", .prometheus = true});
    ASSERT_NE(server.prometheus_port(), 0);
    const std::string reply = get(server.prometheus_port(), "GET /metrics HTTP/1.1\r\nHost: localhost");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n")) << reply;
    EXPECT_TRUE(contains(reply, "auraio_spare_threads{context=\"main\"} 0\n")) << reply;
    EXPECT_TRUE(get(server.prometheus_port(), "GET /other HTTP/1.1").starts_with("HTTP/1.1 404 "));
    EXPECT_TRUE(get(server.prometheus_port(), "POST /metrics HTTP/1.1").starts_with("HTTP/1.1 405 "));
}

/// A page in the user's browser may have its own name lead here.
TEST_F(ServeStatistics, NoPageOfSomebodyElsesReadsThem) {
    const auto server = aura::serve_statistics(ctx_, path_, {.prometheus = true});
    const auto status_for = [&](const std::string& host) {
        return get(server.prometheus_port(), "GET /metrics HTTP/1.1\r\nAccept: */*\r\n" + host).substr(0, 12);
    };
    EXPECT_EQ(status_for("HOST:\tlocalhost:9100"), "HTTP/1.1 200");
    EXPECT_EQ(status_for("Host: 127.0.0.1"), "HTTP/1.1 200");
    EXPECT_EQ(status_for("Host: localhost.example"), "HTTP/1.1 421");
    EXPECT_EQ(status_for("Host:"), "HTTP/1.1 421");
    EXPECT_EQ(status_for("X-Host: other"), "HTTP/1.1 200");
}

TEST_F(ServeStatistics, AnswersWhileAHandlerBlocks) {
    const auto server = aura::serve_statistics(ctx_, path_);
    std::promise<void> entered, leave;
    aura::post(ctx_, [&] {
        entered.set_value();
        leave.get_future().wait();
    });
    std::thread runner([&] { ctx_.run(); });
    entered.get_future().wait();
    stream_protocol::socket socket(plain_);
    socket.connect(stream_protocol::endpoint(path_));
    EXPECT_TRUE(contains(read_line(socket), "\"driven\":true"));
    leave.set_value();
    runner.join();
}

TEST_F(ServeStatistics, AChildThatEndsLeavesThemToItsParent) {
    auto server = aura::serve_statistics(ctx_, path_);
    const pid_t child = ::fork();
    if (child == 0) {
        {
            const auto gone = std::move(server);
        }
        ::_exit(0);
    }
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
    stream_protocol::socket socket(plain_);
    socket.connect(stream_protocol::endpoint(path_));
    EXPECT_TRUE(read_line(socket).starts_with("{\"context\":\"main\""));
}

/// Who came there would wait for an answer for ever, and the next server could not have the port.
TEST_F(ServeStatistics, AChildThatStaysKeepsNoPort) {
    unsigned short port = 0;
    int until_then[2], lives[2];
    ASSERT_TRUE(::pipe(until_then) == 0 && ::pipe(lives) == 0);
    pid_t child = -1;
    {
        const auto server = aura::serve_statistics(ctx_, path_, {.prometheus = true});
        port = server.prometheus_port();
        child = ::fork();
        if (child == 0) {
            char byte = 0;
            ::close(until_then[1]);
            ::_exit(::write(lives[1], &byte, 1) == 1 && ::read(until_then[0], &byte, 1) == 0 ? 0 : 1);
        }
        char byte = 0;
        ASSERT_EQ(::read(lives[0], &byte, 1), 1); // it closes what it was given before fork() returns there
    }
    const auto again = aura::serve_statistics(ctx_, path_, {.prometheus = true, .prometheus_port = port});
    EXPECT_EQ(again.prometheus_port(), port);
    for (const int fd : {until_then[0], until_then[1], lives[0], lives[1]})
        ::close(fd);
    int status = -1;
    ::waitpid(child, &status, 0);
    EXPECT_EQ(status, 0);
}

} // namespace
