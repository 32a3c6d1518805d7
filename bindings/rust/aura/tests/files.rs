//! Operations on files: each one's success and each error it documents.
mod support;
use aura::{Engine, Error, Fd, IoBuf, OpType, OpenOptions, CURRENT_POSITION};
use std::os::unix::io::AsRawFd;
use support::*;

#[test]
fn read_at_gives_the_bytes_and_the_buffer() {
    let (engine, file) = (one_ring(), Scratch::with(b"0123456789"));
    let fd = file.open();
    let (sender, ended) = outcome();
    let request =
        engine.read_at(&fd, Vec::with_capacity(4), 2, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    assert!(request.is_pending());
    assert_eq!(request.op_type(), Some(OpType::Read));
    assert_eq!(ended.wait(&engine), (Ok(4), b"2345".to_vec()));
    assert!(!request.is_pending());
    assert_eq!(request.op_type(), None);
}

#[test]
fn read_at_fills_every_kind_of_buffer() {
    let (engine, file) = (one_ring(), Scratch::with(b"abcdef"));
    let fd = file.open();
    let (sender, boxed) = outcome();
    let buf = vec![b'.'; 8].into_boxed_slice();
    engine.read_at(&fd, buf, 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    assert_eq!(boxed.wait(&engine), (Ok(6), b"abcdef..".to_vec().into_boxed_slice()));

    let (sender, sliced) = outcome();
    engine.read_at(&fd, vec![b'.'; 5].slice(1..3), 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    let (result, slice) = sliced.wait(&engine);
    assert_eq!((result, slice.into_inner()), (Ok(2), b".ab..".to_vec()));

    let (sender, pooled) = outcome();
    let buf = engine.allocate_buffer(4096).unwrap();
    engine.read_at(&fd, buf, 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    let (result, buf) = pooled.wait(&engine);
    assert_eq!((result, &buf[..7]), (Ok(6), &b"abcdef\0"[..]));
}

#[test]
fn the_end_of_a_file_and_a_failure_leave_the_buffer_alone() {
    let (engine, file) = (one_ring(), Scratch::with(b"abc"));
    let fd = file.open();
    let (sender, end) = outcome();
    engine.read_at(&fd, b"old".to_vec(), 100, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    assert_eq!(end.wait(&engine), (Ok(0), Vec::new()));

    let directory = Fd::new(std::fs::File::open(env!("CARGO_TARGET_TMPDIR")).unwrap());
    let (sender, failed) = outcome();
    engine.read_at(&directory, b"old".to_vec(), 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    assert_eq!(failed.wait(&engine), (Err(Error::Io(21)), b"old".to_vec()));
}

#[test]
fn write_at_takes_every_kind_of_buffer() {
    let (engine, file) = (one_ring(), Scratch::new());
    let fd = file.open();
    let mut pooled = engine.allocate_buffer(2).unwrap();
    pooled.copy_from_slice(b"yz");
    engine.write_at(&fd, "ab", 0, |r, _| assert_eq!(r, Ok(2))).unwrap();
    engine.write_at(&fd, b"cd".to_vec(), 2, |r, _| assert_eq!(r, Ok(2))).unwrap();
    engine.write_at(&fd, String::from("ef"), 4, |r, _| assert_eq!(r, Ok(2))).unwrap();
    engine.write_at(&fd, &b"gh"[..], 6, |r, _| assert_eq!(r, Ok(2))).unwrap();
    engine.write_at(&fd, String::from("xijx").slice(1..=2), 8, |r, _| assert_eq!(r, Ok(2))).unwrap();
    engine.write_at(&fd, pooled, 10, |r, _| assert_eq!(r, Ok(2))).unwrap();
    assert_eq!(engine.drain(PATIENCE), Ok(6));
    assert_eq!(file.content(), b"abcdefghijyz");
}

#[test]
fn unsafe_reads_and_writes() {
    let (engine, file) = (one_ring(), Scratch::new());
    let fd = file.open();
    let mut buf = engine.allocate_buffer(4096).unwrap();
    buf[..4].copy_from_slice(b"data");
    // SAFETY: the buffer outlives drain().
    unsafe { engine.write(&fd, (&buf).into(), 4, 0, |r| assert_eq!(r, Ok(4))) }.unwrap();
    engine.drain(PATIENCE).unwrap();
    buf.as_mut_slice().fill(0);
    unsafe { engine.read(&fd, (&buf).into(), 4096, 0, |r| assert_eq!(r, Ok(4))) }.unwrap();
    engine.drain(PATIENCE).unwrap();
    assert_eq!(&buf.as_slice()[..4], b"data");

    let (mut one, mut two) = ([0u8; 2], [0u8; 8]);
    let vectors = [
        aura::sys::iovec { iov_base: one.as_mut_ptr().cast(), iov_len: 2 },
        aura::sys::iovec { iov_base: two.as_mut_ptr().cast(), iov_len: 8 },
    ];
    unsafe { engine.readv(&fd, vectors.as_ptr(), 2, 0, |r| assert_eq!(r, Ok(4))) }.unwrap();
    engine.drain(PATIENCE).unwrap();
    assert_eq!((&one, &two[..2]), (b"da", &b"ta"[..]));
    unsafe { engine.writev(&fd, vectors.as_ptr(), 1, 4, |r| assert_eq!(r, Ok(2))) }.unwrap();
    engine.drain(PATIENCE).unwrap();
    assert_eq!(file.content(), b"datada");
}

#[test]
fn vectors_that_are_owned() {
    let (engine, file) = (one_ring(), Scratch::new());
    let fd = file.open();
    let (sender, written) = outcome();
    let parts = vec![b"ab".to_vec(), Vec::new(), b"cde".to_vec()];
    engine.writev_at(&fd, parts.clone(), 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    assert_eq!(written.wait(&engine), (Ok(5), parts));
    let (sender, read) = outcome();
    let parts: Vec<Vec<u8>> = (0..3).map(|_| Vec::with_capacity(2)).collect();
    engine.readv_at(&fd, parts, 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    let expected: Vec<Vec<u8>> = vec![b"ab".to_vec(), b"cd".to_vec(), b"e".to_vec()];
    assert_eq!(read.wait(&engine), (Ok(5), expected));
}

#[test]
fn the_files_own_position_moves() {
    let (engine, file) = (one_ring(), Scratch::new());
    let fd = file.open();
    for part in ["ab", "cd"] {
        engine.write_at(&fd, part, CURRENT_POSITION, |r, _| assert_eq!(r, Ok(2))).unwrap();
        engine.drain(PATIENCE).unwrap();
    }
    assert_eq!(file.content(), b"abcd");
}

#[test]
fn syncs_allocation_and_truncation() {
    let (engine, file) = (one_ring(), Scratch::with(b"0123456789"));
    let fd = file.open();
    engine.fsync(&fd, |r| assert_eq!(r, Ok(()))).unwrap();
    engine.fdatasync(&fd, |r| assert_eq!(r, Ok(()))).unwrap();
    engine.sync_file_range(&fd, 0, 0, 2, |r| assert_eq!(r, Ok(()))).unwrap();
    engine.drain(PATIENCE).unwrap();
    engine.ftruncate(&fd, 4, |r| assert_eq!(r, Ok(()))).unwrap();
    engine.drain(PATIENCE).unwrap();
    assert_eq!(file.content(), b"0123");
    engine.fallocate(&fd, 0, 0, 8, |r| assert!(r == Ok(()) || r == Err(Error::Io(95)), "{r:?}")).unwrap();
    assert_eq!(engine.drain(PATIENCE), Ok(1));
}

#[test]
fn open_stat_and_close() {
    let (engine, file) = (one_ring(), Scratch::new());
    let (sender, opened) = outcome();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    engine.openat(None, file.path(), &options, move |r| sender.send(r).unwrap()).unwrap();
    let fd = opened.wait(&engine).unwrap();
    let number = fd.as_raw_fd();
    engine.write_at(&fd, "12345", 0, |r, _| assert_eq!(r, Ok(5))).unwrap();
    engine.drain(PATIENCE).unwrap();

    let (sender, found) = outcome();
    engine
        .statx(None, file.path(), 0, libc::STATX_BASIC_STATS | libc::STATX_BTIME, move |r| {
            sender.send(r).unwrap()
        })
        .unwrap();
    let statx = found.wait(&engine).unwrap();
    assert_eq!((statx.stx_size, statx.stx_mode & 0o7777), (5, 0o600));

    engine.close(fd, |r| assert_eq!(r, Ok(()))).unwrap();
    engine.drain(PATIENCE).unwrap();
    assert!(std::fs::read_link(format!("/proc/self/fd/{number}")).map_or(true, |p| p != file.path()));

    let (sender, again) = outcome();
    engine.openat(None, file.path(), &options, move |r| sender.send(r.map(|_| ())).unwrap()).unwrap();
    assert_eq!(again.wait(&engine), Err(Error::Io(17)));
    let (sender, below) = outcome();
    let directory = Fd::new(std::fs::File::open(env!("CARGO_TARGET_TMPDIR")).unwrap());
    let name = file.path().file_name().unwrap();
    engine
        .openat(Some(&directory), name, OpenOptions::new().read(true), move |r| sender.send(r).unwrap())
        .unwrap();
    assert!(below.wait(&engine).is_ok());
    let (sender, missing) = outcome();
    engine.statx(None, "/nonexistent", 0, 0, move |r| sender.send(r.map(|_| ())).unwrap()).unwrap();
    assert_eq!(missing.wait(&engine).map_err(|e| e.kind()), Err(std::io::ErrorKind::NotFound));
}

#[test]
fn what_cannot_be_started_says_so_and_drops_the_closure() {
    fn refused<T: Send + 'static>(
        errno: i32,
        start: impl FnOnce(T) -> aura::Result<aura::Request>,
        witness: T,
    ) {
        assert_eq!(start(witness), Err(Error::Submission(errno)));
    }
    let (engine, file) = (one_ring(), Scratch::with(b"x"));
    let (fd, bad) = (file.open(), bad_fd());
    let witness = std::sync::Arc::new(());
    let w = || witness.clone();
    let buf = || vec![0; 4];
    let too_far = 1 << 63;
    refused(EINVAL, |w| engine.read_at(&fd, buf(), too_far, move |_, _| drop(w)), w());
    refused(EINVAL, |w| engine.write_at(&fd, buf(), too_far, move |_, _| drop(w)), w());
    refused(EINVAL, |w| engine.readv_at(&fd, vec![buf(); 1025], 0, move |_, _| drop(w)), w());
    refused(EINVAL, |w| engine.writev_at(&fd, vec![buf(); 1025], 0, move |_, _| drop(w)), w());
    refused(EINVAL, |w| engine.ftruncate(&fd, too_far, move |_| drop(w)), w());
    refused(EINVAL, |w| engine.fallocate(&fd, 0, too_far, 1, move |_| drop(w)), w());
    refused(EINVAL, |w| engine.fallocate(&fd, 0, 0, too_far, move |_| drop(w)), w());
    refused(EINVAL, |w| engine.sync_file_range(&fd, 0, 1 << 32, 0, move |_| drop(w)), w());
    refused(EINVAL, |w| engine.openat(None, "a\0b", OpenOptions::new().read(true), move |_| drop(w)), w());
    refused(EINVAL, |w| engine.openat(None, "a", &OpenOptions::new(), move |_| drop(w)), w());
    refused(EINVAL, |w| engine.statx(None, "a\0b", 0, 0, move |_| drop(w)), w());
    refused(EBADF, |w| engine.read_at(&bad, buf(), 0, move |_, _| drop(w)), w());
    refused(EBADF, |w| engine.write_at(&bad, buf(), 0, move |_, _| drop(w)), w());
    refused(EBADF, |w| engine.readv_at(&bad, vec![buf()], 0, move |_, _| drop(w)), w());
    refused(EBADF, |w| engine.writev_at(&bad, vec![buf()], 0, move |_, _| drop(w)), w());
    refused(EBADF, |w| engine.fsync(&bad, move |_| drop(w)), w());
    refused(EBADF, |w| engine.fdatasync(&bad, move |_| drop(w)), w());
    refused(EBADF, |w| engine.ftruncate(&bad, 0, move |_| drop(w)), w());
    refused(EBADF, |w| engine.fallocate(&bad, 0, 0, 1, move |_| drop(w)), w());
    refused(EBADF, |w| engine.sync_file_range(&bad, 0, 1, 0, move |_| drop(w)), w());
    let pooled = engine.allocate_buffer(4096).unwrap();
    refused(EBADF, |w| engine.write_at(&bad, pooled, 0, move |_, _| drop(w)), w());
    assert_eq!(engine.buffer_stats().unwrap().in_use_bytes, 0);
    assert_eq!(std::sync::Arc::strong_count(&witness), 1);
    assert_eq!(engine.wait(None), Ok(0));
}

#[test]
fn an_operation_keeps_its_descriptor_open() {
    let (engine, (ours, theirs)) = (one_ring(), pair());
    let (sender, received) = outcome();
    engine.recv(&ours, Vec::with_capacity(4), 0, move |r, b| sender.send((r, b)).unwrap()).unwrap();
    engine.flush().unwrap();
    let ours = ours.into_owned().expect_err("the operation has it");
    drop(ours);
    use std::io::Write;
    (&theirs).write_all(b"hi").unwrap();
    assert_eq!(received.wait(&engine), (Ok(2), b"hi".to_vec()));
    assert_eq!((&theirs).write(b"gone").map_err(|e| e.kind()), Err(std::io::ErrorKind::BrokenPipe));
}

#[test]
fn chains_run_in_order_or_not_at_all() {
    let (engine, file) = (one_ring(), Scratch::new());
    let fd = file.open();
    let (sender, order) = std::sync::mpsc::channel();
    let (s1, s2, s3, s4) = (sender.clone(), sender.clone(), sender.clone(), sender);
    let requests = engine
        .chain()
        .write_at(&fd, "abc", 0, move |r, _| s1.send(("write", r.is_ok())).unwrap())
        .fsync(&fd, move |r| s2.send(("fsync", r.is_ok())).unwrap())
        .writev_at(&fd, vec!["de", "f"], 3, move |r, _| s3.send(("writev", r.is_ok())).unwrap())
        .fdatasync(&fd, move |r| s4.send(("fdatasync", r.is_ok())).unwrap())
        .submit()
        .unwrap();
    assert_eq!(requests.len(), 4);
    engine.drain(PATIENCE).unwrap();
    let all: Vec<_> = order.try_iter().collect();
    assert_eq!(all, [("write", true), ("fsync", true), ("writev", true), ("fdatasync", true)]);
    assert_eq!(file.content(), b"abcdef");

    // A short read breaks the chain.
    let (sender, last) = outcome();
    let (short, more) = (vec![0; 100], vec![Vec::<u8>::with_capacity(2)]);
    engine
        .chain()
        .read_at(&fd, short, 0, |r, b| assert_eq!((r, b.len()), (Ok(6), 6)))
        .readv_at(&fd, more, 0, |r, _| assert_eq!(r, Err(Error::Cancelled)))
        .ftruncate(&fd, 0, move |r| sender.send(r).unwrap())
        .submit()
        .unwrap();
    assert_eq!(last.wait(&engine), Err(Error::Cancelled));
    assert_eq!(file.content(), b"abcdef");
}

#[test]
fn a_chain_that_is_refused_gives_everything_back() {
    let (engine, file) = (one_ring(), Scratch::new());
    let fd = file.open();
    assert_eq!(engine.chain().submit().unwrap_err(), Error::Submission(EINVAL));
    let witness = std::sync::Arc::new(());
    let (w1, w2, w3) = (witness.clone(), witness.clone(), witness.clone());
    let buf = engine.allocate_buffer(4096).unwrap();
    let refused = engine
        .chain()
        .write_at(&fd, buf, 0, move |_, _| drop(w1))
        .fsync(&bad_fd(), move |_| drop(w2))
        .submit();
    assert_eq!(refused.unwrap_err(), Error::Submission(EBADF));
    drop(engine.chain().fsync(&fd, move |_| drop(w3)));
    assert_eq!(std::sync::Arc::strong_count(&witness), 1);
    assert_eq!(engine.buffer_stats().unwrap().in_use_bytes, 0);
    let engine: Engine = engine;
    assert_eq!(engine.wait(None), Ok(0));
}

#[test]
fn a_close_always_closes() {
    let open = || {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        theirs.set_read_timeout(Some(PATIENCE)).unwrap();
        (ours, theirs)
    };
    // The other end sees the end, once the last descriptor is gone.
    let is_closed = |mut theirs: std::os::unix::net::UnixStream| {
        assert_eq!(std::io::Read::read(&mut theirs, &mut [0; 1]).unwrap(), 0);
    };
    let engine = one_ring();
    let (ours, cancelled) = open();
    let request = engine.close(ours, |r| assert_eq!(r, Ok(()))).unwrap();
    engine.cancel(request).unwrap();
    engine.drain(PATIENCE).unwrap();
    is_closed(cancelled);

    let (ours, pending) = open();
    engine.close(ours, |r| assert_eq!(r, Ok(()))).unwrap();
    drop(engine);
    is_closed(pending);
}
