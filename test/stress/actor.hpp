// actor: what the random stress of sockets is made of: an object with pending operations that does something
// random in each of their handlers, and whenever another thread asks it to.
#pragma once

#include <auraio/auraio.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <utility>

namespace test {

namespace net = aura::net;

/// What all actors of a round count. All relaxed in effect: read when the threads have been joined.
struct tally {
    std::atomic<std::uint64_t> started{0}, called{0}, dropped{0}, repeated{0};
    std::atomic<std::uint64_t> aborted{0}, connections{0}, bytes{0}, ends_seen{0};
    // What must not happen: see actor::judge(), peers without an end, and bytes of other connections.
    std::atomic<std::uint64_t> surprises{0}, ends_missed{0}, foreign_bytes{0};
    std::atomic<int> actors{0};
};

/// One context under stress, and how many operations may still be started on it.
struct world {
    aura::io_context& context;
    unsigned rings;
    std::uint64_t budget;
    tally counts{};

    bool spent() const noexcept { return counts.started.load(std::memory_order_relaxed) >= budget; }
    aura::executor executor(unsigned random) const {
        return random % 2 == 0 ? context.get_executor() : context.ring_executor(random / 2 % rings);
    }
};

/// Everything an actor does happens under its mutex, in whichever thread: Asio's objects are for one thread
/// at a time. Pending operations keep it alive.
class actor : public std::enable_shared_from_this<actor> {
public:
    actor(world& w, std::uint32_t seed)
        : world_(w)
        , random_(seed) {
        ++world_.counts.actors;
    }
    virtual ~actor() { --world_.counts.actors; }
    actor(const actor&) = delete;

    /// From any thread: something random, within the budget.
    void step() {
        std::lock_guard guard(mutex_);
        go_on();
    }

    /// From any thread: gives everything up, and starts nothing any more but what waits for an end.
    void retire() {
        std::lock_guard guard(mutex_);
        retired_ = true;
        end();
    }

protected:
    virtual void act() = 0;
    virtual void end() = 0;

    std::uint32_t below(std::size_t limit) { return static_cast<std::uint32_t>(random_() % limit); }
    aura::executor executor() { return world_.executor(below(1u << 16)); }
    tally& counts() noexcept { return world_.counts; }
    unsigned pending() const noexcept { return pending_; }
    bool retired() const noexcept { return retired_; }

    /// A handler that counts, locks, judges, calls `f` with (error_code, rest...) and goes on. `was_open`:
    /// whether the operation is started on an open object.
    template <class F>
    class handler {
    public:
        handler(std::shared_ptr<actor> self, bool was_open, F f)
            : self_(std::move(self))
            , f_(std::move(f))
            , was_open_(was_open) {
            ++self_->counts().started;
            ++self_->pending_;
        }
        handler(handler&& other) noexcept
            : self_(other.self_)
            , f_(std::move(other.f_))
            , was_open_(other.was_open_)
            , owed_(std::exchange(other.owed_, false)) {}
        handler& operator=(handler&&) = delete;
        ~handler() {
            if (owed_)
                ++self_->counts().dropped;
        }

        template <class... Rest>
        void operator()(aura::error_code ec, Rest&&... rest) {
            tally& counts = self_->counts();
            ++(std::exchange(owed_, false) ? counts.called : counts.repeated);
            std::lock_guard guard(self_->mutex_);
            --self_->pending_;
            self_->judge(ec, was_open_);
            f_(ec, std::forward<Rest>(rest)...);
            self_->go_on();
        }

    private:
        std::shared_ptr<actor> self_; // kept by what is moved from, too: its tally is needed
        F f_;
        bool was_open_;
        bool owed_ = true;
    };

    template <class F>
    auto handle(bool was_open, F f) {
        return handler<F>(shared_from_this(), was_open, std::move(f));
    }
    /// The same for an operation that emit() may cancel, until its signal is given to another one.
    template <class F>
    auto cancellable(bool was_open, F f) {
        return net::bind_cancellation_slot(signals_[below(signals_.size())].slot(),
                                           handle(was_open, std::move(f)));
    }

    /// How the reader of a connection fared whose other end is gone; 0: an orderly end.
    void note_end(int error) {
        // EPIPE: what a reset after a half-close leaves.
        if (error == 0 || error == ECONNRESET || error == EPIPE) {
            ++counts().ends_seen;
            return;
        }
        if (++counts().ends_missed < 10)
            std::fprintf(stderr, "no end: %s (%d)\n", std::strerror(error), error);
    }

    void emit() {
        constexpr net::cancellation_type kinds[] = {
            net::cancellation_type::terminal, net::cancellation_type::partial, net::cancellation_type::total};
        signals_[below(signals_.size())].emit(kinds[below(3)]);
    }

private:
    void go_on() {
        for (int tries = 0; tries < 4 && !retired_ && !world_.spent(); ++tries) {
            act();
            if (pending_ > 1)
                return;
        }
    }

    void judge(const aura::error_code& ec, bool was_open) {
        switch (ec.value()) {
        case 0:
        case ECONNRESET:
        case EPIPE:
        case ECONNREFUSED:
        case EAGAIN: // a full backlog of the UNIX domain
            return;
        case ECANCELED:
            ++counts().aborted;
            return;
        case EBADF: // of an open object it would mean that its number was given up too early
            if (!was_open)
                return;
            break;
        default:
            if (ec == net::error::eof)
                return;
        }
        if (++counts().surprises < 10)
            std::fprintf(stderr, "surprise: %s (%d), %s\n", ec.message().c_str(), ec.value(),
                         was_open ? "open" : "closed");
    }

    world& world_;
    std::mutex mutex_;
    std::mt19937 random_;
    std::array<net::cancellation_signal, 4> signals_;
    unsigned pending_ = 0;
    bool retired_ = false;
};

} // namespace test
