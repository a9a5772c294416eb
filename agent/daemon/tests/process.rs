//! The process: its end, its service manager, and what `check-config` refuses.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

#[path = "common/program.rs"]
mod program;

use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use program::{command, text};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use wattpool_ledger_wasmd::key::module_address;

const ID: &str = "00112233445566778899aabbccddeeff";

fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A home whose only node takes requests and never answers; the node, and the port of status.
fn home(folder: &Path) -> (TcpListener, u16) {
    std::fs::write(folder.join("passphrase"), "correct horse battery\n").unwrap();
    let out = command(folder, &["init", "--id", ID]).output().unwrap();
    assert!(out.status.success(), "{}", text(&out.stderr));
    std::fs::write(
        folder.join("profile.csv"),
        "demand_wh,generation_wh\n100,0\n",
    )
    .unwrap();
    let contract = |name: &str| {
        let address = module_address(name, "watt").unwrap();
        serde_json::json!({"address": address, "code_id": 1, "checksum": "00", "pinned": true})
    };
    let market = serde_json::json!({
        "version": 1, "chain_id": "played-1", "address_prefix": "watt", "denom": "uwatt",
        "window_seconds": 60, "first_part_seconds": 10, "code_administrator": null,
        "token": contract("token"), "pool": contract("pool"), "escrow": contract("escrow"),
    });
    std::fs::write(folder.join("market.json"), market.to_string()).unwrap();
    let node = TcpListener::bind("127.0.0.1:0").unwrap();
    let rpc = format!("rpc = [\"http://{}\"]", node.local_addr().unwrap());
    let (http, peers) = (port(), port());
    configure(folder, |text| {
        text.replace("rpc = [\"http://127.0.0.1:26657\"]", &rpc)
            .replace(
                "# listen = \"127.0.0.1:8650\"",
                &format!("listen = \"127.0.0.1:{http}\""),
            )
            .replace(
                "# listen = [\"/ip4/0.0.0.0/tcp/7400\", \"/ip6/::/tcp/7400\"]",
                &format!("listen = [\"/ip4/127.0.0.1/tcp/{peers}\"]"),
            )
            .replace("# mdns = true", "mdns = false")
    });
    (node, http)
}

