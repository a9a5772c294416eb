//! Alerts reach a topic of a broker that only plays its part: connect, one message, again until it is acknowledged.

use crate::home::Home;
use crate::prepared::METER;
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// A packet: its first byte and what follows the length.
fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut byte = [0];
    stream.read_exact(&mut byte).ok()?;
    let kind = byte[0];
    let (mut length, mut shift) = (0usize, 0);
    loop {
        stream.read_exact(&mut byte).ok()?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((kind, body))
}

/// A text with its length before it, and what follows.
fn text(bytes: &[u8]) -> (&[u8], &[u8]) {
    let length = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
    bytes[2..].split_at(length)
}

/// What a client publishes to a topic, retained, with the user and password that it came with.
struct Published {
    user: String,
    password: String,
    topic: String,
    message: Value,
}

/// One connection, to its end or up to the message; without an acknowledgement it has not been taken.
fn taken(server: &TcpListener, acknowledge: bool) -> Published {
    let (mut stream, _) = server.accept().unwrap();
    let patience = Some(Duration::from_secs(30));
    stream.set_read_timeout(patience).unwrap();
    let (kind, body) = packet(&mut stream).unwrap();
    assert_eq!(kind, 0x10, "CONNECT");
    // Protocol, level, flags, keep alive.
    let (_client, rest) = text(&body[10..]);
    let (user, rest) = text(rest);
    let (password, _) = text(rest);
    let words = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (user, password) = (words(user), words(password));
    stream.write_all(&[0x20, 2, 0, 0]).unwrap();
    let (kind, body) = packet(&mut stream).unwrap();
    assert_eq!(kind & 0xf7, 0x33, "PUBLISH at least once, retained");
    let (topic, rest) = text(&body);
    let topic = words(topic);
    let (number, message) = rest.split_at(2);
    let message = serde_json::from_slice(message).unwrap();
    if acknowledge {
        stream.write_all(&[0x40, 2, number[0], number[1]]).unwrap();
        assert_eq!(
            packet(&mut stream).map(|(kind, _)| kind),
            Some(0xe0),
            "DISCONNECT"
        );
    }
    Published {
        user,
        password,
        topic,
        message,
    }
}

#[test]
fn a_broker_is_told_until_it_takes_it_and_then_once() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let _home = Home::start_with(|config| {
        config
            .replace(
                "# broker = \"\"",
                &format!("broker = \"mqtt://127.0.0.1:{port}\""),
            )
            .replace("# topic = \"wattpool/alerts\"", "topic = \"home/energy\"")
            .replace("# user = \"\"", "user = \"wattpool\"")
            // A file with a word that is there already.
            .replace("# secret_file = \"\"", "secret_file = \"passphrase\"")
    });
    let first = taken(&server, false);
    assert_eq!(
        (first.user.as_str(), first.topic.as_str()),
        ("wattpool", "home/energy")
    );
    assert_eq!(first.password, "not a secret in a test");
    assert_eq!(first.message["meter"], METER);
    assert_eq!(
        first.message["began"][0]["kind"], "waiting",
        "{}",
        first.message
    );
    assert_eq!(first.message["now"], serde_json::json!(["waiting"]));
    assert_eq!(taken(&server, true).message, first.message);
    // Nothing new: nothing is told.
    server.set_nonblocking(true).unwrap();
    std::thread::sleep(Duration::from_secs(25));
    assert!(server.accept().is_err(), "it is told once");
}
