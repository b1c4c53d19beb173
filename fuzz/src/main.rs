//! Fuzzes on a stable toolchain: random bytes, and mutations of what is known, for a time.
//!
//!     fuzz TARGET|all SECONDS [SEED]      fuzz TARGET FILE...     (runs files once)
//!
//! Prints its seed. An input that fails is written to `fuzz/found/TARGET-HASH.bin` and named; so is one that takes
//! more memory than its size can explain, or more time.

mod targets;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use targets::{TARGETS, Target};

/// Counts what is allocated, and the most that was.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const INPUT_BYTES_MAX: usize = 4096;
/// What one run may take beside a multiple of its input: texts made of repeated words are larger than what chose them.
const MEMORY_BYTES_MAX: usize = 64 << 20;
const RUN_TIME_MAX: Duration = Duration::from_secs(5);

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap_or(0) % end.max(1)
    }

    fn bytes(&mut self, many: usize) -> Vec<u8> {
        (0..many).map(|_| self.next().to_le_bytes()[3]).collect()
    }

    /// Fresh, or something known bent.
    fn input(&mut self, known: &[Vec<u8>]) -> Vec<u8> {
        let most = [32, 128, 512, INPUT_BYTES_MAX][self.below(4)];
        if known.is_empty() || self.below(4) > 0 {
            let many = self.below(most);
            return self.bytes(many);
        }
        let mut input = known[self.below(known.len())].clone();
        for _ in 0..=self.below(6) {
            let at = self.below(input.len() + 1);
            match self.below(4) {
                0 if at < input.len() => input[at] = self.next().to_le_bytes()[5],
                1 => {
                    let many = self.below(16);
                    let new = self.bytes(many);
                    input.splice(at..at, new);
                }
                2 => input.truncate(at),
                _ => {
                    let end = (at + self.below(16)).min(input.len());
                    input.drain(at..end);
                }
            }
        }
        input
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The findings so far are where the next ones may be near.
fn known(name: &str) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(root().join("../protocol-fixtures/raw")) else {
        return Vec::new();
    };
    let of_target = |path: &PathBuf| {
        path.file_name()
            .is_some_and(|file| file.to_string_lossy().starts_with(name))
    };
    let paths = entries.flatten().map(|entry| entry.path()).filter(of_target);
    paths.filter_map(|path| fs::read(path).ok()).collect()
}

/// What is wrong with an input; None where nothing is.
fn wrong(target: Target, input: &[u8]) -> Option<String> {
    let before = NOW.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let began = Instant::now();
    if catch_unwind(AssertUnwindSafe(|| target(input))).is_err() {
        return Some("it panics".to_owned());
    }
    let took = MOST.load(Ordering::Relaxed).saturating_sub(before);
    if took > MEMORY_BYTES_MAX + 64 * input.len() {
        return Some(format!("it takes {took} bytes of memory"));
    }
    (began.elapsed() > RUN_TIME_MAX).then(|| format!("it takes {:?}", began.elapsed()))
}

fn keep(name: &str, input: &[u8]) -> PathBuf {
    let mut hash = DefaultHasher::new();
    input.hash(&mut hash);
    let dir = root().join("found");
    let _ = fs::create_dir_all(&dir);
    let path = dir.join(format!("{name}-{:016x}.bin", hash.finish()));
    let _ = fs::write(&path, input);
    path
}

/// Cuts pieces out of an input for as long as it stays wrong.
fn shrink(target: Target, mut input: Vec<u8>) -> Vec<u8> {
    std::panic::set_hook(Box::new(|_| {}));
    let until = Instant::now() + Duration::from_secs(60);
    let mut size = input.len() / 2;
    while size > 0 && Instant::now() < until {
        let (mut at, mut shrunk) = (0, false);
        while at + size <= input.len() {
            let mut less = input.clone();
            less.drain(at..at + size);
            if wrong(target, &less).is_some() {
                (input, shrunk) = (less, true);
            } else {
                at += size;
            }
        }
        if !shrunk {
            size /= 2;
        }
    }
    let _ = std::panic::take_hook();
    input
}

fn fuzz(name: &str, target: Target, seconds: u64, seed: u64) -> bool {
    println!("{name}: {seconds} s, seed {seed}");
    let (known, mut random) = (known(name), Random(seed));
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut runs = 0u64;
    while Instant::now() < until {
        let input = random.input(&known);
        runs += 1;
        if let Some(what) = wrong(target, &input) {
            let smaller = shrink(target, input);
            let path = keep(name, &smaller);
            let _ = catch_unwind(AssertUnwindSafe(|| target(&smaller)));
            println!("{name}: run {runs}: {what}: {}", path.display());
            return false;
        }
    }
    println!("{name}: {runs} runs, nothing found");
    true
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let chosen = arguments.first().map_or("all", String::as_str);
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |since| since.as_secs());
    let mut good = true;
    for (name, target) in TARGETS {
        if chosen != "all" && chosen != name {
            continue;
        }
        match arguments.get(1) {
            Some(path) if Path::new(path).exists() => {
                for path in &arguments[1..] {
                    let input = fs::read(path).expect("a file of input");
                    let what = wrong(target, &input);
                    println!("{path}: {}", what.as_deref().unwrap_or("nothing is wrong"));
                    good &= what.is_none();
                }
            }
            seconds => {
                let seconds = seconds.map_or(20, |text| text.parse().expect("seconds"));
                let seed = arguments
                    .get(2)
                    .map_or(clock, |text| text.parse().expect("a seed"));
                good &= fuzz(name, target, seconds, seed);
            }
        }
    }
    std::process::exit(i32::from(!good));
}
