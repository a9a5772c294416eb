//! Registers of a replayed profile, and files that are refused.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use std::path::PathBuf;
use wattpool_meter_replay::{Profile, ReplayMeter, INSTALLED};
use wattpool_schema::{Seconds, Wh, Window};

struct File {
    dir: tempfile::TempDir,
}

fn file(text: &str) -> File {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("p.csv"), text).unwrap();
    File { dir }
}

impl File {
    fn path(&self) -> PathBuf {
        self.dir.path().join("p.csv")
    }
    fn profile(&self, scale: f64, repeat: bool) -> Profile {
        Profile {
            file: self.path(),
            demand: "load".into(),
            generation: Some("pv".into()),
            scale,
            first_window: Window(100),
            repeat,
        }
    }
    fn meter(&self, scale: f64, repeat: bool) -> ReplayMeter {
        ReplayMeter::open(&self.profile(scale, repeat), 60).unwrap()
    }
    fn refused(&self) -> String {
        let error = ReplayMeter::open(&self.profile(1.0, false), 60).unwrap_err();
        error
            .to_string()
            .replace(&self.path().display().to_string(), "F")
    }
}

fn at(meter: &ReplayMeter, window: u64) -> (u64, u64) {
    let r = meter.reading(Window(window));
    (
        r.import_register.0 - INSTALLED,
        r.export_register.0 - INSTALLED,
    )
}

#[test]
fn registers_rise_by_each_windows_net_energy() {
    let file = file("time,load,pv\n00:00,100,0\n00:15,50,250\n00:30,30,30\n");
    let meter = file.meter(1.0, false);
    assert_eq!(at(&meter, 7), (0, 0));
    assert_eq!(at(&meter, 99), (0, 0));
    assert_eq!(at(&meter, 100), (100, 0));
    assert_eq!(at(&meter, 101), (100, 200));
    assert_eq!(at(&meter, 102), (100, 200));
    assert_eq!(at(&meter, 5_000), (100, 200), "nothing flows after the end");
    let reading = meter.reading(Window(101));
    assert_eq!(reading.taken_at, Seconds(102 * 60));
    assert_eq!(reading.power_w, Some(-12_000));
    assert_eq!(meter.largest(), (Wh(100), Wh(200)));
    assert_eq!(meter.rows(), 3);
}

#[test]
fn a_repeated_profile_goes_on_rising() {
    let meter = file("load,pv\n10,0\n0,7\n").meter(1.0, true);
    assert_eq!(at(&meter, 101), (10, 7));
    assert_eq!(at(&meter, 102), (20, 7));
    assert_eq!(at(&meter, 100 + 2 * 1_000 - 1), (10_000, 7_000));
}

#[test]
fn fractions_add_up() {
    // 0.1 kWh is no binary fraction: ten of them are one kWh to the Wh.
    let rows = "0.1,0\n".repeat(10);
    let meter = file(&format!("load,pv\n{rows}")).meter(1000.0, false);
    for n in 1..=10 {
        assert_eq!(at(&meter, 99 + n), (100 * n, 0));
    }
    let thirds = "0.3333,0\n".repeat(3);
    let meter = file(&format!("load,pv\n{thirds}")).meter(1.0, false);
    assert_eq!(at(&meter, 102), (0, 0), "whole Wh only");
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!(
        file("load,sun\n1,2\n").refused(),
        "F: line 1: no column \"pv\"; there are: load, sun"
    );
    assert_eq!(
        file("load,pv\n1,2\n3,x\n").refused(),
        "F: line 3, column \"pv\": expected an amount from 0 to 24000000 Wh, found \"x\""
    );
    for wrong in ["-1", "NaN", "inf", "24000001", ""] {
        let refused = file(&format!("load,pv\n{wrong},0\n")).refused();
        assert!(
            refused.starts_with("F: line 2, column \"load\": expected"),
            "{refused}"
        );
    }
    assert_eq!(
        file("load,pv\n").refused(),
        "F: file: expected at least one row after the header"
    );
    let missing = file("load,pv\n1,1\n");
    std::fs::remove_file(missing.path()).unwrap();
    assert!(missing.refused().starts_with("F: file: No such file"));
    let zero = file("load,pv\n1,1\n").profile(0.0, false);
    let error = ReplayMeter::open(&zero, 60).unwrap_err();
    assert_eq!(error.place, "scale");
}
