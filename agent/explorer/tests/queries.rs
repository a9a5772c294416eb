//! Whatever is asked, in whatever spelling: an answer within its bounds, or a refusal in one line.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    missing_docs,
    reason = "a test fails by panicking"
)]

mod common;

use common::{ask, export, raw, site};
use serde_json::Value;
use wattpool_chance::Chance;

/// Rounds; `WATTPOOL_CASES` asks for more.
const CASES: u64 = 1_500;
/// The longest answer of anything but a file and the description, bytes.
const LONGEST: usize = 300_000;

/// Draws what strangers ask.
struct Stranger(Chance);

impl Stranger {
    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.0.index(list.len())]
    }

    /// A value: of a kind that a parameter has, at an edge, or of bytes.
    fn value(&mut self) -> String {
        match self.0.index(9) {
            0 => self.0.word().to_string(),
            1 => format!("-{}", self.0.word()),
            2 => (u64::MAX - self.0.word() % 3).to_string(),
            3 => (i64::MAX as u64 + self.0.word() % 3).to_string(),
            4 => format!("{:x}", self.0.word()).repeat(self.0.index(5)),
            5 => format!("{}.{}", self.0.word() as i64, self.0.word() as i64),
            6 => self.of(WORDS).to_owned(),
            7 => "9".repeat(self.0.index(200)),
            _ => (0..self.0.index(40))
                .map(|_| format!("%{:02x}", self.0.word() as u8))
                .collect(),
        }
    }
}

const PATHS: &[&str] = &[
    "status",
    "windows",
    "series",
    "meters",
    "meters/00",
    "trades",
    "trades/3",
    "trades/3/proof",
    "market",
    "money",
    "disputes",
    "operator",
    "validators",
    "events",
    "export",
    "export/signature",
    "openapi.json",
];
const NAMES: &[&str] = &[
    "limit",
    "after",
    "before",
    "meter",
    "buyer",
    "seller",
    "from",
    "to",
    "sort",
    "kind",
    "min_price",
    "max_price",
    "name",
    "every",
    "points",
    "what",
    "form",
    "zone",
    "window",
    "%6cimit",
    "limit[]",
    "",
];
const WORDS: &[&str] = &[
    "time",
    "price",
    "energy",
    "spot",
    "forward",
    "window",
    "hour",
    "day",
    "trades",
    "meters",
    "windows",
    "csv",
    "json",
    "trade_closed",
    "stated,minted",
    "true",
    "null",
    "NaN",
    "1e3",
    "0x10",
    "+1",
    "%201",
    "1%20",
    "1;DROP TABLE trades",
    "' OR 1=1--",
    "..%2f",
    "<script>",
    "🔌",
    "",
];

#[test]
fn odd_queries_are_answered_within_bounds_or_refused() {
    let cases = std::env::var("WATTPOOL_CASES").map_or(CASES, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (address, explorer) = site(folder.path(), &export(300));
    let before = explorer.progress();
    let mut counts = [0_u32; 2];
    for case in 0..cases {
        let mut chance = Stranger(Chance::new(case));
        let path = chance.of(PATHS);
        let mut target = format!("/api/v1/{path}?");
        for _ in 0..chance.0.index(5) {
            let (name, value) = (chance.of(NAMES), chance.value());
            let value = value.replace(' ', "%20");
            target.push_str(&format!("{name}={value}"));
            target.push_str(chance.of(&["&", "&", "&&", ";", "=", "#"]));
        }
        if chance.0.index(10) == 0 {
            // Somewhere in the middle another byte stands.
            let mut bytes = target.into_bytes();
            let at = chance.0.index(bytes.len());
            bytes[at] = b'!' + (chance.0.word() % 94) as u8;
            target = String::from_utf8_lossy(&bytes).into_owned();
        }
        let (status, head, body) = ask(address, &target);
        let text = String::from_utf8_lossy(&body);
        match status {
            200 => {
                let long = path.starts_with("export") || path == "openapi.json";
                assert!(
                    long || body.len() < LONGEST,
                    "case {case}: {target}: {} bytes",
                    body.len()
                );
                counts[0] += 1;
            }
            400 | 404 | 405 | 414 | 429 => {
                let told: Result<Value, _> = serde_json::from_slice(&body);
                // What is no request at all is refused before the site sees it.
                let why = told
                    .ok()
                    .and_then(|t| Some(t.get("error")?.as_str()?.to_owned()));
                let short = why.as_ref().map_or(body.len() < 200, |why| {
                    !why.contains('\n') && why.len() < 400
                });
                assert!(short, "case {case}: {target}: {text}");
                counts[1] += 1;
            }
            other => panic!("case {case}: {target}: {other} {head} {text}"),
        }
    }
    assert!(counts.iter().all(|n| *n > 100), "{counts:?}");
    // Bytes that are no request.
    for case in 0..200 {
        let mut chance = Stranger(Chance::new(case));
        let mut bytes: Vec<u8> =
            b"GET /api/v1/trades?limit=5 HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
        for _ in 0..=chance.0.index(6) {
            let at = chance.0.index(bytes.len());
            bytes[at] = chance.0.word() as u8;
        }
        bytes.extend_from_slice(b"\r\nConnection: close\r\n\r\n");
        let (status, _, body) = raw(address, &bytes);
        assert!(
            status < 500 && body.len() < LONGEST,
            "case {case}: {status}"
        );
    }
    // Nothing of it moved the index, and it still answers.
    assert_eq!(explorer.progress(), before);
    assert_eq!(ask(address, "/api/v1/trades?limit=200").0, 200);
}
