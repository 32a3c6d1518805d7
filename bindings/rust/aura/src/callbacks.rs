//! Starting operations whose end a closure is told.
use crate::buffer::BufferRef;
use crate::engine::Engine;
use crate::error::Result;
use crate::fd::{Descriptor, Fd};
use crate::io_buf::{IoBuf, IoBufMut};
use crate::open_options::OpenOptions;
use crate::operation::{self, Operation};
use crate::operations::{files::*, messages::*, paths::*, plain::*, sockets::*, vectors::*};
use crate::request::Request;
use crate::socket_address::SocketAddress;
use aura_sys as sys;
use std::net::SocketAddr;
use std::os::unix::io::OwnedFd;
use std::path::Path;
use std::time::Duration;

/// An offset that means the file's own position, which the operation moves; for pipes and other streams too.
pub const CURRENT_POSITION: u64 = u64::MAX;

/// Each starts an operation, and calls `done` once when it has ended: never before the function returns if the thread
/// drives the engine itself, else possibly in another thread meanwhile. When it cannot be started the function fails with
/// [`Error::Submission`](crate::Error::Submission), and `done` is dropped, with the buffer: `EINVAL` (an offset,
/// length or count out of range, a path with a NUL), `EBADF`, `ENOMEM`. What the kernel says is what `done` gets.
///
/// Operations that own their buffer give it back to `done`.
impl Engine {
    pub(crate) fn start<O, F>(&self, operation: O, done: F) -> Result<Request>
    where
        O: Operation,
        F: FnOnce(O::Output) + Send + 'static,
    {
        operation::start(&self.shared, operation, done).map_err(|(error, ..)| error)
    }

    // ---- data ----

    /// Reads up to `len` bytes at `offset`, which may be [`CURRENT_POSITION`]. 0 at the end of the file.
    ///
    /// # Safety
    /// `buf` has `len` bytes; they live, and nobody else looks at them, until `done` is called. What only names a
    /// descriptor stays open until then.
    pub unsafe fn read<F>(
        &self,
        fd: impl Descriptor,
        buf: BufferRef,
        len: usize,
        offset: u64,
        done: F,
    ) -> Result<Request>
    where
        F: FnOnce(Result<usize>) + Send + 'static,
    {
        self.start(ReadRef(fd.into_fd(), buf, len, offset), done)
    }

    /// Writes up to `len` bytes at `offset`.
    ///
    /// # Safety
    /// `buf` has `len` bytes; they live, and nobody changes them, until `done` is called. A descriptor as for `read`.
    pub unsafe fn write<F>(
        &self,
        fd: impl Descriptor,
        buf: BufferRef,
        len: usize,
        offset: u64,
        done: F,
    ) -> Result<Request>
    where
        F: FnOnce(Result<usize>) + Send + 'static,
    {
        self.start(WriteRef(fd.into_fd(), buf, len, offset), done)
    }

    /// As [`read`](Engine::read), into up to 1024 buffers.
    ///
    /// # Safety
    /// The array, what it points to, and the descriptor, as for `read`.
    pub unsafe fn readv<F>(
        &self,
        fd: impl Descriptor,
        buffers: *const sys::iovec,
        count: usize,
        offset: u64,
        done: F,
    ) -> Result<Request>
    where
        F: FnOnce(Result<usize>) + Send + 'static,
    {
        self.start(ReadvRef(fd.into_fd(), Vectors(buffers, count), offset), done)
    }

    /// As [`write`](Engine::write), from up to 1024 buffers.
    ///
    /// # Safety
    /// The array, what it points to, and the descriptor, as for `write`.
    pub unsafe fn writev<F>(
        &self,
        fd: impl Descriptor,
        buffers: *const sys::iovec,
        count: usize,
        offset: u64,
        done: F,
    ) -> Result<Request>
    where
        F: FnOnce(Result<usize>) + Send + 'static,
    {
        self.start(WritevRef(fd.into_fd(), Vectors(buffers, count), offset), done)
    }

