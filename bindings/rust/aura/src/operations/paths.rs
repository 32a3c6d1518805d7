//! Operations that name a path.
use crate::error::Result;
use crate::fd::Fd;
use crate::operation::Operation;
use aura_sys as sys;
use std::ffi::CString;
use std::os::raw::c_void;
use std::os::unix::io::{AsRawFd, FromRawFd, OwnedFd, RawFd};

fn directory(fd: &Option<Fd>) -> RawFd {
    fd.as_ref().map_or(libc::AT_FDCWD, Fd::as_raw_fd)
}

pub(crate) struct Openat {
    pub directory: Option<Fd>,
    pub path: CString,
    pub flags: i32,
    pub mode: u32,
}

// SAFETY: the path is on the heap.
unsafe impl Operation for Openat {
    type Output = Result<OwnedFd>;
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t {
        let op = &*this;
        let (directory, path) = (directory(&op.directory), op.path.as_ptr());
        sys::aura_openat(engine, directory, path, op.flags, op.mode, callback, user_data)
    }
    fn finish(self, result: Result<usize>) -> Result<OwnedFd> {
        // SAFETY: the kernel has made it.
        result.map(|fd| unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
    }
}

pub(crate) struct Statx {
    pub directory: Option<Fd>,
    pub path: CString,
    pub flags: i32,
    pub mask: u32,
    pub found: Box<sys::statx>,
}

// SAFETY: both are on the heap.
unsafe impl Operation for Statx {
    type Output = Result<Box<sys::statx>>;
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t {
        let op = &mut *this;
        let (directory, path, found) = (directory(&op.directory), op.path.as_ptr(), &mut *op.found as *mut _);
        sys::aura_statx(engine, directory, path, op.flags, op.mask, found, callback, user_data)
    }
    fn finish(self, result: Result<usize>) -> Self::Output {
        result.map(|_| self.found)
    }
}

pub(crate) struct Renameat {
    pub old_directory: Option<Fd>,
    pub old_path: CString,
    pub new_directory: Option<Fd>,
    pub new_path: CString,
    pub flags: u32,
}

// SAFETY: both paths are on the heap.
unsafe impl Operation for Renameat {
    type Output = Result<()>;
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t {
        let op = &*this;
        let (old, old_path) = (directory(&op.old_directory), op.old_path.as_ptr());
        let (new, new_path) = (directory(&op.new_directory), op.new_path.as_ptr());
        sys::aura_renameat(engine, old, old_path, new, new_path, op.flags, callback, user_data)
    }
    fn finish(self, result: Result<usize>) -> Result<()> {
        result.map(|_| ())
    }
}

pub(crate) struct Unlinkat {
    pub directory: Option<Fd>,
    pub path: CString,
    pub flags: i32,
}

// SAFETY: the path is on the heap.
unsafe impl Operation for Unlinkat {
    type Output = Result<()>;
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t {
        let op = &*this;
        let (directory, path) = (directory(&op.directory), op.path.as_ptr());
        sys::aura_unlinkat(engine, directory, path, op.flags, callback, user_data)
    }
    fn finish(self, result: Result<usize>) -> Result<()> {
        result.map(|_| ())
    }
}

pub(crate) struct Mkdirat {
    pub directory: Option<Fd>,
    pub path: CString,
    pub mode: u32,
}

// SAFETY: the path is on the heap.
unsafe impl Operation for Mkdirat {
    type Output = Result<()>;
    unsafe fn start(
        this: *mut Self,
        engine: *mut sys::aura_engine_t,
        callback: sys::aura_callback_t,
        user_data: *mut c_void,
    ) -> *mut sys::aura_request_t {
        let op = &*this;
        let (directory, path) = (directory(&op.directory), op.path.as_ptr());
        sys::aura_mkdirat(engine, directory, path, op.mode, callback, user_data)
    }
    fn finish(self, result: Result<usize>) -> Result<()> {
        result.map(|_| ())
    }
}
