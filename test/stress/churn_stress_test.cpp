// churn_stress: a server whose connections come and go, each with timers and with reads of files: neither memory nor
// descriptors grow. AURAIO_SOAK_SECONDS makes it as long as one likes, with 10 000 connections.
#include "churning_peers.hpp"
#include "support/sanitizers.hpp"

#include <auraio/auraio.hpp>

#include <asio/bind_executor.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/read.hpp>
#include <asio/write.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

namespace net = aura::net;
using namespace test;
using namespace std::chrono_literals;
using tcp = aura::ip::tcp;

namespace {

constexpr unsigned rings = 2;
constexpr unsigned reports = 40;

/// How much, and how long: the suite's, or a soak's.
struct load {
    std::size_t connections = 300;
    std::chrono::milliseconds length = AURAIO_TEST_ASAN || AURAIO_TEST_TSAN ? 6s : 2s, longest_thought = 20ms,
                              patience = 500ms;

    static load chosen() {
        load l;
        if (const char* seconds = std::getenv("AURAIO_SOAK_SECONDS")) {
            l.length = std::chrono::seconds(std::strtoul(seconds, nullptr, 10));
            l.connections = 10'000;
            l.longest_thought = 10s;
            l.patience = 10s;
        }
        return l;
    }
};

struct tally {
    std::atomic<std::uint64_t> accepted{0}, reads{0}, thoughts{0}, impatient{0}, unexpected{0};
    std::atomic<std::ptrdiff_t> sessions{0};
};

/// A session's socket and its two timers count on their ring's strand.
aura::io_context_options with_implicit_strands() {
    aura::io_context_options options = aura::options_from_environment();
    options.implicit_strands = true;
    return options;
}

/// Any thread may use it, one at a time.
struct shared_file {
    shared_file(aura::executor e, const std::string& path)
        : file(e, path, aura::file_base::read_only) {}
    aura::random_access_file file;
    std::mutex mutex;
};

/// What the server's sessions share.
struct service {
    aura::io_context& context;
    const load& how;
    tally& counts;
    std::deque<shared_file> files; // one for each ring
};

/// Reads an offset, reads the file there, thinks, answers; again until its peer has gone or says nothing for long.
class session : public std::enable_shared_from_this<session> {
public:
    session(service& s, tcp::socket socket, std::uint32_t seed)
        : service_(s)
        , socket_(std::move(socket))
        , thought_(socket_.get_executor())
        , patience_(socket_.get_executor())
        , random_(seed) {
        ++service_.counts.sessions;
    }
    ~session() { --service_.counts.sessions; }

    void start() {
        patience_.expires_after(service_.how.patience);
        patience_.async_wait([self = shared_from_this()](aura::error_code ec) {
            if (ec)
                return;
            ++self->service_.counts.impatient;
            aura::error_code ignored;
            self->socket_.close(ignored);
        });
        net::async_read(socket_, net::buffer(&offset_, sizeof offset_),
                        [self = shared_from_this()](aura::error_code ec, std::size_t) {
                            self->patience_.cancel();
                            if (!ec)
                                self->read();
                        });
    }

private:
    void read() {
        shared_file& from = service_.files[random_() % service_.files.size()];
        const std::lock_guard guard(from.mutex);
        from.file.async_read_some_at(
            offset_, net::buffer(answer_),
            net::bind_executor(socket_.get_executor(),
                               [self = shared_from_this()](aura::error_code ec, std::size_t n) {
                                   ++self->service_.counts.reads;
                                   self->service_.counts.unexpected += ec || n != answer_size;
                                   self->think();
                               }));
    }
    void think() {
        const auto longest = static_cast<std::uint32_t>(service_.how.longest_thought.count());
        thought_.expires_after(std::chrono::milliseconds(random_() % longest));
        thought_.async_wait([self = shared_from_this()](aura::error_code) {
            ++self->service_.counts.thoughts;
            self->answer();
        });
    }
    void answer() {
        net::async_write(socket_, net::buffer(answer_),
                         [self = shared_from_this()](aura::error_code ec, std::size_t) {
                             if (!ec)
                                 self->start();
                         });
    }

    service& service_;
    tcp::socket socket_;
    aura::steady_timer thought_, patience_;
    std::minstd_rand random_;
    std::uint64_t offset_ = 0;
    std::array<char, answer_size> answer_;
};

/// Used by handlers in any thread, one at a time, until it is closed.
struct listener {
    listener(aura::io_context& ctx, const tcp::endpoint& at)
        : acceptor(ctx, at) {}
    void close() {
        const std::lock_guard guard(mutex);
        acceptor.close();
    }
    tcp::acceptor acceptor;
    std::mutex mutex;
};

void accept_on(service& s, listener& l) {
    const std::lock_guard guard(l.mutex);
    if (!l.acceptor.is_open())
        return;
    l.acceptor.async_accept([&s, &l](aura::error_code ec, tcp::socket socket) {
        if (ec == net::error::operation_aborted)
            return;
        s.counts.unexpected += !!ec;
        if (!ec)
            std::make_shared<session>(s, std::move(socket), static_cast<std::uint32_t>(++s.counts.accepted))
                ->start();
        accept_on(s, l);
    });
}

struct usage {
    std::size_t resident = 0; // bytes
    std::ptrdiff_t descriptors = 0;

