//! What an engine has counted and measured.
use crate::engine::Engine;
use crate::error::{Error, Result};
use aura_sys as sys;
use libc::EINVAL;
use std::ffi::CString;
use std::fmt;
use std::os::raw::c_int;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::io::AsRawFd;
use std::path::Path;
use std::time::Duration;

/// What happened since the engine was made. Figures that depend on each other may be off by what happened while the
/// snapshot was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Rings that have been used; of one ring 1, or 0.
    pub rings: u64,
    /// Requests given to the kernel; wakes, timeouts and cancellations not included.
    pub submitted: u64,
    pub completed: u64,
    /// Of those, when the last turn of the loop ended.
    pub in_flight: u64,
    /// Callbacks, and what the library runs by itself.
    pub handlers: u64,
    /// Of the loop: `handlers / turns` tells how much is batched.
    pub turns: u64,
    /// Calls of io_uring_enter(2).
    pub enters: u64,
    /// By callbacks, to rings that slept.
    pub wakes_sent: u64,
    /// From any thread.
    pub wakes_received: u64,
    /// How often completions did not fit: raise [`completion_depth`](crate::Options::completion_depth).
    pub cq_overflows: u64,
    /// Operations that went to another ring because theirs was crowded.
    pub adaptive_spills: u64,
    /// The longest turn, in ticks of 1 to 10 ms: a callback that blocks shows here.
    pub loop_delay_max: Duration,
    /// How many took 10 ms or more.
    pub long_turns: u64,
    /// How often no ring could be made for want of descriptors or memory: threads then share those there are.
    /// Of the engine; of one ring: 0.
    pub ring_shortages: u64,
    /// Reads and writes that had to wait for their device.
    pub gate_waits: u64,
    /// Operations of any kind that were pending when the last turn ended, timers included.
    pub operations: u64,
    /// Of rings whose thread was in a callback for long: [`Options::takeover_after`](crate::Options::takeover_after).
    pub takeovers: u64,
    /// Of those, from threads that were computing; the others slept.
    pub takeovers_computing: u64,
    /// Callbacks that were ready on a ring when it was taken, and would have waited.
    pub stranded: u64,
    /// Callbacks that were expected to take long, so that their ring was given to others before they were called.
    pub handed_over: u64,
    /// Its threads in callbacks and what the loop does for them; right over seconds.
    pub busy: Duration,
    /// Its threads waiting for something to do.
    pub idle: Duration,
    /// Its threads in the kernel: what that of its thread has grown by between looks that found the same thread. Never falls;
    /// what a thread did between two looks of which it served the ring only in part may be left out.
    pub system: Duration,
}

/// How long operations took, from submission to completion; about one of 64 is measured.
#[derive(Clone)]
pub struct Latencies(Box<sys::aura_histogram_t>);

impl Latencies {
    pub fn count(&self) -> u64 {
        self.0.count
    }
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.0.sum_ns)
    }
    /// The smallest latency such that at least `fraction` (0 to 1) of all are no longer, at most 3.1 % too long: 0.99
    /// gives the P99. Zero when nothing was measured.
    pub fn percentile(&self, fraction: f64) -> Duration {
        // SAFETY: filled by the library, or a difference of two that were.
        Duration::from_nanos(unsafe { sys::aura_histogram_percentile(&*self.0, fraction) })
    }
    /// What was measured after `earlier`, a snapshot of the same engine and ring.
    pub fn since(&self, earlier: &Latencies) -> Latencies {
        let mut difference = self.clone();
        difference.0.count = self.0.count.wrapping_sub(earlier.0.count);
        difference.0.sum_ns = self.0.sum_ns.wrapping_sub(earlier.0.sum_ns);
        for (now, before) in difference.0.buckets.iter_mut().zip(earlier.0.buckets.iter()) {
            *now = now.wrapping_sub(*before);
        }
        difference
    }
}

impl fmt::Debug for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Latencies")
            .field("count", &self.count())
            .field("p50", &self.percentile(0.5))
            .field("p99", &self.percentile(0.99))
            .field("max", &self.percentile(1.0))
            .finish()
    }
}

