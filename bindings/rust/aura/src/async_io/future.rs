//! The future of an operation.
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::operation::{self, Operation};
use crate::request::Request;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

/// What an operation gives when it has ended. It has been started, whether this is polled or not, and keeps its engine
/// alive until it is ready.
///
/// **Dropping it is safe** at any time: the operation is cancelled, and keeps its buffer and its descriptor until it has
/// ended. (`async_read` and `async_write`, which are unsafe, leave the buffer to their caller.) What it had done already
/// is done: data that was read is lost, a connection that was accepted is closed.
#[must_use = "dropping it cancels the operation"]
pub struct IoFuture<T> {
    slot: Arc<Mutex<Slot<T>>>,
    running: Option<(Engine, Request)>, // None once it is ready
}

enum Slot<T> {
    Pending(Option<Waker>),
    Ready(T),
    Taken,
}

fn lock<T>(slot: &Mutex<Slot<T>>) -> MutexGuard<'_, Slot<T>> {
    slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) // nothing that may panic runs under it
}

fn complete<T>(slot: &Mutex<Slot<T>>, output: T) {
    let before = std::mem::replace(&mut *lock(slot), Slot::Ready(output));
    if let Slot::Pending(Some(waker)) = before {
        waker.wake();
    }
}

impl<T: Send + 'static> IoFuture<T> {
    /// Of an operation; ready at once where that cannot be started.
    pub(super) fn start<O: Operation<Output = T>>(engine: &Engine, operation: O) -> IoFuture<T> {
        IoFuture::begin(engine, operation)
            .unwrap_or_else(|(error, operation)| IoFuture::ready(operation.finish(Err(error))))
    }

    /// Fails where it cannot be started.
    pub(super) fn try_start<O: Operation<Output = T>>(engine: &Engine, operation: O) -> Result<IoFuture<T>> {
        IoFuture::begin(engine, operation).map_err(|(error, _)| error)
    }

    fn begin<O: Operation<Output = T>>(
        engine: &Engine,
        operation: O,
    ) -> std::result::Result<IoFuture<T>, (Error, O)> {
        let (mut future, done) = IoFuture::empty();
        let request =
            operation::start(&engine.shared, operation, done).map_err(|(error, op, _)| (error, op))?;
        future.is_of(engine, request);
        Ok(future)
    }

    /// Of an operation that is still to be started, and what is to be called with its output.
    pub(super) fn empty() -> (IoFuture<T>, impl FnOnce(T) + Send) {
        let slot = Arc::new(Mutex::new(Slot::Pending(None)));
        let shared = slot.clone();
        (IoFuture { slot, running: None }, move |output| complete(&shared, output))
    }

    pub(super) fn is_of(&mut self, engine: &Engine, request: Request) {
        self.running = Some((engine.clone(), request));
    }

    /// Of something that `start` starts without a request: it cannot be cancelled.
    pub(super) fn of(
        start: impl FnOnce(Box<dyn FnOnce(T) + Send>) -> std::result::Result<(), T>,
    ) -> IoFuture<T> {
        let (future, done) = IoFuture::empty();
        match start(Box::new(done)) {
            Ok(()) => future,
            Err(output) => IoFuture::ready(output),
        }
    }

    pub(super) fn ready(output: T) -> IoFuture<T> {
        IoFuture { slot: Arc::new(Mutex::new(Slot::Ready(output))), running: None }
    }
}

impl<T> IoFuture<T> {
    /// Asks the operation to end early: the future becomes ready all the same, with [`Error::Cancelled`] or with what came
    /// first, and the buffer.
    ///
    /// # Errors
    /// [`Error::Ended`], `ENOMEM`.
    pub fn cancel(&self) -> Result<()> {
        match &self.running {
            Some((engine, request)) => engine.cancel(*request),
            None => Err(Error::Ended),
        }
    }

    /// For the introspection of the operation; None when it was not started, or the output has been taken.
    pub fn request(&self) -> Option<Request> {
        self.running.as_ref().map(|(_, request)| *request)
    }
}

impl<T> Future for IoFuture<T> {
    type Output = T;

    /// Panics when it is polled after it was ready, as futures may.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut replaced = None; // dropped when the lock is gone: a waker may do anything then
        let output = {
            let mut slot = lock(&self.slot);
            match std::mem::replace(&mut *slot, Slot::Taken) {
                Slot::Ready(output) => Some(output),
                Slot::Pending(waker) => {
                    let waker = match waker {
                        Some(waker) if waker.will_wake(context.waker()) => waker,
                        other => {
                            replaced = other;
                            context.waker().clone()
                        }
                    };
                    *slot = Slot::Pending(Some(waker));
                    None
                }
                Slot::Taken => panic!("polled after it was ready"),
            }
        };
        drop(replaced);
        match output {
            Some(output) => {
                self.running = None;
                Poll::Ready(output)
            }
            None => Poll::Pending,
        }
    }
}

// Nothing is pinned: the operation is elsewhere.
impl<T> Unpin for IoFuture<T> {}

impl<T> Drop for IoFuture<T> {
    fn drop(&mut self) {
        // Ended already, or it will end by itself when there is no memory to cancel it.
        let _ = self.cancel();
    }
}

impl<T> std::fmt::Debug for IoFuture<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IoFuture").field("request", &self.request()).finish_non_exhaustive()
    }
}