    /// Reads into a buffer that the operation owns meanwhile. A `Vec` is filled up to its capacity.
    pub fn read_at<B, F>(&self, fd: &Fd, buf: B, offset: u64, done: F) -> Result<Request>
    where
        B: IoBufMut,
        F: FnOnce(Result<usize>, B) + Send + 'static,
    {
        self.start(ReadAt(fd.clone(), buf, offset), move |(result, buf)| done(result, buf))
    }

    /// Writes from a buffer that the operation owns meanwhile.
    pub fn write_at<B, F>(&self, fd: &Fd, buf: B, offset: u64, done: F) -> Result<Request>
    where
        B: IoBuf,
        F: FnOnce(Result<usize>, B) + Send + 'static,
    {
        self.start(WriteAt(fd.clone(), buf, offset), move |(result, buf)| done(result, buf))
    }

    /// As [`read_at`](Engine::read_at), into up to 1024 buffers, one after the other.
    pub fn readv_at<B, F>(&self, fd: &Fd, buffers: Vec<B>, offset: u64, done: F) -> Result<Request>
    where
        B: IoBufMut,
        F: FnOnce(Result<usize>, Vec<B>) + Send + 'static,
    {
        self.start(ReadvAt::new(fd.clone(), buffers, offset), move |(result, bufs)| done(result, bufs))
    }

    /// As [`write_at`](Engine::write_at), from up to 1024 buffers.
    pub fn writev_at<B, F>(&self, fd: &Fd, buffers: Vec<B>, offset: u64, done: F) -> Result<Request>
    where
        B: IoBuf,
        F: FnOnce(Result<usize>, Vec<B>) + Send + 'static,
    {
        self.start(WritevAt::new(fd.clone(), buffers, offset), move |(result, bufs)| done(result, bufs))
    }

    // ---- files ----

