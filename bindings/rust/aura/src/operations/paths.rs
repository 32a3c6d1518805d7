//! Operations that name a path.
use super::operation;
use crate::error::{Error, Result};
use crate::fd::Fd;
use crate::open_options::OpenOptions;
use aura_sys as sys;
use libc::EINVAL;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::io::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::path::Path;

pub(crate) fn path_of(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Error::Submission(EINVAL))
}

/// Below a directory, or below the working directory.
struct Place {
    directory: Option<Fd>,
    path: CString,
}

impl Place {
    fn new(directory: Option<&Fd>, path: &Path) -> Result<Place> {
        Ok(Place { directory: directory.cloned(), path: path_of(path)? })
    }
    fn directory(&self) -> RawFd {
        self.directory.as_ref().map_or(libc::AT_FDCWD, Fd::as_raw_fd)
    }
}

pub(crate) struct Openat(Place, i32, u32);

operation!(Openat => Result<Fd>: |op, engine, callback, user| {
    let Openat(at, flags, mode) = op;
    sys::aura_openat(engine, at.directory(), at.path.as_ptr(), *flags, *mode, callback, user)
}, |_, result| {
    // SAFETY: the kernel has made it.
    result.map(|fd| Fd::new(unsafe { OwnedFd::from_raw_fd(fd as RawFd) }))
});

pub(crate) struct Statx {
    at: Place,
    flags: i32,
    mask: u32,
    found: Box<sys::statx>,
}

operation!(Statx => Result<Box<sys::statx>>: |op, engine, callback, user| {
    let found: *mut sys::statx = &mut *op.found;
    sys::aura_statx(engine, op.at.directory(), op.at.path.as_ptr(), op.flags, op.mask, found, callback, user)
}, |op, result| result.map(|_| op.found));

pub(crate) struct Renameat(Place, Place, u32);

operation!(Renameat: |op, engine, callback, user| {
    let Renameat(old, new, flags) = op;
    let (old_path, new_path) = (old.path.as_ptr(), new.path.as_ptr());
    sys::aura_renameat(engine, old.directory(), old_path, new.directory(), new_path, *flags, callback, user)
});

pub(crate) struct Unlinkat(Place, i32);

operation!(Unlinkat: |op, engine, callback, user| {
    sys::aura_unlinkat(engine, op.0.directory(), op.0.path.as_ptr(), op.1, callback, user)
});

pub(crate) struct Mkdirat(Place, u32);

operation!(Mkdirat: |op, engine, callback, user| {
    sys::aura_mkdirat(engine, op.0.directory(), op.0.path.as_ptr(), op.1, callback, user)
});

pub(crate) fn openat(directory: Option<&Fd>, path: &Path, options: &OpenOptions) -> Result<Openat> {
    let (flags, mode) = options.flags_and_mode()?;
    Ok(Openat(Place::new(directory, path)?, flags, mode))
}

pub(crate) fn statx(directory: Option<&Fd>, path: &Path, flags: i32, mask: u32) -> Result<Statx> {
    // SAFETY: numbers, for which zero is a value.
    let found = Box::new(unsafe { std::mem::zeroed() });
    Ok(Statx { at: Place::new(directory, path)?, flags, mask, found })
}

pub(crate) fn renameat(
    old_directory: Option<&Fd>,
    old_path: &Path,
    new_directory: Option<&Fd>,
    new_path: &Path,
    flags: u32,
) -> Result<Renameat> {
    Ok(Renameat(Place::new(old_directory, old_path)?, Place::new(new_directory, new_path)?, flags))
}

pub(crate) fn unlinkat(directory: Option<&Fd>, path: &Path, flags: i32) -> Result<Unlinkat> {
    Ok(Unlinkat(Place::new(directory, path)?, flags))
}

pub(crate) fn mkdirat(directory: Option<&Fd>, path: &Path, mode: u32) -> Result<Mkdirat> {
    Ok(Mkdirat(Place::new(directory, path)?, mode))
}
