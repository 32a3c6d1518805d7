//! The engine: making it, driving it, cancelling, and its buffers.
use crate::buffer::{Buffer, BufferStats};
use crate::error::{Error, Result};
use crate::idle::{self, Limit};
use crate::options::{Backend, Options};
use crate::panics;
use crate::request::Request;
use crate::shared::EngineRef;
use aura_sys as sys;
use std::ffi::CStr;
use std::os::raw::c_int;
use std::os::unix::io::BorrowedFd;
use std::ptr::{self, NonNull};
use std::time::Instant;

/// An engine: io_uring rings, at most one per processor, and everything pending on them.
///
/// Clones name the same engine. Any thread starts operations; the callbacks of those that have completed run inside
/// [`poll`](Engine::poll), [`wait`](Engine::wait), [`run`](Engine::run) or [`drain`](Engine::drain), in the thread
/// that calls it, which may be another one. Several threads may be in these at once: each drives a ring of its own.
///
/// **Callbacks** may call everything but those four functions, which fail with [`Error::InCallback`] there. While one
/// runs, the other operations of its ring wait, unless it takes long and another thread that waits, runs or drains has
/// nothing to do: then that one goes on with them ([`Options::takeover_after`](crate::Options::takeover_after)), so that a
/// callback may wait for what another one does. Where callbacks are known to take long, that thread has them before. A
/// panic in a callback does not unwind into C: it is kept, and goes on from `poll`, `wait`, `run` or `drain` once the turn
/// it happened in is over; it ends `run` as [`stop`](Engine::stop) does, in all threads.
///
/// **The end.** The engine ends when the last clone is dropped, and the last [`Buffer`] and future of it: what is pending
/// is cancelled then and waited for, as long as a device holds a buffer, and every callback is called, mostly with
/// [`Error::Cancelled`], in the thread that dropped it. An operation keeps it alive if its *callback* has captured a
/// clone or a `Buffer`; the buffer an operation owns does not.
///
/// **fork**: an engine belongs to the process that made it, and goes on there. In a child everything that would use it fails
/// with `ECHILD`, no callback is called, and dropping it leaves all to the parent. A child that was forked in a callback must
/// not return from it, but call exec or `_exit`.
#[derive(Clone)]
pub struct Engine {
    pub(crate) shared: EngineRef,
}

impl Engine {
    /// An engine with the default options.
    ///
    /// # Errors
    /// `ENOMEM`, `EMFILE`, or why io_uring cannot be used here: `EPERM`, `ENOSYS`. The
    /// [log handler](crate::set_log_handler) gets the explanation.
    pub fn new() -> Result<Engine> {
        Engine::with_options(&Options::new())
    }

    /// # Errors
    /// As [`new`](Engine::new), and `EINVAL` for an option or environment variable out of its range.
    pub fn with_options(options: &Options) -> Result<Engine> {
        // SAFETY: the options are initialised.
        let raw = unsafe { sys::aura_create_with_options(options.raw()) };
        match NonNull::new(raw) {
            // SAFETY: it is new.
            Some(raw) => Ok(Engine { shared: unsafe { EngineRef::new(raw) } }),
            None => Err(Error::Io(std::io::Error::last_os_error().raw_os_error().unwrap_or(0))),
        }
    }

    /// The engine, for functions of the C library. It belongs to this object still; do not destroy it. Whoever drives it by
    /// C functions holds a clone meanwhile, and gets no panics of callbacks.
    pub fn as_ptr(&self) -> *mut sys::aura_engine_t {
        self.shared.raw()
    }

    /// How many rings there may be.
    pub fn ring_count(&self) -> usize {
        // SAFETY: the engine is there.
        unsafe { sys::aura_get_ring_count(self.as_ptr()) as usize }
    }

