//! Four homes with real ways to their meters: a broker (mosquitto), a Modbus server (pymodbus), and pseudo-terminals
//! with P1 and SML. They trade for twenty windows, one line is cut for three of them, and the books agree with what
//! the meters showed to the Wh.

use crate::home::Home;
use crate::profiles::{ceiling, Profile};
use crate::street::{Pace, Street};
use nix::pty::{openpty, OpenptyResult};
use serde_json::{json, Value};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use std::thread::{sleep, spawn, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use wattpool_schema::pool::{MeterResponse, QueryMsg};
use wattpool_schema::Window;

const ROWS: usize = 20;
const WINDOW_S: u64 = 15;
/// The P1 line is cut in the first of these rows, and mended in the one behind the last.
const CUT: std::ops::Range<usize> = 8..11;
/// In these rows it is not told how much of the energy each window has: the end of the one before the cut may not have
/// been seen, and the line is found again within a minute.
const JOINED: std::ops::Range<usize> = CUT.start - 1..CUT.end + 4;
/// Registers before anything flows, Wh: import and export.
const BEFORE: [(u64, u64); 4] = [
    (4_123_457, 2_345_671),
    (913_111, 70_003),
    (13_423_019, 5_000_027),
    (871_203, 0),
];
/// The homes, in the order of their registers.
const BROKER: usize = 0;
const MODBUS: usize = 1;
const P1: usize = 2;
const SML: usize = 3;

/// What flows: the homes behind the broker and the P1 port export, the other two import; the broker's imports in every
/// fifth window.
fn flows() -> Vec<Profile> {
    let row = |home: usize, row: usize| {
        let some = ((home * 7_919 + row * 104_729) % 211) as u64;
        match home {
            BROKER if row % 5 == 4 => (90 + some, 0),
            BROKER => (0, 150 + some),
            // Large enough a maximum that windows which are joined fit into one.
            P1 if row == 0 => (0, 2_500),
            P1 => (0, 220 + some),
            MODBUS => (130 + some, 0),
            _ => (160 + some, 0),
        }
    };
    (0..4)
        .map(|home| (0..ROWS).map(|r| row(home, r)).collect())
        .collect()
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

/// What all meters show at this moment. A window's energy flows in its middle: around its ends registers stand still,
/// and are the same however they are drawn.
fn shown(first: u64, flows: &[Profile]) -> Vec<(u64, u64)> {
    let half = WINDOW_S * 500;
    let middles = (unix_ms() + half) / (WINDOW_S * 1_000);
    let done = usize::try_from(middles.saturating_sub(first)).unwrap();
    let home = |(before, profile): (&(u64, u64), &Profile)| {
        let past = profile.iter().take(done);
        past.fold(*before, |(i, e), row| (i + row.0, e + row.1))
    };
    BEFORE.iter().zip(flows).map(home).collect()
}

/// A serial line that is reached under a name, until it is dropped.
struct Line {
    meter: File,
    _port: OwnedFd,
}

impl Line {
    fn open(name: &Path) -> Self {
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        let port: PathBuf = nix::unistd::ttyname(&slave).unwrap();
        let mut settings = nix::sys::termios::tcgetattr(&slave).unwrap();
        nix::sys::termios::cfmakeraw(&mut settings);
        nix::sys::termios::tcsetattr(&slave, nix::sys::termios::SetArg::TCSANOW, &settings)
            .unwrap();
        // The agents' processes must not hold the other end: then a cut line would not end for them.
        for end in [master.as_fd(), slave.as_fd()] {
            let flags = nix::fcntl::FdFlag::FD_CLOEXEC;
            nix::fcntl::fcntl(end, nix::fcntl::FcntlArg::F_SETFD(flags)).unwrap();
        }
        // Nobody may read: what does not fit is lost, as on a wire.
        let flags = nix::fcntl::OFlag::O_NONBLOCK;
        nix::fcntl::fcntl(&master, nix::fcntl::FcntlArg::F_SETFL(flags)).unwrap();
        let _ = std::fs::remove_file(name);
        symlink(port, name).unwrap();
        Self {
            meter: File::from(master),
            _port: slave,
        }
    }

    fn say(&mut self, bytes: &[u8]) {
        let _ = self.meter.write_all(bytes);
    }
}

/// An ESMR 5 telegram with its CRC-16 (polynomial A001, from 0).
fn telegram(import: u64, export: u64) -> Vec<u8> {
    let kwh = |wh: u64| format!("{:06}.{:03}*kWh", wh / 1_000, wh % 1_000);
    let text = format!(
        "/ISK5\\2M550T-1012\r\n\r\n1-3:0.2.8(50)\r\n1-0:1.8.1({})\r\n1-0:2.8.1({})\r\n1-0:1.7.0(00.000*kW)\r\n!",
        kwh(import),
        kwh(export)
    );
    let crc = text.bytes().fold(0u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0xA001
            } else {
                crc >> 1
            }
        })
    });
    format!("{text}{crc:04X}\r\n").into_bytes()
}

