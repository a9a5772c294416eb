//! Every target on its seeds, on mutated seeds and on noise: no panic, and no more memory than the input justifies.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "small numbers of a test"
)]
#![allow(
    unsafe_code,
    reason = "an allocator that counts has to call the system's, which is unsafe by its signature"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wattpool_fuzz::{run, Target, TARGETS};

/// Counts what is allocated, and the peak of it.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that a target may allocate at once besides what its input justifies.
const BESIDES: usize = 64 * 1024;

/// Bytes that no input may cost.
const MOST: usize = 512 * 1024 * 1024;

/// Longest that an input may take.
const LONGEST: Duration = Duration::from_secs(10);

/// Places at which a seed is cut off.
const CUTS: usize = 1_000;

/// Targets that read whole files and scenarios at every input: an eighth of the others' random inputs.
const SLOW: [&str; 2] = ["scenario", "profiles"];

/// Runs a target and looks at what it allocated, and how long it took.
fn measured(target: &Target, input: &[u8]) {
    let begun = Instant::now();
    let before = NOW.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    run(target.name, input);
    let peak = PEAK.load(Ordering::Relaxed).saturating_sub(before);
    let took = begun.elapsed();
    assert!(took < LONGEST, "{}: {took:?}", target.name);
    let longest = input.len().min(target.longest) + 1;
    let most = (longest * target.per_byte + BESIDES).min(MOST);
    assert!(
        peak <= most,
        "{}: {peak} bytes for an input of {}, at most {most}",
        target.name,
        input.len()
    );
}

/// What a parser of texts may stumble on.
const TOKENS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\n",
    "\\",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "-1",
    "0",
    "1e999",
    "0.1",
    "18446744073709551615",
    "18446744073709551616",
    "65536",
    "{\"version\":2}",
    "\"version\":1,",
    "\u{fffd}",
    "=",
    "#",
];

#[derive(Clone, Debug)]
enum Edit {
    Set(usize, u8),
    Flip(usize, u8),
    Remove(usize, usize),
    Insert(usize, Vec<u8>),
    Token(usize, usize),
    Repeat(usize, usize, usize),
    Splice(usize, usize, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = || any::<usize>();
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(a, b)| Edit::Set(a, b)),
        (at(), 0..8u8).prop_map(|(a, b)| Edit::Flip(a, b)),
        (at(), 1..40usize).prop_map(|(a, n)| Edit::Remove(a, n)),
        (at(), vec(any::<u8>(), 1..20)).prop_map(|(a, b)| Edit::Insert(a, b)),
        (at(), 0..TOKENS.len()).prop_map(|(a, t)| Edit::Token(a, t)),
        (at(), 1..60usize, 1..400usize).prop_map(|(a, n, times)| Edit::Repeat(a, n, times)),
        (at(), at(), at()).prop_map(|(a, seed, from)| Edit::Splice(a, seed, from)),
    ]
}

fn apply(bytes: &mut Vec<u8>, edit: &Edit, seeds: &[Vec<u8>]) {
    let place = |a: usize, len: usize| if len == 0 { 0 } else { a % len };
    let len = bytes.len();
    match edit {
        Edit::Set(a, b) if len > 0 => bytes[a % len] = *b,
        Edit::Flip(a, b) if len > 0 => bytes[a % len] ^= 1 << b,
        Edit::Set(..) | Edit::Flip(..) => {}
        Edit::Remove(a, n) => {
            let a = place(*a, len);
            bytes.drain(a..(a + n).min(len));
        }
        Edit::Insert(a, new) => {
            let a = place(*a, len);
            bytes.splice(a..a, new.iter().copied());
        }
        Edit::Token(a, t) => {
            let a = place(*a, len);
            bytes.splice(a..a, TOKENS[*t].bytes());
        }
        Edit::Repeat(a, n, times) => {
            let a = place(*a, len);
            let part = bytes[a..(a + n).min(len)].repeat(*times);
            bytes.splice(a..a, part);
        }
        Edit::Splice(a, seed, from) => {
            let other = &seeds[seed % seeds.len()];
            let from = place(*from, other.len());
            bytes.truncate(place(*a, len));
            bytes.extend_from_slice(&other[from..]);
        }
    }
}

// One test, one thread: the allocations of another would be counted, too.
#[test]
fn no_bytes_make_a_parser_panic_or_allocate_without_bound() {
    let fewest = Config {
        failure_persistence: None,
        ..Config::default()
    };
    for target in TARGETS {
        let begun = Instant::now();
        let mut config = fewest.clone();
        if !SLOW.contains(&target.name) {
            config.cases *= 8;
        }
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty());
        for seed in &seeds {
            assert!(seed.len() <= target.longest, "{}", target.name);
            measured(target, seed);
            // All places of a short seed, as many of a long one.
            for cut in (0..seed.len()).step_by(seed.len() / CUTS + 1) {
                measured(target, &seed[..cut]);
            }
        }
        for token in TOKENS {
            for times in [1, 1_000, 100_000] {
                measured(target, token.repeat(times).as_bytes());
            }
        }
        let mutated = (any::<usize>(), vec(edit(), 1..8));
        TestRunner::new(config.clone())
            .run(&mutated, |(seed, edits)| {
                let mut bytes = seeds[seed % seeds.len()].clone();
                for edit in &edits {
                    apply(&mut bytes, edit, &seeds);
                }
                measured(target, &bytes);
                Ok(())
            })
            .unwrap_or_else(|e| panic!("{}: {e}", target.name));
        TestRunner::new(config.clone())
            .run(&vec(any::<u8>(), 0..600), |bytes| {
                measured(target, &bytes);
                Ok(())
            })
            .unwrap_or_else(|e| panic!("{}: {e}", target.name));
        println!("{}: {:.1} s", target.name, begun.elapsed().as_secs_f64());
    }
}
