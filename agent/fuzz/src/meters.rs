//! What a meter says: bytes of a line that anybody may have a hand on.

use crate::{agree, Target, LEAN};
use wattpool_meter_codec::cipher::Keys;
use wattpool_meter_codec::links::fcs;
use wattpool_meter_codec::{
    dlms, json, p1, sml, sunspec, text, Dialect, Frames, RegistersFrom, Stream, Telegram,
};

const LONGEST: usize = 32 * 1024;

fn keys() -> Dialect {
    let keys = Some(Keys {
        encryption: [1; 16],
        authentication: None,
    });
    Dialect {
        keys,
        ..Dialect::default()
    }
}

/// Telegrams of a stream that comes in pieces of this size.
fn telegrams<F: Frames>(frames: F, data: &[u8], piece: usize) -> Vec<Telegram> {
    let mut stream = Stream::new(frames);
    let mut all = Vec::new();
    let mut take = |stream: &mut Stream<F>| {
        while let Some(next) = stream.next() {
            match next {
                Ok(telegram) => all.push(telegram),
                Err(refused) => {
                    let line = refused.to_string();
                    if line.contains('\n') || line.len() > 1_024 {
                        panic!("{line}");
                    }
                }
            }
        }
    };
    for piece in data.chunks(piece.max(1)) {
        stream.push(piece);
        take(&mut stream);
    }
    stream.end();
    take(&mut stream);
    all
}

/// However a stream is cut into pieces, the same is read.
fn in_pieces<F: Frames>(frames: impl Fn() -> F, data: &[u8]) {
    let whole = telegrams(frames(), data, 4_096);
    agree("pieces", &whole, &telegrams(frames(), data, 509));
    agree("one piece", &whole, &telegrams(frames(), data, data.len()));
    read_all(&whole);
}

/// Every telegram is made into readings, in both ways.
fn read_all(telegrams: &[Telegram]) {
    for telegram in telegrams {
        let _ = telegram.reading(RegistersFrom::Total);
        let _ = telegram.reading(RegistersFrom::Phases);
    }
}

pub(crate) const P1: Target = Target {
    name: "meter_p1",
    run: |data| in_pieces(|| p1::Telegrams::new(keys()), data),
    seeds: || {
        let text = "/ISk5\\2MT382-1004\r\n\r\n0-0:1.0.0(170702192002S)\r\n1-0:1.8.1(00001.001*kWh)\r\n1-0:2.8.1(00003.300*kWh)\r\n1-0:1.7.0(0001.01*kW)\r\n0-1:24.3.0(161107190000)(00)(60)(1)(0-1:24.2.1)(m3)\r\n(00001.001)\r\n!\r\n";
        vec![text.into()]
    },
    longest: LONGEST,
    per_byte: LEAN,
};

pub(crate) const SML: Target = Target {
    name: "meter_sml",
    run: |data| in_pieces(|| sml::Files, data),
    seeds: || {
        let entry: &[u8] = &[
            0x77, 7, 1, 0, 1, 8, 0, 255, 1, 1, 0x62, 30, 0x52, 255, 0x63, 1, 2, 1,
        ];
        let head: &[u8] = &[
            0x76, 2, 1, 0x62, 0, 0x62, 0, 0x72, 0x63, 7, 1, 0x77, 1, 5, 1, 2, 3, 4, 1, 0x72, 0x62,
            1, 0x65, 0, 0, 1, 0, 0x71,
        ];
        let message = [head, entry, &[1, 1, 0x63, 0, 0, 0]].concat();
        sml_rs::transport::encode::<Vec<u8>>(&message)
            .into_iter()
            .collect()
    },
    longest: LONGEST,
    per_byte: LEAN,
};

pub(crate) const DLMS: Target = Target {
    name: "meter_dlms",
    run: |data| {
        in_pieces(|| dlms::Pushes::new(keys()), data);
        // A bare push has no end of its own: only whole ones can agree.
        telegrams(dlms::Pushes::with_bare(keys()), data, data.len());
        let _ = text::bytes(data);
    },
    seeds: || {
        let apdu: &[u8] = &[
            0x0F, 0, 0, 0, 0, 0, 1, 1, 2, 3, 9, 6, 1, 0, 1, 8, 0, 255, 6, 0, 0, 1, 0, 2, 2, 0x0F,
            0, 0x16, 30,
        ];
        let length = u16::try_from(apdu.len()).map_or(0, |n| n.saturating_add(0xA00D));
        let mut frame = [&length.to_be_bytes()[..], &[0x41, 8, 0x83, 0x13]].concat();
        frame.extend(fcs(&frame).to_le_bytes());
        frame.extend([0xE6, 0xE7, 0]);
        frame.extend(apdu);
        frame.extend(fcs(&frame).to_le_bytes());
        vec![[&[0x7E][..], &frame, &[0x7E]].concat(), apdu.to_vec()]
    },
    longest: LONGEST,
    per_byte: LEAN,
};

pub(crate) const SUNSPEC: Target = Target {
    name: "meter_sunspec",
    run: |data| {
        let registers: Vec<u16> = data
            .chunks_exact(2)
            .filter_map(|p| p.try_into().ok().map(u16::from_be_bytes))
            .collect();
        for (_, telegram) in sunspec::map(&registers).into_iter().flatten() {
            let _ = telegram.reading(RegistersFrom::Total);
        }
    },
    seeds: || {
        let mut map = vec![0x53, 0x75, 0x6E, 0x53, 0, 203, 0, 105];
        map.resize(8usize.saturating_add(210), 0);
        map.extend([255, 255, 0, 0]);
        vec![map]
    },
    longest: LONGEST,
    per_byte: LEAN,
};

pub(crate) const JSON: Target = Target {
    name: "meter_json",
    run: |data| {
        if let Ok((_, telegram)) = json::recognised("", data) {
            let _ = telegram.reading(RegistersFrom::Total);
        }
    },
    seeds: || {
        vec![
            br#"{"ENERGY":{"Total":12.345,"Power":-7}}"#.to_vec(),
            br#"{"total_act":5,"total_act_ret":"6.5"}"#.to_vec(),
        ]
    },
    longest: LONGEST,
    per_byte: LEAN,
};
