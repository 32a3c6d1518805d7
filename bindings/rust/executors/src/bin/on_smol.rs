//! The futures of aura on smol: on_smol FILE. As on_tokio: the engine's descriptor is one more that the runtime waits for.
use aura::async_io::AsyncEngine;
use aura::{Engine, Fd};
use smol::Async;
use std::os::unix::io::{AsRawFd, RawFd};

struct Completions(Engine);

impl AsRawFd for Completions {
    fn as_raw_fd(&self) -> RawFd {
        self.0.poll_fd().expect("it was asked for before").as_raw_fd()
    }
}

/// Runs the engine's callbacks, which wake the tasks that wait for its futures, until it is dropped.
async fn drive(engine: Engine) -> std::io::Result<()> {
    engine.poll_fd()?;
    let completions = Async::new(Completions(engine))?;
    loop {
        completions.readable().await?; // level-triggered: one turn at a time will do
        completions.get_ref().0.poll()?;
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: on_smol FILE")?;
    let engine = Engine::new()?;
    let executor = smol::LocalExecutor::new();
    let _driver = executor.spawn(drive(engine.clone()));
    smol::block_on(executor.run(async {
        let file = Fd::new(std::fs::File::open(path)?);
        let (mut buffer, mut offset) = (engine.allocate_buffer(64 * 1024)?, 0);
        loop {
            let (result, same) = engine.async_read_at(&file, buffer, offset).await;
            match result? {
                0 => break,
                count => offset += count as u64,
            }
            buffer = same;
        }
        println!("{offset} bytes");
        Ok(())
    }))
}
