//! The futures of aura on tokio: on_tokio FILE. No thread of the engine's own: its descriptor is one more that the
//! runtime waits for, and the task `drive` runs what has completed.
use aura::async_io::AsyncEngine;
use aura::{Engine, Fd};
use std::io;
use std::os::unix::io::{AsRawFd, RawFd};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::io::Interest;

/// What tokio is to wait for.
struct Completions(Engine);

impl AsRawFd for Completions {
    fn as_raw_fd(&self) -> RawFd {
        self.0.poll_fd().expect("it was asked for before").as_raw_fd()
    }
}

/// Runs the engine's callbacks, which wake the tasks that wait for its futures, until it is aborted.
async fn drive(engine: Engine) -> io::Result<()> {
    engine.poll_fd()?;
    let completions = AsyncFd::with_interest(Completions(engine), Interest::READABLE)?;
    loop {
        let mut ready = completions.readable().await?;
        // Until there is nothing more: tokio hears only of what comes new.
        while let Ok(turn) = ready.try_io(|fd| match fd.get_ref().0.poll()? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            callbacks => Ok(callbacks),
        }) {
            turn?;
        }
    }
}

/// Counts the bytes of a file, `at_once` pieces at a time.
async fn count(engine: &Engine, file: &Fd, len: u64, at_once: usize) -> aura::Result<u64> {
    const PIECE: u64 = 64 * 1024;
    let mut pieces = tokio::task::JoinSet::new();
    let (mut offset, mut total) = (0, 0);
    loop {
        while offset < len && pieces.len() < at_once {
            let (engine, file) = (engine.clone(), file.clone());
            pieces.spawn(async move {
                let buffer = engine.allocate_buffer(PIECE as usize)?;
                engine.async_read_at(&file, buffer, offset).await.0
            });
            offset += PIECE;
        }
        match pieces.join_next().await {
            Some(piece) => total += piece.expect("nothing panics there")? as u64,
            None => return Ok(total),
        }
    }
}

async fn run(path: std::ffi::OsString) -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new()?;
    let driver = tokio::spawn(drive(engine.clone()));
    let file = std::fs::File::open(path)?;
    let len = file.metadata()?.len();
    let file = Fd::new(file);
    // A read that loses a race is cancelled; its buffer lives until the kernel is done with it.
    tokio::select! {
        _ = engine.async_timeout(Duration::from_secs(3600)) => unreachable!(),
        _ = tokio::time::sleep(Duration::from_millis(1)) => {}
    }
    let total = count(&engine, &file, len, 16).await?;
    println!("{total} bytes");
    assert_eq!(total, len, "short reads");
    driver.abort();
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: on_tokio FILE")?;
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(path.clone()))?;
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(run(path))
}
