//! The guide's whole example of a future, with what it leaves to its reader: somebody who drives the engine.
use aura::async_io::Driver;
use std::os::unix::io::{AsRawFd, RawFd};

include!(concat!(env!("GUIDE_AROUND"), "/block_on.rs"));

async fn read(fd: RawFd) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    // guide: before await
    let _driver = Driver::spawn(&engine)?;
    // guide: from await
    Ok(content.to_vec())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = scratch_file();
    assert_eq!(block_on(read(file.as_raw_fd()))?, [b'x'; 4096]);
    Ok(())
}
