//! Sixteen reads in flight, each told to a closure: read_file FILE
use aura::{Engine, Fd};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;

const IN_FLIGHT: u64 = 16;
const SIZE: u64 = 64 * 1024;

/// Starts the read of one piece; its end starts that of the piece sixteen further.
fn read_on(engine: Engine, file: Fd, offset: u64, total: Arc<AtomicUsize>) -> aura::Result<()> {
    let buffer = engine.allocate_buffer(SIZE as usize)?;
    engine.clone().read_at(&file.clone(), buffer, offset, move |result, _buffer| match result {
        Ok(0) => (), // beyond the end
        Ok(count) => {
            total.fetch_add(count, Ordering::Relaxed);
            read_on(engine, file, offset + IN_FLIGHT * SIZE, total).expect("starting a read");
        }
        Err(error) => eprintln!("at {offset}: {error}"),
    })?;
    Ok(())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: read_file FILE")?;
    let (engine, file) = (Engine::new()?, Fd::new(std::fs::File::open(path)?));
    let total = Arc::new(AtomicUsize::new(0));
    for i in 0..IN_FLIGHT {
        read_on(engine.clone(), file.clone(), i * SIZE, total.clone())?;
    }
    engine.drain(None)?;
    println!("{} bytes", total.load(Ordering::Relaxed));
    Ok(())
}