    /// What had been written when it was started is on the device.
    pub fn fsync<F>(&self, fd: &Fd, done: F) -> Result<Request>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.start(Fsync(fd.clone()), done)
    }

    /// As [`fsync`](Engine::fsync), without what is only needed to know when it was written.
    pub fn fdatasync<F>(&self, fd: &Fd, done: F) -> Result<Request>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.start(Fdatasync(fd.clone()), done)
    }

    /// Opens a file, below `directory` if it is given and the path is relative.
    pub fn openat<F>(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        options: &OpenOptions,
        done: F,
    ) -> Result<Request>
    where
        F: FnOnce(Result<Fd>) + Send + 'static,
    {
        self.start(openat(directory, path.as_ref(), options)?, done)
    }

    /// Closes a descriptor, which tells of errors that dropping it hides. Also closed when this fails, except with
    /// `EBUSY`: an [`Fd`] that something else still has is closed when that is over.
    pub fn close<F>(&self, fd: impl TryInto<OwnedFd>, done: F) -> Result<Request>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.start(close(fd)?, done)
    }

    /// statx(2): `flags` are `AT_*`, `mask` `STATX_*`.
    pub fn statx<F>(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        flags: i32,
        mask: u32,
        done: F,
    ) -> Result<Request>
    where
        F: FnOnce(Result<Box<sys::statx>>) + Send + 'static,
    {
        self.start(statx(directory, path.as_ref(), flags, mask)?, done)
    }

    /// renameat2(2): `flags` are `RENAME_*`.
    pub fn renameat<F>(
        &self,
        old_directory: Option<&Fd>,
        old_path: impl AsRef<Path>,
        new_directory: Option<&Fd>,
        new_path: impl AsRef<Path>,
        flags: u32,
        done: F,
    ) -> Result<Request>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.start(renameat(old_directory, old_path.as_ref(), new_directory, new_path.as_ref(), flags)?, done)
    }

    /// unlinkat(2): `flags` is 0, or `AT_REMOVEDIR` for an empty directory.
    pub fn unlinkat<F>(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        flags: i32,
        done: F,
    ) -> Result<Request>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.start(unlinkat(directory, path.as_ref(), flags)?, done)
    }

    /// mkdirat(2).
    pub fn mkdirat<F>(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        mode: u32,
        done: F,
    ) -> Result<Request>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.start(mkdirat(directory, path.as_ref(), mode)?, done)
    }

    /// fallocate(2): `mode` is `FALLOC_FL_*`.
    pub fn fallocate<F>(&self, fd: &Fd, mode: i32, offset: u64, len: u64, done: F) -> Result<Request>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.start(Fallocate(fd.clone(), mode, offset, len), done)
    }

    /// ftruncate(2).
    pub fn ftruncate<F>(&self, fd: &Fd, len: u64, done: F) -> Result<Request>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.start(Ftruncate(fd.clone(), len), done)
    }

    /// sync_file_range(2): `len` below 4 GiB, 0: to the end of the file; `flags` are `SYNC_FILE_RANGE_*`.
    pub fn sync_file_range<F>(&self, fd: &Fd, offset: u64, len: u64, flags: u32, done: F) -> Result<Request>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.start(SyncFileRange(fd.clone(), offset, len, flags), done)
    }

    // ---- sockets and timers ----

    /// recv(2): `flags` are `MSG_*`. 0: the peer has closed. With `MSG_TRUNC` the number may be more than what is in the
    /// buffer: the length of a datagram that was cut, and on TCP, which then throws away what it receives, nothing is in it.
    pub fn recv<B, F>(&self, fd: &Fd, buf: B, flags: i32, done: F) -> Result<Request>
    where
        B: IoBufMut,
        F: FnOnce(Result<usize>, B) + Send + 'static,
    {
        self.start(Recv(fd.clone(), buf, flags), move |(result, buf)| done(result, buf))
    }

    /// send(2): `flags` are `MSG_*`. There is no SIGPIPE.
    pub fn send<B, F>(&self, fd: &Fd, buf: B, flags: i32, done: F) -> Result<Request>
    where
        B: IoBuf,
        F: FnOnce(Result<usize>, B) + Send + 'static,
    {
        self.start(SendData(fd.clone(), buf, flags), move |(result, buf)| done(result, buf))
    }

    /// A datagram and who has sent it, if that is an address of the internet. As [`recv`](Engine::recv) otherwise.
    pub fn recv_from<B, F>(&self, fd: &Fd, buf: B, flags: i32, done: F) -> Result<Request>
    where
        B: IoBufMut,
        F: FnOnce(Result<(usize, Option<SocketAddr>)>, B) + Send + 'static,
    {
        self.start(RecvFrom::new(fd.clone(), buf, flags), move |(result, buf)| done(result, buf))
    }

    /// A datagram to an address. As [`send`](Engine::send) otherwise.
    pub fn send_to<B, F>(
        &self,
        fd: &Fd,
        buf: B,
        address: impl Into<SocketAddress>,
        flags: i32,
        done: F,
    ) -> Result<Request>
    where
        B: IoBuf,
        F: FnOnce(Result<usize>, B) + Send + 'static,
    {
        self.start(SendTo::new(fd.clone(), buf, address.into(), flags), move |(result, buf)| {
            done(result, buf)
        })
    }

    /// Waits, once, until one of `events` (`POLLIN` and so on) has come about, as poll(2) does; `done` gets those that
    /// have, with `POLLERR` and `POLLHUP`, which need not be asked for.
    pub fn ready<F>(&self, fd: &Fd, events: i16, done: F) -> Result<Request>
    where
        F: FnOnce(Result<i16>) + Send + 'static,
    {
        self.start(Ready(fd.clone(), events), done)
    }

    /// Accepts a connection; with the peer's address when that is of the internet.
    pub fn accept<F>(&self, fd: &Fd, done: F) -> Result<Request>
    where
        F: FnOnce(Result<(Fd, Option<SocketAddr>)>) + Send + 'static,
    {
        self.start(Accept::new(fd.clone()), done)
    }

    /// Connects a socket, such as [`Fd::stream_socket`] makes.
    pub fn connect<F>(&self, fd: &Fd, address: impl Into<SocketAddress>, done: F) -> Result<Request>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.start(Connect(fd.clone(), address.into()), done)
    }

    /// `done` is called when the time has passed, never earlier.
    pub fn timeout<F>(&self, time: Duration, done: F) -> Result<Request>
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.start(Timeout(time), done)
    }
}