/// An SML file with an import register, in tenths of a Wh.
fn sml(import: u64) -> Vec<u8> {
    let head = [
        0x77u8, 0x07, 1, 0, 1, 8, 0, 255, 1, 1, 0x62, 30, 0x52, 0xFF, 0x65,
    ];
    let mut entry = head.to_vec();
    entry.extend(u32::try_from(import * 10).unwrap().to_be_bytes());
    entry.push(1);
    let list = [
        0x77, 1, 0x05, 1, 2, 3, 4, 1, 0x72, 0x62, 1, 0x65, 0, 0, 1, 0, 0x71,
    ];
    let message = [
        &[0x76, 0x02, 1, 0x62, 0, 0x62, 0, 0x72, 0x63, 0x07, 0x01][..],
        &list,
        &entry,
        &[1, 1, 0x63, 0, 0, 0],
    ]
    .concat();
    sml_rs::transport::encode::<Vec<u8>>(&message).unwrap()
}

/// A program of others, ended with this test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// mosquitto, and a client that says lines of its input.
struct Broker {
    _broker: Program,
    _client: Program,
    says: ChildStdin,
    port: u16,
}

impl Broker {
    fn start(folder: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let conf = folder.join("broker.conf");
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n"
        );
        std::fs::write(&conf, text).unwrap();
        let sbin = Path::new("/usr/sbin/mosquitto");
        let program = if sbin.is_file() {
            sbin
        } else {
            Path::new("mosquitto")
        };
        let broker = Command::new(program)
            .arg("-c")
            .arg(conf)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto; on Debian: apt-get install mosquitto mosquitto-clients");
        let broker = Program(broker);
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed().as_secs() < 30, "mosquitto does not listen");
            sleep(Duration::from_millis(50));
        }
        let mut client = Command::new("mosquitto_pub")
            .args(["-h", "127.0.0.1", "-p", &port.to_string()])
            .args(["-t", "tele/meter/SENSOR", "-l"])
            .stdin(Stdio::piped())
            .spawn()
            .expect("mosquitto_pub; on Debian: apt-get install mosquitto-clients");
        let says = client.stdin.take().unwrap();
        Self {
            _broker: broker,
            _client: Program(client),
            says,
            port,
        }
    }

    fn say(&mut self, (import, export): (u64, u64)) {
        let kwh = |wh: u64| format!("{}.{:03}", wh / 1_000, wh % 1_000);
        let (import, export) = (kwh(import), kwh(export));
        writeln!(
            self.says,
            r#"{{"ENERGY":{{"Total":{import},"ExportActive":{export},"Power":0}}}}"#
        )
        .unwrap();
    }
}

/// The server of scripts/tools/meter-server.py.
struct Modbus {
    _server: Program,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    port: u16,
}

impl Modbus {
    fn start() -> Self {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let python = root.join("target/tools/meter-oracles/bin/python");
        let mut child = Command::new(python)
            .arg(root.join("scripts/tools/meter-server.py"))
            .arg("0")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("pymodbus; scripts/tools/meter-oracles installs it");
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        Self {
            _server: Program(child),
            input,
            output,
            port: line.trim().parse().unwrap(),
        }
    }

