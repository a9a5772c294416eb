//! A year of readings with every fault a meter is known for, against a recomputation that knows what truly flowed and
//! shares no code with metering: it is told which registers were right, and adds them up.

use wattpool_chance::Chance;
use wattpool_core::io::Reading;
use wattpool_core::metering::{Carried, Metered, Metering, ReadingProblem};
use wattpool_schema::{Seconds, Wh, Window};

const LEN: u32 = 900;
const YEAR: u64 = 35_040;
const MOST_EXPORT: u64 = 2_500;
const MOST_IMPORT: u64 = 5_000;

/// What the meter says of a window, however often it is asked, and what it says when it is asked again.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fault {
    None,
    Missing,
    Zero,
    AllOnes,
    ClockAhead,
    ClockBehind,
    Beyond,
    Half,
    Frozen,
    Repeated,
    /// An older window's telegram once more, before this window's.
    Older,
}

const FAULTS: [Fault; 10] = [
    Fault::Missing,
    Fault::Zero,
    Fault::AllOnes,
    Fault::ClockAhead,
    Fault::ClockBehind,
    Fault::Beyond,
    Fault::Half,
    Fault::Frozen,
    Fault::Repeated,
    Fault::Older,
];

/// One meter on the wall: where its registers begin, roll over, and what they resolve.
#[derive(Clone, Copy)]
struct Device {
    from: u64,
    import: u64,
    export: u64,
    modulus: u64,
    step: u64,
}

/// Three meters, one after the other.
fn devices(step: u64) -> [Device; 3] {
    let device = |from, import, export, modulus| Device {
        from,
        import,
        export,
        modulus,
        step,
    };
    [
        // Five digits of kWh, nearly full.
        device(1, 99_400_123, 5_000_321, 100_000_000),
        // 32 bits, nearly full, and a new one that begins at 0.
        device(12_345, (step << 32) - 900_001, 77_003, step << 32),
        device(24_567, 0, 0, 1_000_000_000),
    ]
}

/// Truth: registers without roll-over at the end of every window, and which device they are of.
struct Truth {
    import: Vec<u64>,
    export: Vec<u64>,
    device: Vec<usize>,
    over: u64,
}

/// Summer days on which the sun gives 3 % more than is registered.
fn is_over(window: u64) -> bool {
    (16_000..16_960).contains(&window) && (40..56).contains(&(window % 96))
}

fn truth(numbers: &mut Chance, devices: &[Device]) -> Truth {
    let mut all = Truth {
        import: vec![0],
        export: vec![0],
        device: vec![0],
        over: 0,
    };
    let (mut import, mut export) = (0, 0);
    for window in 1..=YEAR {
        let device = devices.iter().rposition(|d| d.from <= window).unwrap();
        if devices[device].from == window {
            (import, export) = (devices[device].import, devices[device].export);
        } else {
            let hour = window % 96;
            if is_over(window) {
                export += MOST_EXPORT + 75;
                all.over += 75;
            } else if (36..60).contains(&hour) {
                export += 300 + numbers.below(2_000);
            } else {
                import += 40 + numbers.below(700);
            }
        }
        all.import.push(import);
        all.export.push(export);
        all.device.push(device);
    }
    all
}

struct Street {
    step: u64,
    truth: Truth,
    faults: Vec<Fault>,
    devices: [Device; 3],
}

impl Street {
    /// Windows in which nothing is wrong: around an exchange it must be known which registers are the last and the
    /// first, where more flows than is registered, what is lost of it.
    fn quiet(&self, window: u64) -> bool {
        !(10..=YEAR - 20).contains(&window)
            || (15_990..16_970).contains(&window)
            || self.devices.iter().any(|d| window.abs_diff(d.from) < 12)
    }

    fn new(seed: u64, step: u64, rate: u64) -> Self {
        let mut numbers = Chance::new(seed);
        let devices = devices(step);
        let truth = truth(&mut numbers, &devices);
        let mut street = Self {
            step,
            truth,
            faults: Vec::new(),
            devices,
        };
        while street.faults.len() <= YEAR as usize {
            let window = street.faults.len() as u64;
            let fault = if !street.quiet(window) && numbers.below(1_000) < rate {
                FAULTS[numbers.below(FAULTS.len() as u64) as usize]
            } else {
                Fault::None
            };
            // Some last for hours; but registers that are wrong and move for an hour are another meter's.
            let long = match (numbers.below(4), fault) {
                (0, Fault::Beyond | Fault::Half) => 1 + numbers.below(3),
                (0, _) => 1 + numbers.below(12),
                _ => 1,
            };
            for n in 0..long {
                let quiet = street.quiet(window + n);
                street.faults.push(if quiet { Fault::None } else { fault });
            }
        }
        // The roll-over of the first meter falls into a gap, that of the second does not.
        let over = street
            .truth
            .import
            .iter()
            .position(|i| *i >= 100_000_000)
            .unwrap();
        for window in over - 1..=over + 1 {
            street.faults[window] = Fault::Missing;
        }
        street.faults[1] = Fault::Zero;
        street
    }

