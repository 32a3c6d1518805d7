//! Operations that run one after the other, as one future.
use super::IoFuture;
use crate::chain::Chain;
use crate::engine::Engine;
use crate::error::Result;
use crate::fd::Fd;
use crate::io_buf::{IoBuf, IoBufMut};
use crate::operation::Link as Linked;
use crate::operations::{files::*, plain::*, vectors::*};
use crate::request::Request;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A [`Chain`] whose outputs are those of one future: a tuple, in the order of the operations. Eight at most;
/// [`Engine::chain`] has no limit.
///
/// ```
/// # async fn f(engine: aura::Engine, file: aura::Fd) -> aura::Result<()> {
/// let ((written, _buf), synced) =
///     engine.link().write(&file, "safe", 0).fsync(&file).submit_async().await;
/// assert_eq!(written?, 4);
/// synced
/// # }
/// ```
#[must_use = "nothing is started before submit_async()"]
pub struct Link<'e, T> {
    chain: Chain<'e>,
    steps: T,
}

impl Engine {
    /// An empty chain of operations that become one future.
    pub fn link(&self) -> Link<'_, ()> {
        Link { chain: self.chain(), steps: () }
    }
}

impl<'e, T> Link<'e, T> {
    fn add<O>(self, operation: O) -> Link<'e, T::Longer>
    where
        O: Linked,
        O::Output: Send + 'static,
        T: Append<O::Output>,
    {
        let (future, done) = IoFuture::empty();
        let steps = self.steps.append(Step { future, output: None });
        Link { chain: self.chain.add(operation, done), steps }
    }

    /// As [`Engine::read_at`], of all the room there is: fewer bytes end the chain.
    pub fn read<B: IoBufMut>(self, fd: &Fd, buf: B, offset: u64) -> Link<'e, T::Longer>
    where
        T: Append<(Result<usize>, B)>,
    {
        self.add(ReadAt(fd.clone(), buf, offset))
    }
    /// As [`Engine::write_at`], of all there is.
    pub fn write<B: IoBuf>(self, fd: &Fd, buf: B, offset: u64) -> Link<'e, T::Longer>
    where
        T: Append<(Result<usize>, B)>,
    {
        self.add(WriteAt(fd.clone(), buf, offset))
    }
    /// As [`Engine::readv_at`].
    pub fn readv<B: IoBufMut>(self, fd: &Fd, buffers: Vec<B>, offset: u64) -> Link<'e, T::Longer>
    where
        T: Append<(Result<usize>, Vec<B>)>,
    {
        self.add(ReadvAt::new(fd.clone(), buffers, offset))
    }
    /// As [`Engine::writev_at`].
    pub fn writev<B: IoBuf>(self, fd: &Fd, buffers: Vec<B>, offset: u64) -> Link<'e, T::Longer>
    where
        T: Append<(Result<usize>, Vec<B>)>,
    {
        self.add(WritevAt::new(fd.clone(), buffers, offset))
    }
    pub fn fsync(self, fd: &Fd) -> Link<'e, T::Longer>
    where
        T: Append<Result<()>>,
    {
        self.add(Fsync(fd.clone()))
    }
    pub fn fdatasync(self, fd: &Fd) -> Link<'e, T::Longer>
    where
        T: Append<Result<()>>,
    {
        self.add(Fdatasync(fd.clone()))
    }
    pub fn ftruncate(self, fd: &Fd, len: u64) -> Link<'e, T::Longer>
    where
        T: Append<Result<()>>,
    {
        self.add(Ftruncate(fd.clone(), len))
    }

    /// Starts all of them, or none. When it is none, each output says why and has its buffer.
    pub fn submit_async(self) -> LinkFuture<T>
    where
        T: Steps,
    {
        let Link { mut chain, mut steps } = self;
        match chain.launch() {
            Ok(requests) => steps.started(chain.engine(), &requests),
            Err(error) => chain.refuse(error),
        }
        LinkFuture(steps)
    }
}

/// The outputs of a [`Link`]'s operations, when all have ended. Dropping it is safe, as with an [`IoFuture`]: it cancels
/// them all.
#[must_use = "dropping it cancels the operations"]
pub struct LinkFuture<T>(T);

impl<T: Steps + Unpin> Future for LinkFuture<T> {
    type Output = T::Outputs;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T::Outputs> {
        self.0.poll(context)
    }
}

/// One operation of a chain; its output, once that has been seen.
pub struct Step<T> {
    future: IoFuture<T>,
    output: Option<T>,
}

impl<T> Step<T> {
    fn is_ready(&mut self, context: &mut Context<'_>) -> bool {
        if self.output.is_none() {
            match Pin::new(&mut self.future).poll(context) {
                Poll::Ready(output) => self.output = Some(output),
                Poll::Pending => return false,
            }
        }
        true
    }

    fn take(&mut self) -> T {
        self.output.take().expect("ready, and polled once after that")
    }
}

// Nothing is pinned: the operation is elsewhere.
impl<T> Unpin for Step<T> {}

/// Steps to which one more can be added.
pub trait Append<T> {
    type Longer;
    fn append(self, step: Step<T>) -> Self::Longer;
}

/// All steps of a chain.
pub trait Steps {
    type Outputs;
    fn started(&mut self, engine: &Engine, requests: &[Request]);
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Self::Outputs>;
}

impl<T> Append<T> for () {
    type Longer = (Step<T>,);
    fn append(self, step: Step<T>) -> (Step<T>,) {
        (step,)
    }
}

macro_rules! append {
    ($($name:ident $index:tt),*) => {
        impl<$($name,)* Next> Append<Next> for ($(Step<$name>,)*) {
            type Longer = ($(Step<$name>,)* Step<Next>,);
            fn append(self, step: Step<Next>) -> Self::Longer {
                ($(self.$index,)* step,)
            }
        }
    };
}

/// With the operations from the last to the first: the last one ends last, so that mostly its waker is the only one.
macro_rules! steps {
    ($($name:ident $index:tt),* from the end $($backwards:tt)*) => {
        impl<$($name: Send + 'static),*> Steps for ($(Step<$name>,)*) {
            type Outputs = ($($name,)*);
            fn started(&mut self, engine: &Engine, requests: &[Request]) {
                $(self.$index.future.is_of(engine, requests[$index]);)*
            }
            fn poll(&mut self, context: &mut Context<'_>) -> Poll<Self::Outputs> {
                $(if !self.$backwards.is_ready(context) {
                    return Poll::Pending;
                })*
                Poll::Ready(($(self.$index.take(),)*))
            }
        }
    };
}
append!(A 0);
append!(A 0, B 1);
append!(A 0, B 1, C 2);
append!(A 0, B 1, C 2, D 3);
append!(A 0, B 1, C 2, D 3, E 4);
append!(A 0, B 1, C 2, D 3, E 4, F 5);
append!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
steps!(A 0 from the end 0);
steps!(A 0, B 1 from the end 1 0);
steps!(A 0, B 1, C 2 from the end 2 1 0);
steps!(A 0, B 1, C 2, D 3 from the end 3 2 1 0);
steps!(A 0, B 1, C 2, D 3, E 4 from the end 4 3 2 1 0);
steps!(A 0, B 1, C 2, D 3, E 4, F 5 from the end 5 4 3 2 1 0);
steps!(A 0, B 1, C 2, D 3, E 4, F 5, G 6 from the end 6 5 4 3 2 1 0);
steps!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7 from the end 7 6 5 4 3 2 1 0);
