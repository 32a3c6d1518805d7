// io_path: every kind of request with every error, and all of them together under a backend that does what it likes:
// each operation ends exactly once, nothing is lost, and everything can be destroyed at any time.
#include "support/faulty_backend.hpp"

#include <auraio/core/io/descriptor.hpp>

#include <gtest/gtest.h>

#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <iterator>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

using namespace aura::core;
using namespace test;

namespace {

std::ptrdiff_t open_descriptors() {
    namespace fs = std::filesystem;
    return std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator());
}

/// Relaxed in effect: read when the threads have been joined.
struct tally {
    std::atomic<std::uint64_t> started{0}, completed{0}, destroyed{0}, descriptors{0};
    std::uint64_t ended() const { return completed + destroyed; }
};

/// An operation that says where it has ended, and closes what it has been given.
class counted_io final : public extended_operation {
public:
    counted_io(tally& t, const io_request& r, outcome* o = nullptr)
        : extended_operation(&run, r)
        , counts_(t)
        , outcome_(o) {
        ++counts_.started;
    }

private:
    static void run(operation& base, action what) {
        auto& self = static_cast<counted_io&>(base);
        if (stays_pending(self, what))
            return;
        const bool complete = what == action::complete;
        ++(complete ? self.counts_.completed : self.counts_.destroyed);
        if (self.outcome_) {
            ++(complete ? self.outcome_->completed : self.outcome_->destroyed);
            self.outcome_->result = self.result();
        }
        if (yields_descriptor(self.request().kind) && self.result() >= 0) {
            ++self.counts_.descriptors;
            ::close(self.result());
        }
        delete &self;
    }
    tally& counts_;
    outcome* outcome_;
};

/// Real files, for the engine asks the kernel what they are.
enum class file { socket, listener, contents };
constexpr file all_files[] = {file::socket, file::listener, file::contents};

int open_one(file f) {
    switch (f) {
    case file::socket: {
        int ends[2] = {-1, -1};
        (void)::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
        ::close(ends[1]); // it is always ready: no event is waited for in vain
        return ends[0];
    }
    case file::listener: {
        const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        const sa_family_t any = AF_UNIX;
        (void)::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any); // the kernel finds a name
        (void)::listen(fd, 16);
        return fd;
    }
    case file::contents:
        break;
    }
    return ::open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

io_request request_of(request_kind kind, int fd) {
    io_request r;
    r.kind = kind;
    r.fd = fd;
    r.offset = current_position;
    if (kind == request_kind::poll)
        r.flags = POLLIN | POLLOUT;
    return r;
}

class IoPathFaults : public testing::Test {
protected:
    static constexpr std::uint32_t seed = 20;
    void SetUp() override {
        faulty_machine machine(seed);
        engine(machine.options()); // descriptors that the process keeps
    }
};

// ---- one at a time ----

enum class meanwhile { nothing, cancelled, closed };

/// One request of a kind, whose first attempt the backend answers with `error`.
class single {
public:
    single(request_kind kind, file f, int error)
        : kind_(kind)
        , error_(error)
        , fd_(open_one(f))
        , machine_(1) {
        machine_.answer = [this](io_operation& op) {
            if (op.awaits_readiness() || answered_)
                return ++attempts_ > most_attempts ? -EIO : machine_.success(op);
            answered_ = true;
            return -error_;
        };
    }

    void run(meanwhile what) {
        const bool closes = kind_ == request_kind::close;
        {
            engine e(machine_.options());
            shard& home = e.shard_at(0);
            descriptor* const d = closes ? nullptr : descriptor::create(home, fd_);
            home.post(function([&] {
                auto& op = *new counted_io(counts_, request_of(kind_, fd_), &outcome_);
                if (closes)
                    home.loose().start(op);
                else
                    d->start(op);
                if (what != meanwhile::nothing && d)
                    d->cancel();
                if (what == meanwhile::cancelled && d)
                    d->cancel(); // once more
                if (what == meanwhile::closed && d)
                    d->close_and_forget();
            }));
            e.run(never);
            if (what != meanwhile::closed && d)
                d->close_and_forget();
        }
        judge(what);
    }

private:
    static constexpr int most_attempts = 8;

    void judge(meanwhile what) const {
        EXPECT_EQ(outcome_.completed, 1);
        EXPECT_EQ(outcome_.destroyed, 0);
        EXPECT_EQ(counts_.descriptors, machine_.descriptors_made);
        EXPECT_LE(attempts_, most_attempts) << "in a circle";
        if (what == meanwhile::nothing || kind_ == request_kind::close)
            return;
        EXPECT_LE(outcome_.result, 0) << "it was cancelled, and the kernel had an error";
    }

