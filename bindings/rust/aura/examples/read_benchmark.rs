//! Random 4 KiB reads, as benchmark/run.sh measures them beside other programs: KEY=VALUE..., the keys of benchmark/c_reads.
//! style=borrowed: `Engine::read` into memory that the program answers for; style=owned: `Engine::read_at`, the safe way.
use aura::{BufferRef, Engine, Fd};
use std::collections::HashMap;
use std::error::Error;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};

const BLOCK: usize = 4096;

/// To the last processor there is, as the other programs.
fn pin() {
    // SAFETY: an empty set is all zeros, the sets are as long as is said, and no number is beyond their end.
    unsafe {
        let (mut allowed, mut only): (libc::cpu_set_t, libc::cpu_set_t) =
            (std::mem::zeroed(), std::mem::zeroed());
        if libc::sched_getaffinity(0, std::mem::size_of_val(&allowed), &mut allowed) != 0 {
            return;
        }
        let all = 0..libc::CPU_SETSIZE as usize;
        libc::CPU_SET(all.rev().find(|cpu| libc::CPU_ISSET(*cpu, &allowed)).unwrap_or(0), &mut only);
        libc::sched_setaffinity(0, std::mem::size_of_val(&only), &only);
    }
}

struct Instantaneous {
    wall: Instant,
    user: Duration,
    system: Duration,
}

fn now() -> Instantaneous {
    // SAFETY: numbers, for which zero is a value; the function fills them.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let duration = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    Instantaneous { wall: Instant::now(), user: duration(usage.ru_utime), system: duration(usage.ru_stime) }
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
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_DIRECT);
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