    /// Import at input register 72, export at 74.
    fn set(&mut self, (import, export): (u64, u64)) {
        let words = |wh: u64| [(wh >> 16) & 0xFFFF, wh & 0xFFFF];
        let values = [words(import), words(export)].concat();
        let asked = json!({ "bank": "input", "at": 72, "values": values });
        writeln!(self.input, "{asked}").unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim(), "set");
    }
}

/// All four meters, which speak until this is dropped.
struct Meters {
    /// The window in which something flows first; until then, never.
    first: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    speaks: Option<JoinHandle<()>>,
    devices: Vec<String>,
    _folder: tempfile::TempDir,
}

impl Meters {
    fn start(flows: Vec<Profile>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (p1_line, sml_line) = (folder.path().join("p1"), folder.path().join("sml"));
        let mut broker = Broker::start(folder.path());
        let mut modbus = Modbus::start();
        modbus.set(BEFORE[MODBUS]);
        let devices = vec![
            format!(
                "kind = \"mqtt\"\nconnection = \"mqtt://127.0.0.1:{}\"\nvalue = [\n\
                 {{ quantity = \"import\", topic = \"tele/meter/SENSOR\", path = \"ENERGY.Total\", unit = \"kWh\" }},\n\
                 {{ quantity = \"export\", topic = \"tele/meter/SENSOR\", path = \"ENERGY.ExportActive\", unit = \"kWh\" }},\n]\n",
                broker.port
            ),
            format!(
                "kind = \"modbus\"\nconnection = \"tcp://127.0.0.1:{}\"\ninterval_s = 1\nvalue = [\n\
                 {{ quantity = \"import\", register = 72, bank = \"input\", type = \"u32\", unit = \"Wh\" }},\n\
                 {{ quantity = \"export\", register = 74, bank = \"input\", type = \"u32\", unit = \"Wh\" }},\n]\n",
                modbus.port
            ),
            format!("kind = \"p1\"\nconnection = {p1_line:?}\n"),
            format!("kind = \"sml\"\nconnection = {sml_line:?}\n"),
        ];
        let mut sml_port = Line::open(&sml_line);
        let mut p1_port = Some(Line::open(&p1_line));
        let (first, ended) = (
            Arc::new(AtomicU64::new(u64::MAX)),
            Arc::new(AtomicBool::new(false)),
        );
        let (begins, ends) = (Arc::clone(&first), Arc::clone(&ended));
        let speaks = spawn(move || {
            while !ends.load(Ordering::Relaxed) {
                let first = begins.load(Ordering::Relaxed);
                let now = shown(first, &flows);
                broker.say(now[BROKER]);
                modbus.set(now[MODBUS]);
                sml_port.say(&sml(now[SML].0));
                let row = (unix_ms() / (WINDOW_S * 1_000)).checked_sub(first);
                if row.is_some_and(|r| CUT.contains(&usize::try_from(r).unwrap())) {
                    p1_port = None;
                } else {
                    let port = p1_port.get_or_insert_with(|| Line::open(&p1_line));
                    port.say(&telegram(now[P1].0, now[P1].1));
                }
                sleep(Duration::from_millis(1_000));
            }
        });
        Self {
            first,
            ended,
            speaks: Some(speaks),
            devices,
            _folder: folder,
        }
    }
}

impl Drop for Meters {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if let Some(speaks) = self.speaks.take() {
            let _ = speaks.join();
        }
    }
}

/// The last window that the chain has of a home.
fn stated(street: &Street, home: &Home) -> Option<Window> {
    let meter = home.meter.parse().unwrap();
    let answer: MeterResponse = street.ask_pool(&QueryMsg::Meter { meter });
    answer.position.stated
}

