//! The guide's read as a future, for a descriptor's number, for a reference to the crate's `Fd`, and for one that is closed.
use aura::async_io::Driver;
use aura::{Buffer, Error, Fd};
use std::os::unix::io::{AsRawFd, RawFd};

include!(concat!(env!("GUIDE_AROUND"), "/block_on.rs"));

async fn by_number(engine: &aura::Engine, fd: RawFd, buf: Buffer) -> aura::Result<(usize, Buffer)> {
    // guide: all
    let _: &Engine = engine;
    Ok((n, buf))
}

async fn by_fd(engine: &aura::Engine, fd: &Fd, buf: Buffer) -> aura::Result<(usize, Buffer)> {
    // guide: all
    let _: &Engine = engine;
    Ok((n, buf))
}

fn main() -> aura::Result<()> {
    let engine = aura::Engine::new()?;
    let _driver = Driver::spawn(&engine).unwrap();
    let file = scratch_file();
    for number in [true, false] {
        let buf = engine.allocate_buffer(4096)?;
        let (n, buf) = if number {
            block_on(by_number(&engine, file.as_raw_fd(), buf))?
        } else {
            block_on(by_fd(&engine, &file.try_clone().unwrap().into(), buf))?
        };
        assert_eq!(n, 4096);
        assert_eq!(buf.as_slice(), [b'x'; 4096]);
    }
    // What prevents a start is the first `?`'s.
    let refused = block_on(by_number(&engine, -1, engine.allocate_buffer(4096)?)).unwrap_err();
    assert!(matches!(refused, Error::Submission(9)), "{refused:?}");
    Ok(())
}
