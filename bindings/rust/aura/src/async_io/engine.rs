//! The operations of an engine, as futures.
use super::IoFuture;
use crate::buffer::BufferRef;
use crate::callbacks::{mkdirat, openat, renameat, statx, unlinkat};
use crate::engine::Engine;
use crate::error::Result;
use crate::fd::Fd;
use crate::io_buf::{IoBuf, IoBufMut};
use crate::open_options::OpenOptions;
use crate::operations::sockets::Send as SendOperation;
use crate::operations::{files::*, messages::*, plain::*, sockets::*, vectors::*};
use crate::registered_files::RegisteredFiles;
use crate::socket_address::SocketAddress;
use aura_sys as sys;
use std::net::SocketAddr;
use std::os::unix::io::OwnedFd;
use std::path::Path;
use std::time::Duration;

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::Engine {}
}

/// The operations of [`Engine`], as futures. Each is started at once; what prevents that is the output of a future that is
/// ready. See the function of the same name without `async_` for its meaning.
pub trait AsyncEngine: sealed::Sealed {
    /// # Safety
    /// As [`Engine::read`]: the memory lives until the operation has ended, which may be after the future was dropped.
    unsafe fn async_read(
        &self,
        fd: &Fd,
        buf: impl Into<BufferRef>,
        len: usize,
        offset: u64,
    ) -> IoFuture<Result<usize>>;
    /// # Safety
    /// As [`Engine::write`]: the memory lives until the operation has ended, which may be after the future was dropped.
    unsafe fn async_write(
        &self,
        fd: &Fd,
        buf: impl Into<BufferRef>,
        len: usize,
        offset: u64,
    ) -> IoFuture<Result<usize>>;

    fn async_read_at<B: IoBufMut>(&self, fd: &Fd, buf: B, offset: u64) -> IoFuture<(Result<usize>, B)>;
    fn async_write_at<B: IoBuf>(&self, fd: &Fd, buf: B, offset: u64) -> IoFuture<(Result<usize>, B)>;
    fn async_readv_at<B: IoBufMut>(
        &self,
        fd: &Fd,
        bufs: Vec<B>,
        offset: u64,
    ) -> IoFuture<(Result<usize>, Vec<B>)>;
    fn async_writev_at<B: IoBuf>(
        &self,
        fd: &Fd,
        bufs: Vec<B>,
        offset: u64,
    ) -> IoFuture<(Result<usize>, Vec<B>)>;

    fn async_fsync(&self, fd: &Fd) -> IoFuture<Result<()>>;
    fn async_fdatasync(&self, fd: &Fd) -> IoFuture<Result<()>>;
    fn async_openat(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        options: &OpenOptions,
    ) -> IoFuture<Result<OwnedFd>>;
    fn async_close(&self, fd: impl Into<OwnedFd>) -> IoFuture<Result<()>>;
    fn async_statx(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        flags: i32,
        mask: u32,
    ) -> IoFuture<Result<Box<sys::statx>>>;
    fn async_renameat(
        &self,
        old_directory: Option<&Fd>,
        old_path: impl AsRef<Path>,
        new_directory: Option<&Fd>,
        new_path: impl AsRef<Path>,
        flags: u32,
    ) -> IoFuture<Result<()>>;
    fn async_unlinkat(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        flags: i32,
    ) -> IoFuture<Result<()>>;
    fn async_mkdirat(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        mode: u32,
    ) -> IoFuture<Result<()>>;
    fn async_fallocate(&self, fd: &Fd, mode: i32, offset: u64, len: u64) -> IoFuture<Result<()>>;
    fn async_ftruncate(&self, fd: &Fd, len: u64) -> IoFuture<Result<()>>;
    fn async_sync_file_range(&self, fd: &Fd, offset: u64, len: u64, flags: u32) -> IoFuture<Result<()>>;

