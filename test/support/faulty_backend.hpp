// faulty_backend: a backend without a kernel that gives each request whatever a kernel may, or should not: errors,
// short results, late, out of order, after a cancellation or in spite of it; and whose own calls fail in between.
#pragma once

#include "support/fake_backend.hpp"

#include <auraio/core/base/engine_error.hpp>
#include <auraio/core/io/request_table.hpp>

#include <array>
#include <cerrno>
#include <functional>
#include <random>
#include <sys/eventfd.h>
#include <unistd.h>
#include <vector>

namespace test {

/// The greatest there is (EHWPOISON). A manual page names a few of each kind; whoever writes a file system or a
/// protocol may return any.
inline constexpr int last_errno = 133;

/// Whether the result of such a request is a descriptor, which somebody has to close.
constexpr bool yields_descriptor(aura::core::request_kind k) noexcept {
    return k == aura::core::request_kind::openat || k == aura::core::request_kind::accept_now;
}

/// What faulty backends do, by chance from a seed unless a test says what comes next.
struct faulty_machine : fake_machine {
    explicit faulty_machine(std::uint32_t seed)
        : random(seed) {}

    std::minstd_rand random;
    unsigned throws_every = 0; ///< one turn of so many leaves by an exception
    unsigned latest = 0;       ///< so many turns of the backend's until a result comes, at most
    /// The result of a request; by default chance decides.
    std::function<int(aura::core::io_operation&)> answer;
    std::size_t descriptors_made = 0;
    std::size_t thrown = 0, cancelled_twice = 0;

    unsigned below(unsigned n) { return static_cast<unsigned>(random() % n); }
    bool one_in(unsigned n) { return below(n) == 0; }

    /// A success: whole or short. That of a poll is what it has waited for.
    int success(aura::core::io_operation& op) {
        using enum aura::core::request_kind;
        const aura::core::short_request& r = op.request();
        if (op.awaits_readiness())
            return static_cast<int>(op.readiness_events());
        if (yields_descriptor(r.kind)) {
            ++descriptors_made;
            return ::eventfd(0, EFD_CLOEXEC);
        }
        switch (r.kind) {
        case read:
        case write:
        case recv:
        case send:
        case recvmsg:
        case sendmsg:
            return static_cast<int>(one_in(2) ? 4096 : below(4097));
        case poll:
            return static_cast<int>(r.flags);
        default:
            return 0;
        }
    }
    int chance(aura::core::io_operation& op) {
        static constexpr std::array passing{EAGAIN, EAGAIN,      EINTR,       ECANCELED,
                                            ENOMEM, EINPROGRESS, ECONNABORTED};
        if (one_in(3))
            return -passing[below(passing.size())];
        if (one_in(3))
            return -1 - static_cast<int>(below(last_errno));
        return success(op);
    }

    aura::core::engine_options options() {
        aura::core::engine_options o;
        o.make_backend = &make;
        o.make_backend_argument = this;
        return o;
    }

private:
    static std::unique_ptr<aura::core::backend> make(const aura::core::engine_options&, void* self);
};

class faulty_backend final : public fake_backend {
public:
    explicit faulty_backend(faulty_machine& m)
        : fake_backend(m)
        , machine_(m) {}

    void submit(aura::core::io_operation& op) override {
        fake_backend::submit(op);
        waiting_.push_back({&op, machine_.below(machine_.latest + 1)});
    }
    /// Ends at once, later, or not at all: then its result comes as if nothing had been asked for.
    void cancel(aura::core::io_operation& op) override {
        machine_.cancelled_twice += std::find(cancelled.begin(), cancelled.end(), &op) != cancelled.end();
        cancelled.push_back(&op);
        const auto at = find(op);
        if (at == waiting_.end() || machine_.one_in(3))
            return;
        at->is_cancelled = true;
        if (machine_.one_in(2))
            at->turns = 0;
    }
    void flush() override { fail_now_and_then(); }
    void poll(aura::core::op_queue& done) override {
        fail_now_and_then();
        turn();
        fake_backend::poll(done);
    }
    bool wait(aura::core::op_queue& done, aura::core::nanoseconds_t deadline) override {
        fail_now_and_then();
        while (!has_finished() && !waiting_.empty())
            turn();
        return fake_backend::wait(done, deadline);
    }
    bool drain(aura::core::op_queue& done) override {
        turn();
        fake_backend::poll(done);
        return true;
    }

private:
    struct entry {
        aura::core::io_operation* op;
        unsigned turns;
        bool is_cancelled = false;
    };

    std::vector<entry>::iterator find(const aura::core::io_operation& op) {
        return std::find_if(waiting_.begin(), waiting_.end(), [&](const entry& e) { return e.op == &op; });
    }

    void fail_now_and_then() {
        static constexpr std::array errors{EAGAIN, EINTR, EBUSY, ENOMEM, EPERM};
        if (machine_.throws_every == 0 || !machine_.one_in(machine_.throws_every))
            return;
        ++machine_.thrown;
        throw aura::core::engine_error(errors[machine_.below(errors.size())], "faulty_backend");
    }

    /// What is due ends, in any order.
    void turn() {
        std::shuffle(waiting_.begin(), waiting_.end(), machine_.random);
        std::vector<entry> due;
        std::erase_if(waiting_, [&](entry& e) {
            if (e.turns-- != 0)
                return false;
            due.push_back(e);
            return true;
        });
        for (const entry& e : due) {
            std::erase(cancelled, e.op);
            complete(*e.op, result_of(e));
        }
    }
    int result_of(const entry& e) {
        const int result = e.is_cancelled    ? (machine_.one_in(4) ? -EINTR : -ECANCELED)
                           : machine_.answer ? machine_.answer(*e.op)
                                             : machine_.chance(*e.op);
        // close(2) closes whatever it answers; without a thread for it, it has not begun.
        const bool begun = result != -ECANCELED || e.op->is_for_system_call();
        if (e.op->request().kind == aura::core::request_kind::close && begun)
            ::close(e.op->request().fd);
        return result;
    }

    faulty_machine& machine_;
    std::vector<entry> waiting_;
};

inline std::unique_ptr<aura::core::backend> faulty_machine::make(const aura::core::engine_options&,
                                                                 void* self) {
    return std::make_unique<faulty_backend>(*static_cast<faulty_machine*>(self));
}

} // namespace test
