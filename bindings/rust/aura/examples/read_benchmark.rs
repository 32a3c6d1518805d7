//! Random 4 KiB reads, as benchmark/run.sh measures them beside other programs: KEY=VALUE..., the keys of benchmark/c_reads.
//! style=borrowed: `Engine::read` into memory that the program answers for; style=owned: `Engine::read_at`, the safe way.
use aura::{BufferRef, Engine, Fd};
use std::collections::HashMap;
use std::error::Error;
use std::os::raw::{c_int, c_long};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};

const BLOCK: usize = 4096;
const O_DIRECT: c_int = 0o40000;

#[repr(C)]
#[derive(Default)]
struct Usage {
    times: [c_long; 4], // user and system time, in seconds and microseconds
    rest: [c_long; 14],
}
extern "C" {
    fn getrusage(who: c_int, usage: *mut Usage) -> c_int;
    fn sched_getaffinity(pid: c_int, size: usize, mask: *mut u64) -> c_int;
    fn sched_setaffinity(pid: c_int, size: usize, mask: *const u64) -> c_int;
}

/// To the last processor there is, as the other programs.
fn pin() {
    let mut mask = [0u64; 16];
    // SAFETY: the masks are as long as is said.
    unsafe {
        if sched_getaffinity(0, std::mem::size_of_val(&mask), mask.as_mut_ptr()) <= 0 {
            return;
        }
        let last = (0..mask.len() * 64).rev().find(|cpu| mask[cpu / 64] >> (cpu % 64) & 1 == 1).unwrap_or(0);
        let mut only = [0u64; 16];
        only[last / 64] = 1 << (last % 64);
        sched_setaffinity(0, std::mem::size_of_val(&only), only.as_ptr());
    }
}

struct Instantaneous {
    wall: Instant,
    user: Duration,
    system: Duration,
}

fn now() -> Instantaneous {
    let mut usage = Usage::default();
    // SAFETY: it is as large as struct rusage.
    unsafe { getrusage(0, &mut usage) };
    let duration =
        |at| Duration::from_secs(usage.times[at] as u64) + Duration::from_micros(usage.times[at + 1] as u64);
    Instantaneous { wall: Instant::now(), user: duration(0), system: duration(2) }
}

/// Page-aligned memory, leaked: it outlives every read.
fn pages(count: usize) -> *mut u8 {
    let memory = Box::leak(vec![0xffu8; (count + 1) * BLOCK].into_boxed_slice());
    let offset = memory.as_ptr().align_offset(BLOCK);
    memory[offset..].as_mut_ptr()
}

struct Workload {
    engine: Engine,
    file: Fd,
    blocks: u64,
    random: AtomicU64, // one thread: an atomic only because callbacks are Send
    count: AtomicU64,
    in_flight: AtomicUsize,
    over: AtomicBool,
}

impl Workload {
    /// xorshift64* (Vigna 2016).
    fn next_offset(&self) -> u64 {
        let mut x = self.random.load(Relaxed);
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.random.store(x, Relaxed);
        (x.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % self.blocks * BLOCK as u64
    }

    /// Whether another is to be started.
    fn completed(&self, result: aura::Result<usize>) -> bool {
        assert_eq!(result, Ok(BLOCK));
        self.count.store(self.count.load(Relaxed) + 1, Relaxed);
        if self.over.load(Relaxed) {
            self.in_flight.fetch_sub(1, Relaxed);
            return false;
        }
        true
    }

    fn borrowed(self: Arc<Self>, buffer: BufferRef) {
        let (this, offset) = (self.clone(), self.next_offset());
        let next = move |result| {
            if this.completed(result) {
                this.borrowed(buffer);
            }
        };
        // SAFETY: the memory is leaked, and each page has one read at a time.
        unsafe { self.engine.read(&self.file, buffer, BLOCK, offset, next) }.expect("it starts");
    }

    fn owned(self: Arc<Self>, buffer: aura::Buffer) {
        let (this, offset) = (self.clone(), self.next_offset());
        let next = move |result, buffer| {
            if this.completed(result) {
                this.owned(buffer);
            }
        };
        self.engine.read_at(&self.file, buffer, offset, next).expect("it starts");
    }

    /// Until so much time has passed, looked at every 64 reads at most.
    fn run_for(&self, time: Duration) -> aura::Result<()> {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.engine.wait(None)?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: HashMap<String, String> = std::env::args()
        .skip(1)
        .filter_map(|a| a.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())))
        .collect();
    let text = |key: &str, default: &str| arguments.get(key).cloned().unwrap_or_else(|| default.to_owned());
    let number = |key, default: &str| text(key, default).parse::<u64>();
    let (depth, direct) = (number("depth", "32")? as usize, text("mode", "cache") == "direct");
    let owned = text("style", "borrowed") == "owned";
    pin();
    let mut options = std::fs::File::options();
    if direct {
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, O_DIRECT);
    }
    let file = options.read(true).open(text("path", "data"))?;
    let (size, span) = (file.metadata()?.len(), number("span_mib", "0")? << 20);
    let blocks = if span == 0 { size } else { size.min(span) } / BLOCK as u64;
    if !direct {
        std::io::copy(&mut std::io::Read::take(&file, blocks * BLOCK as u64), &mut std::io::sink())?;
    }
    let engine = Engine::new()?;
    let workload = Arc::new(Workload {
        engine: engine.clone(),
        file: Fd::new(file),
        blocks,
        random: AtomicU64::new(0x9e37_79b9_7f4a_7c15),
        count: AtomicU64::new(0),
        in_flight: AtomicUsize::new(depth),
        over: AtomicBool::new(false),
    });
    let memory = pages(depth);
    for slot in 0..depth {
        if owned {
            workload.clone().owned(engine.allocate_buffer(BLOCK)?);
        } else {
            // SAFETY: leaked.
            workload.clone().borrowed(unsafe { BufferRef::from_ptr(memory.add(slot * BLOCK), BLOCK) });
        }
    }
    workload.run_for(Duration::from_millis(number("warm_ms", "100")?))?;
    let (before, first) = (now(), workload.count.load(Relaxed));
    workload.run_for(Duration::from_millis(number("measure_ms", "500")?))?;
    let (after, last) = (now(), workload.count.load(Relaxed));
    workload.over.store(true, Relaxed);
    while workload.in_flight.load(Relaxed) != 0 {
        engine.wait(None)?;
    }
    let count = (last - first) as f64;
    let (wall, system) =
        ((after.wall - before.wall).as_nanos() as f64, (after.system - before.system).as_nanos() as f64);
    let cpu = (after.user - before.user).as_nanos() as f64 + system;
    println!(
        "scenario={} name={} depth={depth} ops={} cpu_ns_per_op={:.2} wall_ns_per_op={:.2} ops_per_s={:.0} sys_ns_per_op={:.2}",
        text("scenario", "reads"),
        text("name", "auraio_rust"),
        last - first,
        cpu / count,
        wall / count,
        count / wall * 1e9,
        system / count
    );
    Ok(())
}
