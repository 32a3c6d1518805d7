//! Operations on sockets, and timers.
mod support;
use aura::{Error, Fd, OpType, SocketAddress};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::io::AsRawFd;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::*;

#[test]
fn accept_and_connect_over_tcp() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let engine = one_ring();
        let listener = match TcpListener::bind(local) {
            Ok(listener) => listener,
            Err(error) => {
                eprintln!("SKIPPED: {local}: {error}");
                continue;
            }
        };
        let address = listener.local_addr().unwrap();
        let listener = Fd::new(listener);
        let (sender, accepted) = outcome();
        let request = engine.accept(&listener, move |r| sender.send(r).unwrap()).unwrap();
        assert_eq!(request.op_type(), Some(OpType::Accept));
        let client = Fd::stream_socket(&address.into()).unwrap();
        engine.connect(&client, address, |r| assert_eq!(r, Ok(()))).unwrap();
        let (server, peer) = accepted.wait(&engine).unwrap();
        engine.drain(PATIENCE).unwrap();
        let client = TcpStream::try_from(client).unwrap();
        assert_eq!(peer, Some(client.local_addr().unwrap()));
        (&client).write_all(b"hello").unwrap();
        let mut got = [0; 5];
        TcpStream::try_from(server).unwrap().read_exact(&mut got).unwrap();
        assert_eq!(&got, b"hello");
    }
}

#[test]
fn unix_sockets() {
    let (engine, path) = (one_ring(), Scratch::new());
    // Relative: the whole path may be too long for an address.
    let name = format!("s-{}", std::process::id());
    let path = path.path().with_file_name(&name);
    if path.as_os_str().len() > 107 {
        return eprintln!("SKIPPED: {} is too long", path.display());
    }
    let listener = Fd::new(UnixListener::bind(&path).unwrap());
    let address = SocketAddress::unix(&path).unwrap();
    let client = Fd::stream_socket(&address).unwrap();
    let (sender, accepted) = outcome();
    engine.accept(&listener, move |r| sender.send(r.map(|(_, peer)| peer)).unwrap()).unwrap();
    engine.connect(&client, address, |r| assert_eq!(r, Ok(()))).unwrap();
    assert_eq!(accepted.wait(&engine), Ok(None));
    engine.drain(PATIENCE).unwrap();
    std::fs::remove_file(path).unwrap();
}

/// An accept that waits does not hold the socket, whose last owner closes it.
#[test]
fn closing_a_listener_frees_its_port_at_once() {
    let engine = one_ring();
    for _ in 0..10 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        // SAFETY: it is open until the close below, which ends what is pending.
        let borrowed = unsafe { Fd::borrow_raw(listener.as_raw_fd()) };
        let (sender, accepted) = outcome();
        engine.accept(&borrowed, move |r| sender.send(r.map(|_| ())).unwrap()).unwrap();
        for _ in 0..8 {
            engine.poll().unwrap(); // it has been tried and waits
        }
        let (sender, closed) = outcome();
        engine.close(listener, move |r| sender.send(r).unwrap()).unwrap();
        assert_eq!(closed.wait(&engine), Ok(()));
        TcpListener::bind(address).unwrap();
        assert_eq!(accepted.wait(&engine), Err(Error::Cancelled));
    }
}

/// In another process this test is the server, and is killed.
#[test]
fn the_port_of_a_killed_server_is_free_at_once() {
    const ROLE: &str = "AURA_TEST_KILLED_SERVER";
    const NAME: &str = "the_port_of_a_killed_server_is_free_at_once";
    if std::env::var_os(ROLE).is_some() {
        let engine = one_ring();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        engine.accept(&Fd::new(listener), |_| ()).unwrap();
        for _ in 0..8 {
            engine.poll().unwrap(); // it has been tried and waits
        }
        eprintln!("listens on {address}.");
        loop {
            engine.wait(PATIENCE).unwrap();
        }
    }
    for _ in 0..10 {
        let mut server = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(ROLE, "1")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(server.stderr.take().unwrap());
        let address = said.lines().find_map(|line| {
            let line = line.unwrap();
            line.strip_prefix("listens on ").map(|rest| rest.trim_end_matches('.').to_string())
        });
        server.kill().unwrap();
        server.wait().unwrap();
        TcpListener::bind(address.expect("it has told its address")).unwrap();
    }
}

