//! Operations that name no memory.
use super::{operation, start_by_description};
use crate::error::{Error, Result};
use crate::fd::Fd;
use crate::operation::{Link, Operation};
use aura_sys as sys;
use libc::EBUSY;
use std::os::raw::{c_int, c_uint, c_void};
use std::os::unix::io::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::time::Duration;

pub(crate) struct Fsync(pub Fd);
pub(crate) struct Fdatasync(pub Fd);
pub(crate) struct Ftruncate(pub Fd, pub u64);
pub(crate) struct Fallocate(pub Fd, pub i32, pub u64, pub u64);
pub(crate) struct SyncFileRange(pub Fd, pub u64, pub u64, pub u32);
pub(crate) struct Timeout(pub Duration);
/// None once it was started: the kernel closes it.
pub(crate) struct Close(pub Option<OwnedFd>);

macro_rules! plain_link {
    ($name:ident, |$fd:ident, $rest:tt, $callback:ident, $user:ident| $describe:expr) => {
        // SAFETY: no memory is named.
        unsafe impl Operation for $name {
            type Output = Result<()>;
            start_by_description!();
            fn finish(self, result: Result<usize>) -> Result<()> {
                result.map(drop)
            }
        }
        // SAFETY: the same.
        unsafe impl Link for $name {
            unsafe fn describe(
                this: *mut Self,
                $callback: sys::aura_callback_t,
                $user: *mut c_void,
            ) -> sys::aura_op_t {
                let $rest = &*this;
                let $fd = (*this).0.unmarked_file();
                $describe
            }
        }
    };
}
plain_link!(Fsync, |fd, _, callback, user| sys::aura_op_fsync(fd, callback, user));
plain_link!(Fdatasync, |fd, _, callback, user| sys::aura_op_fdatasync(fd, callback, user));
plain_link!(Ftruncate, |fd, op, callback, user| sys::aura_op_ftruncate(fd, op.1 as i64, callback, user));

operation!(Fallocate: |op, engine, callback, user| {
    let (fd, mode, offset, len) = (op.0.as_raw_fd(), op.1 as c_int, op.2 as i64, op.3 as i64);
    sys::aura_fallocate(engine, fd, mode, offset, len, callback, user)
});
operation!(SyncFileRange: |op, engine, callback, user| {
    let (fd, offset, len, flags) = (op.0.as_raw_fd(), op.1 as i64, op.2 as i64, op.3 as c_uint);
    sys::aura_sync_file_range(engine, fd, offset, len, flags, callback, user)
});
operation!(Timeout: |op, engine, callback, user| {
    let nanoseconds = u64::try_from(op.0.as_nanos()).unwrap_or(u64::MAX);
    sys::aura_timeout(engine, nanoseconds, callback, user)
});

pub(crate) fn close(fd: impl TryInto<OwnedFd>) -> Result<Close> {
    fd.try_into().map(|fd| Close(Some(fd))).map_err(|_| Error::Submission(EBUSY))
}

operation!(Close: |op, engine, callback, user| {
    // Given away first: once it is started, the callback may have freed the operation.
    let fd = op.0.take().expect("once").into_raw_fd();
    let request = sys::aura_close(engine, fd, callback, user);
    if request.is_null() {
        op.0 = Some(OwnedFd::from_raw_fd(fd)); // not started: closed when this is dropped
    }
    request
});

pub(crate) struct Ready(pub Fd, pub i16);

operation!(Ready => Result<i16>: |op, engine, callback, user| {
    let events = c_uint::from(op.1 as u16);
    sys::aura_poll_fd(engine, op.0.as_raw_fd(), events, callback, user)
}, |_, result| result.map(|events| events as i16));
