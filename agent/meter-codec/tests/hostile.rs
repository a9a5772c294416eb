//! Corrupted, truncated, interleaved and oversized input: no panic, bounded memory, nothing believed that a check
//! refuses, and the next good frame is read.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::{encrypted, telegram, TELEGRAMS};
use proptest::collection::vec;
use proptest::prelude::*;
use wattpool_meter_codec::cipher::Keys;
use wattpool_meter_codec::links::fcs;
use wattpool_meter_codec::{
    dlms, json, p1, sml, sunspec, text, Dialect, Frames, RegistersFrom, Stream, Telegram,
};

/// A push of Aidon's form: import, export, power.
fn push(import: u32, export: u32, power: u32) -> Vec<u8> {
    let mut apdu = vec![0x0F, 0x40, 0, 0, 0, 0, 0x01, 3];
    for (code, unit, value) in [(1u8, 30u8, import), (2, 30, export), (1, 27, power)] {
        let kind = if unit == 30 { 8 } else { 7 };
        apdu.extend([0x02, 3, 0x09, 6, 1, 0, code, kind, 0, 255, 0x06]);
        apdu.extend(value.to_be_bytes());
        apdu.extend([0x02, 2, 0x0F, 0, 0x16, unit]);
    }
    hdlc(&apdu)
}

fn hdlc(apdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(apdu.len() + 13).unwrap() | 0xA000;
    let mut frame = [&length.to_be_bytes()[..], &[0x41, 0x08, 0x83, 0x13]].concat();
    frame.extend(fcs(&frame).to_le_bytes());
    frame.extend([0xE6, 0xE7, 0x00]);
    frame.extend(apdu);
    frame.extend(fcs(&frame).to_le_bytes());
    [&[0x7E][..], &frame, &[0x7E]].concat()
}

/// An SML file with one list: import with a scale, power.
fn sml_file(import: u32, power: i32) -> Vec<u8> {
    let entry = |code: u8, kind: u8, unit: u8, value: Vec<u8>| {
        [
            &[
                0x77, 0x07, 1, 0, code, kind, 0, 255, 1, 1, 0x62, unit, 0x52, 0xFF,
            ][..],
            &value,
            &[1],
        ]
        .concat()
    };
    let values = [
        entry(1, 8, 30, [&[0x65][..], &import.to_be_bytes()].concat()),
        entry(16, 7, 27, [&[0x55][..], &power.to_be_bytes()].concat()),
    ]
    .concat();
    let list = [
        &[
            0x77, 1, 0x05, 1, 2, 3, 4, 1, 0x72, 0x62, 1, 0x65, 0, 0, 1, 0, 0x72,
        ][..],
        &values,
        &[1, 1],
    ]
    .concat();
    let message = [
        &[0x76, 0x02, 1, 0x62, 0, 0x62, 0, 0x72, 0x63, 0x07, 0x01][..],
        &list,
        &[0x63, 0, 0, 0],
    ]
    .concat();
    sml_rs::transport::encode::<Vec<u8>>(&message).unwrap()
}

fn all<F: Frames>(frames: F, pieces: &[&[u8]]) -> (Vec<Telegram>, usize) {
    let mut stream = Stream::new(frames);
    let (mut good, mut bad) = (Vec::new(), 0);
    let mut take = |stream: &mut Stream<F>| {
        while let Some(next) = stream.next() {
            match next {
                Ok(t) => good.push(t),
                Err(_) => bad += 1,
            }
        }
    };
    for piece in pieces {
        stream.push(piece);
        take(&mut stream);
    }
    stream.end();
    take(&mut stream);
    (good, bad)
}

fn import(t: &Telegram) -> Option<u64> {
    t.reading(RegistersFrom::Total).ok()?.import.map(|r| r.wh.0)
}

/// What is between the frames, and what happens to one of them.
fn spoiled(bytes: &mut Vec<u8>, edits: &[(usize, u8, u8)]) {
    for (at, kind, byte) in edits {
        if bytes.is_empty() {
            return;
        }
        let at = at % bytes.len();
        match kind % 4 {
            0 => bytes[at] ^= byte | 1,
            1 => drop(bytes.remove(at)),
            2 => bytes.insert(at, *byte),
            _ => bytes.truncate(at),
        }
    }
}

fn edits() -> impl Strategy<Value = Vec<(usize, u8, u8)>> {
    vec((any::<usize>(), any::<u8>(), any::<u8>()), 1..5)
}