    fn async_recv<B: IoBufMut>(&self, fd: &Fd, buf: B, flags: i32) -> IoFuture<(Result<usize>, B)>;
    fn async_send<B: IoBuf>(&self, fd: &Fd, buf: B, flags: i32) -> IoFuture<(Result<usize>, B)>;
    #[allow(clippy::type_complexity)]
    fn async_recv_from<B: IoBufMut>(
        &self,
        fd: &Fd,
        buf: B,
        flags: i32,
    ) -> IoFuture<(Result<(usize, Option<SocketAddr>)>, B)>;
    fn async_send_to<B: IoBuf>(
        &self,
        fd: &Fd,
        buf: B,
        address: impl Into<SocketAddress>,
        flags: i32,
    ) -> IoFuture<(Result<usize>, B)>;
    fn async_ready(&self, fd: &Fd, events: i16) -> IoFuture<Result<i16>>;
    fn async_accept(&self, fd: &Fd) -> IoFuture<Result<(OwnedFd, Option<SocketAddr>)>>;
    fn async_connect(&self, fd: &Fd, address: impl Into<SocketAddress>) -> IoFuture<Result<()>>;
    fn async_timeout(&self, time: Duration) -> IoFuture<Result<()>>;

    /// As [`Engine::request_unregister_buffers`]. Dropping the future changes nothing.
    fn async_unregister_buffers(&self) -> IoFuture<Result<()>>;
}

impl RegisteredFiles {
    /// As dropping it; ready when no ring has the table any more. Dropping the future changes nothing.
    pub fn async_unregister(self) -> IoFuture<Result<()>> {
        IoFuture::of(|done| self.end(done).map_err(Err))
    }
}

impl AsyncEngine for Engine {
    unsafe fn async_read(
        &self,
        fd: &Fd,
        buf: impl Into<BufferRef>,
        len: usize,
        offset: u64,
    ) -> IoFuture<Result<usize>> {
        IoFuture::start(self, ReadRef(fd.clone(), buf.into(), len, offset))
    }
    unsafe fn async_write(
        &self,
        fd: &Fd,
        buf: impl Into<BufferRef>,
        len: usize,
        offset: u64,
    ) -> IoFuture<Result<usize>> {
        IoFuture::start(self, WriteRef(fd.clone(), buf.into(), len, offset))
    }

    fn async_read_at<B: IoBufMut>(&self, fd: &Fd, buf: B, offset: u64) -> IoFuture<(Result<usize>, B)> {
        IoFuture::start(self, ReadAt(fd.clone(), buf, offset))
    }
    fn async_write_at<B: IoBuf>(&self, fd: &Fd, buf: B, offset: u64) -> IoFuture<(Result<usize>, B)> {
        IoFuture::start(self, WriteAt(fd.clone(), buf, offset))
    }
    fn async_readv_at<B: IoBufMut>(
        &self,
        fd: &Fd,
        bufs: Vec<B>,
        offset: u64,
    ) -> IoFuture<(Result<usize>, Vec<B>)> {
        IoFuture::start(self, ReadvAt::new(fd.clone(), bufs, offset))
    }
    fn async_writev_at<B: IoBuf>(
        &self,
        fd: &Fd,
        bufs: Vec<B>,
        offset: u64,
    ) -> IoFuture<(Result<usize>, Vec<B>)> {
        IoFuture::start(self, WritevAt::new(fd.clone(), bufs, offset))
    }

