//! The futures of aura on an executor that waits for no descriptor: on_futures FILE. A `Driver` thread runs the engine.
use aura::async_io::{AsyncEngine, Driver};
use aura::{Engine, Fd};
use futures_util::stream::{FuturesUnordered, StreamExt};

const PIECE: u64 = 64 * 1024;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: on_futures FILE")?;
    let engine = Engine::new()?;
    let _driver = Driver::spawn(&engine)?;
    let file = std::fs::File::open(path)?;
    let len = file.metadata()?.len();
    let file = Fd::new(file);
    let total = futures_executor::block_on(async {
        let mut reads = FuturesUnordered::new(); // all at once: more than a few hundred wait in the library
        for offset in (0..len).step_by(PIECE as usize) {
            reads.push(engine.async_read_at(&file, vec![0; PIECE as usize], offset));
        }
        let mut total = 0;
        while let Some((result, _)) = reads.next().await {
            total += result? as u64;
        }
        aura::Result::Ok(total)
    })?;
    println!("{total} bytes");
    assert_eq!(total, len, "short reads");
    Ok(())
}
