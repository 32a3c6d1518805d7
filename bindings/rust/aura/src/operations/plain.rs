//! Operations that name no memory.
use super::start_by_description;
use crate::error::Result;
use crate::fd::Fd;
use crate::operation::{Link, Operation};
use aura_sys as sys;
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

fn unit(result: Result<usize>) -> Result<()> {
    result.map(|_| ())
}

macro_rules! plain_link {
    ($name:ident, |$fd:ident, $rest:tt, $callback:ident, $user:ident| $describe:expr) => {
        // SAFETY: no memory is named.
        unsafe impl Operation for $name {
            type Output = Result<()>;
            start_by_description!();
            fn finish(self, result: Result<usize>) -> Result<()> {
                unit(result)
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
                let $fd = (*this).0.file();
                $describe
            }
        }
    };
}
plain_link!(Fsync, |fd, _, callback, user| sys::aura_op_fsync(fd, callback, user));
plain_link!(Fdatasync, |fd, _, callback, user| sys::aura_op_fdatasync(fd, callback, user));
plain_link!(Ftruncate, |fd, op, callback, user| sys::aura_op_ftruncate(fd, op.1 as i64, callback, user));

macro_rules! plain {
    ($name:ident, |$op:ident, $engine:ident, $callback:ident, $user:ident| $start:expr) => {
        // SAFETY: no memory is named.
        unsafe impl Operation for $name {
            type Output = Result<()>;
            unsafe fn start(
                this: *mut Self,
                $engine: *mut sys::aura_engine_t,
                $callback: sys::aura_callback_t,
                $user: *mut c_void,
            ) -> *mut sys::aura_request_t {
                let $op = &mut *this;
                $start
            }
            fn finish(self, result: Result<usize>) -> Result<()> {
                unit(result)
            }
        }
    };
}
plain!(Fallocate, |op, engine, callback, user| {
    let (fd, mode, offset, len) = (op.0.as_raw_fd(), op.1 as c_int, op.2 as i64, op.3 as i64);
    sys::aura_fallocate(engine, fd, mode, offset, len, callback, user)
});
plain!(SyncFileRange, |op, engine, callback, user| {
    let (fd, offset, len, flags) = (op.0.as_raw_fd(), op.1 as i64, op.2 as i64, op.3 as c_uint);
    sys::aura_sync_file_range(engine, fd, offset, len, flags, callback, user)
});
plain!(Timeout, |op, engine, callback, user| {
    let nanoseconds = u64::try_from(op.0.as_nanos()).unwrap_or(u64::MAX);
    sys::aura_timeout(engine, nanoseconds, callback, user)
});

// SAFETY: no memory is named.
unsafe impl Operation for Close {
    type Output = Result<()>;
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t {
        // Given away first: once it is started, the callback may have freed *this.
        let fd = (*this).0.take().expect("once").into_raw_fd();
        let request = sys::aura_close(engine, fd, callback, user_data);
        if request.is_null() {
            (*this).0 = Some(OwnedFd::from_raw_fd(fd)); // not started: closed when this is dropped
        }
        request
    }
    fn finish(self, result: Result<usize>) -> Result<()> {
        unit(result)
    }
}

pub(crate) struct Ready(pub Fd, pub i16);

// SAFETY: no memory is named.
unsafe impl Operation for Ready {
    type Output = Result<i16>;
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t {
        let Ready(fd, events) = &*this;
        sys::aura_poll_fd(engine, fd.as_raw_fd(), c_uint::from(*events as u16), callback, user_data)
    }
    fn finish(self, result: Result<usize>) -> Result<i16> {
        result.map(|events| events as i16)
    }
}
