// program: handlers that the library orders, from many threads, and without an argument nothing that is a
// race. Its variables are plain: what orders the accesses is the library alone, which is not instrumented.
#include <auraio/auraio.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <future>
#include <memory>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

using aura::error_code;
using aura::ip::tcp;
using namespace std::chrono_literals;

void expect(bool right, const char* what) {
    if (right)
        return;
    std::fprintf(stderr, "wrong: %s\n", what);
    std::exit(2);
}

/// Threads in run(), for as long as it lives.
class pool {
public:
    explicit pool(unsigned threads)
        : ctx(static_cast<int>(threads))
        , work_(aura::make_work_guard(ctx)) {
        for (unsigned i = 0; i < threads; ++i)
            threads_.emplace_back([this] { ctx.run(); });
    }
    ~pool() { join(); }
    void join() {
        work_.reset();
        for (std::thread& t : threads_)
            t.join();
        threads_.clear();
    }

    aura::io_context ctx;

private:
    aura::executor_work_guard<aura::io_context::executor_type> work_;
    std::vector<std::thread> threads_;
};

/// Calls f in a thread of its own.
template <class F>
void elsewhere(F f) {
    std::thread(std::move(f)).join();
}

void strands_order_handlers() {
    pool p(2);
    int n = 0, of_ring = 0;
    auto strand = aura::make_strand(p.ctx);
    auto ring = p.ctx.ring_executor(0);
    for (int i = 0; i < 1000; ++i) {
        aura::post(strand, [&n] { ++n; });
        aura::post(ring, [&of_ring] { ++of_ring; });
    }
    std::thread other([&] {
        for (int i = 0; i < 1000; ++i)
            aura::post(strand, [&n] { ++n; });
    });
    other.join();
    const int seen = aura::post(strand, aura::use_future([&n] { return n; })).get();
    p.join();
    expect(seen == 2000 && of_ring == 1000, "posts to strands");
}

void what_was_written_before_a_post_is_seen() {
    pool p(2);
    for (int i = 0; i < 200; ++i) {
        auto data = std::make_unique<std::vector<int>>(16, i);
        std::promise<int> sum;
        auto result = sum.get_future();
        aura::post(p.ctx, [data = std::move(data), &sum]() mutable {
            int total = 0;
            for (int& x : *data)
                total += std::exchange(x, 0);
            sum.set_value(total);
        });
        expect(result.get() == 16 * i, "a post's data");
    }
}

void a_ring_goes_from_thread_to_thread() {
    aura::io_context ctx(2);
    auto ring = ctx.ring_executor(0);
    int n = 0;
    for (int i = 0; i < 20; ++i) {
        aura::post(ring, [&n] { ++n; });
        elsewhere([&] {
            ctx.restart();
            ctx.run();
        });
    }
    expect(n == 20, "a ring with one thread after the other");
}

void run_returns_after_the_last_handler_and_after_stop() {
    for (int i = 0; i < 20; ++i) {
        pool p(2);
        int n = 0;
        aura::post(p.ctx, [&n, &p] {
            n = 1;
            p.ctx.stop();
        });
        p.ctx.run();
        expect(p.ctx.stopped(), "stopped");
        const int seen = n;
        (void)seen;
    }
}

void timers_are_set_and_cancelled_from_elsewhere() {
    pool p(2);
    auto strand = aura::make_strand(p.ctx);
    int fired = 0, cancelled = 0;
    std::vector<std::unique_ptr<aura::steady_timer>> timers;
    std::vector<std::future<void>> ended;
    aura::system_timer wall(p.ctx);
    for (int i = 0; i < 100; ++i) {
        timers.push_back(std::make_unique<aura::steady_timer>(p.ctx, i % 2 ? 1h : 1us));
        std::promise<void> done;
        ended.push_back(done.get_future());
        timers.back()->async_wait(
            aura::bind_executor(strand, [&, done = std::move(done)](error_code ec) mutable {
                ++(ec ? cancelled : fired);
                done.set_value();
            }));
        wall.expires_after(1us);
        wall.async_wait(aura::use_future).wait();
    }
    for (std::size_t i = 1; i < timers.size(); i += 2)
        timers[i]->cancel();
    timers.clear();
    for (auto& f : ended)
        f.wait();
    p.join();
    expect(fired + cancelled == 100 && fired >= 1, "timers");
}

