//! The gate before storage devices: what an engine asks of it, and what is known of a device.
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::operations::paths::path_of;
use aura_sys as sys;
use libc::ENOENT;
use std::ffi::CStr;
use std::os::raw::{c_char, c_int};
use std::path::Path;
use std::time::Duration;

/// What an engine asks of the gate that reads and writes of files pass: it lets all through unless it finds that fewer in
/// flight on their device would do (doc/controller.md). What is not set stays as it is.
///
/// ```
/// # use std::time::Duration;
/// let engine = aura::Engine::new()?;
/// engine.set_storage(None, aura::StorageSettings::new().max_p99_latency(Duration::from_millis(2)))?;
/// # Ok::<(), aura::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct StorageSettings {
    raw: sys::aura_storage_t,
}

impl StorageSettings {
    pub fn new() -> StorageSettings {
        let mut raw = std::mem::MaybeUninit::uninit();
        // SAFETY: the function sets every field.
        let raw = unsafe {
            sys::aura_storage_init(raw.as_mut_ptr());
            raw.assume_init()
        };
        StorageSettings { raw }
    }

    /// The 99th percentile of latency to stay below, however much throughput that costs; zero, as at first: none.
    pub fn max_p99_latency(&mut self, ceiling: Duration) -> &mut StorageSettings {
        self.raw.max_p99_latency_ns = i64::try_from(ceiling.as_nanos()).unwrap_or(i64::MAX);
        self
    }

    /// So many may always be in flight; 1, as at first, is the least.
    pub fn min_in_flight(&mut self, count: u32) -> &mut StorageSettings {
        self.raw.min_in_flight = c_int::try_from(count).unwrap_or(c_int::MAX);
        self
    }

    /// Never more than so many, also where the gate is open; 0, as at first: no bound.
    pub fn max_in_flight(&mut self, count: u32) -> &mut StorageSettings {
        self.raw.max_in_flight = c_int::try_from(count).unwrap_or(c_int::MAX);
        self
    }

    /// False: operations of this engine are never held back.
    pub fn adaptive(&mut self, on: bool) -> &mut StorageSettings {
        self.raw.adaptive = on.into();
        self
    }
}

impl Default for StorageSettings {
    fn default() -> StorageSettings {
        StorageSettings::new()
    }
}

/// What the controller of a device is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// The gate is open; watching whether a queue builds up in the device.
    Passthrough,
    /// The gate is open; measuring the rate with everything in flight.
    Baseline,
    /// Searching for the smallest depth that keeps the best rate.
    Probing,
    /// There; trying a little more and a little less now and then.
    Steady,
    /// Latency has left its guard: the limit was cut.
    Backoff,
    /// Waiting for what was started under the former limit.
    Settling,
    /// Steady, without a change of the limit for a while.
    Converged,
    /// One that this version of the crate does not know.
    Other(i32),
}

impl Phase {
    fn of(raw: c_int) -> Phase {
        match raw as sys::aura_phase_t {
            sys::AURA_PHASE_PASSTHROUGH => Phase::Passthrough,
            sys::AURA_PHASE_BASELINE => Phase::Baseline,
            sys::AURA_PHASE_PROBING => Phase::Probing,
            sys::AURA_PHASE_STEADY => Phase::Steady,
            sys::AURA_PHASE_BACKOFF => Phase::Backoff,
            sys::AURA_PHASE_SETTLING => Phase::Settling,
            sys::AURA_PHASE_CONVERGED => Phase::Converged,
            _ => Phase::Other(raw),
        }
    }
}

