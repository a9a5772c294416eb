//! `wattpool-agent init`: configuration, keys and the market's file, all of them or none.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "common/program.rs"]
mod program;

use program::{command, text};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use wattpool_daemon::config::Config;
use wattpool_ledger_wasmd::invitation::{checksum, Invitation};

const ID: &str = "00112233445566778899aabbccddeeff";
const MARKET: &str = include_str!("../../fuzz/recorded/market.json");
const PEER: &str =
    "/ip4/10.0.0.2/tcp/7400/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

#[test]
fn a_home_is_made_whole_or_goes_on_where_it_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let init = |args: &[&str]| {
        command(folder, &[&["init"], args].concat())
            .output()
            .unwrap()
    };
    let (config, keys) = (folder.join("agent.toml"), folder.join("keys.age"));
    // Nobody can be asked for a passphrase, and no file has one: nothing is written.
    let out = init(&["--id", ID]);
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    assert!(!config.exists() && !keys.exists());
    std::fs::write(folder.join("passphrase"), "correct horse battery\n").unwrap();
    assert!(init(&["--id", ID]).status.success());
    let written = std::fs::read(&config).unwrap();
    // The keys are missing, as after a cut: the configuration is kept.
    std::fs::remove_file(&keys).unwrap();
    let out = init(&[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(text(&out.stderr).contains("kept "), "{}", text(&out.stderr));
    assert_eq!(std::fs::read(&config).unwrap(), written);
    let made = std::fs::read(&keys).unwrap();
    // Everything is there: nothing is changed, and nobody is asked.
    std::fs::remove_file(folder.join("passphrase")).unwrap();
    let again = init(&[]);
    let said = text(&again.stderr);
    assert!(
        again.status.code() == Some(2) && said.contains("they are there already"),
        "{said}"
    );
    let other = init(&["--id", ID]);
    assert_eq!(other.status.code(), Some(2), "{}", text(&other.stderr));
    assert_eq!(std::fs::read(&keys).unwrap(), made);
}

/// Hands the market's file out once; its address.
fn site() -> String {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines();
        let _ = lines.map_while(Result::ok).find(String::is_empty);
        let length = MARKET.len();
        let head =
            format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
        stream.write_all((head + MARKET).as_bytes()).unwrap();
    });
    format!("http://{address}/market.json")
}

/// An invitation to the market whose file is here.
fn invitation(url: &str) -> String {
    let market: serde_json::Value = serde_json::from_str(MARKET).unwrap();
    let least = format!(
        "wattpool:join?market={url}&sha256={}&chain={}&contact=ann@example.org",
        checksum(MARKET.as_bytes()),
        market["chain_id"].as_str().unwrap()
    );
    let nodes = "node=https://a.example.org:26657&node=http://b.example.org:26657";
    let line = format!("{least}&{nodes}&bootstrap={PEER}&block_ms=2000");
    Invitation::parse(&line).unwrap().text().unwrap()
}

#[test]
fn an_invitation_leaves_nothing_to_ask_for() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::write(folder.join("passphrase"), "correct horse battery\n").unwrap();
    let line = invitation(&site());
    let init = |file: &str, more: &[&str]| {
        let args = ["init", "--config", file, "--invite", &line];
        command(folder, &[&args, more].concat()).output().unwrap()
    };
    // Another file stands where the market's would be: nothing is written.
    std::fs::create_dir(folder.join("other")).unwrap();
    std::fs::write(folder.join("other/market.json"), "{}").unwrap();
    let out = init("other/agent.toml", &[]);
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("not the file of the invitation"), "{said}");
    assert!(!folder.join("other/agent.toml").exists());

    let out = init("home/agent.toml", &[]);
    let said = text(&out.stderr);
    assert!(out.status.success(), "{said}");
    assert!(
        said.contains("http://b.example.org:26657/ is left out"),
        "{said}"
    );
    let config = Config::read(&folder.join("home/agent.toml")).unwrap();
    assert_eq!(
        std::fs::read_to_string(&config.chain.market).unwrap(),
        MARKET
    );
    assert_eq!(config.chain.rpc, ["https://a.example.org:26657/"]);
    assert_eq!(config.chain.block_ms, 2_000);
    assert_eq!(config.network.bootstrap, [PEER]);

    // The file is there: it is taken as it is, and not fetched again.
    std::fs::create_dir(folder.join("plain")).unwrap();
    std::fs::write(folder.join("plain/market.json"), MARKET).unwrap();
    let out = init("plain/agent.toml", &["--allow-plain-http"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let config = Config::read(&folder.join("plain/agent.toml")).unwrap();
    assert_eq!(config.chain.rpc.len(), 2);
    assert!(config.chain.allow_plain_http);

    let cut = line.split("&contact").next().unwrap();
    let cut = ["init", "--config", "cut.toml", "--invite", cut];
    let out = command(folder, &cut).output().unwrap();
    let said = text(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("contact is missing"), "{said}");
}