    const request_kind kind_;
    const int error_;
    const int fd_;
    faulty_machine machine_;
    tally counts_;
    outcome outcome_;
    bool answered_ = false;
    int attempts_ = 0;
};

TEST_F(IoPathFaults, EveryKindMayEndWithEveryError) {
    const auto before = open_descriptors();
    for (const request_row& row : request_rows)
        for (const file f : all_files)
            for (int error = 1; error <= last_errno; ++error)
                for (const meanwhile what : {meanwhile::nothing, meanwhile::cancelled, meanwhile::closed}) {
                    SCOPED_TRACE(testing::Message()
                                 << row.name << ", file " << static_cast<int>(f) << ", "
                                 << std::strerror(error) << ", " << static_cast<int>(what));
                    single(row.kind, f, error).run(what);
                    if (HasFailure())
                        return;
                }
    EXPECT_EQ(open_descriptors(), before);
}

// ---- all together ----

/// Descriptors on which everything is started, cancelled and closed by chance; each belongs to one thread.
class crowd {
public:
    crowd(engine& e, tally& t, std::uint32_t seed)
        : engine_(e)
        , counts_(t)
        , random_(seed)
        , open_(6) {
        for (auto& d : open_)
            d = open();
    }

    void step() {
        descriptor*& d = open_[below(open_.size())];
        switch (below(12)) {
        case 0:
            d->close_and_forget();
            d = open();
            return;
        case 1:
            if (const int fd = d->release_and_forget(); fd >= 0) {
                ::close(fd);
                d = open();
            }
            return;
        case 2:
            d->cancel();
            [[fallthrough]];
        case 3:
            d->cancel();
            return;
        default:
            break;
        }
        const auto kind = static_cast<request_kind>(below(request_kinds));
        if (kind == request_kind::close) // of a number of its own
            home().loose().start(*new counted_io(counts_, request_of(kind, open_one(file::socket))));
        else
            d->start(*new counted_io(counts_, request_of(kind, d->fd())));
    }
    void close() {
        for (descriptor* d : open_)
            d->close_and_forget();
        open_.clear();
    }

private:
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_()) % n; }
    shard& home() { return engine_.shard_at(static_cast<unsigned>(below(engine_.shard_count()))); }
    descriptor* open() {
        // What is asked of a listener for other things than connections ends by the backend's chance as well.
        return descriptor::create(home(), open_one(all_files[below(std::size(all_files))]));
    }

    engine& engine_;
    tally& counts_;
    std::minstd_rand random_;
    std::vector<descriptor*> open_;
};

/// Through everything that is thrown.
template <class Until>
void run_until(engine& e, Until until) {
    while (!until())
        try {
            e.restart();
            e.run_one(monotonic_now() + 1'000'000);
        } catch (const engine_error&) {
            // What was pending still is.
        }
}

TEST_F(IoPathFaults, WhateverTheBackendDoesEachOperationEndsOnce) {
    std::size_t thrown = 0, twice = 0;
    for (std::uint32_t s = 0; s < 200 && !HasFailure(); ++s) {
        SCOPED_TRACE(s);
        const auto before = open_descriptors();
        tally counts;
        faulty_machine machine(seed + s);
        machine.throws_every = s % 3 == 0 ? 0 : 4;
        machine.latest = s % 8;
        {
            engine e(machine.options());
            crowd all(e, counts, seed + s);
            e.work_started();
            for (int turn = 0; turn < 20; ++turn) {
                bool ran = false;
                e.shard_at(0).post(function([&] {
                    for (int i = 0; i < 10; ++i)
                        all.step();
                    ran = true;
                }));
                run_until(e, [&] { return ran; });
                all.step(); // and while nobody drives the ring
            }
            if (s % 2 == 0)
                run_until(e, [&] { return counts.ended() == counts.started; });
            all.close();
            e.work_finished();
        } // with all that is pending
        EXPECT_EQ(counts.ended(), counts.started);
        EXPECT_EQ(counts.descriptors, machine.descriptors_made);
        EXPECT_EQ(open_descriptors(), before);
        thrown += machine.thrown;
        twice += machine.cancelled_twice;
    }
    EXPECT_GT(thrown, 0u);
    EXPECT_EQ(twice, 0u) << "the engine asks once";
}

} // namespace
