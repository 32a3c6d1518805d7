//! Connections one after the other: accepts PORT [COUNT] greets each, and goes on with std's type.
use aura::async_io::{AsyncEngine, Driver};
use aura::Engine;
use std::net::{TcpListener, TcpStream};

mod block_on;
use block_on::block_on;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let port: u16 = arguments.next().ok_or("usage: accepts PORT [COUNT]")?.parse()?;
    let count = arguments.next().map_or(Ok(usize::MAX), |count| count.parse())?;
    let engine = Engine::new()?;
    let _driver = Driver::spawn(&engine)?;
    block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        println!("{}", listener.local_addr()?);
        let mut accepts = engine.accepts(&listener.into());
        for _ in 0..count {
            let (connection, peer) = accepts.next().await?;
            let (result, _) = engine.async_send(&connection, "hello\n", 0).await;
            println!("{peer:?}: {result:?}");
            // No operation has it any more: it is a stream of std's again.
            let stream = TcpStream::try_from(connection).expect("only ours");
            stream.shutdown(std::net::Shutdown::Write)?;
        }
        Ok(())
    })
}