    fn right(&self, window: u64) -> Reading {
        let at = window as usize;
        let device = self.devices[self.truth.device[at]];
        let shown = |wh: u64| Wh(wh % device.modulus / device.step * device.step);
        let flowed = |all: &[u64]| all[at].wrapping_sub(all[at.saturating_sub(1)]).min(10_000);
        let power = (flowed(&self.truth.import) as i64 - flowed(&self.truth.export) as i64) * 4;
        Reading {
            window: Window(window),
            taken_at: Window(window).end(LEN),
            import_register: shown(self.truth.import[at]),
            export_register: shown(self.truth.export[at]),
            power_w: Some(power),
        }
    }

    /// What is heard when the meter is asked for a window.
    fn says(&self, window: u64) -> Option<Reading> {
        let right = self.right(window);
        let wrong = |import: u64, export: u64| Reading {
            import_register: Wh(import),
            export_register: Wh(export),
            ..right
        };
        let off = |by: i64| Reading {
            taken_at: Seconds(right.taken_at.0.checked_add_signed(by).unwrap()),
            ..right
        };
        let (import, export) = (right.import_register.0, right.export_register.0);
        Some(match self.faults[window as usize] {
            Fault::Missing => return None,
            Fault::Zero => wrong(0, 0),
            Fault::AllOnes => wrong(u64::from(u32::MAX), u64::from(u32::MAX)),
            Fault::ClockAhead => off(7_200),
            Fault::ClockBehind => off(-3_600),
            Fault::Beyond => wrong(import, export + 10_000_000),
            Fault::Half => wrong(import / 2, export / 2),
            Fault::Frozen => {
                // A hung reader says what it said last.
                let mut last = window - 1;
                while self.faults[last as usize] == Fault::Frozen {
                    last -= 1;
                }
                let last = self.right(last);
                wrong(last.import_register.0, last.export_register.0)
            }
            Fault::None | Fault::Repeated | Fault::Older => right,
        })
    }
}

/// What the agent does: a reading that is refused, or behind a gap, has the windows since the last one believed read
/// again, and then metering may go on.
fn hear(
    m: &mut Metering,
    street: &Street,
    window: u64,
    told: &mut Vec<ReadingProblem>,
) -> Vec<Metered> {
    let now = Window(window).end(LEN);
    let mut all = Vec::new();
    let mut take = |m: &mut Metering, reading: Reading| {
        let result = m.take(reading, now);
        if let Err(problem) = result {
            told.push(problem);
        }
        all.extend(result.ok().flatten());
    };
    match street.faults[window as usize] {
        Fault::Older => take(m, street.right(window - 1)),
        Fault::Repeated => take(m, street.right(window)),
        _ => {}
    }
    let Some(reading) = street.says(window) else {
        return all;
    };
    take(m, reading);
    let from = m
        .last()
        .map_or(window, |l| l.window.0 + 1)
        .max(window.saturating_sub(32));
    for again in from..=window {
        if let Some(reading) = street.says(again) {
            take(m, reading);
        }
    }
    if m.last().is_some_and(|l| l.window.0 < window) {
        all.extend(m.go_on(reading, now));
    }
    all
}

/// Sums of a run, and the same by what truly flowed.
#[derive(Debug, PartialEq, Eq)]
struct Sums {
    /// Import less export, Wh.
    net: i64,
    /// Told to be beyond the maximum, Wh.
    lost: u64,
}

fn run(street: &Street, restarts: bool) -> (Sums, Vec<(Window, ReadingProblem)>, u64) {
    let new = || Metering::new(LEN, Wh(MOST_EXPORT), Wh(MOST_IMPORT));
    let mut m = new();
    let (mut noted, mut told, mut windows) = (Vec::new(), Vec::new(), 0);
    let (mut imported, mut exported) = (0i64, 0i64);
    let mut carried = Carried::default();
    let mut journal = None;
    for window in 1..=YEAR {
        for metered in hear(&mut m, street, window, &mut told) {
            assert!(metered.surplus.0 <= MOST_EXPORT && metered.deficit.0 <= MOST_IMPORT);
            assert!(metered.surplus.0 == 0 || metered.deficit.0 == 0);
            imported += metered.deficit.0 as i64;
            exported += metered.surplus.0 as i64;
            carried = metered.carried;
            windows += 1;
            journal = Some(metered);
        }
        noted.extend(m.noted());
        // No false Wh at any time.
        let upto = |all: &[u64]| {
            let device = street.truth.device[window as usize];
            (0..=device)
                .map(|d| {
                    let first = street.devices[d].from as usize;
                    let last = if d == device {
                        window as usize
                    } else {
                        street.devices[d + 1].from as usize - 1
                    };
                    (all[last] - all[first]) as i64
                })
                .sum::<i64>()
        };
        let (import, export) = (upto(&street.truth.import), upto(&street.truth.export));
        assert!(
            imported <= import + street.step as i64 && exported <= export + street.step as i64,
            "window {window}: {imported} of {import} Wh imported, {exported} of {export} exported"
        );
        let restart = restarts && window % 487 == 0 && !street.quiet(window);
        if let (true, Some(j)) = (restart, journal) {
            m = new();
            m.resume(j.reading, j.carried);
        }
    }
    let lost = noted.iter().filter_map(|(_, p)| match p {
        ReadingProblem::Capped { beyond } => Some(beyond.0),
        _ => None,
    });
    let beginnings = noted
        .iter()
        .filter(|(_, p)| matches!(p, ReadingProblem::NewBeginning { .. }));
    let sums = Sums {
        net: imported - exported + carried.import - carried.export,
        lost: lost.sum(),
    };
    // The wrong first reading and two exchanges; what looked like a third was taken back.
    let beginnings = beginnings.count();
    assert!(beginnings >= 3 && beginnings % 2 == 1, "{beginnings}");
    for kind in [
        ReadingProblem::RolledBack,
        ReadingProblem::BeyondPower,
        ReadingProblem::NoValue,
        ReadingProblem::Stale,
        ReadingProblem::ClockAhead,
        ReadingProblem::Repeated,
    ] {
        assert!(told.contains(&kind), "{kind:?} did not happen");
    }
    (sums, noted, windows)
}