/// Statistics: they stop no ring.
impl Engine {
    /// Of all rings together.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn stats(&self) -> Result<Stats> {
        // SAFETY: the size is right.
        read_stats(|s| unsafe { sys::aura_get_stats(self.as_ptr(), s) })
    }

    /// Writes to a descriptor, such as that of `std::io::stderr()`, what is pending and what it waits for, and what the
    /// thread of each ring does: for the question why nothing happens. Any thread, also in a callback; of a ring whose
    /// thread does not come back to its loop it says so after a quarter of a second. The text is for people.
    ///
    /// # Errors
    /// `ENOMEM`; what write(2) said.
    pub fn dump(&self, to: &impl AsRawFd) -> Result<()> {
        // SAFETY: the engine is there, and any number is allowed.
        Error::of_turn(unsafe { sys::aura_dump(self.as_ptr(), to.as_raw_fd()) }).map(|_| ())
    }

    /// Serves statistics while the program runs, until the engine is dropped, in the place of what was served before:
    /// on a UNIX socket at `path`, which only this user may open, each connection gets one snapshot, a line of JSON,
    /// at once, and another for each line it sends. With `prometheus_port` also at http://127.0.0.1:port/metrics, to
    /// every user of the machine; 0 takes a free port. The port is returned.
    ///
    /// # Errors
    /// `EINVAL`: the path has a zero byte; `ENAMETOOLONG`; `EADDRINUSE`; `ENOMEM`; what a system call said.
    pub fn serve_statistics(&self, path: impl AsRef<Path>, prometheus_port: Option<u16>) -> Result<u16> {
        let path = CString::new(path.as_ref().as_os_str().as_bytes()).map_err(|_| Error::Io(EINVAL))?;
        let port = prometheus_port.map_or(-1, c_int::from);
        // SAFETY: the engine is there, and the path ends in a zero byte.
        let served = unsafe { sys::aura_serve_statistics(self.as_ptr(), path.as_ptr(), port) };
        Error::of_turn(served).map(|port| u16::try_from(port).unwrap_or(0))
    }

    /// Of one ring. Rings are numbered in the order of their first use.
    ///
    /// # Errors
    /// `EINVAL`: there is no such ring; `ENOMEM`.
    pub fn ring_stats(&self, ring: usize) -> Result<Stats> {
        // SAFETY: the size is right.
        read_stats(|s| unsafe { sys::aura_get_ring_stats(self.as_ptr(), number(ring), s) })
    }

    /// Of reads, on `ring` or on all of them.
    ///
    /// # Errors
    /// As [`ring_stats`](Engine::ring_stats).
    pub fn read_latencies(&self, ring: Option<usize>) -> Result<Latencies> {
        self.latencies(ring, sys::AURA_OP_READ)
    }

    /// Of writes, on `ring` or on all of them.
    ///
    /// # Errors
    /// As [`ring_stats`](Engine::ring_stats).
    pub fn write_latencies(&self, ring: Option<usize>) -> Result<Latencies> {
        self.latencies(ring, sys::AURA_OP_WRITE)
    }

    /// Of one callback in 61, on `ring` or on all of them: from when the loop knew of it to when it was called.
    ///
    /// # Errors
    /// As [`ring_stats`](Engine::ring_stats).
    pub fn queue_delays(&self, ring: Option<usize>) -> Result<Latencies> {
        // SAFETY: the size is right.
        self.histogram(ring, |e, ring, h| unsafe {
            sys::aura_get_loop_histogram(e, ring, sys::AURA_LOOP_QUEUE_DELAY, h)
        })
    }

    /// Of one callback in 61, on `ring` or on all of them: how long it took.
    ///
    /// # Errors
    /// As [`ring_stats`](Engine::ring_stats).
    pub fn handler_times(&self, ring: Option<usize>) -> Result<Latencies> {
        // SAFETY: the size is right.
        self.histogram(ring, |e, ring, h| unsafe {
            sys::aura_get_loop_histogram(e, ring, sys::AURA_LOOP_HANDLER_TIME, h)
        })
    }

    fn latencies(&self, ring: Option<usize>, kind: sys::aura_op_type_t) -> Result<Latencies> {
        // SAFETY: the size is right.
        self.histogram(ring, |e, ring, h| unsafe { sys::aura_get_histogram(e, ring, kind, h) })
    }

    fn histogram(
        &self,
        ring: Option<usize>,
        fill: impl FnOnce(*const sys::aura_engine_t, c_int, *mut sys::aura_histogram_t) -> c_int,
    ) -> Result<Latencies> {
        let mut histogram = Box::new(sys::aura_histogram_t {
            struct_size: std::mem::size_of::<sys::aura_histogram_t>(),
            count: 0,
            sum_ns: 0,
            buckets: [0; sys::AURA_HISTOGRAM_BUCKETS],
        });
        let ring = ring.map_or(sys::AURA_ALL_RINGS, number);
        Error::of_turn(fill(self.as_ptr(), ring, &mut *histogram))?;
        Ok(Latencies(histogram))
    }
}

/// What is no ring of any engine for numbers that are too large.
fn number(ring: usize) -> c_int {
    c_int::try_from(ring).unwrap_or(c_int::MAX)
}

/// Names every field: one that is new in the header does not compile before it is here.
fn read_stats(call: impl FnOnce(*mut sys::aura_stats_t) -> c_int) -> Result<Stats> {
    let mut raw =
        sys::aura_stats_t { struct_size: std::mem::size_of::<sys::aura_stats_t>(), ..Default::default() };
    Error::of_turn(call(&mut raw))?;
    let sys::aura_stats_t {
        struct_size: _,
        rings,
        submitted,
        completed,
        in_flight,
        handlers,
        turns,
        enters,
        wakes_sent,
        wakes_received,
        cq_overflows,
        adaptive_spills,
        loop_delay_max_ns,
        long_turns,
        ring_shortages,
        gate_waits,
        operations,
        takeovers,
        takeovers_computing,
        stranded,
        busy_ns,
        idle_ns,
        system_ns,
        handed_over,
    } = raw;
    Ok(Stats {
        rings,
        submitted,
        completed,
        in_flight,
        handlers,
        turns,
        enters,
        wakes_sent,
        wakes_received,
        cq_overflows,
        adaptive_spills,
        loop_delay_max: Duration::from_nanos(loop_delay_max_ns),
        long_turns,
        ring_shortages,
        gate_waits,
        operations,
        takeovers,
        takeovers_computing,
        stranded,
        handed_over,
        busy: Duration::from_nanos(busy_ns),
        idle: Duration::from_nanos(idle_ns),
        system: Duration::from_nanos(system_ns),
    })
}
