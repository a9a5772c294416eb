//! P1 telegrams of all versions, made here; `tests/oracle.rs` holds them against an independent parser.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::{crc, encrypted, telegram, TELEGRAMS};
use wattpool_meter_codec::cipher::Keys;
use wattpool_meter_codec::clock::utc_text;
use wattpool_meter_codec::{p1, Dialect, Reading, RegistersFrom, Stream, Time};

fn decode(dialect: Dialect, bytes: &[u8]) -> (Vec<Reading>, Vec<String>) {
    let mut stream = Stream::new(p1::Telegrams::new(dialect));
    stream.push(bytes);
    stream.end();
    let (mut readings, mut refused) = (Vec::new(), Vec::new());
    while let Some(next) = stream.next() {
        match next {
            Ok(t) => readings.push(t.reading(RegistersFrom::Total).unwrap()),
            Err(r) => refused.push(r.to_string()),
        }
    }
    (readings, refused)
}

fn one(text: &str) -> Reading {
    let (readings, refused) = decode(Dialect::default(), text.as_bytes());
    assert_eq!((readings.len(), refused), (1, vec![]), "{text}");
    readings[0]
}

fn told(text: &str) -> (Option<u64>, Option<u64>, Option<i64>, Option<String>) {
    let r = one(text);
    let time = match r.time {
        Some(Time::Utc(at)) => Some(utc_text(at)),
        _ => None,
    };
    (
        r.import.map(|r| r.wh.0),
        r.export.map(|r| r.wh.0),
        r.power_w,
        time,
    )
}

#[test]
fn every_version_is_read() {
    for variant in TELEGRAMS {
        let time = variant.time.map(str::to_owned);
        assert_eq!(
            told(&telegram(variant)),
            (variant.import, variant.export, variant.power, time),
            "{}",
            variant.name
        );
    }
}

#[test]
fn luxembourgs_telegrams_are_opened_with_the_owners_key() {
    let lux = TELEGRAMS
        .iter()
        .find(|t| t.name.contains("Luxembourg"))
        .unwrap();
    let keys = Keys {
        encryption: [0x11; 16],
        authentication: Some([0x22; 16]),
    };
    let frame = encrypted(telegram(lux).as_bytes(), &keys, 7);
    let twice = [frame.clone(), frame.clone()].concat();
    let opened = |keys: Option<Keys>| {
        decode(
            Dialect {
                keys,
                ..Dialect::default()
            },
            &twice,
        )
    };
    let blind = Keys {
        authentication: None,
        ..keys.clone()
    };
    for keys in [&keys, &blind] {
        let (readings, refused) = opened(Some(keys.clone()));
        assert_eq!((readings.len(), refused), (2, vec![]));
        assert_eq!(readings[0].import.map(|r| r.wh.0), lux.import);
    }
    for wrong in [
        Keys {
            encryption: [0; 16],
            ..keys.clone()
        },
        Keys {
            authentication: Some([0; 16]),
            ..keys
        },
        Keys {
            encryption: [0; 16],
            ..blind
        },
    ] {
        let (readings, refused) = opened(Some(wrong));
        assert_eq!(readings, []);
        assert_eq!(refused.len(), 2, "{refused:?}");
    }
    assert_eq!(
        opened(None).1[0],
        "at byte 0: encrypted: the owner's key is needed"
    );
}

#[test]
fn a_wrong_check_is_told_with_its_place_and_the_next_telegram_is_read() {
    let good = telegram(&TELEGRAMS[2]);
    let bad = good.replacen("1-0:1.8.1(0", "1-0:1.8.1(1", 1);
    let (readings, refused) = decode(Dialect::default(), format!("xx{bad}{good}").as_bytes());
    assert_eq!(readings.len(), 1);
    assert_eq!(refused[0], "at byte 0: 2 bytes belong to no frame");
    let said = &good[good.len() - 6..good.len() - 2];
    let computed = crc(&bad.as_bytes()[..bad.len() - 6]);
    assert_eq!(
        refused[1],
        format!("at byte 2: CRC is wrong: it says {said}, computed {computed:04X}")
    );
}

#[test]
fn what_is_cut_off_or_garbled_is_refused() {
    let good = telegram(&TELEGRAMS[0]);
    assert!(
        !good.contains("(S") && good.ends_with("!\r\n"),
        "version 2.2 has no check"
    );
    let refusals = |text: &str| {
        let (readings, refused) = decode(Dialect::default(), text.as_bytes());
        assert_eq!(readings, [], "{text}");
        refused.join("; ")
    };
    let cut = &good[..60];
    assert_eq!(
        refusals(cut),
        "at byte 0: P1 telegram is cut off: the input ends 60 bytes into it"
    );
    assert!(refusals(&good.replacen("*kWh", "*kWx", 1)).contains("expected such as 00001.001*kWh"));
    assert!(refusals(&good.replacen("1-0:1.8.1(", "1-0:1.8.1[", 1)).contains("line "));
    assert!(
        refusals(&good.replacen("\r\n1-0:1.8.2", "\r\n\u{7}1-0:1.8.2", 1))
            .contains("expected text, found 07")
    );
    // A second telegram within the first.
    let within = format!("{}{good}", &good[..good.find("1-0:1.8.2").unwrap()]);
    let (readings, refused) = decode(Dialect::default(), within.as_bytes());
    assert_eq!((readings.len(), refused.len()), (1, 1));
    assert!(refused[0].contains("another one begins"), "{refused:?}");
    // Versions that have a check are not taken without it.
    let unchecked = telegram(&TELEGRAMS[2]);
    let unchecked = format!("{}!\r\n", &unchecked[..unchecked.len() - 7]);
    assert!(refusals(&unchecked).contains("check: missing"));
}

#[test]
fn lines_that_lost_their_carriage_returns_keep_their_check() {
    let good = telegram(&TELEGRAMS[2]);
    assert_eq!(one(&good.replace('\r', "")), one(&good));
}

#[test]
fn a_line_without_end_is_given_up_at_the_longest_telegram() {
    let mut stream = Stream::new(p1::Telegrams::new(Dialect::default()));
    stream.push(b"/ABC5");
    let mut refused = 0;
    for _ in 0..1_000 {
        stream.push(&[b'x'; 100]);
        while let Some(next) = stream.next() {
            next.unwrap_err();
            refused += 1;
        }
    }
    assert!((1..=1_000).contains(&refused), "{refused}");
    let good = telegram(&TELEGRAMS[2]);
    stream.push(good.as_bytes());
    let mut read = 0;
    while let Some(next) = stream.next() {
        read += usize::from(next.is_ok());
    }
    assert_eq!(read, 1, "the next good telegram is read");
}