fn configure(folder: &Path, change: impl FnOnce(String) -> String) {
    let file = folder.join("agent.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, change(text)).unwrap();
}

fn wait_for(http: u16) {
    let begun = Instant::now();
    while TcpStream::connect(("127.0.0.1", http)).is_err() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it does not start"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// How long it takes to end once it is told to.
fn ends(mut child: Child) -> Duration {
    let begun = Instant::now();
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    kill(pid, Signal::SIGTERM).unwrap();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{status}");
            return begun.elapsed();
        }
        if begun.elapsed() > Duration::from_secs(20) {
            child.kill().unwrap();
            child.wait().unwrap();
            return begun.elapsed();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn it_ends_in_five_seconds_though_node_and_requests_hang() {
    let folder = tempfile::tempdir().unwrap();
    let (_node, http) = home(folder.path());
    let mut child = command(folder.path(), &["run"]);
    let child = child.stderr(Stdio::null()).spawn().unwrap();
    wait_for(http);
    // A request that never ends.
    let mut half = TcpStream::connect(("127.0.0.1", http)).unwrap();
    half.write_all(b"GET /health HTTP/1.1\r\nHost: ").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let took = ends(child);
    assert!(took < Duration::from_secs(5), "{took:?}");
}

#[test]
fn a_log_that_nobody_reads_does_not_keep_it() {
    let folder = tempfile::tempdir().unwrap();
    let (_node, http) = home(folder.path());
    // The reader is gone.
    let (reader, writer) = std::io::pipe().unwrap();
    let child = command(folder.path(), &["run"])
        .stderr(writer)
        .spawn()
        .unwrap();
    drop(reader);
    wait_for(http);
    let took = ends(child);
    assert!(took < Duration::from_secs(5), "{took:?}");

    // The reader is there and does not read: the first line blocks whoever writes it.
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[b'.'; 65_536]).unwrap();
    let child = command(folder.path(), &["run"])
        .stderr(writer)
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(3));
    let took = ends(child);
    assert!(took < Duration::from_secs(5), "{took:?}");
    drop(reader);
}

#[test]
fn the_service_manager_hears_that_it_is_ready_alive_and_stopping() {
    let folder = tempfile::tempdir().unwrap();
    let (_node, http) = home(folder.path());
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    let mut child = command(folder.path(), &["run"]);
    child
        .env("NOTIFY_SOCKET", &socket)
        .env("WATCHDOG_USEC", "600000");
    let child = child.stderr(Stdio::null()).spawn().unwrap();
    let heard = || {
        let mut word = [0; 256];
        let n = manager.recv(&mut word).unwrap();
        text(&word[..n]).trim().to_owned()
    };
    assert_eq!(heard(), "READY=1");
    wait_for(http);
    for _ in 0..3 {
        assert_eq!(heard(), "WATCHDOG=1");
    }
    let pid = child.id();
    kill(Pid::from_raw(pid.try_into().unwrap()), Signal::SIGTERM).unwrap();
    while heard() != "STOPPING=1" {}
    assert!(ends(child) < Duration::from_secs(5));
}

/// The policy that is in force, once it is as wanted.
fn policy(folder: &Path, what: &str, is: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
    let begun = Instant::now();
    loop {
        let out = command(folder, &["policy", "get", "--json"])
            .output()
            .unwrap();
        if let Ok(policy) = serde_json::from_slice(&out.stdout) {
            if is(&policy) {
                return policy;
            }
        }
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "not within a minute: {what}: {}",
            text(&out.stderr)
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn the_configuration_is_read_again_on_sighup_and_wins_where_it_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (_node, http) = home(folder.path());
    let log = folder.path().join("log");
    let said = |part: &str| {
        let begun = Instant::now();
        while !std::fs::read_to_string(&log).unwrap().contains(part) {
            let waited = begun.elapsed();
            assert!(waited < Duration::from_secs(60), "not said: {part}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    let start = || {
        let mut child = command(folder.path(), &["run"]);
        let child = child.stderr(std::fs::File::create(&log).unwrap()).spawn();
        wait_for(http);
        child.unwrap()
    };
    let by_hand = |change: &str| {
        let out = command(folder.path(), &["policy", "set", change]).output();
        let out = out.unwrap();
        assert!(out.status.success(), "{}", text(&out.stderr));
    };
    let hang_up = |child: &Child| {
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        kill(pid, Signal::SIGHUP).unwrap();
    };
    let child = start();
    by_hand("reserve_wh=11");
    // The owner's word counts where nothing else is said.
    configure(folder.path(), |text| {
        text.replace("# reserve_wh = 0", "reserve_wh = 22")
    });
    hang_up(&child);
    said("the policy is the owner's");
    said("the configuration was read again");
    policy(folder.path(), "the owner's", |p| p["reserve_wh"] == 11);
    // The file's wins; what needs a start is told.
    configure(folder.path(), |text| {
        text.replace("# policy_from = \"owner\"", "policy_from = \"file\"")
            .replace("# level = \"info\"", "level = \"debug\"")
            .replace("# links = 64", "links = 32")
    });
    hang_up(&child);
    policy(folder.path(), "the file's", |p| p["reserve_wh"] == 22);
    said("in force after the next start alone: [network]");
    said("DEBUG");
    // What cannot be used changes nothing and ends nothing.
    configure(folder.path(), |text| {
        text.replace("reserve_wh = 22", "reserve_wh = \"much\"")
    });
    hang_up(&child);
    said("the configuration is not taken");
    // Mended, but not read yet.
    configure(folder.path(), |text| {
        text.replace("reserve_wh = \"much\"", "reserve_wh = 33")
    });
    policy(folder.path(), "as before", |p| p["reserve_wh"] == 22);
    by_hand("reserve_wh=44");
    policy(folder.path(), "by hand", |p| p["reserve_wh"] == 44);
    assert!(ends(child) < Duration::from_secs(5));
    // At a start, too.
    let child = start();
    policy(folder.path(), "the file's", |p| p["reserve_wh"] == 33);
    ends(child);
}

#[test]
fn keys_are_made_anew_with_one_command_each() {
    let folder = tempfile::tempdir().unwrap();
    let (_node, _) = home(folder.path());
    let keys = |arguments: &[&str]| -> serde_json::Value {
        let arguments = [&["keys"], arguments].concat();
        let out = command(folder.path(), &arguments).output().unwrap();
        assert!(out.status.success(), "{}", text(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    };
    let made = keys(&["--json"]);
    let peer = keys(&["new-peer", "--json"]);
    assert_ne!(peer["peer_id"], made["peer_id"]);
    assert_eq!(peer["agent"], made["agent"]);
    let agent = keys(&["new-agent", "--json"]);
    assert_ne!(agent["agent_address"], made["agent_address"]);
    assert_eq!(agent["peer_id"], peer["peer_id"]);
    assert_eq!(agent["device"], made["device"]);
    std::fs::write(folder.path().join("next"), "another passphrase\n").unwrap();
    keys(&["new-passphrase", "--new-passphrase-file", "next", "--json"]);
    let out = command(folder.path(), &["keys"]).output().unwrap();
    assert!(text(&out.stderr).contains("the passphrase is wrong"));
    std::fs::rename(folder.path().join("next"), folder.path().join("passphrase")).unwrap();
    assert_eq!(keys(&["--json"]), agent);
}

fn refused(out: &Output) -> Vec<String> {
    assert_eq!(
        out.status.code(),
        Some(2),
        "{}{}",
        text(&out.stdout),
        text(&out.stderr)
    );
    text(&out.stderr).lines().map(str::to_owned).collect()
}

#[test]
fn check_config_tells_everything_that_is_wrong_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (_node, _) = home(folder.path());
    let check = |more: &[&str]| {
        let mut arguments = vec!["check-config"];
        arguments.extend(more);
        command(folder.path(), &arguments).output().unwrap()
    };
    let out = check(&[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let good = std::fs::read_to_string(folder.path().join("agent.toml")).unwrap();
    let with_rpc = |rpc: &str| {
        let at = good.find("\nrpc = ").unwrap() + 1;
        let end = at + good[at..].find('\n').unwrap();
        format!("{}rpc = [{rpc:?}]{}", &good[..at], &good[end..])
    };
    // Each address that `run` would wait for for ever.
    for rpc in [
        "127.0.0.1:26657",
        "tcp://127.0.0.1:26657",
        "http://node.example:26657",
        "quic://x",
    ] {
        configure(folder.path(), |_| with_rpc(rpc));
        let lines = refused(&check(&[]));
        assert!(
            lines.len() == 1 && lines[0].contains("chain.rpc: expected https://host:port"),
            "{lines:?}"
        );
    }
    // The template's id is nobody's.
    configure(folder.path(), |_| good.replace(ID, &"0".repeat(32)));
    let lines = refused(&check(&[]));
    assert!(
        lines.len() == 1 && lines[0].contains("meter.id: expected the pseudonym"),
        "{lines:?}"
    );
    configure(folder.path(), |_| with_rpc("https://node.example:443"));
    assert!(check(&[]).status.success());
    configure(folder.path(), |_| {
        with_rpc("http://10.0.0.7:26657")
            .replace("# allow_plain_http = false", "allow_plain_http = true")
    });
    assert!(check(&[]).status.success());
    // All at once, files too.
    std::fs::remove_file(folder.path().join("keys.age")).unwrap();
    std::fs::remove_file(folder.path().join("profile.csv")).unwrap();
    configure(folder.path(), |_| {
        with_rpc("tcp://x")
            .replace("# trusted_hash = \"\"", "trusted_hash = \"abc\"")
            .replace("# trusting_days = 14", "trusting_days = 21")
            .replace("# gas_price = \"0.0025uwatt\"", "gas_price = \"cheap\"")
            .replace("# certificates = []", "certificates = [\"none.pem\"]")
            .replace("# level = \"info\"", "level = \"in,,fo==\"")
            .replace("/tcp/", "/udp/")
    });
    let lines = refused(&check(&[]));
    for part in [
        "chain.rpc: expected https://host:port",
        "chain.trusted_hash: expected a height from 1",
        "chain.trusting_days: expected 1 to 20",
        "chain.gas_price: expected such as",
        "log.level: expected a level",
        "chain.certificates: ",
        "a multiaddress of TCP",
        "profile.csv",
        "keys.file: ",
    ] {
        let told = lines.iter().filter(|line| line.contains(part)).count();
        assert_eq!(told, 1, "{part}: {lines:#?}");
    }
}

#[test]
fn check_config_online_says_what_the_chain_says() {
    let folder = tempfile::tempdir().unwrap();
    let (node, _) = home(folder.path());
    let check = || {
        command(folder.path(), &["check-config", "--online"])
            .output()
            .unwrap()
    };
    // It takes requests and never answers.
    let lines = refused(&check());
    assert!(
        lines
            .iter()
            .any(|l| l.contains("no answer to status within")),
        "{lines:?}"
    );
    // One that still replays old blocks, and knows none of the contracts.
    let answering = std::thread::spawn(move || {
        while let Ok((mut client, _)) = node.accept() {
            let mut request = Vec::new();
            let mut buffer = [0; 4_096];
            while !request.ends_with(b"}") {
                let n = client.read(&mut buffer).unwrap_or(0);
                if n == 0 {
                    break;
                }
                request.extend_from_slice(&buffer[..n]);
            }
            let answer = if text(&request).contains("\"status\"") {
                r#"{"result":{"node_info":{"network":"played-1"},"sync_info":{"latest_block_height":"7","latest_block_time":"2026-01-01T00:00:00Z","earliest_block_height":"1","catching_up":true}}}"#
            } else if text(&request).contains("Query/Balance") {
                r#"{"result":{"response":{"code":0,"value":""}}}"#
            } else {
                r#"{"result":{"response":{"code":22,"codespace":"wasm","log":"no such contract: address not found"}}}"#
            };
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ";
            let _ = client.write_all(format!("{head}{}\r\n\r\n{answer}", answer.len()).as_bytes());
        }
    });
    let lines = refused(&check());
    for part in [
        "it is still catching up, at block 7",
        "registration: the chain refuses with wasm/22: no such contract",
        "fees: nothing is left",
    ] {
        assert!(lines.iter().any(|l| l.contains(part)), "{part}: {lines:#?}");
    }
    drop(answering);
}

#[test]
fn what_is_kept_of_a_home_is_handed_out_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let (_node, http) = home(folder.path());
    let kept = |name: &str| folder.path().join(name);
    let end =
        r#"{"line":"p1 /dev/ttyUSB0 grid 0","window_s":60,"window":7,"import":1001,"export":0}"#;
    std::fs::write(kept("load-profile.jsonl"), format!("{end}\n{{\"torn")).unwrap();
    let child = command(folder.path(), &["run"])
        .stderr(Stdio::null())
        .spawn();
    let child = child.unwrap();
    // Only then it hears signals.
    wait_for(http);
    assert!(kept("journal.sqlite").exists());
    ends(child);
    let run = |arguments: &[&str]| {
        let out = command(folder.path(), arguments).output().unwrap();
        assert!(out.status.success(), "{}", text(&out.stderr));
        text(&out.stdout)
    };
    let lines = run(&["data", "export"]);
    assert!(
        lines.contains(ID) && lines.contains("\"import\":1001"),
        "{lines}"
    );
    assert!(!lines.contains("torn"));
    let shown = run(&["data", "delete"]);
    assert!(shown.contains("would be deleted") && kept("load-profile.jsonl").exists());
    run(&["data", "delete", "--yes"]);
    for name in ["journal.sqlite", "load-profile.jsonl"] {
        assert!(!kept(name).exists(), "{name}");
    }
    assert!(kept("keys.age").exists() && kept("agent.toml").exists());
}

/// The last that a broker holds of a topic.
fn retained(port: u16, topic: &str) -> Option<String> {
    let out = Command::new("mosquitto_sub")
        .args(["-h", "127.0.0.1", "-p", &port.to_string(), "-t", topic])
        .args(["-C", "1", "-W", "2"])
        .output();
    let said = text(&out.ok()?.stdout).trim().to_owned();
    (!said.is_empty()).then_some(said)
}

#[test]
fn the_signal_says_that_the_agent_is_gone_after_kill_9() {
    let mosquitto = "/usr/sbin/mosquitto";
    if !Path::new(mosquitto).exists() {
        println!("skipped: no mosquitto (on Debian: apt-get install mosquitto mosquitto-clients)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (_node, _) = home(folder.path());
    let broker = port();
    let conf = folder.path().join("broker.conf");
    let lines = format!("listener {broker} 127.0.0.1\nallow_anonymous true\nuser root\n");
    std::fs::write(&conf, lines).unwrap();
    let mut server = Command::new(mosquitto)
        .arg("-c")
        .arg(&conf)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    wait_for(broker);
    configure(folder.path(), |text| {
        format!("{text}\n[signal]\nconnection = \"mqtt://127.0.0.1:{broker}\"\nrefresh_s = 1\n")
    });
    let mut child = command(folder.path(), &["run"]);
    let mut child = child.stderr(Stdio::null()).spawn().unwrap();
    let available = "wattpool/00112233/availability";
    let shows = |want: &str| {
        let begun = Instant::now();
        while retained(broker, available).as_deref() != Some(want) {
            assert!(begun.elapsed() < Duration::from_secs(60), "not {want}");
            std::thread::sleep(Duration::from_millis(100));
        }
    };
    shows("online");
    // Without a chain the home's own part is told.
    let begun = Instant::now();
    let signal = loop {
        if let Some(said) = retained(broker, "wattpool/00112233/signal") {
            break said;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no signal");
    };
    let signal: serde_json::Value = serde_json::from_str(&signal).unwrap();
    assert_eq!(signal["meter"], ID);
    assert_eq!(signal["neighbourhood"], serde_json::Value::Null);
    child.kill().unwrap();
    child.wait().unwrap();
    shows("offline");
    server.kill().unwrap();
    server.wait().unwrap();
}
