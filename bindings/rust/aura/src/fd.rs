//! Descriptors that stay open as long as an operation needs them.
use crate::registered_files::Table;
use crate::socket_address::SocketAddress;
use aura_sys as sys;
use std::io;
use std::os::raw::c_int;
use std::os::unix::io::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::sync::Arc;

/// A descriptor that operations share: each keeps it open until it has ended. A pending operation on a number that has
/// been closed could otherwise reach whatever is opened next.
///
/// ```
/// # let path = std::env::current_exe().unwrap();
/// let file = aura::Fd::new(std::fs::File::open(path)?);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Fd(Repr);

#[derive(Debug, Clone)]
enum Repr {
    Shared(Arc<OwnedFd>),
    Raw(RawFd),
    /// An entry of a table of registered files, which keeps what it names open.
    Registered {
        _keeps_open: Arc<Table>,
        index: usize,
    },
}

extern "C" {
    fn socket(domain: c_int, kind: c_int, protocol: c_int) -> c_int;
}
const SOCK_STREAM: c_int = 1;
pub(crate) const SOCK_CLOEXEC: c_int = 0o2000000;

impl Fd {
    /// Of a `File`, a `TcpStream`, a `UnixStream`, an `OwnedFd`, ...
    pub fn new(owned: impl Into<OwnedFd>) -> Fd {
        Fd(Repr::Shared(Arc::new(owned.into())))
    }

    /// A descriptor that something else owns.
    ///
    /// # Safety
    /// It must stay open until every operation that was started with the result, or with a clone of it, has ended.
    pub unsafe fn borrow_raw(fd: RawFd) -> Fd {
        Fd(Repr::Raw(fd))
    }

    /// A stream socket that can be connected to `address`, which std has no way to make.
    pub fn stream_socket(address: &SocketAddress) -> io::Result<Fd> {
        // SAFETY: no preconditions.
        match unsafe { socket(address.family().into(), SOCK_STREAM | SOCK_CLOEXEC, 0) } {
            fd if fd < 0 => Err(io::Error::last_os_error()),
            // SAFETY: it is new.
            fd => Ok(Fd::new(unsafe { OwnedFd::from_raw_fd(fd) })),
        }
    }

    /// The descriptor itself, unless an operation or a clone still has it, or it was borrowed.
    pub fn into_owned(self) -> Result<OwnedFd, Fd> {
        match self.0 {
            Repr::Shared(shared) => Arc::try_unwrap(shared).map_err(|shared| Fd(Repr::Shared(shared))),
            other => Err(Fd(other)),
        }
    }

    pub(crate) fn registered(table: Arc<Table>, index: usize) -> Fd {
        Fd(Repr::Registered { _keeps_open: table, index })
    }

    /// An operation on it: where it is registered, by its entry.
    pub(crate) fn name_in(&self, mut op: sys::aura_op_t) -> sys::aura_op_t {
        if let Repr::Registered { index, .. } = &self.0 {
            op.fd = *index as c_int;
            op.flags |= sys::AURA_FIXED_FILE;
        }
        op
    }

    /// None for one that was borrowed, or is of a table.
    pub fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.0 {
            Repr::Shared(shared) => Some(std::os::unix::io::AsFd::as_fd(&**shared)),
            _ => None,
        }
    }
}

impl AsRawFd for Fd {
    fn as_raw_fd(&self) -> RawFd {
        match &self.0 {
            Repr::Shared(shared) => shared.as_raw_fd(),
            Repr::Raw(fd) => *fd,
            Repr::Registered { .. } => -1, // it has none of its own
        }
    }
}

impl From<std::fs::File> for Fd {
    fn from(file: std::fs::File) -> Fd {
        Fd::new(file)
    }
}

impl From<OwnedFd> for Fd {
    fn from(fd: OwnedFd) -> Fd {
        Fd::new(fd)
    }
}
