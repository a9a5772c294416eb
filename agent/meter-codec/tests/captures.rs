//! Captured messages of real meters, which lie outside the project: `WATTPOOL_DATA` names their folder.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

use std::path::PathBuf;
use wattpool_meter_codec::cipher::{parse_key, Keys};
use wattpool_meter_codec::{
    dlms, sml, text, Dialect, Frames, Reading, Refused, RegistersFrom, Stream, Time,
};

fn captures(folder: &str) -> Option<PathBuf> {
    match std::env::var_os("WATTPOOL_DATA") {
        Some(data) => Some(PathBuf::from(data).join(folder)),
        None => {
            println!("skipped: WATTPOOL_DATA names no folder of captures");
            None
        }
    }
}

type Decoded = (Vec<Reading>, Vec<Refused>);

/// In pieces of three sizes: what comes out must not depend on them.
fn decode<F: Frames>(bytes: &[u8], frames: impl Fn() -> F) -> Decoded {
    let mut last: Option<Decoded> = None;
    for piece in [1, 7, bytes.len().max(1)] {
        let mut stream = Stream::new(frames());
        let (mut readings, mut refused) = (Vec::new(), Vec::new());
        let mut take = |stream: &mut Stream<F>| {
            while let Some(next) = stream.next() {
                match next {
                    Ok(t) => readings.push(t.reading(RegistersFrom::Total).unwrap()),
                    Err(r) => refused.push(r),
                }
            }
        };
        for piece in bytes.chunks(piece) {
            stream.push(piece);
            take(&mut stream);
        }
        stream.end();
        take(&mut stream);
        if let Some((before, _)) = &last {
            assert_eq!(before, &readings, "pieces of {piece}");
        }
        last = Some((readings, refused));
    }
    last.unwrap()
}

fn registers(r: &Reading) -> (Option<u64>, Option<u64>, Option<i64>) {
    (
        r.import.map(|r| r.wh.0),
        r.export.map(|r| r.wh.0),
        r.power_w,
    )
}

