//! The operations of an engine, as futures.
use super::exact::{ReadExactAt, WriteAllAt};
use super::{Accepts, IoFuture};
use crate::buffer::BufferRef;
use crate::engine::Engine;
use crate::error::Result;
use crate::fd::{Descriptor, Fd};
use crate::io_buf::{IoBuf, IoBufMut};
use crate::open_options::OpenOptions;
use crate::operation::Operation;
use crate::operations::{files::*, messages::*, paths::*, plain::*, sockets::*, vectors::*};
use crate::registered_files::RegisteredFiles;
use crate::socket_address::SocketAddress;
use aura_sys as sys;
use std::net::SocketAddr;
use std::os::unix::io::OwnedFd;
use std::path::Path;
use std::time::Duration;

pub trait HasEngine {
    fn engine(&self) -> &Engine;
}

impl HasEngine for Engine {
    fn engine(&self) -> &Engine {
        self
    }
}

/// The future of an operation that was described, or that could not be.
fn start<O, T>(engine: &Engine, operation: Result<O>) -> IoFuture<Result<T>>
where
    O: Operation<Output = Result<T>>,
    T: Send + 'static,
{
    match operation {
        Ok(operation) => IoFuture::start(engine, operation),
        Err(error) => IoFuture::ready(Err(error)),
    }
}

/// The operations of [`Engine`], as futures. Each is started at once; what prevents that is the output of a future that is
/// ready. See the function of the same name without `async_` for its meaning. Nobody but [`Engine`] can have it.
pub trait AsyncEngine: HasEngine {
    /// Fails at once where it cannot be started: no future is there to own anything, unlike with
    /// [`async_read_at`](AsyncEngine::async_read_at).
    ///
    /// # Safety
    /// As [`Engine::read`]: the memory lives until the operation has ended, which may be after the future was dropped.
    unsafe fn async_read(
        &self,
        fd: impl Descriptor,
        buf: impl Into<BufferRef>,
        len: usize,
        offset: u64,
    ) -> Result<IoFuture<Result<usize>>> {
        IoFuture::try_start(self.engine(), ReadRef(fd.into_fd(), buf.into(), len, offset))
    }
    /// As [`async_read`](AsyncEngine::async_read).
    ///
    /// # Safety
    /// As [`Engine::write`]: the memory lives until the operation has ended, which may be after the future was dropped.
    unsafe fn async_write(
        &self,
        fd: impl Descriptor,
        buf: impl Into<BufferRef>,
        len: usize,
        offset: u64,
    ) -> Result<IoFuture<Result<usize>>> {
        IoFuture::try_start(self.engine(), WriteRef(fd.into_fd(), buf.into(), len, offset))
    }

    fn async_read_at<B: IoBufMut>(&self, fd: &Fd, buf: B, offset: u64) -> IoFuture<(Result<usize>, B)> {
        IoFuture::start(self.engine(), ReadAt(fd.clone(), buf, offset))
    }
    fn async_write_at<B: IoBuf>(&self, fd: &Fd, buf: B, offset: u64) -> IoFuture<(Result<usize>, B)> {
        IoFuture::start(self.engine(), WriteAt(fd.clone(), buf, offset))
    }
    fn async_readv_at<B: IoBufMut>(
        &self,
        fd: &Fd,
        bufs: Vec<B>,
        offset: u64,
    ) -> IoFuture<(Result<usize>, Vec<B>)> {
        IoFuture::start(self.engine(), ReadvAt::new(fd.clone(), bufs, offset))
    }
    fn async_writev_at<B: IoBuf>(
        &self,
        fd: &Fd,
        bufs: Vec<B>,
        offset: u64,
    ) -> IoFuture<(Result<usize>, Vec<B>)> {
        IoFuture::start(self.engine(), WritevAt::new(fd.clone(), bufs, offset))
    }

    /// Reads until all the room of the buffer is filled ([`slice`](IoBuf::slice) it for fewer), by as many reads as that
    /// takes. [`Error::EndOfFile`](crate::Error::EndOfFile): there is not so much; the buffer has what there was.
    ///
    /// ```
    /// # async fn f(engine: aura::Engine, file: aura::Fd) -> aura::Result<()> {
    /// use aura::{async_io::AsyncEngine, IoBuf};
    /// let (result, header) = engine.async_read_exact_at(&file, Vec::with_capacity(512).slice(..16), 0).await;
    /// result?;
    /// assert_eq!(header.into_inner().len(), 16);
    /// # Ok(())
    /// # }
    /// ```
    fn async_read_exact_at<B: IoBufMut>(&self, fd: &Fd, buf: B, offset: u64) -> ReadExactAt<B> {
        ReadExactAt::begin(self.engine(), fd, buf, offset)
    }
    /// Writes until all that is in the buffer is written, by as many writes as that takes.
    fn async_write_all_at<B: IoBuf>(&self, fd: &Fd, buf: B, offset: u64) -> WriteAllAt<B> {
        WriteAllAt::begin(self.engine(), fd, buf, offset)
    }

