//! Safe code cannot reach what is not its own: memory that was not received, another's file, an engine that is gone.
mod support;
use aura::{Engine, Error, Fd};
use libc::{ENOENT, MSG_TRUNC};
use std::cell::RefCell;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use support::*;

/// Started where a thread ends: "flush at exit".
struct AtExit(Option<(Engine, Fd, Arc<AtomicUsize>)>);

impl Drop for AtExit {
    fn drop(&mut self) {
        if let Some((engine, file, bytes)) = self.0.take() {
            let buffer = engine.allocate_buffer(4096).unwrap();
            engine
                .read_at(&file, buffer, 0, move |result, _| {
                    bytes.fetch_add(result.unwrap(), Ordering::Relaxed);
                })
                .unwrap();
            assert_eq!(engine.drain(PATIENCE), Ok(1));
        }
    }
}

thread_local! {
    static AT_EXIT: RefCell<AtExit> = const { RefCell::new(AtExit(None)) };
}

#[test]
fn operations_are_started_while_a_thread_ends() {
    let (engines, content) = ([one_ring(), one_ring()], Scratch::with(b"hello"));
    let (file, bytes) = (content.open(), Arc::new(AtomicUsize::new(0)));
    for used_before in [true, true, false, false] {
        let (engines, file, bytes) = (engines.clone(), file.clone(), bytes.clone());
        std::thread::spawn(move || {
            AT_EXIT.with(|last| {
                last.borrow_mut().0 = Some((engines[0].clone(), file.clone(), bytes));
            });
            for engine in engines.iter().filter(|_| used_before) {
                engine.read_at(&file, Vec::with_capacity(8), 0, |r, _| assert_eq!(r, Ok(5))).unwrap();
                assert_eq!(engine.drain(PATIENCE), Ok(1));
            }
        })
        .join()
        .unwrap();
    }
    assert_eq!(bytes.load(Ordering::Relaxed), 4 * 5);
}

#[test]
fn bytes_that_tcp_threw_away_are_not_in_the_buffer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (engine, server) = (one_ring(), Fd::new(listener.accept().unwrap().0));
    client.write_all(&[b'x'; 100]).unwrap();
    let (sender, received) = outcome();
    engine
        .recv(&server, Vec::with_capacity(60), MSG_TRUNC, move |r, b| sender.send((r, b)).unwrap())
        .unwrap();
    assert_eq!(received.wait(&engine), (Ok(60), vec![]));
    let (sender, received) = outcome();
    engine.recv(&server, Vec::with_capacity(60), 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    assert_eq!(received.wait(&engine), (Ok(40), vec![b'x'; 40]));
}

#[test]
fn a_stream_that_takes_no_notice_of_the_flag_gives_its_bytes() {
    let (engine, (ours, mut theirs)) = (one_ring(), pair());
    theirs.write_all(b"0123456789").unwrap();
    let (sender, received) = outcome();
    engine.recv(&ours, Vec::with_capacity(60), MSG_TRUNC, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    assert_eq!(received.wait(&engine), (Ok(10), b"0123456789".to_vec()));
}

fn text_of(engine: &Engine, file: &Fd) -> aura::Result<String> {
    let (sender, read) = outcome();
    engine.read_at(file, Vec::with_capacity(16), 0, move |r, b: Vec<u8>| {
        sender.send(r.map(|_| String::from_utf8(b).unwrap())).unwrap()
    })?;
    read.wait(engine)
}

#[test]
fn an_entry_of_a_table_names_no_other_tables_file() {
    let (one, two) = (one_ring(), one_ring());
    let (a, b) = (Scratch::with(b"AAAA"), Scratch::with(b"BBBB"));
    let error = Error::Submission(ENOENT);
    let gone = Err(error);
    let table = one.register_files(&[a.open()]).unwrap();
    let entry = table.get(0).unwrap();
    assert_eq!(text_of(&one, &entry), Ok("AAAA".to_string()));
    assert_eq!(text_of(&two, &entry), gone);
    let of_two = two.register_files(&[b.open()]).unwrap();
    assert_eq!(text_of(&two, &entry), gone);
    assert_eq!(text_of(&one, &of_two.get(0).unwrap()), gone);
    table.unregister().unwrap();
    assert_eq!(text_of(&one, &entry), gone);

    let next = one.register_files(&[b.open()]).unwrap();
    assert_eq!(text_of(&one, &entry), gone);
    assert_eq!(one.write_at(&entry, "written", 0, |_, _| unreachable!()).unwrap_err(), error);
    assert_eq!(one.fsync(&entry, |_| unreachable!()).unwrap_err(), error);
    let chain = one.chain().write_at(&entry, "written", 0, |_, _| unreachable!());
    assert_eq!(chain.submit().unwrap_err(), error);
    assert_eq!(b.content(), b"BBBB");
    assert_eq!(text_of(&one, &next.get(0).unwrap()), Ok("BBBB".to_string()));
}

#[test]
fn an_entry_of_a_table_is_no_file_for_a_table() {
    let (engine, file) = (one_ring(), Scratch::with(b"AAAA"));
    let table = engine.register_files(&[file.open()]).unwrap();
    let entry = table.get(0).unwrap();
    assert_eq!(table.update(0, Some(&entry)), Err(Error::Io(EINVAL)));
    assert_eq!(text_of(&engine, &entry), Ok("AAAA".to_string()));
    assert_eq!(one_ring().register_files(&[entry]).unwrap_err(), Error::Io(EINVAL));
}

#[test]
fn a_table_that_is_ended_in_a_callback_is_the_only_one_that_ends() {
    let (engine, file) = (one_ring(), Scratch::with(b"AAAA"));
    let table = engine.register_files(&[file.open()]).unwrap();
    let (sender, ended) = outcome();
    engine.timeout(std::time::Duration::ZERO, move |_| sender.send(table.unregister()).unwrap()).unwrap();
    assert_eq!(ended.wait(&engine), Ok(()));
    engine.drain(PATIENCE).unwrap();
    let next = engine.register_files(&[file.open()]).unwrap();
    assert_eq!(text_of(&engine, &next.get(0).unwrap()), Ok("AAAA".to_string()));
}

#[test]
fn a_chain_may_be_forgotten() {
    let (engine, file) = (one_ring(), Scratch::with(b"hello"));
    let (file, buffer) = (file.open(), engine.allocate_buffer(4096).unwrap());
    std::mem::forget(engine.chain().read_at(&file, buffer, 0, |_, _| unreachable!()).fsync(&file, |_| ()));
    drop(engine);
}

#[test]
fn a_chain_that_is_dropped_or_refused_gives_its_buffers_back() {
    let (engine, file) = (one_ring(), Scratch::with(b"hello").open());
    let buffer = || engine.allocate_buffer(4096).unwrap();
    drop(engine.chain().read_at(&file, buffer(), 0, |_, _| unreachable!()));
    let refused = engine.chain().read_at(&file, buffer(), 0, |_, _| unreachable!()).fsync(&bad_fd(), |_| ());
    assert_eq!(refused.submit().unwrap_err(), Error::Submission(EBADF));
    assert_eq!(engine.buffer_stats().unwrap().in_use_bytes, 0);
}
