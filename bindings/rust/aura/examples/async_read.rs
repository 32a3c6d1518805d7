//! Futures without an executor's crate: async_read FILE. The engine has a thread of its own; the main thread polls.
use aura::async_io::{AsyncEngine, Driver};
use aura::{Engine, Fd};
use std::time::Duration;

mod block_on;
use block_on::block_on;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: async_read FILE")?;
    let engine = Engine::new()?;
    let _driver = Driver::spawn(&engine)?;
    block_on(async {
        let file = Fd::new(std::fs::File::open(path)?);
        // A read that nobody waits for is cancelled; its buffer lives until the kernel is done with it.
        drop(engine.async_read_at(&file, vec![0; 4096], 0));

        let (mut buffer, mut offset) = (engine.allocate_buffer(64 * 1024)?, 0);
        loop {
            let (result, same) = engine.async_read_at(&file, buffer, offset).await;
            match result? {
                0 => break,
                count => offset += count as u64,
            }
            buffer = same;
        }
        engine.async_timeout(Duration::from_millis(1)).await?;
        println!("{offset} bytes");
        Ok(())
    })
}