    static usage now() {
        usage u;
        std::size_t pages = 0;
        std::ifstream("/proc/self/statm") >> pages >> pages;
        u.resident = pages * static_cast<std::size_t>(::getpagesize());
        namespace fs = std::filesystem;
        u.descriptors = std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
        return u;
    }
};

usage most(const std::vector<usage>& all, std::size_t from, std::size_t to) {
    usage m;
    for (std::size_t i = from; i < to; ++i) {
        m.resident = std::max(m.resident, all[i].resident);
        m.descriptors = std::max(m.descriptors, all[i].descriptors);
    }
    return m;
}

/// Of the four quarters the first is for warming up: the last takes no more than the second.
void expect_flat(const std::vector<usage>& all, const load& how) {
    ASSERT_EQ(all.size(), reports);
    const usage before = most(all, reports / 4, reports / 2), after = most(all, reports * 3 / 4, reports);
    std::printf("resident %zu KiB in the second quarter, %zu KiB in the last; descriptors %td, %td\n",
                before.resident / 1024, after.resident / 1024, before.descriptors, after.descriptors);
    EXPECT_LE(static_cast<std::size_t>(after.descriptors), how.connections * 5 / 4 + 256);
    if (AURAIO_TEST_ASAN || AURAIO_TEST_TSAN)
        std::printf("memory is not compared: the sanitizer manages it\n");
    else
        EXPECT_LE(after.resident, before.resident + before.resident / 50 + (2u << 20));
}

/// The process of the peers; made before there are threads.
class peers_process {
public:
    peers_process(const load& how, const std::vector<sockaddr_in>& servers) {
        int ends[2];
        EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
        child_ = ::fork();
        if (child_ == 0) {
            ::close(ends[0]);
            ::_exit(churning_peers(how.connections, servers, ends[1]).run(how.length, how.length / reports)
                        ? 0
                        : 1);
        }
        ::close(ends[1]);
        report_ = ends[0];
    }
    ~peers_process() {
        ::close(report_);
        int status = -1;
        EXPECT_EQ(::waitpid(child_, &status, 0), child_);
        EXPECT_EQ(status, 0) << "a peer got what it had not asked for";
    }
    peers_process(const peers_process&) = delete;

    /// False: there are no more.
    bool wait_for(peers_report& r) { return ::read(report_, &r, sizeof r) == static_cast<ssize_t>(sizeof r); }

private:
    ::pid_t child_ = -1;
    int report_ = -1;
};

/// Several addresses, so that a port that somebody has just given up is not missing.
std::vector<tcp::endpoint> addresses() {
    std::vector<tcp::endpoint> all;
    for (unsigned i = 1; i <= 8; ++i)
        all.emplace_back(net::ip::address_v4(0x7f000000u + i), static_cast<unsigned short>(0));
    return all;
}

class Churn {
public:
    explicit Churn(const load& how)
        : how_(how)
        , service_{context_, how_, counts_, {}}
        , contents_(served_file_size) {
        for (const auto& a : addresses()) {
            listeners_.emplace_back(context_, a);
            sockaddr_in in;
            std::memcpy(&in, listeners_.back().acceptor.local_endpoint().data(), sizeof in);
            servers_.push_back(in);
        }
    }

    void run() {
        peers_process peers(how_, servers_);
        for (unsigned i = 0; i < rings; ++i)
            service_.files.emplace_back(context_.ring_executor(i), contents_.path());
        for (auto& l : listeners_)
            for (int i = 0; i < 4; ++i)
                accept_on(service_, l);
        std::vector<std::thread> threads;
        for (unsigned i = 0; i < rings; ++i)
            threads.emplace_back([this] { context_.run(); });
        std::vector<usage> all;
        peers_report seen;
        while (peers.wait_for(seen)) {
            all.push_back(usage::now());
            if (how_.length > 60s)
                std::printf("%zu KiB, %td descriptors, %llu connections, %llu answers\n",
                            all.back().resident / 1024, all.back().descriptors,
                            static_cast<unsigned long long>(seen.connections),
                            static_cast<unsigned long long>(seen.answers));
            std::fflush(stdout);
        }
        for (auto& l : listeners_)
            l.close();
        for (auto& t : threads)
            t.join(); // which they are when all sessions have ended
        print(seen);
        expect_flat(all, how_);
        EXPECT_GT(seen.connections, how_.connections);
        EXPECT_GT(seen.answers, how_.connections);
        EXPECT_EQ(counts_.unexpected, 0u);
        EXPECT_EQ(counts_.sessions, 0);
    }

private:
    void print(const peers_report& r) const {
        const auto n = [](std::uint64_t v) { return static_cast<unsigned long long>(v); };
        std::printf(
            "%s, %zu at once: %llu connections (%llu cut off, %llu refused), %llu answers, %llu reads, "
            "%llu timers, %llu deadlines\n",
            std::string(context_.backend()).c_str(), how_.connections, n(r.connections), n(r.cut_off),
            n(r.refused), n(r.answers), n(counts_.reads), n(counts_.thoughts), n(counts_.impatient));
    }

    const load how_;
    tally counts_;
    aura::io_context context_{with_implicit_strands()};
    service service_;
    scratch_file contents_;
    std::deque<listener> listeners_;
    std::vector<sockaddr_in> servers_;
};

TEST(ChurnStress, MemoryAndDescriptorsStayAsTheyAre) {
    rlimit descriptors;
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &descriptors), 0);
    const load how = load::chosen();
    ASSERT_GE(descriptors.rlim_cur, how.connections * 5 / 4 + 256) << "ulimit -n";
    const std::ptrdiff_t before = usage::now().descriptors;
    Churn(how).run();
    EXPECT_LE(usage::now().descriptors, before + 2)
        << "two are kept by the process, for closing without any left";
}

} // namespace
