use crate::{eventually, processes};
use nix::sys::signal::{kill, Signal};
use nix::unistd::Pid;
use serde_json::Value;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn testnet(home: &Path, verb: &str, options: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wattpool-testnet"));
    command
        .arg(verb)
        .arg("--home")
        .arg(home)
        .args(options)
        .stdin(Stdio::null());
    command
}

fn run(home: &Path, verb: &str, options: &[&str]) -> Output {
    testnet(home, verb, options).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn status(home: &Path) -> (Option<i32>, Value) {
    let output = run(home, "status", &["--json"]);
    (
        output.status.code(),
        serde_json::from_slice(&output.stdout).unwrap(),
    )
}

/// A port that is free, as its neighbours for peers and for a move are; outside of the range that systems take
/// ports for outgoing connections from, so that it stays free. Each test has its own `lane`.
fn port(lane: u16) -> u16 {
    let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let begin = u16::try_from(std::process::id() % 4_000).unwrap();
    let mut candidates = (0..4_000).map(|step| 10_000 + 4_000 * lane + (begin + step) % 4_000);
    let neighbours = |port: u16| [port - 1, port, port + 99, port + 100];
    candidates
        .find(|port| neighbours(*port).iter().all(free))
        .unwrap()
}

/// What a failed test started does not stay.
struct Cleared<'a>(&'a Path);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        run(self.0, "reset", &[]);
    }
}

#[test]
fn a_network_stays_until_it_is_taken_down_and_goes_on_when_it_is_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("state");
    let _cleared = Cleared(&home);
    let (code, nothing) = status(&home);
    assert_eq!(
        (code, &nothing["running"], &nothing["nodes"]),
        (Some(3), &false.into(), &Value::Array(vec![]))
    );
    assert_eq!(told(&run(&home, "down", &[])), "0 nodes stopped\n");

    let port = port(0);
    let up = [
        "--no-deploy",
        "--block-ms",
        "100",
        "--window-s",
        "10",
        "--json",
    ];
    let at = port.to_string();
    let asked = [&up[..], &["--rpc-port", &at]].concat();
    let output = run(&home, "up", &asked);
    assert!(output.status.success(), "{}", told(&output));
    let begun: Value = serde_json::from_slice(&output.stdout).unwrap();
    let (code, shown) = status(&home);
    assert_eq!(code, Some(0));
    assert_eq!(shown["running"], true);
    assert_eq!(shown["rpc"], format!("http://127.0.0.1:{port}"));
    assert_eq!(shown["rpc"], begun["rpc"]);
    assert_eq!(shown["chain_id"], "wattpool-local-1");
    assert_eq!(
        (&shown["block_ms"], &shown["window_s"]),
        (&100.into(), &10.into())
    );
    assert_eq!(shown["nodes"][0]["rpc"], shown["rpc"]);
    assert_eq!(shown["contracts"], Value::Null);
    for role in ["admin", "registrar", "operator", "regulator", "faucet"] {
        assert!(
            shown["accounts"][role]
                .as_str()
                .unwrap()
                .starts_with("watt1"),
            "{role}"
        );
    }
    assert!(
        !shown.to_string().contains("mnemonic"),
        "keys are not for show"
    );

    let output = run(&home, "up", &up);
    assert!(output.status.success());
    assert_eq!(
        told(&output),
        "the network is up already; testnet/down stops it\n"
    );
    let output = run(&home, "up", &["--no-deploy", "--window-s", "20"]);
    assert_eq!(output.status.code(), Some(1));
    let expected = "testnet: --window-s 20: the network that runs has 10; testnet/reset makes room for another\n";
    assert_eq!(told(&output), expected);

    let process = shown["nodes"][0]["process"].as_i64().unwrap();
    kill(Pid::from_raw(process.try_into().unwrap()), Signal::SIGKILL).unwrap();
    eventually("the end of the killed node", || {
        status(&home).1["nodes"][0]["process"].is_null()
    });
    assert_eq!(status(&home).0, Some(3));
    let height = shown["height"].as_u64().unwrap();

    // The port it had is taken: it goes on at another, and says so.
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let output = run(&home, "up", &up);
    assert!(output.status.success(), "{}", told(&output));
    let moved = port + 100;
    let lines = told(&output);
    assert!(
        lines.starts_with(&format!("port {port} (RPC of node 0) is taken by ")),
        "{lines}"
    );
    let instead = format!("RPC is on port {moved} instead; --rpc-port names another\n");
    assert!(lines.ends_with(&instead), "{lines}");
    drop(listener);
    let (_, shown) = status(&home);
    assert_eq!(shown["rpc"], format!("http://127.0.0.1:{moved}"));
    assert!(shown["height"].as_u64().unwrap() > height);

    let output = run(&home, "down", &[]);
    assert!(output.status.success());
    assert_eq!(told(&output), "1 nodes stopped\n");
    assert!(processes(&home).is_empty());
    assert_eq!(status(&home).0, Some(3));

    std::fs::write(home.join("letter.txt"), "not a part of it").unwrap();
    let output = run(&home, "reset", &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output).contains("holds letter.txt, which is no part of a network"),
        "{}",
        told(&output)
    );
    std::fs::remove_file(home.join("letter.txt")).unwrap();
    assert!(run(&home, "reset", &[]).status.success());
    assert!(!home.exists());
}

