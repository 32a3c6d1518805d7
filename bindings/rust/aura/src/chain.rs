//! Operations that run one after the other.
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::fd::Fd;
use crate::io_buf::{IoBuf, IoBufMut};
use crate::operation::{self, Link};
use crate::operations::{files::*, plain::*, vectors::*};
use crate::request::Request;
use crate::shared::EngineRef;
use aura_sys as sys;
use std::os::raw::c_void;

/// Operations that run one after the other: each begins when the one before has succeeded, and read or written
/// everything it was asked to. When one fails, those after it end with [`Error::Cancelled`].
///
/// ```
/// # let path = std::env::temp_dir().join(format!("auraio-chain-{}", std::process::id()));
/// # let file = aura::Fd::new(std::fs::File::create(&path)?);
/// let engine = aura::Engine::new()?;
/// engine
///     .chain()
///     .write_at(&file, b"safe".to_vec(), 0, |result, _buf| assert_eq!(result, Ok(4)))
///     .fsync(&file, |result| assert_eq!(result, Ok(())))
///     .submit()?;
/// engine.drain(None)?;
/// # std::fs::remove_file(path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "nothing is started before submit()"]
pub struct Chain<'e> {
    engine: &'e Engine,
    operations: Vec<sys::aura_op_t>,
    placed: Vec<Placed>,
}

/// What can be done to an operation at its place, whatever its type.
struct Placed {
    lend: unsafe fn(*mut c_void, &EngineRef),
    discard: unsafe fn(*mut c_void),
    #[cfg(feature = "async")]
    refuse: unsafe fn(*mut c_void, Error),
}

impl Engine {
    /// An empty chain.
    pub fn chain(&self) -> Chain<'_> {
        Chain { engine: self, operations: Vec::new(), placed: Vec::new() }
    }
}

unsafe fn discard<O: operation::Operation, F>(user_data: *mut c_void) {
    // Finished so that its buffers are whole again; the closure is not called.
    let (operation, _) = operation::unplace::<O, F>(user_data);
    drop(operation.finish(Err(Error::Cancelled)));
}

#[cfg(feature = "async")]
unsafe fn refuse<O, F>(user_data: *mut c_void, error: Error)
where
    O: operation::Operation,
    F: FnOnce(O::Output),
{
    let (operation, done) = operation::unplace::<O, F>(user_data);
    done(operation.finish(Err(error)));
}

impl<'e> Chain<'e> {
    pub(crate) fn add<O, F>(mut self, operation: O, done: F) -> Self
    where
        O: Link,
        F: FnOnce(O::Output) + Send + 'static,
    {
        let (operation, user_data) = operation::place(operation, done);
        // SAFETY: it stays at its place until it has ended, or is discarded.
        let described = unsafe { O::describe(operation, Some(operation::ended::<O, F>), user_data) };
        self.operations.push(described);
        self.placed.push(Placed {
            lend: operation::lend::<O, F>,
            discard: discard::<O, F>,
            #[cfg(feature = "async")]
            refuse: refuse::<O, F>,
        });
        self
    }

    pub fn read_at<B, F>(self, fd: &Fd, buf: B, offset: u64, done: F) -> Self
    where
        B: IoBufMut,
        F: FnOnce(Result<usize>, B) + Send + 'static,
    {
        self.add(ReadAt(fd.clone(), buf, offset), move |(result, buf)| done(result, buf))
    }
    pub fn write_at<B, F>(self, fd: &Fd, buf: B, offset: u64, done: F) -> Self
    where
        B: IoBuf,
        F: FnOnce(Result<usize>, B) + Send + 'static,
    {
        self.add(WriteAt(fd.clone(), buf, offset), move |(result, buf)| done(result, buf))
    }
    pub fn readv_at<B, F>(self, fd: &Fd, buffers: Vec<B>, offset: u64, done: F) -> Self
    where
        B: IoBufMut,
        F: FnOnce(Result<usize>, Vec<B>) + Send + 'static,
    {
        self.add(ReadvAt::new(fd.clone(), buffers, offset), move |(result, bufs)| done(result, bufs))
    }
    pub fn writev_at<B, F>(self, fd: &Fd, buffers: Vec<B>, offset: u64, done: F) -> Self
    where
        B: IoBuf,
        F: FnOnce(Result<usize>, Vec<B>) + Send + 'static,
    {
        self.add(WritevAt::new(fd.clone(), buffers, offset), move |(result, bufs)| done(result, bufs))
    }
    pub fn fsync<F>(self, fd: &Fd, done: F) -> Self
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.add(Fsync(fd.clone()), done)
    }
    pub fn fdatasync<F>(self, fd: &Fd, done: F) -> Self
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.add(Fdatasync(fd.clone()), done)
    }
    pub fn ftruncate<F>(self, fd: &Fd, len: u64, done: F) -> Self
    where
        F: FnOnce(Result<()>) + Send + 'static,
    {
        self.add(Ftruncate(fd.clone(), len), done)
    }

    /// Starts all of them, or none. The requests are in the order of the operations; each can be cancelled alone.
    ///
    /// # Errors
    /// [`Error::Submission`]: `EINVAL` (the chain is empty, an offset or a count out of range), `EBADF`, `ENOMEM`. The
    /// closures and buffers are dropped then.
    pub fn submit(mut self) -> Result<Vec<Request>> {
        self.launch()
    }

    /// On failure all is as before.
    pub(crate) fn launch(&mut self) -> Result<Vec<Request>> {
        let mut requests = vec![std::ptr::null_mut(); self.operations.len()];
        for (op, placed) in self.operations.iter().zip(&self.placed) {
            // Not before: a chain may be forgotten.
            // SAFETY: placed by add() with the same types.
            unsafe { (placed.lend)(op.user_data, &self.engine.shared) };
        }
        let operations = std::mem::take(&mut self.operations); // theirs from now on

        // SAFETY: both arrays have that many; what the operations name stays at its place.
        let last = unsafe {
            sys::aura_submit_linked(
                self.engine.as_ptr(),
                operations.as_ptr(),
                operations.len(),
                requests.as_mut_ptr(),
            )
        };
        if last.is_null() {
            let error = Error::submission();
            self.operations = operations; // none was started: dropped with self
            return Err(error);
        }
        Ok(requests.into_iter().map(Request::new).collect())
    }

    /// Instead of starting them: the closures are told why.
    #[cfg(feature = "async")]
    pub(crate) fn refuse(&mut self, error: Error) {
        for (op, placed) in std::mem::take(&mut self.operations).iter().zip(&self.placed) {
            // SAFETY: placed by add() with the same types, and not started.
            unsafe { (placed.refuse)(op.user_data, error) };
        }
    }

    #[cfg(feature = "async")]
    pub(crate) fn engine(&self) -> &'e Engine {
        self.engine
    }
}

impl Drop for Chain<'_> {
    fn drop(&mut self) {
        for (op, placed) in self.operations.iter().zip(&self.placed) {
            // SAFETY: placed by add() with the same types, and not started.
            unsafe { (placed.discard)(op.user_data) };
        }
    }
}