    /// What carries operations out: never [`Backend::Auto`]. It changes once at most: when the first ring is made, and
    /// something forbids io_uring that did not when the engine was.
    pub fn backend(&self) -> Backend {
        // SAFETY: the engine is there.
        match unsafe { sys::aura_get_backend(self.as_ptr()) } as sys::aura_backend_t {
            sys::AURA_BACKEND_EPOLL => Backend::Epoll,
            _ => Backend::Uring,
        }
    }

    /// Why this backend was chosen, and what would have to be allowed for a better one, for people.
    pub fn backend_reason(&self) -> String {
        // SAFETY: the text lives as long as the engine.
        unsafe { CStr::from_ptr(sys::aura_get_backend_reason(self.as_ptr())) }.to_string_lossy().into_owned()
    }

    // ---- driving it ----

    /// Runs the callbacks of what has completed, without blocking: one turn of each ring that is free. Says how many.
    ///
    /// # Errors
    /// [`Error::InCallback`], or why the engine cannot go on: an error of io_uring_enter(2).
    pub fn poll(&self) -> Result<usize> {
        // SAFETY: turn() passes the engine, which is there.
        self.turn(false, |engine| unsafe { sys::aura_poll(engine) })
    }

    /// As [`poll`](Engine::poll), but waits until something has completed, for at most `limit`: a `Duration`, milliseconds,
    /// or None. Says how many callbacks ran; 0: none within the limit.
    ///
    /// Where nothing is pending, a wait without limit returns 0 at once. One with a limit sleeps until another thread has
    /// started something, for 10 ms at most: a loop around it neither spins nor misses what ends it. (The quickest way to
    /// wait for what others will start is [`run`](Engine::run).)
    ///
    /// # Errors
    /// As `poll`. That the time is over is none; [`drain`](Engine::drain) tells it from the end.
    pub fn wait(&self, limit: impl Into<Limit>) -> Result<usize> {
        let limit: Limit = limit.into();
        let deadline = limit.deadline(Instant::now());
        let mut remaining = limit;
        let mut idle_until = None;
        loop {
            let milliseconds = remaining.milliseconds();
            // SAFETY: turn() passes the engine, which is there.
            match self.turn(false, |engine| unsafe { sys::aura_wait(engine, milliseconds) }) {
                Err(Error::TimedOut) => return Ok(0),
                Ok(0) if milliseconds >= 0 => {}
                other => return other,
            }
            // Nothing is pending, or another thread runs the last callback, whose end nobody tells: hence not for long.
            let now = Instant::now();
            let end = *idle_until.get_or_insert_with(|| idle::end(now, deadline));
            if now >= end || !idle::wait_for_a_start(self, end - now)? {
                return Ok(0);
            }
            // Takes in what has been started, or that it was nothing.
            match self.poll()? {
                0 => remaining = Limit::until(deadline, Instant::now()),
                count => return Ok(count),
            }
        }
    }

    /// Runs callbacks, whether something is pending or not, until [`stop`](Engine::stop): the fastest way to drive an
    /// engine.
    ///
    /// # Errors
    /// As [`poll`](Engine::poll).
    pub fn run(&self) -> Result<()> {
        // SAFETY: turn() passes the engine, which is there.
        self.turn(true, |engine| unsafe { sys::aura_run(engine) }).map(|_| ())
    }

    /// Ends [`run`](Engine::run) in every thread that is in it, after the callback each is in; when none is, the next
    /// `run` returns at once. What is pending stays pending.
    pub fn stop(&self) {
        // SAFETY: the engine is there.
        unsafe { sys::aura_stop(self.as_ptr()) }
    }

    /// Runs callbacks until nothing is pending, for at most `limit`. Says how many this thread ran.
    ///
    /// # Errors
    /// [`Error::TimedOut`]: something is still pending; else as [`poll`](Engine::poll).
    pub fn drain(&self, limit: impl Into<Limit>) -> Result<usize> {
        let limit = limit.into().milliseconds();
        // SAFETY: turn() passes the engine, which is there.
        self.turn(false, |engine| unsafe { sys::aura_drain(engine, limit) })
    }