#[test]
fn a_connection_that_is_refused() {
    let engine = one_ring();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap(); // closed again
    let socket = Fd::stream_socket(&address.into()).unwrap();
    let (sender, connected) = outcome();
    engine.connect(&socket, address, move |r| sender.send(r).unwrap()).unwrap();
    let error = connected.wait(&engine).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(std::io::Error::from(error).raw_os_error(), Some(error.raw_os_error()));
}

#[test]
fn send_and_recv() {
    let (engine, (ours, theirs)) = (one_ring(), pair());
    engine.send(&ours, "ping", 0, |r, b| assert_eq!((r, b), (Ok(4), "ping"))).unwrap();
    engine.drain(PATIENCE).unwrap();
    let mut got = [0; 4];
    (&theirs).read_exact(&mut got).unwrap();
    assert_eq!(&got, b"ping");
    (&theirs).write_all(b"pong").unwrap();
    let (sender, received) = outcome();
    engine
        .recv(&ours, engine.allocate_buffer(16).unwrap(), 0, move |r, b| sender.send((r, b)).unwrap())
        .unwrap();
    let (result, buf) = received.wait(&engine);
    assert_eq!((result, &buf[..4]), (Ok(4), &b"pong"[..]));

    drop(theirs);
    let (sender, end) = outcome();
    engine.recv(&ours, Vec::with_capacity(4), 0, move |r, _| sender.send(r).unwrap()).unwrap();
    assert_eq!(end.wait(&engine), Ok(0));
    let (sender, broken) = outcome(); // and no signal
    engine.send(&ours, "x", 0, move |r, _| sender.send(r).unwrap()).unwrap();
    assert_eq!(broken.wait(&engine).map_err(|e| e.kind()), Err(std::io::ErrorKind::BrokenPipe));
}

#[test]
fn a_datagram_that_was_cut_short() {
    let (ours, theirs) = std::os::unix::net::UnixDatagram::pair().unwrap();
    let (engine, ours) = (one_ring(), Fd::new(ours));
    theirs.send(b"0123456789").unwrap();
    let (sender, received) = outcome();
    let buf = vec![0; 4].into_boxed_slice().into_vec();
    engine.recv(&ours, buf, libc::MSG_TRUNC, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    assert_eq!(received.wait(&engine), (Ok(10), b"0123".to_vec()));
}

#[test]
fn descriptors_that_are_none() {
    let (engine, bad) = (one_ring(), bad_fd());
    let refused = Err(Error::Submission(EBADF));
    assert_eq!(engine.recv(&bad, vec![0; 1], 0, |_, _| ()), refused);
    assert_eq!(engine.send(&bad, "x", 0, |_, _| ()), refused);
    assert_eq!(engine.accept(&bad, |_| ()), refused);
    let address: std::net::SocketAddr = "127.0.0.1:1".parse().unwrap();
    assert_eq!(engine.connect(&bad, address, |_| ()), refused);
}

#[test]
fn timers_are_never_early() {
    let (engine, start) = (one_ring(), Instant::now());
    let (sender, fired) = outcome();
    engine.timeout(Duration::from_millis(15), move |r| sender.send(r).unwrap()).unwrap();
    assert_eq!(fired.wait(&engine), Ok(()));
    assert!(start.elapsed() >= Duration::from_millis(15));
    let (sender, cancelled) = outcome();
    let request = engine.timeout(Duration::MAX, move |r| sender.send(r).unwrap()).unwrap();
    assert_eq!(engine.cancel(request), Ok(()));
    assert_eq!(cancelled.wait(&engine), Err(Error::Cancelled));
}

#[test]
fn datagrams_to_a_slow_receiver_arrive_whole() {
    let (ours, theirs) = std::os::unix::net::UnixDatagram::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let (engine, ours) = (one_ring(), Fd::new(ours));
    for _ in 0..200 {
        engine.send(&ours, "hello", 0, |r, _| assert_eq!(r, Ok(5))).unwrap();
    }
    for _ in 0..200 {
        let mut message = [0; 16];
        let length = loop {
            match theirs.recv(&mut message) {
                Ok(length) => break length,
                Err(_) => assert_ne!(engine.wait(PATIENCE).unwrap(), 0),
            }
        };
        assert_eq!(&message[..length], b"hello");
    }
    engine.drain(PATIENCE).unwrap();
}
