//! How long a thread waits, and its sleep where nothing is pending.
use crate::engine::Engine;
use crate::error::Result;
use std::os::raw::c_int;
use std::os::unix::io::AsRawFd;
use std::time::{Duration, Instant};

/// How long to wait at most: made from a `Duration`, from milliseconds (below 0: without a limit), or from None.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(Option<Duration>);

impl From<Duration> for Limit {
    fn from(limit: Duration) -> Limit {
        Limit(Some(limit))
    }
}

impl From<Option<Duration>> for Limit {
    fn from(limit: Option<Duration>) -> Limit {
        Limit(limit)
    }
}

impl From<i32> for Limit {
    fn from(milliseconds: i32) -> Limit {
        Limit(u64::try_from(milliseconds).ok().map(Duration::from_millis))
    }
}

impl Limit {
    /// Rounded up. -1 without a limit; what is longer than the C library's 24 days has none.
    pub(crate) fn milliseconds(self) -> c_int {
        self.0.map_or(-1, |limit| {
            let rounded_up = limit.as_nanos().saturating_add(999_999) / 1_000_000;
            c_int::try_from(rounded_up).unwrap_or(-1)
        })
    }

    pub(crate) fn deadline(self, now: Instant) -> Option<Instant> {
        self.0.and_then(|limit| now.checked_add(limit))
    }

    /// What is left; without a limit where there is no deadline.
    pub(crate) fn until(deadline: Option<Instant>, now: Instant) -> Limit {
        Limit(deadline.map(|deadline| deadline.saturating_duration_since(now)))
    }
}

/// A callback that another thread runs may be what the caller waits for: it looks again so soon.
const LONGEST: Duration = Duration::from_millis(10);

/// When a sleep that begins now is over.
pub(crate) fn end(now: Instant, deadline: Option<Instant>) -> Instant {
    let longest = now + LONGEST;
    deadline.map_or(longest, |deadline| deadline.min(longest))
}

/// Sleeps until something has been started. False: the time is over.
pub(crate) fn wait_for_a_start(engine: &Engine, limit: Duration) -> Result<bool> {
    let mut entry = libc::pollfd { fd: engine.poll_fd()?.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: there is one. A completion may end it with EINTR, and the descriptor is readable then.
    Ok(unsafe { libc::poll(&mut entry, 1, Limit(Some(limit)).milliseconds()) } != 0)
}
