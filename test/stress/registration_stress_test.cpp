// registration_stress: reads into registered buffers and through slots while tables come and go under them.
#include <auraio/auraio.hpp>

#include "support/scratch_file.hpp"

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>
#include <asio/use_future.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace net = aura::net;
using namespace test;

namespace {

constexpr std::size_t block = 4096, blocks = 64, chains = 6, steps = 4000;
constexpr unsigned rings = 3, slots = 2;

/// A file of its own for each chain: every block says whose it is, and which.
struct marked_file : scratch_file {
    explicit marked_file(std::uint64_t owner)
        : scratch_file(blocks * block)
        , mark(owner << 32) {
        const int fd = ::open(path().c_str(), O_WRONLY | O_CLOEXEC);
        for (std::uint64_t i = 0; i < blocks; ++i) {
            const std::uint64_t m = mark | i;
            EXPECT_EQ(::pwrite(fd, &m, sizeof m, static_cast<off_t>(i * block)),
                      static_cast<ssize_t>(sizeof m));
        }
        ::close(fd);
    }
    bool matches(const void* data, std::uint64_t i) const {
        const std::uint64_t m = mark | i;
        return std::memcmp(data, &m, sizeof m) == 0;
    }
    std::uint64_t mark;
};

/// What all chains share.
struct world {
    aura::io_context ctx;
    aura::buffer_pool pool;
    std::atomic<std::size_t> right{0}, refused{0}, closed{0}, other{0}, finished{0};
    std::atomic<std::size_t> started_replacing{0}, replaced{0};

    std::mutex mutex; // guards the next: chains on all rings use it
    std::optional<aura::file_registration> files;

    bool busy() const { return finished.load() != chains; }
    /// Until the chains have got a bit further.
    void let_work() const {
        const std::size_t until = right.load() + refused.load() + 40;
        while (busy() && right.load() + refused.load() < until)
            std::this_thread::yield();
    }
};

/// Reads one block after the other, by whatever way there is.
class chain {
public:
    chain(world& w, unsigned index)
        : world_(w)
        , contents_(index)
        , file_(w.ctx.ring_executor(index % rings))
        , pooled_(w.pool.allocate(block))
        , random_(index + 1) {
        reopen();
    }
    net::mutable_buffer memory() const { return {memory_.data(), block}; }
    void registered_as(const net::mutable_registered_buffer& b) { fixed_ = b; }
    void start() {
        net::post(file_.get_executor(), [this] { step(); });
    }

private:
    void reopen() { file_.open(contents_.path(), aura::file_base::read_only); }

    void step() {
        if (++steps_ > steps) {
            world_.finished.fetch_add(1);
            return;
        }
        const auto what = random_() % 64;
        if (what == 0) {
            file_.close();
            reopen();
        } else if (what < 4) {
            change_slots(what == 1);
        }
        switch (random_() % 3) {
        case 0:
            read(fixed_, memory_.data());
            break;
        case 1:
            read(net::buffer(pooled_), pooled_.data());
            break;
        default:
            read(memory(), memory_.data());
            break;
        }
    }

    void change_slots(bool replace) {
        std::lock_guard guard(world_.mutex);
        if (!world_.files)
            return;
        aura::error_code ec;
        if (replace) {
            ++world_.started_replacing;
            world_.files->async_replace(random_() % slots, file_,
                                        [&w = world_](aura::error_code) { ++w.replaced; });
        } else {
            world_.files->add(file_, ec);
        }
    }

    /// Nothing is registered, or what is has no such buffer, being a pool.
    static bool is_refusal(int error) {
        return error == ENOENT || error == EBUSY || error == EOVERFLOW || error == EINVAL;
    }

    template <class Buffer>
    void read(const Buffer& b, const void* into) {
        const std::size_t i = random_() % blocks;
        file_.async_read_some_at(i * block, b, [this, i, into](aura::error_code ec, std::size_t n) {
            if (!ec && n == block && contents_.matches(into, i))
                ++world_.right;
            else if (is_refusal(ec.value()))
                ++world_.refused;
            else if (++world_.other == 1)
                ADD_FAILURE() << ec.message() << ", " << n << " bytes";
            step();
        });
    }

    world& world_;
    marked_file contents_;
    aura::random_access_file file_;
    aligned_buffer memory_{block};
    aura::pooled_buffer pooled_;
    net::mutable_registered_buffer fixed_;
    std::minstd_rand random_;
    std::size_t steps_ = 0;
};

void cycle_buffers(world& w, const std::vector<net::mutable_buffer>& sequence) {
    for (bool pool = false; w.busy(); pool = !pool) {
        std::future<void> ended;
        if (pool) {
            auto registered = aura::register_buffers(w.ctx, w.pool);
            w.let_work();
            ended = registered.async_unregister(net::use_future);
        } else {
            auto registered = aura::register_buffers(w.ctx, sequence);
            w.let_work();
            ended = registered.async_unregister(net::use_future);
        }
        ended.get();
    }
}

void cycle_files(world& w) {
    while (w.busy()) {
        {
            std::lock_guard guard(w.mutex);
            w.files.emplace(w.ctx, slots);
        }
        w.let_work();
        std::future<void> ended;
        {
            std::lock_guard guard(w.mutex);
            ended = w.files->async_unregister(net::use_future);
            w.files.reset();
        }
        ended.get();
    }
}

TEST(RegistrationStress, TablesComeAndGoUnderReads) {
    world w;
    std::vector<std::unique_ptr<chain>> all;
    std::vector<net::mutable_buffer> sequence;
    for (unsigned i = 0; i < chains; ++i)
        sequence.push_back(all.emplace_back(std::make_unique<chain>(w, i))->memory());
    {
        const auto registered = aura::register_buffers(w.ctx, sequence);
        for (unsigned i = 0; i < chains; ++i)
            all[i]->registered_as(registered[i]); // for all registrations of the same sequence
    }
    auto work = net::make_work_guard(w.ctx);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < rings; ++i)
        threads.emplace_back([&] { w.ctx.run(); });
    for (auto& c : all)
        c->start();
    std::thread of_files([&] { cycle_files(w); });
    cycle_buffers(w, sequence);
    of_files.join();
    work.reset();
    for (auto& t : threads)
        t.join();
    EXPECT_EQ(w.right + w.refused + w.other, chains * steps);
    EXPECT_EQ(w.other, 0u);
    EXPECT_GT(w.right, chains * steps / 2);
    EXPECT_EQ(w.started_replacing, w.replaced);
    RecordProperty("refused", static_cast<int>(w.refused));
}

} // namespace