/// What the registers of each meter moved between its first and last right reading.
fn recomputed(street: &Street) -> Sums {
    let shown = |wh: u64| (wh / street.step * street.step) as i64;
    let mut net = 0;
    for (n, device) in street.devices.iter().enumerate() {
        // The very first reading is a glitch.
        let first = if n == 0 { 2 } else { device.from as usize };
        let last = street
            .devices
            .get(n + 1)
            .map_or(YEAR as usize, |d| d.from as usize - 1);
        let moved = |all: &[u64]| shown(all[last]) - shown(all[first]);
        net += moved(&street.truth.import) - moved(&street.truth.export);
    }
    Sums {
        net: net + street.truth.over as i64,
        lost: street.truth.over,
    }
}

#[test]
fn a_year_with_every_fault_adds_up_to_the_watt_hour() {
    for (seed, rate) in [(1, 5), (2, 20), (3, 60), (7, 100), (125, 20), (29, 20)] {
        let street = Street::new(seed, 1, rate);
        for restarts in [false, true] {
            let (sums, noted, windows) = run(&street, restarts);
            assert_eq!(
                sums,
                recomputed(&street),
                "seed {seed}, restarts {restarts}"
            );
            let faults = street.faults.iter().filter(|f| **f != Fault::None).count() as u64;
            assert!(
                windows + faults + 20 >= YEAR,
                "{windows} windows, {faults} faults"
            );
            let mut once = noted.clone();
            once.dedup();
            assert_eq!(once, noted, "told twice");
        }
    }
}

#[test]
fn a_year_of_coarse_registers_adds_up() {
    for (seed, step) in [(4, 100), (5, 1_000), (25, 1_000), (29, 10)] {
        let street = Street::new(seed, step, 10);
        let (sums, _, windows) = run(&street, false);
        let right = recomputed(&street);
        // What the register moved is counted, or told as beyond the maximum; on each of the ten days with too much sun
        // it cannot be seen by less than a step.
        assert_eq!(
            sums.net - sums.lost as i64,
            right.net - right.lost as i64,
            "step {step}: {sums:?}, recomputed {right:?}"
        );
        assert!(
            sums.lost <= right.lost && sums.lost + 10 * step >= right.lost,
            "{sums:?}, {right:?}"
        );
        assert!(windows > YEAR * 9 / 10, "{windows}");
    }
}

/// Years of other seeds, with and without restarts: those that do not add up, with why.
fn wrong_years(seeds: std::ops::Range<u64>) -> Vec<String> {
    let mut wrong = Vec::new();
    for seed in seeds {
        let rate = [5, 20, 60, 100][(seed % 4) as usize];
        let street = Street::new(seed, 1, rate);
        for restarts in [false, true] {
            let name = format!("seed {seed}, rate {rate}, restarts {restarts}");
            let year = std::panic::AssertUnwindSafe(|| run(&street, restarts).0);
            match std::panic::catch_unwind(year) {
                Ok(sums) if sums == recomputed(&street) => {}
                Ok(sums) => wrong.push(format!("{name}: {sums:?}, {:?}", recomputed(&street))),
                Err(why) => {
                    let why = why.downcast_ref::<String>().cloned();
                    wrong.push(format!("{name}: {}", why.unwrap_or_default()));
                }
            }
        }
    }
    wrong
}

/// Many more years, by hand: `WATTPOOL_YEARS=1000..2500 cargo test -p wattpool-core --test agent -- --ignored many_years`.
/// A year takes some 50 ms with optimisation, ten times that without.
#[test]
#[ignore = "by hand: hours"]
#[allow(clippy::disallowed_methods, reason = "which years is asked by hand")]
fn many_years_with_every_fault_add_up() {
    let range = std::env::var("WATTPOOL_YEARS").unwrap_or_else(|_| "1000..1050".into());
    let (from, to) = range.split_once("..").unwrap();
    let wrong = wrong_years(from.parse().unwrap()..to.parse().unwrap());
    assert!(wrong.is_empty(), "{range}: {wrong:#?}");
}
