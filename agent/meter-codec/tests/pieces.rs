//! However a line cuts what a meter says into pieces, the same is read.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod common;

use common::{encrypted, telegram, TELEGRAMS};
use proptest::collection::vec;
use proptest::prelude::*;
use wattpool_meter_codec::cipher::Keys;
use wattpool_meter_codec::{p1, Dialect, Frames, Stream, Telegram};

const KEYS: Keys = Keys {
    encryption: [1; 16],
    authentication: Some([2; 16]),
};

fn telegrams(bytes: &[u8], piece: usize) -> Vec<Telegram> {
    let dialect = Dialect {
        keys: Some(KEYS),
        ..Dialect::default()
    };
    let mut stream = Stream::new(p1::Telegrams::new(dialect));
    let mut all = Vec::new();
    for piece in bytes.chunks(piece) {
        stream.push(piece);
        all.extend(std::iter::from_fn(|| stream.next()).flatten());
    }
    stream.end();
    all.extend(std::iter::from_fn(|| stream.next()).flatten());
    all
}

/// A telegram without a check, with lines that are left aside to make it so long.
fn long(length: usize) -> Vec<u8> {
    let (head, end) = (
        "/ISk5\\2MT382-1004\r\n\r\n",
        "1-0:1.8.1(00001.001*kWh)\r\n!\r\n",
    );
    let filler = length.saturating_sub(head.len() + end.len());
    let line = "0-0:96.13.0(303132333435)\r\n";
    let mut text = head.to_owned() + &line.repeat(filler / line.len());
    text.push_str(end);
    text.into_bytes()
}

#[test]
fn a_telegram_beyond_the_longest_is_refused_in_any_pieces() {
    let longest = p1::Telegrams::LONGEST;
    for length in [longest / 2, longest - 40, longest + 40, longest * 5 / 4] {
        let bytes = [long(length), telegram(&TELEGRAMS[2]).into_bytes()].concat();
        let whole = telegrams(&bytes, bytes.len());
        assert_eq!(whole.len(), if length < longest { 2 } else { 1 });
        for piece in [1, 509, 4_096, 8_192] {
            assert_eq!(telegrams(&bytes, piece), whole, "{length} in {piece}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn pieces_of_any_size_read_the_same(
        parts in vec((0..TELEGRAMS.len() + 2, any::<(u16, u8, bool)>()), 1..6),
        piece in 1usize..5_000,
    ) {
        let mut bytes = Vec::new();
        for (which, (at, byte, spoil)) in parts {
            let mut part = match TELEGRAMS.get(which) {
                Some(variant) => telegram(variant).into_bytes(),
                None if which == TELEGRAMS.len() => long(usize::from(at) % 12_000),
                None => encrypted(telegram(&TELEGRAMS[2]).as_bytes(), &KEYS, 1),
            };
            if spoil {
                let at = usize::from(at) % part.len();
                part[at] = byte;
            }
            bytes.extend(part);
        }
        let whole = telegrams(&bytes, bytes.len());
        prop_assert_eq!(telegrams(&bytes, piece), whole.clone());
        prop_assert_eq!(telegrams(&bytes, 509), whole);
    }
}
