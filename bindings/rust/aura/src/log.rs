//! What the library has to say.
use crate::panics;
use aura_sys as sys;
use std::cell::Cell;
use std::ffi::CStr;
use std::os::raw::{c_char, c_uint, c_void};
use std::ptr;
use std::sync::Mutex;
use std::time::Duration;

/// Levels of the log, those of syslog(3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogLevel {
    Error,
    Warning,
    Info,
}

type Handler = Box<dyn Fn(LogLevel, &str) + Send + Sync>;

/// The handler the C library has, so that it can be dropped when that has another.
static CURRENT: Mutex<Option<Box<Handler>>> = Mutex::new(None);

thread_local! {
    static IN_HANDLER: Cell<bool> = const { Cell::new(false) };
}

/// Sets the process-wide receiver of what the library has to say: why an engine could not be made, which backend was
/// chosen and why, calls that a callback must not make. `None`: nobody. Until it is called two warnings go to standard
/// error: that something forbids io_uring, and that threads have no ring of their own. The handler may be called by any thread;
/// when this returns, the one before is gone. A panic of it ends there.
///
/// # Panics
/// In a handler.
pub fn set_log_handler(handler: Option<Handler>) {
    assert!(!IN_HANDLER.with(Cell::get), "set_log_handler() in a log handler");
    let new = handler.map(Box::new);
    let mut current = CURRENT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let (call, user_data): (sys::aura_log_handler_t, *mut c_void) = match &new {
        Some(handler) => (Some(receive), &**handler as *const Handler as *mut c_void),
        None => (None, ptr::null_mut()),
    };
    // SAFETY: the handler is kept until another is set; the one before has returned for the last time then.
    unsafe { sys::aura_set_log_handler(call, user_data) };
    let before = std::mem::replace(&mut *current, new);
    drop(current);
    drop(before); // may be anything, and must not find the lock taken
}

/// From now on a callback that has not returned after `limit` (at least a millisecond) is reported to the log handler while
/// it still runs: ring, thread, for how long, and where possible its stack. Once, and again when it has lasted ten times as
/// long; one report a second at most. `None`: never. Until this is called it is 100 ms, of engines that two threads or more
/// run whose callbacks may be taken over ([`Options::takeover_after`](crate::Options::takeover_after)): a thread watches
/// those anyway. Once this asks for reports all engines are watched, by a thread of the library's. Process-wide.
pub fn set_stall_report(limit: Option<Duration>) {
    let milliseconds = limit.map_or(0, |l| l.as_millis().clamp(1, c_uint::MAX.into()) as c_uint);
    // SAFETY: it takes any number.
    unsafe { sys::aura_set_stall_report(milliseconds) };
}

unsafe extern "C" fn receive(level: sys::aura_log_level_t, message: *const c_char, user_data: *mut c_void) {
    let level = match level {
        sys::AURA_LOG_ERR => LogLevel::Error,
        sys::AURA_LOG_WARNING => LogLevel::Warning,
        _ => LogLevel::Info,
    };
    let handler = &*user_data.cast::<Handler>();
    let message = CStr::from_ptr(message).to_string_lossy();
    IN_HANDLER.with(|inside| inside.set(true));
    let (_, panic) = panics::collect(ptr::null_mut(), || panics::guard(|| handler(level, &message)));
    if let Some(payload) = panic {
        panics::discard(payload);
    }
    IN_HANDLER.with(|inside| inside.set(false));
}