void slots_cancel_from_the_strand_of_the_operation() {
    pool p(2);
    for (int i = 0; i < 100; ++i) {
        auto strand = aura::make_strand(p.ctx);
        auto timer = std::make_unique<aura::steady_timer>(strand, 1h);
        aura::cancellation_signal signal;
        std::promise<error_code> result;
        aura::dispatch(strand, [&] {
            timer->async_wait(aura::bind_cancellation_slot(
                signal.slot(), [&result](error_code ec) { result.set_value(ec); }));
        });
        aura::post(strand, [&] { signal.emit(aura::cancellation_type::total); });
        expect(result.get_future().get() == aura::error::operation_aborted, "a signal");
        std::promise<void> gone;
        aura::post(strand, [&] {
            timer.reset();
            gone.set_value();
        });
        gone.get_future().wait();
    }
}

struct counts {
    std::size_t sessions = 0;
    std::size_t bytes = 0;
};

aura::awaitable<void> echo(tcp::socket socket, counts& all, aura::strand<aura::io_context::executor_type> s) {
    std::vector<char> data(1024);
    std::size_t bytes = 0;
    for (;;) {
        error_code ec;
        const std::size_t n = co_await socket.async_read_some(aura::buffer(data),
                                                              aura::redirect_error(aura::use_awaitable, ec));
        if (ec)
            break;
        bytes += n;
        co_await aura::async_write(socket, aura::buffer(data.data(), n), aura::use_awaitable);
    }
    co_await aura::post(s, aura::bind_executor(s, aura::use_awaitable));
    ++all.sessions;
    all.bytes += bytes;
}

aura::awaitable<void> serve(tcp::acceptor& acceptor, counts& all,
                            aura::strand<aura::io_context::executor_type> s) {
    for (;;) {
        error_code ec;
        tcp::socket socket = co_await acceptor.async_accept(aura::redirect_error(aura::use_awaitable, ec));
        if (ec)
            co_return;
        const auto executor = socket.get_executor();
        aura::co_spawn(executor, echo(std::move(socket), all, s), aura::detached);
    }
}

aura::awaitable<std::size_t> ask(aura::any_io_executor executor, tcp::endpoint there) {
    tcp::socket socket(executor);
    co_await socket.async_connect(there, aura::use_awaitable);
    std::vector<char> data(256, 'x');
    std::size_t got = 0;
    for (int i = 0; i < 10; ++i) {
        co_await aura::async_write(socket, aura::buffer(data), aura::use_awaitable);
        got += co_await aura::async_read(socket, aura::buffer(data), aura::use_awaitable);
    }
    co_return got;
}

void sockets_and_coroutines() {
    pool p(2);
    counts all;
    auto strand = aura::make_strand(p.ctx);
    tcp::acceptor acceptor(p.ctx, tcp::endpoint(aura::ip::address_v4::loopback(), 0));
    const tcp::endpoint there = acceptor.local_endpoint();
    auto served = aura::co_spawn(strand, serve(acceptor, all, strand), aura::use_future);
    std::vector<std::future<std::size_t>> clients;
    for (int i = 0; i < 20; ++i)
        clients.push_back(aura::co_spawn(p.ctx, ask(p.ctx.get_executor(), there), aura::use_future));
    std::size_t got = 0;
    for (auto& c : clients)
        got += c.get();
    // An object is not to be used by two threads at once: the strand has begun the accept that is pending now.
    aura::post(strand, aura::use_future).get();
    acceptor.close();
    served.wait();
    p.join();
    expect(got == 20 * 2560 && all.bytes == got && all.sessions == 20, "echo");
}

void objects_are_closed_and_destroyed_from_elsewhere() {
    pool p(2);
    for (int i = 0; i < 50; ++i) {
        auto in = std::make_unique<aura::readable_pipe>(p.ctx);
        auto out = std::make_unique<aura::writable_pipe>(p.ctx);
        aura::connect_pipe(*in, *out);
        std::vector<char> data(64, 'a');
        std::promise<std::size_t> first;
        in->async_read_some(aura::buffer(data), [&](error_code, std::size_t n) {
            data[0] = 'b';
            first.set_value(n);
        });
        out->async_write_some(aura::buffer("data", 4), aura::use_future).wait();
        expect(first.get_future().get() == 4 && data[0] == 'b', "a pipe");
        std::promise<error_code> second;
        in->async_read_some(aura::buffer(data), [&](error_code ec, std::size_t) { second.set_value(ec); });
        in->cancel();
        in.reset();
        out.reset();
        expect(second.get_future().get() == aura::error::operation_aborted, "a pipe's end");
    }
}

