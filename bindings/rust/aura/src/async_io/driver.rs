//! A thread that runs an engine, for executors that know nothing of it.
use crate::engine::Engine;
use crate::error::{Error, Result};
use std::io;
use std::os::unix::io::AsRawFd;
use std::os::unix::net::UnixStream;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::thread::{self, JoinHandle};

/// A thread that waits for the engine's [descriptor](Engine::poll_fd) and runs what has completed, until the driver is
/// dropped. Other threads may drive the same engine; they are not disturbed by its end. A thread of your own in
/// [`Engine::run`] saves a system call per turn.
///
/// A panic in a callback ends that callback, and not the driver. Dropping the driver waits for the callbacks it is in;
/// dropped inside one, it does not wait.
#[derive(Debug)]
pub struct Driver {
    stop: Option<UnixStream>, // the thread ends when this is closed
    thread: Option<JoinHandle<Result<()>>>,
}

impl Driver {
    /// # Errors
    /// Those of [`Engine::poll_fd`], of making a socket pair, and of starting a thread.
    pub fn spawn(engine: &Engine) -> io::Result<Driver> {
        engine.poll_fd()?;
        let (stop, stopped) = UnixStream::pair()?;
        let engine = engine.clone();
        let thread =
            thread::Builder::new().name("auraio-driver".into()).spawn(move || drive(&engine, &stopped))?;
        Ok(Driver { stop: Some(stop), thread: Some(thread) })
    }

    /// As dropping it, and tells why the engine could not go on, if that was so.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        drop(self.stop.take());
        match self.thread.take() {
            Some(thread) if thread.thread().id() != thread::current().id() => {
                thread.join().unwrap_or_else(|payload| std::panic::resume_unwind(payload))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.end();
    }
}

fn drive(engine: &Engine, stopped: &UnixStream) -> Result<()> {
    let descriptor = engine.poll_fd()?.as_raw_fd();
    loop {
        let entry = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let mut fds = [entry(descriptor), entry(stopped.as_raw_fd())];
        // SAFETY: there are two.
        if unsafe { libc::poll(fds.as_mut_ptr(), 2, -1) } < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(Error::Io(error.raw_os_error().unwrap_or(0)));
            }
            continue; // a completion may do this: the descriptor is readable then
        }
        if fds[1].revents != 0 {
            return Ok(());
        }
        // The panic hook has told what a callback had to say.
        match catch_unwind(AssertUnwindSafe(|| engine.poll())) {
            Ok(turn) => turn.map(|_| ())?,
            Err(payload) => crate::panics::discard(payload),
        }
    }
}