/// A deployment that says what it was given and writes what one would.
const DEPLOYMENT: &str = r#"#!/bin/sh
echo "given: $*"
while [ $# -gt 1 ]; do
    case $1 in
    --home) keys=$2 ;;
    --settings) settings=$2 ;;
    --out) out=$2 ;;
    esac
    shift
done
for key in admin node0; do
    file=$(find "$keys" -type f -name "$key*")
    echo "$key: mode $(stat -c %a "$file")"
done
grep -h seconds "$settings"
[ ! -e "$settings.fail" ] || exit 3
echo '{ "pool": { "address": "watt1pool" } }' >"$out"
"#;

#[test]
fn up_deploys_once_and_leaves_nothing_when_that_fails() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("state");
    let _cleared = Cleared(&home);
    let wattpool = folder.path().join("wattpool");
    std::fs::write(&wattpool, DEPLOYMENT).unwrap();
    std::fs::set_permissions(
        &wattpool,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let port = port(2).to_string();
    let program = wattpool.to_str().unwrap();
    let up = [
        "--block-ms",
        "100",
        "--window-s",
        "30",
        "--rpc-port",
        &port,
        "--wattpool",
        program,
    ];

    std::fs::create_dir(&home).unwrap();
    let refuse = home.join("market.toml.fail");
    std::fs::write(&refuse, "").unwrap();
    let output = run(&home, "up", &up);
    assert_eq!(output.status.code(), Some(1));
    let lines = told(&output);
    assert!(
        lines.ends_with("testnet: wattpool admin deploy failed (exit status: 3), see above\n"),
        "{lines}"
    );
    eventually("the end of the node", || processes(&home).is_empty());
    std::fs::remove_file(&refuse).unwrap();

    let output = run(&home, "up", &up);
    let lines = told(&output);
    assert!(output.status.success(), "{lines}");
    let begin =
        format!("given: admin deploy --node http://127.0.0.1:{port} --voter node0 --gas-prices 0.0025uwatt ");
    assert!(lines.starts_with(&begin), "{lines}");
    assert!(lines.contains("--from admin --yes --home "), "{lines}");
    assert!(
        lines.contains(
            "admin: mode 600
node0: mode 600
window_seconds = 30
block_seconds = 1
"
        ),
        "{lines}"
    );
    assert!(String::from_utf8_lossy(&output.stdout).contains("watt1pool"));
    assert_eq!(status(&home).1["contracts"]["pool"]["address"], "watt1pool");

    let output = run(&home, "up", &up);
    assert_eq!(
        told(&output),
        "the network is up already; testnet/down stops it\n"
    );
}

#[test]
fn a_killed_up_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("state");
    let _cleared = Cleared(&home);
    let port = port(1).to_string();
    // It waits for blocks, which are that far apart.
    let slow = ["--no-deploy", "--block-ms", "60000", "--rpc-port", &port];
    let mut up = testnet(&home, "up", &slow)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("a node that answers", || status(&home).0 == Some(0));
    up.kill().unwrap();
    up.wait().unwrap();
    eventually("the end of the node", || processes(&home).is_empty());
}

#[test]
fn wrong_options_are_refused_with_what_was_expected() {
    let folder = tempfile::tempdir().unwrap();
    for (options, expected) in [
        (
            &["--validators", "0"][..],
            "invalid value '0' for '--validators <N>'",
        ),
        (&["--validators", "17"], "17 is not in 1..=16"),
        (&["--block-ms", "10"], "10 is not in 50..=60000"),
        (
            &["--window-s", "0"],
            "invalid value '0' for '--window-s <S>'",
        ),
        (&["--rpc-port", "80"], "80 is not in 1025..=65385"),
        (&["--fast"], "unexpected argument '--fast' found"),
    ] {
        let output = run(folder.path(), "up", options);
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(
            told(&output).contains(expected),
            "{options:?}: {}",
            told(&output)
        );
    }
}