/// Windows that a home traded in, bought or sold, and how much it bought, Wh.
fn traded(home: &Home) -> (BTreeSet<u64>, u64) {
    let trades = home.ask(&["trades", "--limit", "1000"]);
    let trades = trades.unwrap_or_else(|| panic!("no answer:\n{}", home.log()));
    let (mut windows, mut bought) = (BTreeSet::new(), 0);
    for trade in trades.as_array().unwrap() {
        let arrived = trade["arrived"].as_u64().unwrap();
        if arrived == 0 {
            continue;
        }
        windows.insert(trade["window"].as_u64().unwrap());
        if trade["buyer"] == home.meter.as_str() {
            bought += arrived;
        }
    }
    (windows, bought)
}

/// What a home metered by its own history, Wh: import less export, since something flowed.
fn metered(home: &Home, first: u64) -> i64 {
    let history = home.ask(&["history", "--limit", "1000"]);
    let history = history.unwrap_or_else(|| panic!("no answer:\n{}", home.log()));
    let net = |entry: &Value| {
        let metered = &entry["notice"]["metered"];
        let wh = |name: &str| metered[name].as_i64().unwrap_or(0);
        let since = metered["window"].as_u64().is_some_and(|w| w >= first);
        if since {
            wh("deficit") - wh("surplus")
        } else {
            0
        }
    };
    history.as_array().unwrap().iter().map(net).sum()
}

#[test]
fn four_kinds_of_meters_trade_and_the_books_agree_to_the_watt_hour() {
    let _one = crate::ONE_AT_A_TIME.lock();
    let flows = flows();
    let meters = Meters::start(flows.clone());
    let pace = Pace {
        validators: 1,
        window_s: u32::try_from(WINDOW_S).unwrap(),
        block_ms: 500,
        port: 31_600,
        zone: 4,
    };
    let mut street = Street::build(flows.clone(), pace);
    for (home, device) in street.homes.iter_mut().zip(&meters.devices) {
        home.device = Some(device.clone());
    }
    street.start();
    // Once every home is metered, something begins to flow.
    let begun = Instant::now();
    while street.homes.iter().any(|h| stated(&street, h).is_none()) {
        let longest = Duration::from_secs(WINDOW_S * 12);
        if begun.elapsed() > longest {
            let logs: Vec<String> = street.homes.iter().map(Home::log).collect();
            panic!("a home states nothing:\n{}", logs.join("\n\n"));
        }
        sleep(Duration::from_millis(500));
    }
    street.first = street.now().plus(2);
    let first = street.first.0;
    meters.first.store(first, Ordering::Relaxed);
    let last = street.first.plus(ROWS as u64 - 1);
    street.wait_for(last.plus(4));

    // What was exported is stated in its window; where the line was cut, in one of the windows until it is read again.
    let (mut in_cut, mut cut_exported, mut redeemed) = (0, 0, 0);
    for row in 0..ROWS {
        let books = street.books(Window(first + row as u64));
        let (possible, exported) = ceiling(&flows, row);
        println!(
            "row {row}: minted {} late {} traded {} of {possible}, exported {exported}",
            books.minted, books.late, books.redeemed
        );
        redeemed += books.redeemed.0;
        let stated = books.minted.0 + books.late.0;
        if JOINED.contains(&row) {
            in_cut += stated;
            cut_exported += exported;
        } else {
            assert_eq!(stated, exported, "row {row}");
        }
    }
    assert_eq!(in_cut, cut_exported, "rows {JOINED:?}");
    let mut bought = 0;
    for (home, profile) in street.homes.iter().zip(&flows) {
        let flowed: i64 = profile.iter().map(|(i, e)| *i as i64 - *e as i64).sum();
        assert_eq!(
            metered(home, first),
            flowed,
            "{}:\n{}",
            home.meter,
            home.log()
        );
        let (windows, wh) = traded(home);
        println!(
            "{}: traded in {} windows, bought {wh} Wh",
            home.meter,
            windows.len()
        );
        assert!(windows.len() >= 5, "{}: {windows:?}", home.meter);
        bought += wh;
    }
    assert_eq!(
        bought, redeemed,
        "the owners' histories and the pool's books"
    );
    for home in &mut street.homes {
        assert!(home.stop(), "it stops when it is told to:\n{}", home.log());
    }
}
