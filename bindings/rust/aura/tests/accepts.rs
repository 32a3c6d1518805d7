//! Connections one after the other, as futures and as a stream.
mod support;
use aura::async_io::AsyncEngine;
use aura::Fd;
use std::future::Future;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::task::{Context, Wake};
use support::*;

struct Nobody;
impl Wake for Nobody {
    fn wake(self: std::sync::Arc<Self>) {}
}

fn listening() -> (Fd, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    (listener.into(), address)
}

#[test]
fn connections_come_one_after_the_other() {
    let (engine, (listener, address)) = (one_ring(), listening());
    let mut accepts = engine.accepts(&listener);
    for _ in 0..3 {
        let mut client = TcpStream::connect(address).unwrap();
        let (connection, peer) = wait_for(&engine, accepts.next()).unwrap();
        assert_eq!(peer, Some(client.local_addr().unwrap()));
        let (result, _) = wait_for(&engine, engine.async_send(&connection, "hi", 0));
        assert_eq!(result, Ok(2));
        drop(connection);
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hi");
    }
}

#[test]
fn a_future_that_is_dropped_loses_no_connection() {
    let (engine, (listener, address)) = (one_ring(), listening());
    let mut accepts = engine.accepts(&listener);
    let waker = std::sync::Arc::new(Nobody).into();
    assert!(Pin::new(&mut accepts.next()).poll(&mut Context::from_waker(&waker)).is_pending());
    let client = TcpStream::connect(address).unwrap();
    assert_eq!(engine.drain(PATIENCE), Ok(1)); // accepted, and nobody waits
    let (_, peer) = wait_for(&engine, accepts.next()).unwrap();
    assert_eq!(peer, Some(client.local_addr().unwrap()));
}

#[test]
fn nothing_is_pending_when_it_is_dropped() {
    let (engine, (listener, _)) = (one_ring(), listening());
    let mut accepts = engine.accepts(&listener);
    let waker = std::sync::Arc::new(Nobody).into();
    assert!(accepts.poll_accept(&mut Context::from_waker(&waker)).is_pending());
    drop(accepts);
    assert_eq!(engine.drain(PATIENCE), Ok(1));
    assert!(listener.into_owned().is_ok()); // and nothing has the socket
}

#[cfg(feature = "stream")]
#[test]
fn a_stream_of_connections() {
    use futures_core::Stream;
    let (engine, (listener, address)) = (one_ring(), listening());
    let mut accepts = engine.accepts(&listener);
    let client = TcpStream::connect(address).unwrap();
    let next = std::future::poll_fn(|context| Pin::new(&mut accepts).poll_next(context));
    let (_, peer) = wait_for(&engine, next).unwrap().unwrap();
    assert_eq!(peer, Some(client.local_addr().unwrap()));
}