#[test]
fn sml_of_real_meters() {
    let Some(folder) = captures("sml") else {
        return;
    };
    // File, good files in it, the first one's import, export and power.
    type Want = (&'static str, usize, Option<u64>, Option<u64>, Option<i64>);
    let want: [Want; 9] = [
        (
            "DZG_DVS-7412.2_jmberg",
            1,
            Some(5_430_157),
            Some(26_244_572),
            Some(-299),
        ),
        (
            "DZG_DVS-7420.2V.G2_mtr1",
            4,
            Some(2_353_656),
            Some(0),
            Some(6),
        ),
        ("DZG_DVS-7420.2V.G2_mtr1_error", 0, None, None, None),
        (
            "DZG_DVS-7420.2V.G2_mtr2_neg",
            3,
            Some(13_232),
            Some(1_500_321),
            Some(-106),
        ),
        ("DrNeuhaus_SMARTY_ix-130", 12, None, Some(4_373), None),
        ("EMH-ED300L_consumption", 1, Some(17_243_368), None, None),
        ("EMH-ED300L_delivery", 2, Some(17_243_675), None, None),
        (
            "EMH_eHZ-IW8E2A5L0EK2P_with_error",
            11,
            Some(2_795_692),
            None,
            Some(137),
        ),
        ("EMH_eHZ361L5R", 1, None, Some(110_340_315), Some(-5_632)),
    ];
    for (name, files, import, export, power) in want {
        let bytes = std::fs::read(folder.join(format!("{name}.bin"))).unwrap();
        let (readings, refused) = decode(&bytes, || sml::Files);
        assert_eq!(readings.len(), files, "{name}: {refused:?}");
        if let Some(first) = readings.first() {
            assert_eq!(registers(first), (import, export, power), "{name}");
        }
        if name.contains("error") {
            assert!(!refused.is_empty(), "{name}");
        }
    }
}

fn push(name: &str, keys: Option<Keys>, ignore_checks: bool) -> Option<Decoded> {
    let file = captures("dlms")?.join(format!("{name}.log"));
    let bytes = text::bytes(&std::fs::read(file).unwrap());
    let dialect = Dialect {
        keys,
        ignore_checks,
        ..Dialect::default()
    };
    Some(decode(&bytes, || dlms::Pushes::with_bare(dialect.clone())))
}

fn keys(name: &str, authentication: bool) -> Option<Keys> {
    let folder = captures("dlms")?;
    let key = |kind: &str| {
        let text = std::fs::read_to_string(folder.join(format!("{name}.{kind}"))).unwrap();
        parse_key(&text).unwrap()
    };
    Some(Keys {
        encryption: key("key"),
        authentication: authentication.then(|| key("gak")),
    })
}

fn utc(r: &Reading) -> String {
    match r.time {
        Some(Time::Utc(at)) => wattpool_meter_codec::clock::utc_text(at),
        other => format!("{other:?}"),
    }
}

#[test]
fn dlms_of_real_meters() {
    let Some((iskra, bad)) = push("hdlc_iskra550", None, false) else {
        return;
    };
    assert_eq!((iskra.len(), bad), (1, vec![]));
    assert_eq!(
        registers(&iskra[0]),
        (Some(0x0003_FF27), Some(0xF958), Some(0xB6))
    );

    let (norway, bad) = push("hdlc_norway_han_1phase", None, false).unwrap();
    assert_eq!((norway.len(), bad), (1, vec![]));
    assert_eq!(registers(&norway[0]), (None, None, Some(0x552)));

    let (salzburg, bad) = push("raw_salzburg_netz", None, false).unwrap();
    assert_eq!((salzburg.len(), bad), (1, vec![]));
    assert_eq!(
        registers(&salzburg[0]),
        (Some(1_327_456), Some(0), Some(0x2CA))
    );
    assert_eq!(utc(&salzburg[0]), "2022-11-12T15:54:00Z");

    let (noe, bad) = push("mbus_netz_noe_p1", keys("mbus_netz_noe_p1", false), false).unwrap();
    assert_eq!((noe.len(), bad), (1, vec![]));
    assert_eq!(registers(&noe[0]), (Some(12_937), Some(0), Some(0)));
    assert_eq!(utc(&noe[0]), "2021-09-27T07:47:15Z");

    for authentication in [false, true] {
        let keys = keys("hdlc_kamstrup_omnipower", authentication);
        let (kamstrup, bad) = push("hdlc_kamstrup_omnipower", keys, false).unwrap();
        assert_eq!((kamstrup.len(), bad), (1, vec![]));
        // Kamstrup counts in 10 Wh.
        assert_eq!(
            registers(&kamstrup[0]),
            (Some(63_074_980), Some(0), Some(1_083))
        );
        assert_eq!(kamstrup[0].import.unwrap().step.0, 10);
    }
}

#[test]
fn a_capture_that_was_edited_by_hand_is_refused_by_its_check() {
    let Some((readings, refused)) = push("hdlc_landis_gyr_zmf100", None, false) else {
        return;
    };
    assert_eq!(readings, []);
    assert!(
        refused[0]
            .to_string()
            .starts_with("at byte 0: FCS is wrong: it says 455A"),
        "{}",
        refused[0]
    );
    let (readings, _) = push("hdlc_landis_gyr_zmf100", None, true).unwrap();
    assert_eq!(
        registers(&readings[0]),
        (Some(0x86AF), Some(0x0001_7466), Some(0x230))
    );
}

#[test]
fn a_wrong_key_opens_nothing() {
    let Some(right) = keys("hdlc_kamstrup_omnipower", true) else {
        return;
    };
    let wrong = Keys {
        encryption: [7; 16],
        ..right.clone()
    };
    let blind = Keys {
        encryption: [7; 16],
        authentication: None,
    };
    let forged = Keys {
        authentication: Some([7; 16]),
        ..right
    };
    for keys in [Some(wrong), Some(blind), Some(forged), None] {
        let (readings, refused) = push("hdlc_kamstrup_omnipower", keys, false).unwrap();
        assert_eq!(readings, []);
        assert!(
            refused[0].to_string().contains("encrypted: "),
            "{}",
            refused[0]
        );
    }
}
