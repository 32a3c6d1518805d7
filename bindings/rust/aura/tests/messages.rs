//! Datagrams with addresses, the readiness of descriptors, and names of files.
mod support;
use aura::{async_io::AsyncEngine, Error, Fd, OpType};
use std::io::Write;
use std::net::UdpSocket;
use support::*;

#[test]
fn a_datagram_comes_with_its_sender() {
    let engine = one_ring();
    let (server, client) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let (to, from) = (server.local_addr().unwrap(), client.local_addr().unwrap());
    let (server, client) = (Fd::new(server), Fd::new(client));
    let (sender, received) = outcome();
    let request = engine
        .recv_from(&server, Vec::with_capacity(16), 0, move |r, buf| sender.send((r, buf)).unwrap())
        .unwrap();
    assert_eq!(request.op_type(), Some(OpType::Recvmsg));
    let sent = engine.async_send_to(&client, b"hello".to_vec(), to, 0);
    assert_eq!(wait_for(&engine, sent).0, Ok(5));
    assert_eq!(received.wait(&engine), (Ok((5, Some(from))), b"hello".to_vec()));
}

#[test]
fn a_datagram_that_was_cut_says_how_long_it_was() {
    let engine = one_ring();
    let (server, client) = (UdpSocket::bind("127.0.0.1:0").unwrap(), UdpSocket::bind("127.0.0.1:0").unwrap());
    client.send_to(b"0123456789", server.local_addr().unwrap()).unwrap();
    let received = engine.async_recv_from(&Fd::new(server), Vec::with_capacity(4), libc::MSG_TRUNC);
    let (result, buf) = wait_for(&engine, received);
    assert_eq!(result, Ok((10, Some(client.local_addr().unwrap()))));
    assert_eq!(&buf[..4], b"0123");
}

#[test]
fn readiness_is_waited_for() {
    let engine = one_ring();
    let (ours, mut theirs) = pair();
    let (sender, ready) = outcome();
    engine.ready(&ours, libc::POLLIN, move |r| sender.send(r).unwrap()).unwrap();
    assert_eq!(wait_for(&engine, engine.async_ready(&ours, libc::POLLOUT)), Ok(libc::POLLOUT));
    assert_eq!(ready.now(), None);
    theirs.write_all(b"x").unwrap();
    assert_eq!(ready.wait(&engine), Ok(libc::POLLIN));
    assert_eq!(engine.ready(&bad_fd(), libc::POLLIN, |_| ()).unwrap_err(), Error::Submission(EBADF));
}

#[test]
fn names_are_made_changed_and_removed() {
    let engine = one_ring();
    let (one, two) = (Scratch::new(), Scratch::new());
    assert_eq!(wait_for(&engine, engine.async_mkdirat(None, one.path(), 0o700)), Ok(()));
    assert_eq!(wait_for(&engine, engine.async_renameat(None, one.path(), None, two.path(), 0)), Ok(()));
    assert!(two.path().is_dir() && !one.path().exists());
    let (sender, removed) = outcome();
    engine.unlinkat(None, two.path(), libc::AT_REMOVEDIR, move |r| sender.send(r).unwrap()).unwrap();
    assert_eq!(removed.wait(&engine), Ok(()));
    assert_eq!(wait_for(&engine, engine.async_unlinkat(None, two.path(), 0)), Err(Error::Io(libc::ENOENT)));
    assert_eq!(engine.mkdirat(None, "a\0b", 0o700, |_| ()).unwrap_err(), Error::Submission(EINVAL));
}
