//! How an engine is made.
use aura_sys as sys;
use std::os::raw::c_int;
use std::time::Duration;

/// How operations are spread over the rings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RingSelect {
    /// The ring of the caller's processor, unless that one is congested and the others are not.
    #[default]
    Adaptive,
    /// The ring of the caller's processor.
    CpuLocal,
    /// One after the other: spreads the operations of a single thread over all rings.
    RoundRobin,
    /// The ring a thread is given at its first operation.
    ThreadLocal,
}

/// What carries operations out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Backend {
    /// The best this machine allows: io_uring, and where something forbids that, epoll.
    #[default]
    Auto,
    /// io_uring, or an error.
    Uring,
    /// Readiness of sockets, and a pool of threads for files; or an error.
    Epoll,
}

/// Options of an engine. What is not set has its default, which the environment may change (`AURAIO_SQ_ENTRIES`,
/// `AURAIO_CQ_ENTRIES`, `AURAIO_WAKE`, `AURAIO_TASK_RUN`, `AURAIO_BACKEND`, `AURAIO_WORKER_LIMIT`,
/// `AURAIO_RESTRICT_RINGS`, `AURAIO_KEEP_RING`, `AURAIO_PACK_RINGS`, `AURAIO_TAKEOVER_AFTER`). A value out of its range
/// is refused by [`Engine::with_options`](crate::Engine::with_options).
///
/// ```
/// use aura::{Engine, Options, RingSelect};
/// let engine = Engine::with_options(Options::new().ring_count(1).ring_select(RingSelect::RoundRobin))?;
/// assert_eq!(engine.ring_count(), 1);
/// # Ok::<(), aura::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Options {
    raw: sys::aura_options_t,
}

fn clamped(value: u32) -> c_int {
    c_int::try_from(value).unwrap_or(c_int::MAX) // the library refuses it
}

impl Options {
    pub fn new() -> Options {
        let mut raw = std::mem::MaybeUninit::uninit();
        // SAFETY: the function sets every field.
        let raw = unsafe {
            sys::aura_options_init(raw.as_mut_ptr());
            raw.assume_init()
        };
        Options { raw }
    }

    /// At most so many rings, 1 to 512. Default: the processors this process may use.
    pub fn ring_count(&mut self, count: u32) -> &mut Options {
        self.raw.ring_count = clamped(count);
        self
    }

    /// Submission queue entries of each ring, 1 to 32768. Default 256. More operations than this may be pending.
    pub fn queue_depth(&mut self, entries: u32) -> &mut Options {
        self.raw.queue_depth = clamped(entries);
        self
    }

    /// Completion queue entries of each ring, `queue_depth` to 65536. Default 4096, or twice `queue_depth`.
    pub fn completion_depth(&mut self, entries: u32) -> &mut Options {
        self.raw.completion_depth = clamped(entries);
        self
    }

    pub fn ring_select(&mut self, mode: RingSelect) -> &mut Options {
        self.raw.ring_select = match mode {
            RingSelect::Adaptive => sys::AURA_SELECT_ADAPTIVE,
            RingSelect::CpuLocal => sys::AURA_SELECT_CPU_LOCAL,
            RingSelect::RoundRobin => sys::AURA_SELECT_ROUND_ROBIN,
            RingSelect::ThreadLocal => sys::AURA_SELECT_THREAD_LOCAL,
        } as c_int;
        self
    }

    pub fn backend(&mut self, backend: Backend) -> &mut Options {
        self.raw.backend = match backend {
            Backend::Auto => sys::AURA_BACKEND_AUTO,
            Backend::Uring => sys::AURA_BACKEND_URING,
            Backend::Epoll => sys::AURA_BACKEND_EPOLL,
        } as c_int;
        self
    }

    /// The 99th percentile of the latency of reads and writes of files to stay below, on every storage device. Default: none.
    /// [`Engine::set_storage`](crate::Engine::set_storage) changes it later.
    pub fn max_p99_latency(&mut self, ceiling: Duration) -> &mut Options {
        self.raw.max_p99_latency_ms = ceiling.as_secs_f64() * 1e3;
        self
    }

    /// After so long in one callback its ring is given to another thread that drives the engine, if one has nothing to do,
    /// and before the callbacks of what that one has started. None: never, so that callbacks of one ring run one after the
    /// other. In microseconds; default: 1000.
    pub fn takeover_after(&mut self, limit: Option<Duration>) -> &mut Options {
        self.raw.takeover_after =
            limit.map_or(-1, |limit| c_int::try_from(limit.as_micros()).unwrap_or(c_int::MAX).max(1));
        self
    }

    pub(crate) fn raw(&self) -> &sys::aura_options_t {
        &self.raw
    }
}

impl Default for Options {
    fn default() -> Options {
        Options::new()
    }
}