/// A storage device, with counters of all engines of the process since the first of them used it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct DeviceStats {
    /// As the kernel has it (`sda`, `nvme0n1`), else `major:minor`.
    pub name: String,
    pub major: u32,
    pub minor: u32,
    pub phase: Phase,
    /// Why the phase was entered; None: it is the first.
    pub reason: Option<String>,
    pub phase_changes: u64,
    /// Rings that use it.
    pub rings: u32,
    /// So many may be in flight; None: the gate is open.
    pub limit: Option<u64>,
    pub in_flight: u64,
    /// Held back now.
    pub waiting: u64,
    pub submitted: u64,
    pub completed: u64,
    /// Of `submitted`: held back.
    pub delayed: u64,
    pub bytes: u64,
    /// Operations per second, over the last 200 ms or more under load; 0 at rest.
    pub throughput: f64,
    /// Of recent samples, as of the controller's last look.
    pub p99_latency: Duration,
    pub latency_samples: u64,
    /// Of [`Fd::background`](crate::Fd::background), held back now: they yield, or wait for the gate.
    pub background_waiting: u64,
    /// How many have been.
    pub background_delayed: u64,
}

impl Engine {
    /// Changes what this engine asks of the device that `path` lies on, or, without one, of all devices; what was set for
    /// one wins over that. Where engines differ, the strictest counts.
    ///
    /// # Errors
    /// `EINVAL`: a value out of range; with a path, what stat(2) says; `ENOMEM`.
    pub fn set_storage(&self, path: Option<&Path>, settings: &StorageSettings) -> Result<()> {
        let path = path.map(path_of).transpose()?;
        let path = path.as_ref().map_or(std::ptr::null(), |p| p.as_ptr());
        // SAFETY: all three are there.
        Error::of_turn(unsafe { sys::aura_set_storage(self.as_ptr(), path, &settings.raw) }).map(|_| ())
    }

    /// Operations started in callbacks are submitted when all callbacks of the turn have run; with a threshold, each time
    /// that many wait. 0, as at first: none; 1: each at once.
    pub fn set_batch_threshold(&self, requests: u32) {
        // SAFETY: the engine is there.
        unsafe { sys::aura_set_batch_threshold(self.as_ptr(), requests) };
    }

    /// The devices this engine has used, in the order of first use.
    ///
    /// # Errors
    /// `ENOMEM`.
    pub fn device_stats(&self) -> Result<Vec<DeviceStats>> {
        let mut all = Vec::new();
        loop {
            // SAFETY: all of its fields may be 0.
            let mut raw: sys::aura_device_stats_t = unsafe { std::mem::zeroed() };
            raw.struct_size = std::mem::size_of_val(&raw);
            // SAFETY: the size is right.
            match Error::of_turn(unsafe {
                sys::aura_get_device_stats(self.as_ptr(), all.len() as c_int, &mut raw)
            }) {
                Ok(_) => all.push(device(&raw)),
                Err(Error::Io(ENOENT)) => return Ok(all),
                Err(error) => return Err(error),
            }
        }
    }
}

/// # Panics
/// Never: the library ends its texts.
fn text(pointer: *const c_char) -> String {
    // SAFETY: a text of the library's.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

/// Names every field: one that is new in the header does not compile before it is here.
fn device(raw: &sys::aura_device_stats_t) -> DeviceStats {
    let sys::aura_device_stats_t {
        struct_size: _,
        ref name,
        major,
        minor,
        phase,
        rings,
        reason,
        phase_changes,
        limit,
        in_flight,
        waiting,
        submitted,
        completed,
        delayed,
        bytes,
        throughput,
        p99_latency_ns,
        latency_samples,
        background_waiting,
        background_delayed,
    } = *raw;
    DeviceStats {
        name: text(name.as_ptr()),
        major,
        minor,
        phase: Phase::of(phase),
        reason: Some(text(reason)).filter(|r| !r.is_empty()),
        phase_changes,
        rings,
        limit: Some(limit).filter(|l| *l != u64::MAX),
        in_flight,
        waiting,
        submitted,
        completed,
        delayed,
        bytes,
        throughput,
        p99_latency: Duration::from_nanos(p99_latency_ns),
        latency_samples,
        background_waiting,
        background_delayed,
    }
}