/// Good, spoiled, good: the good ones are read, and the spoiled one gives no register that was not sent.
fn survives<F: Frames>(frames: impl Fn() -> F, good: &[u8], want: u64, edits: &[(usize, u8, u8)]) {
    let mut bad = good.to_vec();
    spoiled(&mut bad, edits);
    // A frame that waits for bytes that never come takes those of the next: two good ones follow.
    let padding = vec![0u8; F::LONGEST + 1];
    let (read, _) = all(frames(), &[good, &bad, &padding, good, good]);
    let registers: Vec<_> = read.iter().filter_map(import).collect();
    assert!(registers.iter().all(|r| *r == want), "{registers:?}");
    assert!(registers.len() >= 2, "only {} read", registers.len());
    assert_eq!(registers.last(), Some(&want));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn spoiled_telegrams_with_a_check_are_not_believed(edits in edits(), which in 2..TELEGRAMS.len()) {
        let variant = &TELEGRAMS[which];
        let good = telegram(variant);
        survives(|| p1::Telegrams::new(Dialect::default()), good.as_bytes(), variant.import.unwrap(), &edits);
    }

    #[test]
    fn spoiled_encrypted_telegrams_are_not_believed(edits in edits()) {
        let variant = TELEGRAMS.iter().find(|t| t.name.contains("Luxembourg")).unwrap();
        let keys = Keys { encryption: [1; 16], authentication: Some([2; 16]) };
        let good = encrypted(telegram(variant).as_bytes(), &keys, 1);
        let dialect = Dialect { keys: Some(keys), ..Dialect::default() };
        survives(|| p1::Telegrams::new(dialect.clone()), &good, variant.import.unwrap(), &edits);
    }

    #[test]
    fn spoiled_pushes_are_not_believed(edits in edits(), wh in 0..u32::MAX) {
        let good = push(wh, 7, 8);
        survives(|| dlms::Pushes::new(Dialect::default()), &good, u64::from(wh), &edits);
    }

    #[test]
    fn spoiled_sml_files_are_not_believed(edits in edits(), wh in any::<u32>(), w in any::<i32>()) {
        let good = sml_file(wh, w);
        survives(|| sml::Files, &good, u64::from(wh) / 10, &edits);
    }

    #[test]
    fn noise_never_panics(noise in vec(any::<u8>(), 0..2_000), piece in 1usize..100) {
        let pieces: Vec<&[u8]> = noise.chunks(piece).collect();
        let keys = Some(Keys { encryption: [1; 16], authentication: None });
        let dialect = Dialect { keys, ignore_checks: true, ..Dialect::default() };
        all(p1::Telegrams::new(dialect.clone()), &pieces);
        all(sml::Files, &pieces);
        all(dlms::Pushes::with_bare(dialect), &pieces);
        let _ = json::recognised("site/grid/energy", &noise);
        let _ = text::bytes(&noise);
        let registers: Vec<u16> = noise.chunks_exact(2).map(|p| u16::from_be_bytes([p[0], p[1]])).collect();
        let _ = sunspec::map(&registers);
        for id in [101, 111, 201, 211, 701] {
            let _ = sunspec::points(id, &registers);
        }
    }

    #[test]
    fn messages_of_any_shape_inside_a_right_check_never_panic(noise in vec(any::<u8>(), 0..400)) {
        // What a hostile device can send: its check is right, its content is not.
        all(sml::Files, &[&sml_rs::transport::encode::<Vec<u8>>(&noise).unwrap()]);
        let list = [&[0x76, 0x02, 1, 0x62, 0, 0x62, 0, 0x72, 0x63, 0x07, 0x01][..], &noise].concat();
        all(sml::Files, &[&sml_rs::transport::encode::<Vec<u8>>(&list).unwrap()]);
        all(dlms::Pushes::new(Dialect::default()), &[&hdlc(&noise)]);
        let body = [&[0x0F, 0, 0, 0, 0, 0][..], &noise].concat();
        all(dlms::Pushes::new(Dialect::default()), &[&hdlc(&body)]);
    }
}

#[test]
fn claimed_lengths_allocate_nothing() {
    // A list of 2^28 values, and arrays within arrays.
    let list = [
        0x76u8, 0x02, 1, 0x62, 0, 0x62, 0, 0x72, 0x63, 0x07, 0x01, 0xFF, 0x8F, 0x8F, 0x0F,
    ];
    let file = sml_rs::transport::encode::<Vec<u8>>(&list[..]).unwrap();
    let (read, bad) = all(sml::Files, &[&file]);
    assert_eq!((read.len(), bad), (0, 1));
    let deep = [
        &[0x0F, 0, 0, 0, 0, 0][..],
        &[0x01, 0x82, 0xFF, 0xFF].repeat(40),
    ]
    .concat();
    let (read, bad) = all(dlms::Pushes::new(Dialect::default()), &[&hdlc(&deep)]);
    assert_eq!((read.len(), bad), (0, 1));
}

#[test]
fn parts_of_a_push_that_do_not_follow_each_other_are_refused() {
    // A push in two M-Bus frames, and the second of another.
    let frame = |ci: u8, part: &[u8]| {
        let content = [&[0x53, 0xFF, ci, 1, 0x67][..], part].concat();
        let length = u8::try_from(content.len()).unwrap();
        let sum = content.iter().fold(0u8, |s, b| s.wrapping_add(*b));
        [&[0x68, length, length, 0x68][..], &content, &[sum, 0x16]].concat()
    };
    let whole = push(1_000, 2_000, 3);
    let apdu = &whole[12..whole.len() - 3];
    let (one, two) = apdu.split_at(30);
    let new = || dlms::Pushes::new(Dialect::default());
    let (read, bad) = all(new(), &[&frame(0, one), &frame(0x11, two)]);
    assert_eq!((import(&read[0]), read.len(), bad), (Some(1_000), 1, 0));
    for wrong in [
        vec![frame(0x11, two)],
        vec![frame(0, one), frame(0x12, two)],
    ] {
        let pieces: Vec<&[u8]> = wrong.iter().map(Vec::as_slice).collect();
        let (read, bad) = all(new(), &pieces);
        assert_eq!((read.len(), bad), (0, 1));
    }
}
