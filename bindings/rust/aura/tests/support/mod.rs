//! What the tests share.
#![allow(dead_code)]
use aura::{Engine, Fd, Options};
use std::fs::File;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::time::Duration;

pub const EBADF: i32 = libc::EBADF;
pub const EINVAL: i32 = libc::EINVAL;
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A path that nothing has, removed at the end.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new() -> Scratch {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("aura-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        Scratch(Path::new(env!("CARGO_TARGET_TMPDIR")).join(name))
    }
    pub fn with(content: &[u8]) -> Scratch {
        let scratch = Scratch::new();
        std::fs::write(&scratch.0, content).unwrap();
        scratch
    }
    pub fn path(&self) -> &Path {
        &self.0
    }
    pub fn open(&self) -> Fd {
        Fd::new(File::options().read(true).write(true).create(true).truncate(false).open(&self.0).unwrap())
    }
    pub fn content(&self) -> Vec<u8> {
        std::fs::read(&self.0).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

pub fn one_ring() -> Engine {
    Engine::with_options(Options::new().ring_count(1)).unwrap()
}

/// A descriptor that never was one.
pub fn bad_fd() -> Fd {
    // SAFETY: nothing can close it.
    unsafe { Fd::borrow_raw(-1) }
}

pub fn pair() -> (Fd, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    (Fd::new(ours), theirs)
}

/// Where a callback leaves what it was told.
pub struct Outcome<T>(Receiver<T>);

pub fn outcome<T>() -> (Sender<T>, Outcome<T>) {
    let (sender, receiver) = channel();
    (sender, Outcome(receiver))
}

impl<T> Outcome<T> {
    /// Runs callbacks until it is there; it comes once.
    pub fn wait(&self, engine: &Engine) -> T {
        loop {
            if let Ok(value) = self.0.try_recv() {
                assert!(self.0.try_recv().is_err(), "called twice");
                return value;
            }
            assert_ne!(engine.wait(PATIENCE), Ok(0), "nothing is pending");
        }
    }
    pub fn now(&self) -> Option<T> {
        self.0.try_recv().ok()
    }
}

/// Drives the engine until the future is ready.
pub fn wait_for<F: std::future::Future>(engine: &Engine, future: F) -> F::Output {
    struct Nobody;
    impl std::task::Wake for Nobody {
        fn wake(self: std::sync::Arc<Self>) {}
    }
    let waker = std::sync::Arc::new(Nobody).into();
    let mut future = Box::pin(future);
    loop {
        let mut context = std::task::Context::from_waker(&waker);
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        assert_ne!(engine.wait(PATIENCE), Ok(0), "nothing is pending");
    }
}