    fn async_fsync(&self, fd: &Fd) -> IoFuture<Result<()>> {
        IoFuture::start(self.engine(), Fsync(fd.clone()))
    }
    fn async_fdatasync(&self, fd: &Fd) -> IoFuture<Result<()>> {
        IoFuture::start(self.engine(), Fdatasync(fd.clone()))
    }
    fn async_openat(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        options: &OpenOptions,
    ) -> IoFuture<Result<Fd>> {
        start(self.engine(), openat(directory, path.as_ref(), options))
    }
    fn async_close(&self, fd: impl TryInto<OwnedFd>) -> IoFuture<Result<()>> {
        start(self.engine(), close(fd))
    }
    fn async_statx(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        flags: i32,
        mask: u32,
    ) -> IoFuture<Result<Box<sys::statx>>> {
        start(self.engine(), statx(directory, path.as_ref(), flags, mask))
    }
    fn async_renameat(
        &self,
        old_directory: Option<&Fd>,
        old_path: impl AsRef<Path>,
        new_directory: Option<&Fd>,
        new_path: impl AsRef<Path>,
        flags: u32,
    ) -> IoFuture<Result<()>> {
        let operation = renameat(old_directory, old_path.as_ref(), new_directory, new_path.as_ref(), flags);
        start(self.engine(), operation)
    }
    fn async_unlinkat(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        flags: i32,
    ) -> IoFuture<Result<()>> {
        start(self.engine(), unlinkat(directory, path.as_ref(), flags))
    }
    fn async_mkdirat(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        mode: u32,
    ) -> IoFuture<Result<()>> {
        start(self.engine(), mkdirat(directory, path.as_ref(), mode))
    }
    fn async_fallocate(&self, fd: &Fd, mode: i32, offset: u64, len: u64) -> IoFuture<Result<()>> {
        IoFuture::start(self.engine(), Fallocate(fd.clone(), mode, offset, len))
    }
    fn async_ftruncate(&self, fd: &Fd, len: u64) -> IoFuture<Result<()>> {
        IoFuture::start(self.engine(), Ftruncate(fd.clone(), len))
    }
    fn async_sync_file_range(&self, fd: &Fd, offset: u64, len: u64, flags: u32) -> IoFuture<Result<()>> {
        IoFuture::start(self.engine(), SyncFileRange(fd.clone(), offset, len, flags))
    }

    fn async_recv<B: IoBufMut>(&self, fd: &Fd, buf: B, flags: i32) -> IoFuture<(Result<usize>, B)> {
        IoFuture::start(self.engine(), Recv(fd.clone(), buf, flags))
    }
    fn async_send<B: IoBuf>(&self, fd: &Fd, buf: B, flags: i32) -> IoFuture<(Result<usize>, B)> {
        IoFuture::start(self.engine(), SendData(fd.clone(), buf, flags))
    }
    #[allow(clippy::type_complexity)]
    fn async_recv_from<B: IoBufMut>(
        &self,
        fd: &Fd,
        buf: B,
        flags: i32,
    ) -> IoFuture<(Result<(usize, Option<SocketAddr>)>, B)> {
        IoFuture::start(self.engine(), RecvFrom::new(fd.clone(), buf, flags))
    }
    fn async_send_to<B: IoBuf>(
        &self,
        fd: &Fd,
        buf: B,
        address: impl Into<SocketAddress>,
        flags: i32,
    ) -> IoFuture<(Result<usize>, B)> {
        IoFuture::start(self.engine(), SendTo::new(fd.clone(), buf, address.into(), flags))
    }
    fn async_ready(&self, fd: &Fd, events: i16) -> IoFuture<Result<i16>> {
        IoFuture::start(self.engine(), Ready(fd.clone(), events))
    }
    fn async_accept(&self, fd: &Fd) -> IoFuture<Result<(Fd, Option<SocketAddr>)>> {
        IoFuture::start(self.engine(), Accept::new(fd.clone()))
    }
    /// Connections, one after the other; one accept is pending from the first time on that one is waited for.
    fn accepts(&self, fd: &Fd) -> Accepts {
        Accepts::new(self.engine(), fd)
    }
    fn async_connect(&self, fd: &Fd, address: impl Into<SocketAddress>) -> IoFuture<Result<()>> {
        IoFuture::start(self.engine(), Connect(fd.clone(), address.into()))
    }
    fn async_timeout(&self, time: Duration) -> IoFuture<Result<()>> {
        IoFuture::start(self.engine(), Timeout(time))
    }

    /// As [`Engine::request_unregister_buffers`]. Dropping the future changes nothing.
    fn async_unregister_buffers(&self) -> IoFuture<Result<()>> {
        IoFuture::of(|done| self.engine().request_unregister_buffers(done).map_err(Err))
    }
}

impl AsyncEngine for Engine {}

impl RegisteredFiles {
    /// As dropping it; ready when no ring has the table any more. Dropping the future changes nothing.
    pub fn async_unregister(self) -> IoFuture<Result<()>> {
        IoFuture::of(|done| self.end(done).map_err(Err))
    }
}
