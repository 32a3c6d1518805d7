//! What stands for a descriptor, and the ways between std's types and the crate's.
mod support;
use aura::{BufferRef, Error, Fd};
use libc::EBUSY;
use std::convert::TryFrom;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::io::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use support::*;

#[test]
fn what_names_a_descriptor_will_do_where_the_caller_answers_for_it() {
    let (engine, scratch) = (one_ring(), Scratch::with(b"content"));
    let file = File::open(scratch.path()).unwrap();
    let (owned, fd): (OwnedFd, Fd) = (file.try_clone().unwrap().into(), file.try_clone().unwrap().into());
    let mut memory = [0; 7];
    macro_rules! read {
        ($descriptor:expr) => {
            memory.fill(0);
            // SAFETY: all live until the drain is over.
            unsafe {
                let buf = BufferRef::from_mut_slice(&mut memory);
                engine.read($descriptor, buf, 7, 0, |r| assert_eq!(r, Ok(7))).unwrap();
            }
            assert_eq!(engine.drain(PATIENCE), Ok(1));
            assert_eq!(&memory, b"content");
        };
    }
    read!(file.as_raw_fd());
    read!(&file);
    read!(file.as_fd());
    read!(&owned);
    read!(&fd);
    read!(fd);
}

fn there_and_back<T>(one: T)
where
    T: AsRawFd + Into<Fd> + TryFrom<Fd, Error = Fd>,
{
    let number = one.as_raw_fd();
    let fd: Fd = one.into();
    let clone = fd.clone();
    let fd = T::try_from(fd).err().expect("a clone has it");
    drop(clone);
    let back = T::try_from(fd).unwrap_or_else(|_| panic!("nothing has it"));
    assert_eq!(back.as_raw_fd(), number);
}

#[test]
fn stds_types_become_descriptors_and_come_back() {
    let (stream, _other) = UnixStream::pair().unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    there_and_back(TcpStream::connect(tcp.local_addr().unwrap()).unwrap());
    there_and_back(tcp);
    there_and_back(UdpSocket::bind("127.0.0.1:0").unwrap());
    there_and_back(UnixDatagram::unbound().unwrap());
    there_and_back(OwnedFd::from(stream.try_clone().unwrap()));
    there_and_back(stream);
    let name = format!("l-{}", std::process::id());
    let path = Scratch::new().path().with_file_name(name);
    match UnixListener::bind(&path) {
        Ok(listener) => {
            std::fs::remove_file(&path).unwrap();
            there_and_back(listener);
        }
        Err(error) => eprintln!("SKIPPED: {}: {error}", path.display()), // too long for an address
    }
    there_and_back(File::open("/dev/null").unwrap());
    // SAFETY: nothing closes it.
    assert!(File::try_from(unsafe { Fd::borrow_raw(0) }).is_err());
}

#[test]
fn what_an_operation_has_given_is_a_stream_of_stds() {
    let engine = one_ring();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (sender, accepted) = outcome();
    engine.accept(&listener.into(), move |r| sender.send(r).unwrap()).unwrap();
    let mut server = TcpStream::try_from(accepted.wait(&engine).unwrap().0).unwrap();
    server.write_all(b"x").unwrap();
    let mut got = [0];
    client.read_exact(&mut got).unwrap();
    assert_eq!(&got, b"x");
}

#[test]
fn a_descriptor_that_something_has_is_not_closed() {
    let (engine, (ours, mut theirs)) = (one_ring(), pair());
    let clone = ours.clone();
    assert_eq!(engine.close(ours, |_| unreachable!()).unwrap_err(), Error::Submission(EBUSY));
    theirs.write_all(b"x").unwrap(); // it is open
    engine.close(clone, |r| assert_eq!(r, Ok(()))).unwrap();
    engine.drain(PATIENCE).unwrap();
    assert!(theirs.write_all(b"x").is_err());
}

#[test]
fn errors_print_their_text() {
    assert_eq!(format!("{:?}", Error::Io(1)), "Io(Operation not permitted (os error 1))");
    let refused = format!("{:?}", Err::<(), _>(Error::Submission(EBADF)));
    assert_eq!(refused, "Err(Submission(Bad file descriptor (os error 9)))");
    assert_eq!(format!("{:?}", Error::Cancelled), "Cancelled");
}
