//! What keeps descriptors open: shared ownership, and a table of registered files.
use std::os::raw::c_int;
use std::os::unix::io::{AsRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard};

/// A descriptor that has a number.
#[derive(Debug, Clone)]
pub(crate) enum Numbered {
    Shared(Arc<OwnedFd>),
    /// Somebody else keeps it open.
    Raw(RawFd),
}

impl AsRawFd for Numbered {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Numbered::Shared(shared) => shared.as_raw_fd(),
            Numbered::Raw(fd) => *fd,
        }
    }
}

/// Keeps open what is in a table of registered files: a ring takes it over at its first operation on it.
#[derive(Debug)]
pub(crate) struct Table {
    files: Mutex<Vec<Option<Numbered>>>,
    first: c_int,
}

impl Table {
    pub(crate) fn new(files: Vec<Numbered>, first: c_int) -> Table {
        Table { files: Mutex::new(files.into_iter().map(Some).collect()), first }
    }

    /// What stands for entry 0 of this table and of no other; those of the others follow.
    pub(crate) fn first(&self) -> c_int {
        self.first
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Option<Numbered>>> {
        self.files.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) // nothing that may panic runs under it
    }
}