    /// Submits what has been started outside of callbacks while no thread waits; else that happens by itself.
    ///
    /// # Errors
    /// An error of io_uring_enter(2).
    pub fn flush(&self) -> Result<()> {
        // SAFETY: the engine is there.
        Error::of_turn(unsafe { sys::aura_flush(self.as_ptr()) }).map(|_| ())
    }

    /// A descriptor for epoll(7) or poll(2) that is readable when [`poll`](Engine::poll) has something to do.
    /// Level-triggered; costs nothing until it is asked for. A wait for it may end with `EINTR` when a completion arrives.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn poll_fd(&self) -> Result<BorrowedFd<'_>> {
        // SAFETY: the engine is there.
        let fd = Error::of_turn(unsafe { sys::aura_get_poll_fd(self.as_ptr()) })?;
        // SAFETY: it is open as long as the engine is there, which self says.
        Ok(unsafe { BorrowedFd::borrow_raw(fd as c_int) })
    }

    pub(crate) fn turn(
        &self,
        running: bool,
        call: impl FnOnce(*mut sys::aura_engine_t) -> c_int,
    ) -> Result<usize> {
        let engine = self.as_ptr();
        let stop = if running { engine } else { ptr::null_mut() };
        let (result, panic) = panics::collect(stop, || call(engine));
        match panic {
            Some(payload) => std::panic::resume_unwind(payload),
            None => Error::of_turn(result),
        }
    }

    // ---- requests and buffers ----

    /// Asks for an operation to end early. Its callback is called all the same: with [`Error::Cancelled`], or with its
    /// result when that came first. A request that has ended is never taken for another.
    ///
    /// # Errors
    /// [`Error::Ended`]; `EINVAL`: the request belongs to another engine; `ENOMEM`.
    pub fn cancel(&self, request: impl Into<Request>) -> Result<()> {
        // SAFETY: the engine is there, and any request is allowed.
        Error::of_cancel(unsafe { sys::aura_cancel(self.as_ptr(), request.into().as_ptr()) })
    }

    /// A buffer of `size` bytes, zeroed, from a cache of the calling thread where possible. Programs that are in a hurry use
    /// one several times.
    ///
    /// # Errors
    /// `EINVAL` for size 0, `ENOMEM`.
    pub fn allocate_buffer(&self, size: usize) -> Result<Buffer> {
        Buffer::allocate(&self.shared, size)
            .ok_or_else(|| Error::Io(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)))
    }

    /// # Errors
    /// `ENOMEM`.
    pub fn buffer_stats(&self) -> Result<BufferStats> {
        let mut s = sys::aura_buffer_stats_t {
            struct_size: std::mem::size_of::<sys::aura_buffer_stats_t>(),
            in_use_bytes: 0,
            cached_bytes: 0,
            total_bytes: 0,
            allocations: 0,
            deallocations: 0,
            failures: 0,
        };
        // SAFETY: the size is right.
        Error::of_turn(unsafe { sys::aura_get_buffer_stats(self.as_ptr(), &mut s) })?;
        Ok(BufferStats {
            in_use_bytes: s.in_use_bytes,
            cached_bytes: s.cached_bytes,
            total_bytes: s.total_bytes,
            allocations: s.allocations,
            deallocations: s.deallocations,
            failures: s.failures,
        })
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Engine").field(&self.as_ptr()).finish()
    }
}

/// Whether the calling thread is in a callback, of any engine.
pub fn in_callback_context() -> bool {
    // SAFETY: no preconditions.
    unsafe { sys::aura_in_callback_context() }
}

/// "major.minor.patch" of the C library that is running.
pub fn version() -> &'static str {
    // SAFETY: a constant of the library.
    unsafe { CStr::from_ptr(sys::aura_version()) }.to_str().unwrap_or("")
}
