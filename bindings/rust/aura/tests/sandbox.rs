//! A filter refuses what io_uring needs, from the start or in the middle of it: functions say the errno or work, every
//! operation ends once, and the engine can be dropped.
mod support;
use aura::{Backend, Engine, Error, Options};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;
use support::*;

const CALLS: [(&str, libc::c_long); 3] = [
    ("setup", libc::SYS_io_uring_setup),
    ("enter", libc::SYS_io_uring_enter),
    ("register", libc::SYS_io_uring_register),
];
const ERRORS: [i32; 6] =
    [libc::EPERM, libc::ENOSYS, libc::EACCES, libc::EOPNOTSUPP, libc::ENOMEM, libc::EMFILE];
const NO_FILTERS: i32 = 77;

/// Refuses a system call from now on in all threads of the process.
fn refuse(call: libc::c_long, error: i32) {
    let answer = |what| libc::sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: what };
    let mut program = [
        libc::sock_filter { code: (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: 0 },
        libc::sock_filter {
            code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
            jt: 0,
            jf: 1,
            k: call as u32,
        },
        answer(libc::SECCOMP_RET_ERRNO | error as u32),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let all = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program is there for the length of the call.
    let installed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                libc::SECCOMP_FILTER_FLAG_TSYNC,
                &all,
            ) == 0
    };
    if !installed {
        std::process::exit(NO_FILTERS);
    }
}

fn may_be(result: Result<usize, Error>, error: i32) {
    match result {
        Ok(_) | Err(Error::TimedOut) => {}
        Err(Error::Io(e)) => assert_eq!(e, error),
        Err(other) => panic!("{other:?}"),
    }
}

fn on_rings() -> Engine {
    Engine::with_options(Options::new().backend(Backend::Uring)).unwrap()
}

/// What is pending on an engine that is dropped ends once.
fn end(engine: Engine, ended: &AtomicUsize, started: usize) {
    drop(engine);
    assert_eq!(ended.load(Ordering::SeqCst), started);
}

fn start(engine: &Engine, ended: &Arc<AtomicUsize>, time: Duration) {
    let ended = ended.clone();
    engine
        .timeout(time, move |_| {
            ended.fetch_add(1, Ordering::SeqCst);
        })
        .unwrap();
}

fn from_the_start(call: libc::c_long, error: i32) {
    refuse(call, error);
    match Engine::new() {
        Ok(engine) => {
            engine.timeout(Duration::ZERO, |r| assert_eq!(r, Ok(()))).unwrap();
            assert_eq!(engine.drain(PATIENCE), Ok(1));
        }
        Err(e) => assert_eq!(e, Error::Io(error)),
    }
}

fn after_creation(call: libc::c_long, error: i32) {
    let engine = on_rings();
    let ended = Arc::new(AtomicUsize::new(0));
    refuse(call, error);
    start(&engine, &ended, Duration::from_millis(1));
    start(&engine, &ended, Duration::from_secs(3600));
    may_be(engine.poll(), error);
    may_be(engine.wait(Duration::from_millis(20)), error);
    may_be(engine.drain(Duration::from_millis(20)), error);
    end(engine, &ended, 2);
}

fn while_a_thread_runs(call: libc::c_long, error: i32) {
    let engine = on_rings();
    let ended = Arc::new(AtomicUsize::new(0));
    start(&engine, &ended, Duration::ZERO);
    start(&engine, &ended, Duration::from_secs(3600));
    let runner = std::thread::spawn({
        let engine = engine.clone();
        move || engine.run()
    });
    while ended.load(Ordering::SeqCst) == 0 {
        std::thread::yield_now();
    }
    refuse(call, error);
    start(&engine, &ended, Duration::ZERO); // wakes the thread
    if call != libc::SYS_io_uring_enter || error == libc::ENOMEM {
        engine.stop();
        assert_eq!(runner.join().unwrap(), Ok(()));
    } else {
        assert_eq!(runner.join().unwrap(), Err(Error::Io(error)));
    }
    end(engine, &ended, 3);
}

/// The other process: which case it is stands in the environment.
#[test]
#[ignore = "run by the others"]
fn child() {
    let Ok(case) = std::env::var("AURA_TEST_SANDBOX") else { return };
    let part: Vec<usize> = case.split(' ').map(|p| p.parse().unwrap()).collect();
    let (call, error) = (CALLS[part[1]].1, ERRORS[part[2]]);
    [from_the_start, after_creation, while_a_thread_runs][part[0]](call, error);
}

fn all_cases_of(situation: usize) {
    for (call, (name, _)) in CALLS.iter().enumerate() {
        for (error, number) in ERRORS.iter().enumerate() {
            let case = format!("{situation} {call} {error}");
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "child", "--nocapture"])
                .env("AURA_TEST_SANDBOX", &case)
                .output()
                .unwrap();
            if output.status.code() == Some(NO_FILTERS) {
                eprintln!("skipped: seccomp filters are not allowed here");
                return;
            }
            assert!(
                output.status.success(),
                "{} refused with {}: {}\n{}",
                name,
                std::io::Error::from_raw_os_error(*number),
                output.status,
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
}

#[test]
fn from_the_start_there_is_no_engine_or_it_works() {
    all_cases_of(0);
}

#[test]
fn after_creation_functions_say_why() {
    all_cases_of(1);
}

#[test]
fn while_a_thread_runs_it_returns_or_goes_on() {
    all_cases_of(2);
}
