//! Descriptors that stay open as long as an operation needs them.
use crate::socket_address::SocketAddress;
use crate::table::{Numbered, Table};
use aura_sys as sys;
use std::fs::File;
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::raw::c_int;
use std::os::unix::io::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::ptr::addr_of_mut;
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
pub struct Fd {
    repr: Repr,
    background: bool,
}

#[derive(Debug, Clone)]
enum Repr {
    Numbered(Numbered),
    /// An entry of a table of registered files, which keeps what it names open.
    Registered {
        table: Arc<Table>,
        index: usize,
    },
}

impl Fd {
    fn of(repr: Repr) -> Fd {
        Fd { repr, background: false }
    }

    /// Of a `File`, a `TcpStream`, a `UnixStream`, an `OwnedFd`, ...
    pub fn new(owned: impl Into<OwnedFd>) -> Fd {
        Fd::of(Repr::Numbered(Numbered::Shared(Arc::new(owned.into()))))
    }

    /// A descriptor that something else owns.
    ///
    /// # Safety
    /// It must stay open until every operation that was started with the result, or with a clone of it, has ended.
    pub unsafe fn borrow_raw(fd: RawFd) -> Fd {
        Fd::of(Repr::Numbered(Numbered::Raw(fd)))
    }

    /// A stream socket that can be connected to `address`, which std has no way to make.
    pub fn stream_socket(address: &SocketAddress) -> io::Result<Fd> {
        // SAFETY: no preconditions.
        match unsafe { libc::socket(address.family().into(), libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) } {
            fd if fd < 0 => Err(io::Error::last_os_error()),
            // SAFETY: it is new.
            fd => Ok(Fd::new(unsafe { OwnedFd::from_raw_fd(fd) })),
        }
    }

    /// The descriptor itself, unless an operation or a clone still has it, or it was borrowed. `TcpStream::try_from(fd)` and
    /// its like do the same.
    pub fn into_owned(self) -> Result<OwnedFd, Fd> {
        let background = self.background;
        match self.repr {
            Repr::Numbered(Numbered::Shared(shared)) => Arc::try_unwrap(shared)
                .map_err(|shared| Fd { repr: Repr::Numbered(Numbered::Shared(shared)), background }),
            repr => Err(Fd { repr, background }),
        }
    }

    pub(crate) fn registered(table: Arc<Table>, index: usize) -> Fd {
        Fd::of(Repr::Registered { table, index })
    }

    /// What reads, writes and syncs get: of an entry the number that stands for it and for no entry of another table, of
    /// this engine or another.
    pub(crate) fn file(&self) -> c_int {
        let file = self.unmarked_file();
        if self.background {
            sys::AURA_BACKGROUND | file
        } else {
            file
        }
    }

    /// The same for operations that have no class: C refuses a marked number for them.
    pub(crate) fn unmarked_file(&self) -> c_int {
        match &self.repr {
            Repr::Numbered(numbered) => numbered.as_raw_fd(),
            Repr::Registered { table, index } => table.first() + *index as c_int,
        }
    }

    /// The same file for reads and writes that nobody waits for, as of a scrub or a compaction: they yield to all others of the
    /// process on the same storage device, as `AURA_BACKGROUND` does in C. Other operations are as on any `Fd`.
    ///
    /// ```
    /// # let path = std::env::current_exe().unwrap();
    /// let file = aura::Fd::new(std::fs::File::open(path)?);
    /// let scrubbed = file.background();
    /// assert!(scrubbed.is_background() && !file.is_background());
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn background(&self) -> Fd {
        Fd { repr: self.repr.clone(), background: true }
    }

    /// Whether [`background`](Fd::background) has made it.
    pub fn is_background(&self) -> bool {
        self.background
    }

    /// None: an entry of a table has no number.
    pub(crate) fn numbered(&self) -> Option<&Numbered> {
        match &self.repr {
            Repr::Numbered(numbered) => Some(numbered),
            Repr::Registered { .. } => None,
        }
    }

    /// Whether recv(2) with MSG_TRUNC throws away what it counts instead of copying it: tcp(7), and we cannot know of other
    /// streams. Those of Unix sockets copy.
    pub(crate) fn discards_what_is_truncated(&self) -> bool {
        let option = |name: c_int| {
            let (mut value, mut len): (c_int, libc::socklen_t) =
                (0, std::mem::size_of::<c_int>() as libc::socklen_t);
            // SAFETY: the value has as many bytes as are said.
            let failed = unsafe {
                libc::getsockopt(
                    self.as_raw_fd(),
                    libc::SOL_SOCKET,
                    name,
                    addr_of_mut!(value).cast(),
                    &mut len,
                )
            } != 0;
            if failed {
                None
            } else {
                Some(value)
            }
        };
        match (option(libc::SO_TYPE), option(libc::SO_DOMAIN)) {
            (Some(libc::SOCK_STREAM), domain) => domain != Some(libc::AF_UNIX),
            (kind, _) => kind.is_none(),
        }
    }

    /// None for one that was borrowed, or is of a table.
    pub fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.repr {
            Repr::Numbered(Numbered::Shared(shared)) => Some(std::os::unix::io::AsFd::as_fd(&**shared)),
            _ => None,
        }
    }
}

impl AsRawFd for Fd {
    fn as_raw_fd(&self) -> RawFd {
        match &self.repr {
            Repr::Numbered(numbered) => numbered.as_raw_fd(),
            Repr::Registered { .. } => -1, // it has none of its own
        }
    }
}

/// Where a descriptor stands in a function that is unsafe anyway ([`Engine::read`](crate::Engine::read) and its like): an
/// [`Fd`], which the operation keeps open, or what only names one: a number, or a reference to what owns it, which the
/// caller keeps open until the operation has ended.
pub trait Descriptor: sealed::Sealed {
    /// # Safety
    /// What only names a descriptor stays open as [`Fd::borrow_raw`] says.
    #[doc(hidden)]
    unsafe fn into_fd(self) -> Fd;
}

mod sealed {
    pub trait Sealed {}
}

impl sealed::Sealed for Fd {}
impl Descriptor for Fd {
    unsafe fn into_fd(self) -> Fd {
        self
    }
}

impl sealed::Sealed for &Fd {}
impl Descriptor for &Fd {
    unsafe fn into_fd(self) -> Fd {
        self.clone()
    }
}

macro_rules! names_a_descriptor {
    ($($name:ty),*) => {$(
        impl sealed::Sealed for $name {}
        impl Descriptor for $name {
            unsafe fn into_fd(self) -> Fd {
                Fd::borrow_raw(self.as_raw_fd())
            }
        }
    )*};
}
names_a_descriptor!(RawFd, BorrowedFd<'_>, &OwnedFd);

/// What owns a descriptor becomes an `Fd`, and gets it back when nothing else has it any more.
macro_rules! owns_a_descriptor {
    ($($name:ty),*) => {$(
        names_a_descriptor!(&$name);
        impl From<$name> for Fd {
            fn from(owner: $name) -> Fd {
                Fd::new(owner)
            }
        }
        impl TryFrom<Fd> for $name {
            type Error = Fd;
            fn try_from(fd: Fd) -> Result<$name, Fd> {
                fd.into_owned().map(<$name>::from)
            }
        }
    )*};
}
owns_a_descriptor!(File, TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream);

impl From<OwnedFd> for Fd {
    fn from(fd: OwnedFd) -> Fd {
        Fd::new(fd)
    }
}

impl TryFrom<Fd> for OwnedFd {
    type Error = Fd;
    fn try_from(fd: Fd) -> Result<OwnedFd, Fd> {
        fd.into_owned()
    }
}
