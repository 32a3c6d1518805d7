// engine_options: everything that can be chosen about an engine, in one place.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace aura::core {

class backend;
struct engine_options;
using backend_factory = std::unique_ptr<backend> (*)(const engine_options&, void* argument);

/// Which mechanism carries out I/O.
enum class backend_kind : std::uint8_t {
    automatic, ///< the best one this machine allows: io_uring, and where something forbids that, epoll
    uring,     ///< io_uring, or an error that says why not
    epoll,     ///< readiness of sockets and a pool of threads for files, or an error that says why not
};

/// When the kernel runs the second half of a request (its "task work"); see io_uring_setup(2).
enum class task_run : std::uint8_t {
    /// When the submitting thread next enters the kernel (IORING_SETUP_COOP_TASKRUN | TASKRUN_FLAG). The
    /// default.
    cooperative,
    /// At once, interrupting the submitting thread. For programs whose run() threads compute for long and
    /// leave their rings to others meanwhile.
    immediate,
    /// When the driving thread waits (SINGLE_ISSUER | DEFER_TASKRUN). A promise: one thread for the engine's
    /// whole life, since the kernel refuses others. A second thread that enters run() gets an error (EEXIST).
    /// What other threads ask for, closing and destroying objects included, is done when that thread is next
    /// in run(). While I/O is pending only it may destroy the context; another ends the program, with a
    /// message that says so.
    deferred,
};

/// How one thread makes another return from its wait.
enum class wake_mechanism : std::uint8_t {
    automatic, ///< ring_message where the kernel has it, else event
    message,   ///< a synchronous MSG_RING (IORING_REGISTER_SEND_MSG_RING, Linux 6.13)
    event,     ///< an eventfd, polled by whoever drives the ring
};

/// Chosen at construction, fixed afterwards.
struct engine_options {
    /// How many threads are expected to call run(), as in asio::io_context. 1 means exactly one ring,
    /// whichever thread drives it; others wait for it. Any other value is a hint without effect: every thread
    /// in run() has its own ring. Asio's negative ASIO_CONCURRENCY_HINT_* values are not counts.
    int concurrency_hint = 0;

    /// Submission queue entries per ring; rounded up to a power of two by the kernel, at most 32768. A full
    /// queue costs a system call, nothing else. 64 bytes each. Where RLIMIT_MEMLOCK has no room for so many
    /// of these and of the next, a ring gets as many as there is room for.
    unsigned sq_entries = 256;

    /// Completion queue entries per ring, at least sq_entries. More operations than this may be in flight;
    /// when more than this complete at once the kernel keeps the rest in memory of its own
    /// (IORING_FEAT_NODROP). 16 bytes each.
    unsigned cq_entries = 4096;

    /// At most so many rings; threads beyond that wait inside run() until one is free. 0: as many as there
    /// are threads.
    unsigned ring_limit = 0;

    /// True: every ring is the strand of what lives on it. Objects and strands that are made outside of handlers
    /// live on the first ring, and handlers of one ring run one after the other, whatever they do: for programs
    /// that count on it without saying so by ring_executor() or a strand. False: they are spread over the threads
    /// that come, and takeover_after says what becomes of what lives on a ring behind a handler that blocks.
    bool implicit_strands = false;

    /// When a handler has taken longer than so many microseconds and another thread in run() has nothing to do,
    /// that one goes on with what else lives on the handler's ring, as Asio's would. Handlers of those who asked
    /// for a ring (ring_executor()) keep its strand and are waited for. 0: never, as with implicit_strands.
    unsigned takeover_after = by_default;
    static constexpr unsigned by_default = ~0u;

    /// Where there are more threads in run() than processors, they wait for those, and together have little more than
    /// one, one of them may drive all rings while the others wait in reserve, if as many handlers run then: as soon as
    /// a handler takes long, or one thread cannot do what there is to do, the others drive again. Takes
    /// takeover_after. Files of /proc are read for it, where there are more threads than processors. False: each thread
    /// drives its ring.
    bool pack_rings = true;

    /// At most so many threads for calls that may block where the kernel does not do it without: metadata and
    /// files that have no opcode, or no thread of the kernel's, or no ring at all. They come on demand, serve
    /// all contexts of the process (among which the largest number counts), and end when they are idle. 0:
    /// four for each processor this process may use, at least 16 and at most 256.
    unsigned pool_threads = 0;

    /// Decided when the context is made, once more when its first ring is. A shortage (descriptors, memory) is
    /// no reason for another one: it is thrown, and may be over at the next attempt.
    backend_kind backend = backend_kind::automatic;
    task_run task_work = task_run::cooperative;
    wake_mechanism wake = wake_mechanism::automatic;

    /// At most so many threads of the kernel work for each thread that drives a ring, of each of two kinds: for
    /// regular files and block devices (what is read from the disk, opened, synced), and for what may hold its
    /// thread for any time (devices and files of a file server, see doc/architecture.md). 0: four for each
    /// processor this process may use, at least eight, and 512. More may be asked for; the others wait in the
    /// kernel, where they can be cancelled. Kernels before 5.15 have bounds of their own.
    unsigned worker_limit = 0;

    /// Rings can do what this library does and nothing else (IORING_REGISTER_RESTRICTIONS), whoever gets hold
    /// of their descriptors or of the memory they share with the kernel.
    bool restrict_rings = true;

    /// The end of a context leaves its ring to the next one of the process that asks for the same, from the second
    /// context on. False: each makes its own and closes it. For programs that count descriptors, or put up a sandbox
    /// after their last context: a ring is a way around it.
    bool keep_ring = true;

    /// Makes backends instead of the built-in choice: for tests that complete requests by hand.
    backend_factory make_backend = nullptr;
    void* make_backend_argument = nullptr;
};

/// `defaults`, changed by the environment: AURAIO_BACKEND (auto, uring, epoll), AURAIO_SQ_ENTRIES,
/// AURAIO_CQ_ENTRIES, AURAIO_TAKEOVER_AFTER, AURAIO_POOL_THREADS, AURAIO_TASK_RUN (cooperative, immediate,
/// deferred), AURAIO_WAKE (auto, message, event), AURAIO_WORKER_LIMIT, AURAIO_RESTRICT_RINGS (on, off),
/// AURAIO_IMPLICIT_STRANDS (on, off), AURAIO_KEEP_RING (on, off), AURAIO_PACK_RINGS (on, off).
/// Not in a program that runs with more rights than whoever started it (secure_getenv(3)).
/// Throws engine_error (EINVAL) naming the variable and the values it takes when one is not understood.
/// aura::io_context reads it when it is constructed without options.
engine_options options_from_environment(engine_options defaults = {});

} // namespace aura::core
