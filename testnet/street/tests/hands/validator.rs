//! A fifth validator on a chain of four: made, voting, jailed, unjailed, rewarded, gone; all by its own commands.

use crate::tools::{wasmd, Ours};
use serde_json::Value;
use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wattpool_testnet::{Options, Testnet};

/// A node that is not the network's own.
struct Node {
    home: PathBuf,
    rpc: u16,
    peers: u16,
    others: String,
    child: Option<Child>,
}

fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

impl Node {
    fn new(home: PathBuf, net: &Testnet) -> Self {
        let chain = &net.description().chain_id;
        let made = Command::new(wasmd())
            .args(["init", "fifth", "--chain-id", chain, "--home"])
            .arg(&home)
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        fs::copy(
            net.home().join("node0/config/genesis.json"),
            home.join("config/genesis.json"),
        )
        .unwrap();
        let config = home.join("config/config.toml");
        let text = fs::read_to_string(&config).unwrap();
        let text = text
            .replace("addr_book_strict = true", "addr_book_strict = false")
            .replace("allow_duplicate_ip = false", "allow_duplicate_ip = true");
        fs::write(&config, text).unwrap();
        let others: Vec<String> = net
            .description()
            .nodes
            .iter()
            .map(|n| format!("{}@127.0.0.1:{}", n.id, n.peer_port))
            .collect();
        Self {
            home,
            rpc: port(),
            peers: port(),
            others: others.join(","),
            child: None,
        }
    }

    fn public_key(&self) -> String {
        let shown = Command::new(wasmd())
            .args(["comet", "show-validator", "--home"])
            .arg(&self.home)
            .output()
            .unwrap();
        String::from_utf8(shown.stdout).unwrap().trim().to_owned()
    }

    fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.home.join("log"))
            .unwrap();
        let child = Command::new(wasmd())
            .args(["start", "--home"])
            .arg(&self.home)
            .args(["--rpc.laddr", &format!("tcp://127.0.0.1:{}", self.rpc)])
            .args(["--p2p.laddr", &format!("tcp://127.0.0.1:{}", self.peers)])
            .args(["--p2p.persistent_peers", &self.others])
            .args([
                "--rpc.pprof_laddr",
                "",
                "--grpc.enable=false",
                "--api.enable=false",
            ])
            .args(["--minimum-gas-prices", "0.0025uwatt", "--log_level", "warn"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Whether it has all blocks and takes part in consensus; and what it answered.
    fn caught_up(&self) -> (bool, String) {
        let asked = Command::new(wasmd())
            .args(["status", "--node", &format!("tcp://127.0.0.1:{}", self.rpc)])
            .output()
            .unwrap();
        let found: Value = serde_json::from_slice(&asked.stdout).unwrap_or_default();
        (
            found["sync_info"]["catching_up"] == false,
            format!("{asked:?}"),
        )
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks until it is so, or fails with the last answer.
fn until(what: &str, seconds: u64, mut look: impl FnMut() -> (bool, String)) {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        let (so, last) = look();
        if so {
            return;
        }
        assert!(
            Instant::now() < end,
            "{what}: not within {seconds} s: {last}"
        );
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Unix time, seconds.
fn now() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

#[test]
fn a_fifth_validator_is_made_votes_is_jailed_and_unjailed_and_leaves() {
    let _one = crate::ONE_AT_A_TIME.lock();
    let net = Testnet::start(&Options {
        validators: 4,
        block_ms: 500,
        voting_s: 20,
        jail_after: 8,
        unbonding_s: 30,
        ..Options::default()
    })
    .unwrap();
    let description = net.description();
    let rpc = net.rpc_addresses().join(",");
    let options = ["--node", &rpc, "--chain-id", &description.chain_id, "--yes"];
    // Every hand has a keystore of its own.
    let hands = |words: &str, name: &str| {
        let ours = Ours::new(&options);
        let address = ours.recover(name, words);
        (ours, address)
    };
    let (faucet, _) = hands(&description.account("faucet").unwrap().mnemonic, "faucet");
    let (admin, _) = hands(&description.account("admin").unwrap().mnemonic, "admin");
    let four: Vec<Ours> = description
        .nodes
        .iter()
        .map(|n| hands(&n.validator.mnemonic, "me").0)
        .collect();
    let fifth = Ours::new(&options);
    let operator = fifth.json(&["wallet", "new", "me"])["address"]
        .as_str()
        .unwrap()
        .to_owned();
    let sent = faucet.json(&[
        "wallet",
        "send",
        &operator,
        "60 stake,10 watt",
        "--from",
        "faucet",
    ]);
    assert!(
        sent["height"].as_u64().is_some() && sent["hash"].as_str().is_some_and(|h| h.len() == 64),
        "{sent}"
    );
    assert!(sent["fee"][0]["denom"] == "uwatt", "{sent}");

    // Made.
    let mut node = Node::new(fifth.home.path().join("node"), &net);
    node.start();
    let key = node.public_key();
    fifth.json(&[
        "validator",
        "create",
        "--amount",
        "50 stake",
        "--pubkey",
        &key,
        "--moniker",
        "fifth",
        "--from",
        "me",
    ]);
    let status = |code: i32| {
        let ran = fifth.run(&["validator", "status", "--from", "me", "--json"]);
        (ran.code == Some(code), format!("{ran:?}"))
    };
    until("it signs", 120, || status(0));
    let shown: Value = serde_json::from_str(
        &fifth
            .run(&["validator", "status", "--from", "me", "--json"])
            .stdout,
    )
    .unwrap();
    assert_eq!(
        (shown["own_stake"].as_str(), shown["commission"].as_str()),
        (Some("50000000"), Some("0.1"))
    );

    // The market's codes are pinned by votes, each with its own keystore.
    let settings = admin.file(
        "settings.toml",
        "name = \"votes\"\n[tariffs]\nimport = 300000\nfeed_in = 80000\n",
    );
    let market = admin.path("market.json");
    let folder = wattpool_testnet::built::contracts().display().to_string();
    admin.json(&[
        "admin",
        "deploy",
        "--settings",
        &settings,
        "--contracts",
        &folder,
        "--out",
        &market,
        "--from",
        "admin",
    ]);
    let made = admin.json(&[
        "validator",
        "submit-pin",
        "--market",
        &market,
        "--from",
        "admin",
    ]);
    let proposal = made["proposal"].as_u64().unwrap().to_string();
    // An upgrade, far away, is voted on at the same time.
    let early = admin.run(&[
        "validator",
        "submit-upgrade",
        "v2",
        "--upgrade-height",
        "1",
        "--from",
        "admin",
    ]);
    assert_eq!(early.code, Some(2), "{early:?}");
    assert!(
        early
            .stderr
            .contains("--upgrade-height 1: the chain is at block"),
        "{early:?}"
    );
    let none = admin.run(&["validator", "submit-cancel-upgrade", "--from", "admin"]);
    assert!(none.stderr.contains("no upgrade is planned"), "{none:?}");
    let info = r#"{"binaries": {"any": "https://example.org/<v2>?a&b"}}"#;
    let planned = admin.json(&[
        "validator",
        "submit-upgrade",
        "v2",
        "--upgrade-height",
        "9000000",
        "--upgrade-info",
        info,
        "--from",
        "admin",
    ]);
    let planned = planned["proposal"].as_u64().unwrap().to_string();
    // Side by side: the time to vote is short.
    let vote = |voters: &[&Ours], on: &[&str]| {
        std::thread::scope(|all| {
            for voter in voters {
                all.spawn(|| {
                    for proposal in on {
                        voter.json(&["validator", "vote", proposal, "yes", "--from", "me"]);
                    }
                });
            }
        });
    };
    let four: Vec<&Ours> = four.iter().collect();
    let five: Vec<&Ours> = four.iter().copied().chain([&fifth]).collect();
    vote(&five, &[&proposal, &planned]);
    let shown = fifth.run(&["validator", "proposal", &planned]);
    let words = "halt before block 9000000 until the program with upgrade \"v2\" runs";
    assert!(
        shown.stdout.contains(words) && shown.stdout.contains(info),
        "{shown:?}"
    );
    until("the proposal passes", 120, || {
        let found = fifth.json(&["validator", "proposal", &proposal]);
        (found["status"] == "passed", found.to_string())
    });
    let again = admin.json(&[
        "validator",
        "submit-pin",
        "--market",
        &market,
        "--from",
        "admin",
    ]);
    assert_eq!(again["pinned"], true);
    let same = fifth.run(&[
        "validator",
        "verify-code",
        "--market",
        &market,
        "--contracts",
        &folder,
    ]);
    assert_eq!(same.code, Some(0), "{same:?}");

    until("the upgrade is planned", 120, || {
        let plan = fifth.json(&["validator", "upgrade-plan"]);
        (
            plan["name"] == "v2" && plan["height"] == 9_000_000 && plan["info"] == info,
            plan.to_string(),
        )
    });

    // Jailed by being stopped; unjailed.
    node.kill();
    until("it is jailed", 120, || status(3));
    let jailed_until = || {
        let shown = fifth.run(&["validator", "status", "--from", "me", "--json"]);
        let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
        (shown["jailed"] == true).then(|| shown["jailed_until"].as_u64().unwrap())
    };
    let until_s = jailed_until().unwrap();
    let early = fifth.run(&["validator", "unjail", "--from", "me"]);
    // On a busy machine the jail time may be over by then.
    assert!(
        early.code != Some(0) || now() >= until_s,
        "before the jail time is over: {early:?}"
    );
    node.start();
    // While the jail time runs the upgrade is given up.
    let cancelled = admin.json(&["validator", "submit-cancel-upgrade", "--from", "admin"]);
    let cancelled = cancelled["proposal"].as_u64().unwrap().to_string();
    vote(&four, &[&cancelled]);
    // Who is unjailed before its node has the newest blocks misses the next ones, and is jailed again.
    until("its node has all blocks", 120, || node.caught_up());
    until("it signs again", 120, || {
        // Two seconds for a block of after the jail time.
        if jailed_until().is_some_and(|end| now() >= end + 2) {
            fifth.json(&["validator", "unjail", "--from", "me"]);
        }
        status(0)
    });

    until("no upgrade is planned any more", 120, || {
        let plan = fifth.json(&["validator", "upgrade-plan"]);
        (plan.is_null(), plan.to_string())
    });

    // Rewarded.
    let before = fifth.json(&["wallet", "balances", "me"]);
    assert!(
        before["rewards"].as_array().is_some_and(|r| !r.is_empty()),
        "{before}"
    );
    let paid = fifth.json(&[
        "validator",
        "rewards",
        "withdraw",
        "--commission",
        "--from",
        "me",
    ]);
    assert!(paid["height"].as_u64().is_some());

    // Gone.
    let shown: Value = serde_json::from_str(
        &fifth
            .run(&["validator", "status", "--from", "me", "--json"])
            .stdout,
    )
    .unwrap();
    let all = format!("{}ustake", shown["own_stake"].as_str().unwrap());
    fifth.json(&["validator", "undelegate", "me", &all, "--from", "me"]);
    until("it is out of the set", 120, || {
        let ran = fifth.run(&["validator", "status", "me", "--json"]);
        (ran.code != Some(0), format!("{ran:?}"))
    });
    assert!(!fifth.json(&["wallet", "balances", "me"])["unbonding"]
        .as_array()
        .unwrap()
        .is_empty());
    until("its stake is free", 120, || {
        let held = fifth.json(&["wallet", "balances", "me"]);
        (
            held["unbonding"].as_array().is_some_and(Vec::is_empty),
            held.to_string(),
        )
    });
}
