//! An invitation leads to the market that was meant, and to no other.

use crate::home::{one_line, Home};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

const PEER: &str =
    "/dns4/meter.example.org/tcp/7400/p2p/12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";
const MARKET: &str = include_str!("../../../fuzz/recorded/market.json");

/// Hands out a text, whatever is asked for; its address.
fn site(text: &'static str) -> String {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = server.accept() {
            // A client that went away is no matter of this one's.
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let _ = lines.map_while(Result::ok).find(String::is_empty);
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                text.len()
            );
            let _ = stream.write_all((head + text).as_bytes());
        }
    });
    format!("http://{address}/market.json")
}

#[test]
fn an_invitation_leads_to_the_market_that_was_meant() {
    let (operator, owner) = (Home::plain(), Home::plain());
    let market = operator.file("market.json", MARKET);
    let (right, wrong) = (site(MARKET), site("{}"));
    let (given, contact) = (["--market", &market], ["--contact", "ann@example.org"]);
    let line = |url| [&["admin", "invite", "--url", url], &given[..], &contact].concat();
    let nodes = ["--node", "https://a.example.org,https://b.example.org"];
    let more = ["--bootstrap", PEER, "--block-ms", "2000"];
    let made = operator.run(&[&line(&right)[..], &nodes, &more].concat());
    assert_eq!(made.code, Some(0), "{made:?}");
    let text = made.stdout.trim_end();
    assert!(text.starts_with("wattpool:join?market=") && text.lines().count() == 1);
    assert!(made.stderr.contains("▀▄"), "{made:?}");
    // What everybody would find there has to be the file.
    one_line(
        &operator.run(&line(&wrong)),
        2,
        &["--url", &wrong, "it is not the file of the invitation"],
    );
    one_line(
        &operator.run(
            &[
                &line(&right)[..],
                &["--bootstrap", "/ip4/10.0.0.2/tcp/7400"],
            ]
            .concat(),
        ),
        2,
        &["--bootstrap: expected an address such as /dns4"],
    );
    let blind = operator.run(&[&line(&wrong)[..], &["--offline"]].concat());
    assert_eq!(blind.code, Some(0), "{blind:?}");

    owner.import("alice", 1);
    let join = |text: &str, more: &[&str]| {
        let line = ["owner", "join", "--from", "alice", "--invite", text];
        owner.run(&[&line[..], more].concat())
    };
    one_line(
        &join(blind.stdout.trim_end(), &[]),
        2,
        &[
            &wrong,
            "it is not the file of the invitation",
            "ann@example.org",
        ],
    );
    let kept = owner.path("markets");
    assert!(!kept.exists());
    // Twice: the second time it is there.
    for _ in 0..2 {
        let ran = join(text, &["--json"]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let told: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let missing = told["missing"][0].as_str().unwrap();
        for part in ["ann@example.org", &owner.address("alice"), "--meter ID"] {
            assert!(missing.contains(part), "{missing}");
        }
        let mut files = std::fs::read_dir(&kept).unwrap();
        let file = files.next().unwrap().unwrap().path();
        assert!(files.next().is_none());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), MARKET);
        let nodes = serde_json::json!(["https://a.example.org/", "https://b.example.org/"]);
        let profile = &told["profile"];
        assert_eq!(
            (&profile["node"], &profile["from"]),
            (&nodes, &"alice".into())
        );
        let chain = serde_json::json!({"rpc": nodes, "market": "market.json", "block_ms": 2_000});
        let lines = serde_json::json!({"chain": chain, "network": {"bootstrap": [PEER]}});
        assert_eq!(told["agent_toml"], lines);
        // The same for people: what stands below the last heading is TOML as it is.
        let shown = join(text, &[]);
        let (profile, agent) = shown.stdout.split_once("# into agent.toml").unwrap();
        let agent: serde_json::Value = toml::from_str(agent.split_once('\n').unwrap().1).unwrap();
        assert_eq!(agent, lines);
        let (_, profile) = profile.split_once("[profile.default]").unwrap();
        let profile: toml::Table = toml::from_str(profile).unwrap();
        assert_eq!(profile["market"].as_str(), Some(file.to_str().unwrap()));
    }
    // Where a profile has another market, that one stays and is not taken for this one.
    let other = owner.file("other.json", &format!("{MARKET}\n"));
    let ran = join(text, &["--market", &other]);
    one_line(&ran, 2, &[&other, "it is not the file of the invitation"]);
    let named = owner.path("here.json").display().to_string();
    assert_eq!(join(text, &["--market", &named]).code, Some(1));
    assert_eq!(std::fs::read_to_string(&named).unwrap(), MARKET);
    // Cut by the mail program.
    let cut = text.split("&contact").next().unwrap();
    one_line(&join(cut, &[]), 2, &["--invite", "contact is missing"]);
}