    fn async_fsync(&self, fd: &Fd) -> IoFuture<Result<()>> {
        IoFuture::start(self, Fsync(fd.clone()))
    }
    fn async_fdatasync(&self, fd: &Fd) -> IoFuture<Result<()>> {
        IoFuture::start(self, Fdatasync(fd.clone()))
    }
    fn async_openat(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        options: &OpenOptions,
    ) -> IoFuture<Result<OwnedFd>> {
        match openat(directory, path.as_ref(), options) {
            Ok(operation) => IoFuture::start(self, operation),
            Err(error) => IoFuture::ready(Err(error)),
        }
    }
    fn async_close(&self, fd: impl Into<OwnedFd>) -> IoFuture<Result<()>> {
        IoFuture::start(self, Close(Some(fd.into())))
    }
    fn async_statx(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        flags: i32,
        mask: u32,
    ) -> IoFuture<Result<Box<sys::statx>>> {
        match statx(directory, path.as_ref(), flags, mask) {
            Ok(operation) => IoFuture::start(self, operation),
            Err(error) => IoFuture::ready(Err(error)),
        }
    }
    fn async_renameat(
        &self,
        old_directory: Option<&Fd>,
        old_path: impl AsRef<Path>,
        new_directory: Option<&Fd>,
        new_path: impl AsRef<Path>,
        flags: u32,
    ) -> IoFuture<Result<()>> {
        match renameat(old_directory, old_path.as_ref(), new_directory, new_path.as_ref(), flags) {
            Ok(operation) => IoFuture::start(self, operation),
            Err(error) => IoFuture::ready(Err(error)),
        }
    }
    fn async_unlinkat(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        flags: i32,
    ) -> IoFuture<Result<()>> {
        match unlinkat(directory, path.as_ref(), flags) {
            Ok(operation) => IoFuture::start(self, operation),
            Err(error) => IoFuture::ready(Err(error)),
        }
    }
    fn async_mkdirat(
        &self,
        directory: Option<&Fd>,
        path: impl AsRef<Path>,
        mode: u32,
    ) -> IoFuture<Result<()>> {
        match mkdirat(directory, path.as_ref(), mode) {
            Ok(operation) => IoFuture::start(self, operation),
            Err(error) => IoFuture::ready(Err(error)),
        }
    }
    fn async_fallocate(&self, fd: &Fd, mode: i32, offset: u64, len: u64) -> IoFuture<Result<()>> {
        IoFuture::start(self, Fallocate(fd.clone(), mode, offset, len))
    }
    fn async_ftruncate(&self, fd: &Fd, len: u64) -> IoFuture<Result<()>> {
        IoFuture::start(self, Ftruncate(fd.clone(), len))
    }
    fn async_sync_file_range(&self, fd: &Fd, offset: u64, len: u64, flags: u32) -> IoFuture<Result<()>> {
        IoFuture::start(self, SyncFileRange(fd.clone(), offset, len, flags))
    }

    fn async_recv<B: IoBufMut>(&self, fd: &Fd, buf: B, flags: i32) -> IoFuture<(Result<usize>, B)> {
        IoFuture::start(self, Recv(fd.clone(), buf, flags))
    }
    fn async_send<B: IoBuf>(&self, fd: &Fd, buf: B, flags: i32) -> IoFuture<(Result<usize>, B)> {
        IoFuture::start(self, SendOperation(fd.clone(), buf, flags))
    }
    fn async_recv_from<B: IoBufMut>(
        &self,
        fd: &Fd,
        buf: B,
        flags: i32,
    ) -> IoFuture<(Result<(usize, Option<SocketAddr>)>, B)> {
        IoFuture::start(self, RecvFrom::new(fd.clone(), buf, flags))
    }
    fn async_send_to<B: IoBuf>(
        &self,
        fd: &Fd,
        buf: B,
        address: impl Into<SocketAddress>,
        flags: i32,
    ) -> IoFuture<(Result<usize>, B)> {
        IoFuture::start(self, SendTo::new(fd.clone(), buf, address.into(), flags))
    }
    fn async_ready(&self, fd: &Fd, events: i16) -> IoFuture<Result<i16>> {
        IoFuture::start(self, Ready(fd.clone(), events))
    }
    fn async_accept(&self, fd: &Fd) -> IoFuture<Result<(OwnedFd, Option<SocketAddr>)>> {
        IoFuture::start(self, Accept::new(fd.clone()))
    }
    fn async_connect(&self, fd: &Fd, address: impl Into<SocketAddress>) -> IoFuture<Result<()>> {
        IoFuture::start(self, Connect(fd.clone(), address.into()))
    }
    fn async_timeout(&self, time: Duration) -> IoFuture<Result<()>> {
        IoFuture::start(self, Timeout(time))
    }

    fn async_unregister_buffers(&self) -> IoFuture<Result<()>> {
        IoFuture::of(|done| self.request_unregister_buffers(done).map_err(Err))
    }
}
