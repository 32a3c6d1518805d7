// ring: system calls of one io_uring instance.
#include "ring.hpp"

#include "auraio/core/loop/engine.hpp"
#include "confinement.hpp"
#include "core/base/first_use.hpp"
#include "features.hpp"
#include "kernel_abi.hpp"
#include "ring_enter.hpp"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <new>
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace aura::core::uring {

namespace {

/// How often in a row the kernel may refuse to take entries for want of memory before the caller is told:
/// some milliseconds, in which others give it back, or it will not get any.
constexpr unsigned most_refusals = 256;

/// How long a queue that is full may stay so, and how long the end of a context waits for a kernel that has no
/// memory to look at what it is asked.
constexpr nanoseconds_t patience_for_room = 1'000'000'000, patience_at_the_end = 2'000'000'000;

/// Whether io_uring_enter(2) has failed because of something that passes.
constexpr bool is_shortage(int result) noexcept {
    return result == -EAGAIN || result == -EBUSY || result == -ENOMEM;
}

/// Orders a new ring after those closed before it, whose addresses it may get. The kernel does so anyway, but
/// liburing maps and unmaps by bare system calls, and ThreadSanitizer, which does not see those, took it for
/// a race.
std::atomic<unsigned> rings_closed{0};

unsigned setup_flags(const engine_options& options, const features& f) {
    unsigned flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    if (f.submit_all)
        flags |= IORING_SETUP_SUBMIT_ALL;
    switch (options.task_work) {
    case task_run::cooperative:
        if (f.coop_taskrun)
            flags |= IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
        break;
    case task_run::immediate:
        break;
    case task_run::deferred:
        if (!f.defer_taskrun)
            throw engine_error(EINVAL,
                               "auraio: task_run::deferred needs IORING_SETUP_DEFER_TASKRUN (Linux 6.1), "
                               "which this kernel refuses; use task_run::cooperative");
        flags |= IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG;
        break;
    }
    return flags;
}

/// Makes all threads of the process that are running enter the kernel for a moment: their pending task work
/// runs on the way out. membarrier(2) promises less (a memory barrier in each), but this is how it gives it:
/// by an interrupt, from which a thread returns to user space through the same check as from a system call.
void interrupt_running_threads() noexcept {
    static constinit first_use<bool> registered;
    if (registered.get(
            [] { return ::syscall(__NR_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0; }))
        ::syscall(__NR_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

/// For others to give memory back.
void wait_a_moment() noexcept {
    constexpr timespec moment{0, 5'000'000};
    ::nanosleep(&moment, nullptr);
}

std::string explain_setup(int error) {
    std::string what = "auraio: io_uring_setup: ";
    what += std::strerror(error);
    if (error == ENOMEM)
        what += explain_shortage();
    else if (error == EMFILE || error == ENFILE)
        what += " (no file descriptor left for another ring: raise RLIMIT_NOFILE)";
    else if (error == EPERM)
        what += " (blocked by seccomp or kernel.io_uring_disabled)";
    return what;
}

} // namespace

const char* explain_shortage() noexcept {
    // Setting up takes locked memory, mapping the queues address space: whichever fails by itself is to
    // blame.
    io_uring_params least{};
    const int fd = static_cast<int>(::syscall(__NR_io_uring_setup, 1, &least));
    if (fd < 0)
        return errno == ENOMEM ? " (RLIMIT_MEMLOCK is too small for another ring: raise it)" : "";
    ::close(fd);
    rlimit limit{};
    if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        return " (RLIMIT_AS leaves no address space for its queues: raise it)";
    return " (no address space for its queues: the process has too many mappings, see vm.max_map_count)";
}

/// With the queues that were asked for, or with the largest that RLIMIT_MEMLOCK has room for: an unprivileged
/// user may have 64 KiB in all, of which the default takes 84.
int ring::set_up(const engine_options& options, unsigned flags) noexcept {
    constexpr unsigned fewest = 8;
    may_last_ = true;
    unsigned sq = options.sq_entries;
    unsigned cq = options.cq_entries < sq ? sq : options.cq_entries;
    for (;;) {
        io_uring_params params{};
        params.flags = flags;
        params.cq_entries = cq;
        const int r = io_uring_queue_init_params(sq, &ring_, &params);
        if (r == 0)
            limit_workers(ring_.ring_fd, options); // before anything is forbidden, as this is then
        if (r != -ENOMEM || cq <= fewest)
            return r;
        may_last_ = false;
        cq /= 2;
        if (sq > cq / 2 && sq > fewest / 2)
            sq /= 2;
    }
}

/// What is refused meanwhile is no reason to do without a ring. A shortage of memory passes: it is waited for.
int ring::set_up_restricted(const engine_options& options, unsigned flags) noexcept {
    if (options.restrict_rings && probe().restrictions) {
        int r = set_up(options, flags | IORING_SETUP_R_DISABLED);
        if (r < 0)
            return r;
        r = restrict_and_enable(ring_.ring_fd, probe());
        for (int again = 0; (r == -ENOMEM || r == -EAGAIN) && again < 5; ++again) {
            wait_a_moment();
            r = restrict_and_enable(ring_.ring_fd, probe());
        }
        if (r >= 0)
            return 0;
        io_uring_queue_exit(&ring_);
        r = set_up(options, flags);
        may_last_ = false;
        return r;
    }
    return set_up(options, flags);
}

ring::ring(const engine_options& options)
    : fork_aware(&sever) {
    const features& f = probe();
    const unsigned flags = setup_flags(options, f);
    int r = set_up_restricted(options, flags);
    // A ring that was closed, such as those that the features were tried on, gives its memory back a moment
    // later.
    for (int again = 0; r == -ENOMEM && again < 5; ++again) {
        wait_a_moment();
        r = set_up_restricted(options, flags);
    }
    if (r < 0)
        throw engine_error(-r, explain_setup(-r));
    (void)rings_closed.load(
        std::memory_order_acquire); // after the mapping: the address was given up before it
    open_ = true;
    sq_mask_ = *ring_.sq.kring_mask;
    sq_entries_ = *ring_.sq.kring_entries;
    cq_mask_ = *ring_.cq.kring_mask;
    if (f.no_iowait)
        wait_flags_ |= enter_no_iowait;
    // The index array never changes: entry i of the queue is always submission i. publish() relies on it.
    for (unsigned i = 0; i < sq_entries_; ++i)
        ring_.sq.array[i] = i;
    enlist();
}

ring::~ring() {
    if (open_) {
        detach_thread();
        rings_closed.fetch_add(1, std::memory_order_release);
        open_ = false;
        io_uring_queue_exit(&ring_);
    }
    delist();
}

void ring::abandon() noexcept {
    if (!open_)
        return;
    open_ = false;
    registered_index_ = -1; // registrations are per thread of the parent's
    aside_.clear();
    // It only unmaps and closes, by bare system calls, and that is all a child may do.
    io_uring_queue_exit(&ring_);
    // Whoever looks into the queues finds them empty, and full.
    ring_.ring_fd = -1;
    ring_.sq.sqe_head = ring_.sq.sqe_tail = 0;
    ring_.sq.khead = ring_.sq.ktail = ring_.sq.kflags = &nothing_;
    ring_.cq.khead = ring_.cq.ktail = &nothing_;
    sq_entries_ = 0;
}

void ring::throw_parents() {
    throw engine_error(EOWNERDEAD, "auraio: this is a forked child, and the ring its parent's");
}

void ring::throw_refusal(int result) {
    may_last_ = false;
    throw engine_error(-result, std::string("auraio: io_uring_enter: ") + std::strerror(-result));
}

io_uring_sqe& ring::sqe_after_submitting() {
    const nanoseconds_t give_up = monotonic_now() + patience_for_room;
    for (;;) {
        if (!open_)
            throw_parents();
        submit(false);
        if (io_uring_sqe* const sqe = free_sqe())
            return *sqe;
        if (monotonic_now() >= give_up)
            throw engine_error(ENOMEM, "auraio: io_uring_enter: the kernel has had no memory for a second");
    }
}

bool ring::is_starved() const noexcept {
    return starved_since_ != 0 && monotonic_now() - starved_since_ >= patience_at_the_end;
}

void ring::register_descriptor() noexcept {
    if (!probe().ring_fd_registration)
        return;
    io_uring_rsrc_update update{};
    update.offset = ~0u; // any free index
    update.data = static_cast<unsigned>(ring_.ring_fd);
    if (raw_register(ring_.ring_fd, register_ring_fds, &update, 1) == 1)
        registered_index_ = static_cast<int>(update.offset);
}

void ring::submit(bool reap) {
    publish();
    const unsigned flags = reap ? IORING_ENTER_GETEVENTS : 0;
    for (unsigned refused = 0;;) {
        const unsigned left = unsubmitted();
        if (left == 0 && !reap)
            return;
        const int r = enter(left, 0, flags, nullptr, 0);
        if (r == -EINTR)
            continue;
        if (r < 0 && !is_shortage(r))
            throw_refusal(r);
        if (reap) // the caller looks at what there is, and comes back with what is left
            return;
        if (r > 0)
            continue;
        if (++refused == most_refusals)
            return;
        make_room();
    }
}

/// The kernel wants completions to be reaped, or its own memory to come back, before it takes more. This is
/// no place to tell operations of their results: those are set aside.
void ring::make_room() noexcept {
    unsigned head = *ring_.cq.khead;
    const unsigned tail = io_uring_smp_load_acquire(ring_.cq.ktail);
    try {
        aside_.reserve(aside_.size() + (tail - head));
        for (; head != tail; ++head) {
            const io_uring_cqe& cqe = ring_.cq.cqes[head & cq_mask_];
            aside_.push_back({cqe.user_data, cqe.res, cqe.flags});
        }
        io_uring_smp_store_release(ring_.cq.khead, head);
    } catch (const std::bad_alloc&) {
        ::sched_yield(); // they stay where they are, and the kernel is asked again
    }
    enter(0, 0, IORING_ENTER_GETEVENTS, nullptr, 0); // task work gives memory back
    ::sched_yield();
}

/// Unless there is something already, with a time-out.
void ring::wait_otherwise(std::uint64_t nanoseconds) {
    if (!aside_.empty()) {
        submit(true);
        return;
    }
    publish();
    const __kernel_timespec timeout = kernel_timespec_of(nanoseconds);
    io_uring_getevents_arg argument{};
    argument.sigmask_sz = signal_mask_size;
    argument.ts = reinterpret_cast<std::uint64_t>(&timeout);
    const int r = enter(unsubmitted(), 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | wait_flags_,
                        &argument, sizeof argument);
    if (r < 0)
        wait_has_failed(r, nanoseconds);
    else
        starved_since_ = 0;
}

/// A time-out, a signal, a full completion queue or a shortage: the caller looks at what there is. A shortage
/// that lasts must not become a loop at full speed.
void ring::wait_has_failed(int result, std::uint64_t nanoseconds) {
    if (is_shortage(result)) {
        if (starved_since_ == 0)
            starved_since_ = monotonic_now();
        if (!has_completions())
            rest(nanoseconds);
        return;
    }
    starved_since_ = 0;
    if (result != -ETIME && result != -EINTR)
        throw_refusal(result);
}

void ring::rest(std::uint64_t nanoseconds) const noexcept {
    constexpr std::uint64_t most = 1'000'000;
    timespec time{};
    time.tv_nsec = static_cast<long>(nanoseconds < most ? nanoseconds : most);
    pollfd here{ring_.ring_fd, POLLIN, 0};
    ::ppoll(&here, 1, &time, nullptr);
}

namespace {

/// fcntl(2)'s signal for O_ASYNC, which belongs to the open file; inert descriptors have another.
constexpr int mark = 62;

} // namespace

bool ring::starts_over() noexcept {
    if (!open_ || !may_last_ || is_deferred() || registered_index_ >= 0 || unsubmitted() != 0 ||
        has_set_aside() || ::fcntl(ring_.ring_fd, F_SETSIG, mark) != 0)
        return false;
    counters_ = nullptr;
    starved_since_ = 0;
    attached_ = false;
    return true;
}

bool ring::has_its_number() noexcept {
    if (!open_)
        return false;
    if (::fcntl(ring_.ring_fd, F_GETSIG) == mark)
        return true;
    ring_.ring_fd = -1; // of which nothing is closed
    return false;
}

bool ring::answers() noexcept {
    // What has this ring may need others, and could not do without them: not where none can be made any more.
    const long made = ::syscall(__NR_io_uring_setup, 0, nullptr);
    if (made >= 0 || errno != EFAULT)
        return false;
    const int r = enter(0, 0, IORING_ENTER_GETEVENTS, nullptr, 0);
    return r >= 0 || r == -EINTR || is_shortage(r);
}

void ring::attach_thread() noexcept {
    enters_since_attach_ = 0;
    attached_ = true;
}

void ring::detach_thread() noexcept {
    attached_ = false;
    if (registered_index_ < 0)
        return;
    unregister_index(std::exchange(registered_index_, -1));
}

void ring::unregister_index(int index) noexcept {
    io_uring_rsrc_update update{};
    update.offset = static_cast<unsigned>(index);
    raw_register(ring_.ring_fd, unregister_ring_fds, &update, 1);
}

int raw_register(int fd, unsigned opcode, const void* argument, unsigned count) noexcept {
    const long r = ::syscall(__NR_io_uring_register, fd, opcode, argument, count);
    return r < 0 ? -errno : static_cast<int>(r);
}

namespace {

/// Nobody waits for the end of a regular file, and what a worker of the kernel does with it cannot be ended.
bool is_regular(int fd) noexcept {
    struct stat s;
    return fd >= 0 && ::fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
}

bool end_matching(int ring_fd, io_uring_sync_cancel_reg match) noexcept {
    // What was found is over once the thread that submitted it has run its task work: a sleeping one is on
    // its way, a computing one does so at its next entry into the kernel. For one that has ended a worker of
    // the kernel does it, a tick of the scheduler later (up to 10 ms), and when it gets a processor: on a
    // machine with eight programs for each, that took up to some hundred milliseconds.
    constexpr long longest_ns = 1'999'999'999, of_files_ns = 5'000'000, most_yielding_ns = 1'000'000;
    long most_ns = 0;
    constexpr timespec pause{0, 200'000};
    timespec start, now;
    ::clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        match.timeout.tv_nsec = 100'000'000;
        const int r = raw_register(ring_fd, IORING_REGISTER_SYNC_CANCEL, &match, 1);
        if (r == 0 || r == -ENOENT)
            return true;
        if (r < 0 && r != -ETIME && r != -EINTR)
            return false;
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const long passed = (now.tv_sec - start.tv_sec) * 1'000'000'000L + now.tv_nsec - start.tv_nsec;
        if (most_ns == 0) // the first attempt is mostly the last
            most_ns = is_regular(match.fd) ? of_files_ns : longest_ns;
        if (passed > most_ns)
            return r > 0; // all was told to end; what is found still is of others who have the file open
        interrupt_running_threads();
        if (passed < most_yielding_ns)
            ::sched_yield();
        else
            ::nanosleep(&pause, nullptr);
    }
}

} // namespace

bool end_requests_on_file(int ring_fd, int fd) noexcept {
    io_uring_sync_cancel_reg match{};
    match.fd = fd;
    match.flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
    return end_matching(ring_fd, match);
}

bool end_all_requests(int ring_fd) noexcept {
    io_uring_sync_cancel_reg match{};
    match.fd = -1;
    match.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
    return end_matching(ring_fd, match);
}

int send_message(int fd, std::uint64_t user_data) noexcept {
    io_uring_sqe message{};
    message.opcode = IORING_OP_MSG_RING;
    message.fd = fd;
    message.off = user_data;
    return raw_register(-1, register_send_message, &message, 1);
}

} // namespace aura::core::uring
