//! A chain as one future: linked FILE appends a record to a journal, and says when it is safe.
use aura::async_io::{AsyncEngine, Driver};
use aura::{Engine, OpenOptions};

mod block_on;
use block_on::block_on;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: linked FILE")?;
    let engine = Engine::new()?;
    let _driver = Driver::spawn(&engine)?;
    block_on(async {
        let file = engine.async_openat(None, &path, OpenOptions::new().create(true).write(true)).await?;
        let end = engine.async_statx(None, &path, 0, libc::STATX_SIZE).await?.stx_size;
        // The record is on the device before the mark that says so is written.
        let (record, ..) = engine
            .link()
            .write(&file, "one record", end)
            .fdatasync(&file)
            .write(&file, "\n", end + 10)
            .fdatasync(&file)
            .submit_async()
            .await;
        println!("{} bytes at {end}", record.0?);
        engine.async_close(file).await?; // tells of what a drop would hide
        Ok(())
    })
}
