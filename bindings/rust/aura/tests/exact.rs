//! Exactly so many bytes: into a part of a fresh vector, and by as many operations as it takes.
mod support;
use aura::async_io::AsyncEngine;
use aura::{Error, IoBuf, CURRENT_POSITION};
use std::io::{ErrorKind, Read, Write};
use std::time::Duration;
use support::*;

#[test]
fn a_part_of_a_fresh_vector_is_filled_and_no_more() {
    let (engine, file) = (one_ring(), Scratch::with(b"0123456789"));
    let fd = file.open();
    let (result, part) = wait_for(&engine, engine.async_read_at(&fd, Vec::with_capacity(100).slice(..4), 0));
    let whole = part.into_inner();
    assert_eq!((result, &whole[..], whole.capacity()), (Ok(4), &b"0123"[..], 100));
    // Behind what is there, and a shorter read than there is: what was there stays.
    let (result, part) = wait_for(&engine, engine.async_read_at(&fd, whole.slice(4..8), 6));
    let whole = part.into_inner();
    assert_eq!((result, &whole[..]), (Ok(4), &b"01236789"[..]));
    let (result, part) = wait_for(&engine, engine.async_read_at(&fd, whole.slice(2..100), 9));
    assert_eq!((result, &part.into_inner()[..]), (Ok(1), &b"01936789"[..]));
}

#[test]
fn a_part_of_a_part_is_a_part() {
    let (engine, file) = (one_ring(), Scratch::with(b"0123456789"));
    let part = vec![b'.'; 3].slice(..).slice(1..3);
    let (result, part) = wait_for(&engine, engine.async_read_at(&file.open(), part, 5));
    assert_eq!((result, &part.into_inner().into_inner()[..]), (Ok(2), &b".56"[..]));
}

#[test]
fn only_what_is_initialised_is_written() {
    let (engine, file) = (one_ring(), Scratch::new());
    let mut some = Vec::with_capacity(100);
    some.extend_from_slice(b"abc");
    let (result, part) = wait_for(&engine, engine.async_write_at(&file.open(), some.slice(1..50), 0));
    assert_eq!((result, part.bytes_init(), part.bytes_total()), (Ok(2), 2, 49));
    assert_eq!(file.content(), b"bc");
}

#[test]
#[should_panic(expected = "range 3..4 of 2")]
fn a_part_begins_in_what_is_initialised() {
    let mut two = Vec::with_capacity(10);
    two.extend_from_slice(b"ab");
    let _ = two.slice(3..4);
}

#[test]
fn a_stream_is_read_until_all_is_there() {
    let (engine, (ours, mut theirs)) = (one_ring(), pair());
    // Each piece is sent when the one before has been read: by timers, which are served between the reads.
    for (number, piece) in [&b"ab"[..], b"cde", b"f"].into_iter().enumerate() {
        let mut theirs = theirs.try_clone().unwrap();
        let sent = move |r| {
            assert_eq!(r, Ok(()));
            theirs.write_all(piece).unwrap();
        };
        engine.timeout(Duration::from_millis(2 * number as u64), sent).unwrap();
    }
    let all = engine.async_read_exact_at(&ours, Vec::with_capacity(6).slice(..6), CURRENT_POSITION);
    let (result, part) = wait_for(&engine, all);
    assert_eq!((result, &part.into_inner()[..]), (Ok(()), &b"abcdef"[..]));

    theirs.write_all(b"end").unwrap();
    drop(theirs);
    let (result, buf) = wait_for(&engine, engine.async_read_exact_at(&ours, vec![0; 6], CURRENT_POSITION));
    assert_eq!((result, &buf[..]), (Err(Error::EndOfFile), &b"end"[..]));
}

#[test]
fn the_end_of_a_file_is_an_error_that_std_knows() {
    let (engine, file) = (one_ring(), Scratch::with(b"0123456789"));
    let fd = file.open();
    let read = |len: usize, offset| {
        let (result, part) =
            wait_for(&engine, engine.async_read_exact_at(&fd, Vec::with_capacity(len).slice(..len), offset));
        (result, part.into_inner())
    };
    assert_eq!(read(10, 0), (Ok(()), b"0123456789".to_vec()));
    assert_eq!(read(0, 10), (Ok(()), vec![]));
    assert_eq!(read(3, 8), (Err(Error::EndOfFile), b"89".to_vec()));
    for (offset, left) in [(8, &b"89"[..]), (10, b"")] {
        let reused = b"what it had from elsewhere".to_vec();
        let (result, buf) = wait_for(&engine, engine.async_read_exact_at(&fd, reused, offset));
        assert_eq!((result, &buf[..]), (Err(Error::EndOfFile), left));
    }
    assert_eq!(Error::EndOfFile.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(std::io::Error::from(Error::EndOfFile).kind(), ErrorKind::UnexpectedEof);
    let (result, _) = wait_for(&engine, engine.async_read_exact_at(&bad_fd(), vec![0; 4], 0));
    assert_eq!(result, Err(Error::Submission(EBADF)));
}

#[test]
fn everything_is_written_however_little_is_taken_at_once() {
    let (engine, (ours, theirs)) = (one_ring(), pair());
    let content: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect(); // more than a socket holds
    let reader = std::thread::spawn({
        let mut theirs = theirs.try_clone().unwrap();
        move || {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).unwrap();
            all
        }
    });
    let (result, content) = wait_for(&engine, engine.async_write_all_at(&ours, content, CURRENT_POSITION));
    assert_eq!(result, Ok(()));
    drop(ours);
    assert_eq!(reader.join().unwrap(), content);
    let file = Scratch::new();
    assert_eq!(wait_for(&engine, engine.async_write_all_at(&file.open(), "at", 3)).0, Ok(()));
    assert_eq!(file.content(), b"\0\0\0at");
}

#[test]
fn a_dropped_or_cancelled_read_gives_its_memory_back() {
    let (engine, (ours, _theirs)) = (one_ring(), pair());
    drop(engine.async_read_exact_at(&ours, engine.allocate_buffer(10).unwrap(), CURRENT_POSITION));
    engine.drain(PATIENCE).unwrap();
    assert_eq!(engine.buffer_stats().unwrap().in_use_bytes, 0);
    let read = engine.async_read_exact_at(&ours, b"mine".to_vec(), CURRENT_POSITION);
    read.cancel().unwrap();
    assert_eq!(wait_for(&engine, read), (Err(Error::Cancelled), b"mine".to_vec()));
}
