//! A market with a past, as blocks and as a site.
#![allow(dead_code, reason = "each test uses what it needs")]

#[path = "../../examples/prepared-market.rs"]
mod prepared;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use wattpool_audit::export::{Header, Line, Row};
use wattpool_audit::read::{Parsed, Reader};
use wattpool_explorer::{Block, Explorer, Index, Of, Shown, Source};

/// An export of so many trades.
pub fn export(trades: u64) -> Vec<u8> {
    let mut file = Vec::new();
    prepared::write(&mut file, trades);
    file
}

/// Its header, and its events.
pub fn rows(export: &[u8]) -> (Header, Vec<Row>) {
    let mut reader = Reader::new(export).unwrap();
    let header = reader.header().clone();
    let mut rows = Vec::new();
    while let Some(Parsed::Line(line)) = reader.next_line().unwrap() {
        if let Line::Event(row) = *line {
            rows.push(*row);
        }
    }
    (header, rows)
}

/// Blocks of them, an empty one between now and then.
pub fn blocks(rows: &[Row]) -> Vec<Block> {
    let mut all: Vec<Block> = Vec::new();
    for row in rows {
        match all.last_mut() {
            Some(block) if block.height == row.height => block.rows.push(row.clone()),
            _ => all.push(Block {
                height: row.height,
                time: row.time,
                hash: format!("{:064}", row.height),
                transactions: 2,
                failed: row.height % 2,
                gas: 100_000,
                fees: 250,
                rows: vec![row.clone()],
            }),
        }
    }
    all
}

/// An index of a chain.
pub fn index(file: &Path, header: &Header) -> Index {
    let of = Of {
        header: header.clone(),
        print: None,
    };
    Index::open(file, of).unwrap()
}

/// Everything that an index says, table by table.
pub fn dump(file: &Path) -> Vec<String> {
    let db = rusqlite::Connection::open(file).unwrap();
    let names = |sql: &str| -> Vec<String> {
        let mut asked = db.prepare(sql).unwrap();
        let rows = asked.query_map([], |r| r.get(0)).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    let mut all = Vec::new();
    for table in names("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name") {
        let mut asked = db
            .prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))
            .unwrap();
        let columns = asked.column_count();
        let rows = asked.query_map([], |r| {
            let values: Result<Vec<rusqlite::types::Value>, _> =
                (0..columns).map(|n| r.get(n)).collect();
            Ok(format!("{table} {:?}", values?))
        });
        all.extend(rows.unwrap().map(Result::unwrap));
    }
    all
}

/// A site over an export, answering on this machine for as long as the test runs.
pub fn site(folder: &Path, export: &[u8]) -> (SocketAddr, Arc<Explorer>) {
    let (header, rows) = rows(export);
    let shown = Shown {
        source: Source::File,
        currency: "EUR".to_owned(),
    };
    let index = index(&folder.join("index.sqlite"), &header);
    let explorer = Arc::new(Explorer::new(index, shown, None, None).unwrap());
    let blocks = blocks(&rows);
    let last = blocks.last().map_or(0, |b| b.height);
    explorer.take(&blocks, false).unwrap();
    explorer.finish(&[], last).unwrap();
    let (told, address) = std::sync::mpsc::channel();
    let served = Arc::clone(&explorer);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        runtime.unwrap().block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            wattpool_explorer::site::serve(listener, served, Vec::new(), std::future::pending())
                .await;
        });
    });
    (address.recv().unwrap(), explorer)
}

/// Sends bytes as they are; the status, the head and the body of the answer.
pub fn raw(address: SocketAddr, request: &[u8]) -> (u16, String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(std::time::Duration::from_secs(60)))
        .unwrap();
    // Whoever is cut off while it speaks was answered all the same.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|s| s.parse().ok());
    let body = answer.get(end + 4..).unwrap_or_default().to_vec();
    (status.unwrap_or(0), head, body)
}

/// Asks for a path.
pub fn ask(address: SocketAddr, path: &str) -> (u16, String, Vec<u8>) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    raw(address, request.as_bytes())
}

/// The object that a path answers.
pub fn json(address: SocketAddr, path: &str) -> serde_json::Value {
    let (status, head, body) = ask(address, path);
    assert_eq!(
        status,
        200,
        "{path}: {head} {}",
        String::from_utf8_lossy(&body)
    );
    let text = String::from_utf8(body).unwrap();
    // Long answers come in chunks.
    let text = if head.contains("transfer-encoding: chunked") {
        unchunked(&text)
    } else {
        text
    };
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn unchunked(text: &str) -> String {
    let (mut rest, mut whole) = (text, String::new());
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length.trim(), 16).unwrap_or(0);
        if length == 0 {
            break;
        }
        whole.push_str(&after[..length]);
        rest = &after[length + 2..];
    }
    whole
}
