//! Exactly so many bytes: exact FROM TO copies the first 64 bytes of a file, or says that it has fewer.
use aura::async_io::{AsyncEngine, Driver};
use aura::{Engine, Error, Fd, IoBuf};
use std::fs::File;

mod block_on;
use block_on::block_on;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = std::env::args_os().skip(1);
    let (from, to) = paths.next().zip(paths.next()).ok_or("usage: exact FROM TO")?;
    let engine = Engine::new()?;
    let _driver = Driver::spawn(&engine)?;
    block_on(async {
        let (from, to) = (Fd::new(File::open(from)?), Fd::new(File::create(to)?));
        // A part of what the vector has room for; nothing is zeroed before.
        let part = Vec::with_capacity(4096).slice(..64);
        let (result, part) = engine.async_read_exact_at(&from, part, 0).await;
        let bytes = part.into_inner();
        if result == Err(Error::EndOfFile) {
            println!("only {} bytes", bytes.len());
        } else {
            result?;
        }
        let (result, _) = engine.async_write_all_at(&to, bytes, 0).await;
        Ok(result?)
    })
}
