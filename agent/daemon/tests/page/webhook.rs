//! Alerts reach the owner's webhook: once when it takes them, again and again until it does.

use crate::home::Home;
use crate::prepared::METER;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::time::Duration;

/// Takes one request and answers it with this status; its body.
fn taken(server: &TcpListener, status: &str) -> Value {
    let (stream, _) = server.accept().unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let mut reader = BufReader::new(stream);
    let (mut line, mut length) = (String::new(), 0);
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    reader.get_mut().write_all(answer.as_bytes()).unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[test]
fn the_webhook_is_told_until_it_takes_it_and_then_once() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let _home = Home::start_with(|config| {
        let webhook = format!("webhook = \"http://127.0.0.1:{port}/hook\"");
        config.replace("# webhook = \"\"", &webhook)
    });
    let first = taken(&server, "500 Busy");
    assert_eq!(first["meter"], METER);
    assert_eq!(first["began"][0]["kind"], "waiting", "{first}");
    assert_eq!(first["ended"], Value::Array(Vec::new()));
    assert_eq!(taken(&server, "200 OK")["began"], first["began"]);
    // Nothing new: nothing is told.
    server.set_nonblocking(true).unwrap();
    std::thread::sleep(Duration::from_secs(25));
    assert!(server.accept().is_err(), "it is told once");
}
