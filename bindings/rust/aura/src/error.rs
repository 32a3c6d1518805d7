//! What can go wrong, as errno says it and as std::io names it.
use libc::{ECANCELED, EDEADLK, ENODATA, ENOENT, ETIMEDOUT};
use std::{fmt, io};

pub type Result<T> = std::result::Result<T, Error>;

/// Why something failed. Every variant has an errno, [`raw_os_error`](Error::raw_os_error), and a
/// [`kind`](Error::kind); both survive the conversion into [`io::Error`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Error {
    /// The operation, or the call, failed with this errno.
    Io(i32),
    /// The operation was cancelled, or the engine ended before it did.
    Cancelled,
    /// The operation was not started, and its callback will not be called: `EINVAL`, `EBADF`, `ENOMEM`, `ESHUTDOWN`.
    Submission(i32),
    /// [`drain`](crate::Engine::drain): something is still pending.
    TimedOut,
    /// The call would run callbacks, and was made in a callback of its engine.
    InCallback,
    /// [`cancel`](crate::Engine::cancel): the operation has ended, or its callback has begun.
    Ended,
    /// A read of exactly so many bytes: the file, or the stream, has ended before.
    EndOfFile,
}

impl Error {
    /// The errno.
    pub fn raw_os_error(&self) -> i32 {
        match *self {
            Error::Io(errno) | Error::Submission(errno) => errno,
            Error::Cancelled => ECANCELED,
            Error::TimedOut => ETIMEDOUT,
            Error::InCallback => EDEADLK,
            Error::Ended => ENOENT,
            Error::EndOfFile => ENODATA,
        }
    }

    /// What std calls it. `Cancelled` and `InCallback` are `Other`: std has no name for them, and `Interrupted` would
    /// make `std::io` try again.
    pub fn kind(&self) -> io::ErrorKind {
        match self {
            Error::Cancelled | Error::InCallback => io::ErrorKind::Other,
            Error::EndOfFile => io::ErrorKind::UnexpectedEof,
            other => io::Error::from_raw_os_error(other.raw_os_error()).kind(),
        }
    }

    /// What a function that starts something has left in errno.
    pub(crate) fn submission() -> Error {
        Error::Submission(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    }

    /// What the result of an operation says.
    pub(crate) fn of_operation(result: isize) -> Result<usize> {
        match usize::try_from(result) {
            Ok(count) => Ok(count),
            Err(_) if result == -(ECANCELED as isize) => Err(Error::Cancelled),
            Err(_) => Err(Error::Io(-result as i32)),
        }
    }

    /// What the result of a function that runs callbacks says.
    pub(crate) fn of_turn(result: i32) -> Result<usize> {
        match -result {
            ETIMEDOUT => Err(Error::TimedOut),
            EDEADLK => Err(Error::InCallback),
            errno if errno > 0 => Err(Error::Io(errno)),
            _ => Ok(result as usize),
        }
    }

    pub(crate) fn of_cancel(result: i32) -> Result<()> {
        match -result {
            0 => Ok(()),
            ENOENT => Err(Error::Ended),
            errno => Err(Error::Io(errno)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Io(errno) => io::Error::from_raw_os_error(*errno).fmt(f),
            Error::Cancelled => f.write_str("the operation was cancelled"),
            Error::Submission(errno) => {
                write!(f, "the operation was not started: {}", io::Error::from_raw_os_error(*errno))
            }
            Error::TimedOut => f.write_str("the time is over and something is still pending"),
            Error::InCallback => f.write_str("not possible in a callback of the engine"),
            Error::Ended => f.write_str("the operation has ended"),
            Error::EndOfFile => f.write_str("the file has ended before all was read"),
        }
    }
}

/// With the text: it is what a `main` that returns an error prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Error::Io(errno) => return write!(f, "Io({})", io::Error::from_raw_os_error(*errno)),
            Error::Submission(errno) => {
                return write!(f, "Submission({})", io::Error::from_raw_os_error(*errno))
            }
            Error::Cancelled => "Cancelled",
            Error::TimedOut => "TimedOut",
            Error::InCallback => "InCallback",
            Error::Ended => "Ended",
            Error::EndOfFile => "EndOfFile",
        };
        f.write_str(name)
    }
}

impl std::error::Error for Error {}

impl From<Error> for io::Error {
    fn from(error: Error) -> io::Error {
        if error == Error::EndOfFile {
            return io::ErrorKind::UnexpectedEof.into(); // what callers of std's read_exact look for
        }
        io::Error::from_raw_os_error(error.raw_os_error())
    }
}
