//! The guide's read with a callback, of a file and of a pipe that is empty for longer than its loop waits in one round.
use aura::{Engine, Fd};
use std::io::Write;
use std::os::unix::io::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

include!(concat!(env!("GUIDE_AROUND"), "/block_on.rs"));

fn by_number(fd: RawFd) -> aura::Result<Vec<u8>> {
    // guide: all
    Ok(buf.as_slice().to_vec())
}

fn by_fd(fd: &Fd) -> aura::Result<Vec<u8>> {
    // guide: all
    Ok(buf.as_slice().to_vec())
}

fn main() -> aura::Result<()> {
    let file = scratch_file();
    assert_eq!(by_number(file.as_raw_fd())?, [b'x'; 4096]);
    assert_eq!(by_fd(&file.into())?, [b'x'; 4096]);

    // That the time is over is no error: the loop goes on.
    let other = Engine::new()?;
    let (mut late, ours) = UnixStream::pair().unwrap();
    other.timeout(Duration::from_millis(250), move |_| late.write_all(b"late").unwrap())?;
    let writer = std::thread::spawn(move || other.drain(None));
    assert!(by_number(ours.as_raw_fd())?.starts_with(b"late\0"));
    writer.join().unwrap()?;
    Ok(())
}