void files(const char* name) {
    pool p(2);
    std::vector<std::vector<char>> blocks(32, std::vector<char>(512, 'z'));
    aura::random_access_file file(p.ctx, name, aura::file_base::read_only);
    std::vector<std::future<std::size_t>> reads;
    for (auto& b : blocks)
        reads.push_back(file.async_read_some_at(0, aura::buffer(b), aura::use_future));
    for (auto& r : reads)
        expect(r.get() > 0, "a read");
    file.async_stat(aura::use_future).wait();
    file.close();
    aura::buffer_pool buffers;
    for (int i = 0; i < 100; ++i) {
        auto buffer = buffers.allocate(4096);
        std::memset(buffer.data(), i, 4096);
        std::promise<void> done;
        aura::post(p.ctx, [buffer = std::move(buffer), &done]() mutable {
            std::memset(buffer.data(), 0, 4096);
            {
                auto gone = std::move(buffer);
            }
            done.set_value();
        });
        done.get_future().wait();
    }
}

void signals() {
    pool p(2);
    for (int i = 0; i < 20; ++i) {
        auto set = std::make_unique<aura::signal_set>(p.ctx, SIGUSR1);
        int n = 0;
        std::promise<void> first;
        set->async_wait([&](error_code ec, int) {
            n += !ec;
            first.set_value();
        });
        ::kill(::getpid(), SIGUSR1);
        first.get_future().wait();
        expect(n == 1, "a signal");
        std::promise<error_code> second;
        set->async_wait([&](error_code ec, int) { second.set_value(ec); });
        set.reset();
        expect(second.get_future().get() == aura::error::operation_aborted, "a signal set's end");
    }
}

/// What is started, in handlers that do not return before it has come about, goes on where the ring then is. `n` is
/// written before, read there, and written by that.
template <class Start>
void blocks_until(pool& p, Start start) {
    int n = 0;
    std::promise<int> over;
    aura::post(p.ctx, [&] {
        n = 1;
        std::promise<void> done;
        start([&] {
            n += n;
            done.set_value();
        });
        done.get_future().wait();
        over.set_value(n);
    });
    expect(over.get_future().get() == 2, "a handler that blocks");
}

void rings_are_taken_from_handlers_that_block() {
    pool p(2);
    for (int i = 0; i < 20; ++i) {
        std::unique_ptr<aura::steady_timer> timer;
        blocks_until(p, [&](auto done) {
            timer = std::make_unique<aura::steady_timer>(p.ctx, 1us);
            timer->async_wait([done](error_code) { done(); });
        });
        std::unique_ptr<aura::readable_pipe> in;
        std::unique_ptr<aura::writable_pipe> out;
        char c = 0;
        blocks_until(p, [&](auto done) {
            in = std::make_unique<aura::readable_pipe>(p.ctx);
            out = std::make_unique<aura::writable_pipe>(p.ctx);
            aura::connect_pipe(*in, *out);
            in->async_read_some(aura::buffer(&c, 1), [done](error_code, std::size_t) { done(); });
            out->async_write_some(aura::buffer("x", 1), [](error_code, std::size_t) {});
        });
    }
    expect(p.ctx.takeovers() > 0, "takeovers");
}

/// Two handlers at the same time. Nothing orders them, and what they have in common is a race.
void race() {
    pool p(2);
    int n = 0;
    std::atomic<int> here{0}; // relaxed: it orders nothing
    const auto handler = [&] {
        ++n;
        here.fetch_add(1, std::memory_order_relaxed);
        while (here.load(std::memory_order_relaxed) != 2)
            std::this_thread::yield();
    };
    aura::post(p.ctx, handler);
    aura::post(p.ctx, handler);
    p.join();
    std::printf("%d\n", n);
}

} // namespace

int main(int argc, char** argv) {
    if (argc > 1 && std::strcmp(argv[1], "race") == 0) {
        race();
        return 0;
    }
    strands_order_handlers();
    what_was_written_before_a_post_is_seen();
    a_ring_goes_from_thread_to_thread();
    run_returns_after_the_last_handler_and_after_stop();
    timers_are_set_and_cancelled_from_elsewhere();
    slots_cancel_from_the_strand_of_the_operation();
    sockets_and_coroutines();
    objects_are_closed_and_destroyed_from_elsewhere();
    files(argv[0]);
    signals();
    rings_are_taken_from_handlers_that_block();
    std::puts("right");
}
