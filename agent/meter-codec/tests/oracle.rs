//! Held against parsers that others wrote, on the same bytes: dsmr-parser, smllib, amshan, dlms-cosem (PyPI).
//! `scripts/tools/meter-oracles` installs them; without them these tests say that they are skipped, unless
//! `WATTPOOL_METER_ORACLES` demands them.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::{telegram, TELEGRAMS};
use serde_json::Value as Json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wattpool_meter_codec::cipher::Keys;
use wattpool_meter_codec::{
    dlms, p1, sml, text, Dialect, Frames, Reading, RegistersFrom, Stream, Time,
};

fn oracle(arguments: &[&str], input: &[u8]) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/tools/meter-oracles/bin/python");
    if !python.exists() {
        assert!(
            std::env::var_os("WATTPOOL_METER_ORACLES").is_none(),
            "{} is missing: run scripts/tools/meter-oracles",
            python.display()
        );
        println!("skipped: no other parsers (scripts/tools/meter-oracles installs them)");
        return None;
    }
    let mut child = Command::new(python)
        .arg(root.join("scripts/tools/meter-oracle.py"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let out = child.wait_with_output().unwrap();
    assert!(out.status.success(), "{arguments:?}");
    Some(String::from_utf8(out.stdout).unwrap())
}

fn ours<F: Frames>(frames: F, bytes: &[u8]) -> Vec<Reading> {
    let mut stream = Stream::new(frames);
    stream.push(bytes);
    stream.end();
    let mut readings = Vec::new();
    while let Some(next) = stream.next() {
        readings.extend(next.ok().map(|t| t.reading(RegistersFrom::Total).unwrap()));
    }
    readings
}

/// Import, export, power.
type Parts = (Option<u64>, Option<u64>, Option<i64>);

fn parts(r: &Reading) -> Parts {
    (
        r.import.map(|r| r.wh.0),
        r.export.map(|r| r.wh.0),
        r.power_w,
    )
}

fn theirs(lines: &str) -> Vec<(Parts, Option<u64>)> {
    let line = |line: &str| {
        let v: Json = serde_json::from_str(line).unwrap();
        assert!(
            v.get("unread").is_none(),
            "the other parser does not know it: {v}"
        );
        let parts = (
            v["import_wh"].as_u64(),
            v["export_wh"].as_u64(),
            v["power_w"].as_i64(),
        );
        (parts, v["time"].as_u64())
    };
    lines.lines().map(line).collect()
}

#[test]
fn p1_telegrams_agree_with_dsmr_parser() {
    for variant in TELEGRAMS {
        let text = telegram(variant);
        let Some(lines) = oracle(&["p1", variant.oracle], text.as_bytes()) else {
            return;
        };
        let ours = ours(p1::Telegrams::new(Dialect::default()), text.as_bytes());
        let theirs = theirs(&lines);
        assert_eq!((ours.len(), theirs.len()), (1, 1), "{}", variant.name);
        assert_eq!(parts(&ours[0]), theirs[0].0, "{}", variant.name);
        let time = match ours[0].time {
            Some(Time::Utc(at)) => Some(at.0),
            _ => None,
        };
        assert_eq!(time, theirs[0].1, "{}", variant.name);
    }
}

fn captures(folder: &str, ending: &str) -> Vec<PathBuf> {
    let Some(data) = std::env::var_os("WATTPOOL_DATA") else {
        println!("skipped: WATTPOOL_DATA names no folder of captures");
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(PathBuf::from(data).join(folder))
        .unwrap()
        .map(|f| f.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == ending))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

#[test]
fn captured_sml_agrees_with_smllib() {
    let mut frames = 0;
    for file in captures("sml", "bin") {
        let bytes = std::fs::read(&file).unwrap();
        let Some(lines) = oracle(&["sml"], &bytes) else {
            return;
        };
        // smllib gives up at an entry without a value, as this meter sends it.
        if lines.contains("unread") {
            assert!(
                file.ends_with("EMH_eHZ-IW8E2A5L0EK2P_with_error.bin"),
                "{lines}"
            );
            continue;
        }
        let theirs: Vec<Parts> = theirs(&lines).into_iter().map(|t| t.0).collect();
        let ours: Vec<Parts> = ours(sml::Files, &bytes).iter().map(parts).collect();
        assert_eq!(ours, theirs, "{}", file.display());
        frames += ours.len();
    }
    println!("{frames} files agree");
}

/// Norwegian and Swedish customer ports: Kaifa's lists without codes, Kamstrup's and Aidon's with them.
fn pushes() -> Vec<Vec<u8>> {
    let number = |n: u32| [&[6][..], &n.to_be_bytes()].concat();
    let short = |n: u16| [&[0x12][..], &n.to_be_bytes()].concat();
    let text = |t: &str| [&[9, u8::try_from(t.len()).unwrap()][..], t.as_bytes()].concat();
    let clock = [0x07, 0xE9, 3, 14, 5, 15, 9, 26, 0xFF, 0x80, 0, 0];
    let mut all = Vec::new();
    for n in 0..8u32 {
        let (w, back, import, export) = (n * 977 % 9_000, n * 31 % 700, 10_000_019 * n, 30_011 * n);
        let head = [0x0F, 0x40, 0, 0, 0, 9, 12]
            .iter()
            .chain(&clock)
            .copied()
            .collect::<Vec<u8>>();
        let short_list = [&head[..], &[2, 1], &number(w)].concat();
        let mut values = vec![text("KFM_001"), text("6970631404321234"), text("MA304H3E")];
        values.extend([w, back, 0, 5, 100, 200, 300, 2_300, 2_310, 2_320].map(number));
        let long_list = [&head[..], &[2, 13], &values.concat()].concat();
        values.push([&[9, 12][..], &clock].concat());
        values.extend([import, export, 7, 8].map(number));
        let hourly = [&head[..], &[2, 18], &values.concat()].concat();
        all.extend([short_list, long_list, hourly]);
        let plain = [0x0F, 0, 0, 0, 0, 12]
            .iter()
            .chain(&clock)
            .copied()
            .collect::<Vec<u8>>();
        let pair =
            |c: u8, d: u8, value: Vec<u8>| [&[9, 6, 1, 1, c, d, 0, 255][..], &value].concat();
        let kamstrup = [
            &plain[..],
            &[2, 13, 0x0A, 14],
            b"Kamstrup_V0001",
            &pair(1, 7, number(w)),
            &pair(2, 7, number(back)),
            &pair(1, 8, number(import / 10)),
            &pair(2, 8, number(export / 10)),
            &pair(31, 7, number(120)),
            &pair(32, 7, short(230)),
        ]
        .concat();
        all.push(kamstrup);
        let entry = |c: u8, d: u8, unit: u8, value: u32| {
            [
                &[2, 3, 9, 6, 1, 0, c, d, 0, 255][..],
                &number(value),
                &[2, 2, 0x0F, 0, 0x16, unit],
            ]
            .concat()
        };
        let power = [entry(1, 7, 27, w), entry(2, 7, 27, back)].concat();
        let energy = [entry(1, 8, 30, import), entry(2, 8, 30, export)].concat();
        all.push([&[0x0F, 0x40, 0, 0, 0, 0, 1, 4][..], &power, &energy].concat());
    }
    all.iter().map(|apdu| hdlc(apdu)).collect()
}

fn hdlc(apdu: &[u8]) -> Vec<u8> {
    use wattpool_meter_codec::links::fcs;
    let length = u16::try_from(apdu.len() + 13).unwrap() | 0xA000;
    let mut frame = [&length.to_be_bytes()[..], &[0x41, 0x08, 0x83, 0x13]].concat();
    frame.extend(fcs(&frame).to_le_bytes());
    frame.extend([0xE6, 0xE7, 0x00]);
    frame.extend(apdu);
    frame.extend(fcs(&frame).to_le_bytes());
    [&[0x7E][..], &frame, &[0x7E]].concat()
}

#[test]
fn customer_ports_of_the_north_agree_with_amshan() {
    let frames = pushes();
    let bytes = frames.concat();
    let Some(lines) = oracle(&["han"], &bytes) else {
        return;
    };
    let theirs: Vec<Parts> = theirs(&lines).into_iter().map(|t| t.0).collect();
    let ours: Vec<Parts> = ours(dlms::Pushes::new(Dialect::default()), &bytes)
        .iter()
        .map(parts)
        .collect();
    assert_eq!(ours.len(), frames.len());
    assert_eq!(ours, theirs);
    for file in captures("dlms", "log")
        .into_iter()
        .filter(|f| f.ends_with("hdlc_norway_han_1phase.log"))
    {
        let bytes = text::bytes(&std::fs::read(file).unwrap());
        let lines = oracle(&["han"], &bytes).unwrap();
        let ours: Vec<Parts> = self::ours(dlms::Pushes::new(Dialect::default()), &bytes)
            .iter()
            .map(parts)
            .collect();
        assert_eq!(
            ours,
            self::theirs(&lines)
                .into_iter()
                .map(|t| t.0)
                .collect::<Vec<_>>()
        );
    }
}

#[test]
fn pushes_that_another_library_encrypted_are_opened() {
    let (key, authentication) = (
        "000102030405060708090a0b0c0d0e0f",
        "d0d1d2d3d4d5d6d7d8d9dadbdcdddedf",
    );
    let Some(lines) = oracle(&["pushes", "20", key, authentication], b"") else {
        return;
    };
    let bytes = |text: &str| wattpool_meter_codec::cipher::parse_key(text);
    let keys = Keys {
        encryption: bytes(key).unwrap(),
        authentication: bytes(authentication),
    };
    let dialect = Dialect {
        keys: Some(keys),
        ..Dialect::default()
    };
    let mut opened = 0;
    for line in lines.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let [import, export, power, apdu] = words[..] else {
            panic!("{line}")
        };
        let want = (import.parse().ok(), export.parse().ok(), power.parse().ok());
        let framed = hdlc(&hex::decode(apdu).unwrap());
        let read: Vec<Parts> = ours(dlms::Pushes::new(dialect.clone()), &framed)
            .iter()
            .map(parts)
            .collect();
        assert_eq!(read, [want]);
        opened += 1;
    }
    assert_eq!(opened, 20);
}
