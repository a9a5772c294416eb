//! A market from nothing by the commands alone: deployed, three homes, trades, feed-in, other keys, another administrator, other codes, a home
//! that leaves. Every balance is explained to the unit by what the commands and the records say.

use crate::each;
use crate::home::Home;
use crate::profiles::{csv, Profile};
use crate::tools::Ours;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use wattpool_testnet::{Options, Testnet};

const WINDOW_S: u64 = 12;
const BLOCK_MS: u32 = 500;
/// The chain's ports, and above them the agents'.
const PORTS: u16 = 28_400;

/// Somebody with a keystore of its own.
pub struct Hand {
    pub keys: Ours,
    pub address: String,
    /// Sent to it by the faucet, micro-units.
    received: i128,
}

impl Hand {
    /// A transaction by one command; it fails unless that did what it should.
    pub fn does(&self, args: &[&str]) -> Value {
        let line = [args, &["--from", "me"]].concat();
        self.keys.json(&line)
    }

    fn bank(&self) -> i128 {
        let found = self.keys.json(&["wallet", "balances", "me"]);
        coins(&found["bank"])
    }

    /// Fees of all that it ever sent.
    fn fees(&self) -> i128 {
        let mut sum = 0;
        for page in 1.. {
            let page_text = page.to_string();
            let found = self
                .keys
                .json(&["wallet", "history", "me", "--page", &page_text]);
            for tx in found["transactions"].as_array().unwrap() {
                assert_eq!(tx["code"], 0, "{tx}");
                sum += coins(&tx["fee"]);
            }
            if page >= found["pages"].as_u64().unwrap() {
                return sum;
            }
        }
        unreachable!()
    }
}

/// Micro-units of the market's money in a list of coins.
fn coins(list: &Value) -> i128 {
    let coins = list.as_array().unwrap().iter();
    coins
        .filter(|c| c["denom"] == "uwatt")
        .map(|c| number(&c["amount"]))
        .sum()
}

/// A number, written as one or as a text.
fn number(value: &Value) -> i128 {
    value.as_str().map_or_else(
        || i128::from(value.as_i64().unwrap()),
        |t| t.parse().unwrap(),
    )
}

fn until<T>(what: &str, seconds: u64, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: not within {seconds} s");
        std::thread::sleep(Duration::from_millis(700));
    }
}

/// The same contracts as other codes: each with an empty section more, which changes nothing but the checksum.
fn other_codes(from: &Path, to: &Path) -> PathBuf {
    use sha2::{Digest, Sha256};
    fs::create_dir_all(to).unwrap();
    let mut sums = String::new();
    for name in ["energy_token", "energy_pool", "trade_escrow"] {
        let mut wasm = fs::read(from.join(format!("{name}.wasm"))).unwrap();
        // A custom section: id 0, its length, the length of its name, its name.
        wasm.extend_from_slice(&[0, 5, 4, b'n', b'e', b'x', b't']);
        let sum: [u8; 32] = Sha256::digest(&wasm).into();
        let hex: String = sum.iter().map(|b| format!("{b:02x}")).collect();
        sums += &format!("{hex}  {name}.wasm\n");
        fs::write(to.join(format!("{name}.wasm")), wasm).unwrap();
    }
    fs::write(to.join("checksums.txt"), sums).unwrap();
    to.to_owned()
}

#[test]
fn a_market_from_nothing_by_the_commands_alone() {
    let _one = crate::ONE_AT_A_TIME.lock();
    let net = Testnet::start(&Options {
        validators: 1,
        block_ms: BLOCK_MS,
        window_s: u32::try_from(WINDOW_S).unwrap(),
        voting_s: 8,
        ports: wattpool_testnet::Ports::From(PORTS),
        ..Options::default()
    })
    .unwrap();
    let description = net.description();
    let rpc = net.rpc_addresses();
    let nodes = rpc.join(",");
    let chain = description.chain_id.clone();
    let folder = tempfile::tempdir().unwrap();
    let market = folder.path().join("market.json").display().to_string();
    let options = ["--node", &nodes, "--chain-id", &chain, "--yes"];
    let faucet = Ours::new(&options);
    faucet.recover("faucet", &description.account("faucet").unwrap().mnemonic);
    let give = |address: &str, watt: u32| {
        let amount = format!("{watt} watt");
        faucet.json(&["wallet", "send", address, &amount, "--from", "faucet"]);
    };
    let hand = |watt: u32| {
        let keys = Ours::new(&options);
        let made = keys.json(&["wallet", "new", "me"]);
        let address = made["address"].as_str().unwrap().to_owned();
        give(&address, watt);
        Hand {
            keys,
            address,
            received: i128::from(watt) * 1_000_000,
        }
    };
    let validator = Ours::new(&options);
    validator.recover("me", &description.nodes[0].validator.mnemonic);

    // Deployed, with a hand for each role.
    let mut hands = [200; 5].map(hand);
    let mut owners = [100; 3].map(hand);
    let [admin, _, registrar, operator, _] = &hands;
    let settings = format!(
        "name = \"from-nothing\"\nwindow_seconds = {WINDOW_S}\nblock_seconds = 1\nfirst_part_seconds = 4\ncredit_delay_days = 1\nnotice_days = 1\n\
         [roles]\nregistrar = {:?}\ngrid_operator = {:?}\n[tariffs]\nimport = 300000\nfeed_in = 80000\n\
         [[zone_pair]]\nfrom = 0\nto = 0\nloss_ppm = 10000\ncharge = 15000\n",
        registrar.address, operator.address
    );
    let settings = admin.keys.file("settings.toml", &settings);
    let contracts = wattpool_testnet::built::contracts();
    let codes = contracts.display().to_string();
    let deploy = [
        "admin",
        "deploy",
        "--settings",
        &settings,
        "--contracts",
        &codes,
        "--out",
        &market,
    ];
    admin.does(&deploy);
    for hand in hands.iter_mut().chain(&mut owners) {
        hand.keys
            .options
            .extend(["--market".to_owned(), market.clone()]);
    }
    let [admin, next_admin, registrar, operator, payer] = &hands;

    // Three homes: the first has sun, one is registered by a file.
    let mut homes: Vec<Home> = (0..3)
        .map(|n| Home::init(folder.path(), n, PORTS + 100 + n * 2))
        .collect();
    let register = |home: &Home, owner: &Hand, kind: &str| {
        let (device, meter) = (home.key("device"), home.meter.as_str());
        let line = [
            "admin",
            "register-meter",
            "--meter",
            meter,
            "--owner",
            &owner.address,
            "--device",
            device,
            "--zone",
            "0",
            "--kind",
            kind,
            "--max-export",
            "1 kWh",
            "--max-import",
            "1 kWh",
        ];
        registrar.does(&line);
    };
    register(&homes[0], &owners[0], "pv");
    register(&homes[1], &owners[1], "consumer");
    let lines = format!(
        "meter,owner,device,zone,kind,max_export,max_import\n{},{},{},0,consumer,1 kWh,1 kWh\n",
        homes[2].meter,
        owners[2].address,
        homes[2].key("device")
    );
    let lines = registrar.keys.file("meters.csv", &lines);
    let report = registrar.does(&["admin", "register-meters", &lines]);
    assert_eq!(report[0]["ok"], true, "{report}");

    // Money for agents: two have coins, the third is granted its fees.
    for home in &homes[..2] {
        give(home.key("agent_address"), 20);
    }
    let third = homes[2].key("agent_address").to_owned();
    payer.does(&["admin", "grant-fees", "--to", &third, "--limit", "20 watt"]);
    for (home, owner) in homes.iter().zip(&owners) {
        let line = [
            "owner",
            "join",
            "--meter",
            &home.meter,
            "--agent",
            home.key("agent"),
            "--deposit",
            "20 watt",
            "--from",
            "me",
            "--json",
        ];
        // Nothing is stated or traded yet: that is missing, and said.
        let ran = owner.keys.run(&line);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        let deposit = said["steps"].to_string();
        assert!(deposit.contains("20 watt"), "{deposit}");
    }

    // They trade.
    let now = || {
        let found = admin.keys.json(&["admin", "query", "pool", "grid-state"]);
        u64::try_from(number(&found["window"])).unwrap() + 1
    };
    let first = now() + 2;
    let rows: [Profile; 3] = [
        (0..9).map(|n| (40, 500 + 10 * n)).collect(),
        vec![(150, 0); 9],
        vec![(170, 0); 9],
    ];
    let addresses: Vec<String> = homes.iter().map(Home::address).collect();
    for (n, home) in homes.iter_mut().enumerate() {
        fs::write(home.folder.join("profile.csv"), csv(&rows[n])).unwrap();
        let others: Vec<String> = addresses
            .iter()
            .enumerate()
            .filter(|(m, _)| *m != n)
            .map(|(_, a)| a.clone())
            .collect();
        home.configure(&rpc, Path::new(&market), &others, BLOCK_MS, first);
        if n == 2 {
            let file = home.folder.join("agent.toml");
            let text = fs::read_to_string(&file).unwrap();
            let text = text.replace(
                "[network]",
                &format!("fee_granter = {:?}\n[network]", payer.address),
            );
            fs::write(file, text).unwrap();
        }
        home.start();
    }
    let trades = |owner: &Hand| {
        let list = owner
            .keys
            .json(&["wallet", "trades", "me", "--limit", "100"]);
        list.as_array().unwrap().clone()
    };
    for (home, owner) in homes.iter().zip(&owners).skip(1) {
        until("four purchases", 20 * WINDOW_S, || {
            (trades(owner).len() >= 4).then_some(())
        });
        let _ = home;
    }
    for home in &mut homes {
        assert!(home.stop(), "{}", home.log());
    }

    // Feed-in: the reserve is filled, the windows are confirmed, the owner is paid.
    let end = now();
    until("the last windows are over", 6 * WINDOW_S, || {
        (now() > end + 1).then_some(())
    });
    operator.does(&["admin", "fund-reserve", "--amount", "50 watt"]);
    let through = end.to_string();
    operator.does(&["admin", "confirm-feed-in", "--through", &through]);
    let sun = &owners[0];
    let held = sun.bank();
    let claim = sun.does(&["owner", "claim-feed-in"]);
    let claimed = sun.bank() - held + coins(&claim["fee"]);
    // What nobody bought of what was exported: by the records, at the tariff.
    let sales = trades(sun);
    let sold: i128 = sales
        .iter()
        .map(|t| number(&t["trade"]["arrived"]) + number(&t["trade"]["lost"]))
        .sum();
    let minted = |window: u64| {
        let window = format!("window={window}");
        let books = admin
            .keys
            .json(&["admin", "query", "pool", "window", &window]);
        number(&books["minted"]) + number(&books["late"])
    };
    let exported: i128 = (first..=end).map(minted).sum();
    assert!(sold > 0 && claimed > 0);
    let unsold = exported - sold;
    // Each window's credit is rounded down by itself, and tokens turn into credit account by account.
    let whole = unsold * 80_000 / 1_000;
    assert!(
        claimed <= whole && claimed > whole - 20,
        "{claimed} of {whole}"
    );
    let again = sun
        .keys
        .run(&["owner", "claim-feed-in", "--from", "me", "--json"]);
    assert!(
        sun.bank() <= held + claimed,
        "nothing is paid twice: {again:?}"
    );

    // What the rest leaves out, with a meter of its own.
    let extra = Home::init(&folder.path().join("extra"), 8, PORTS + 160);
    let of_extra = each::Extra {
        meter: &extra.meter,
        device: extra.key("device"),
        agent: extra.key("agent"),
    };
    let people = [admin, registrar, operator, payer, next_admin];
    each::by_people(&of_extra, people);
    each::by_name(admin, &homes[1].meter);

    // Other keys for the second home.
    let spare = Home::init(&folder.path().join("spare"), 9, PORTS + 150);
    owners[1].does(&[
        "owner",
        "set-agent",
        "--meter",
        &homes[1].meter,
        "--agent",
        spare.key("agent"),
    ]);
    registrar.does(&[
        "admin",
        "set-device",
        "--meter",
        &homes[1].meter,
        "--device",
        spare.key("device"),
    ]);
    let shown = registrar
        .keys
        .json(&["admin", "meter", "--meter", &homes[1].meter]);
    assert_eq!(
        (&shown["agent"], &shown["device"]),
        (&spare.keys["agent"], &spare.keys["device"])
    );

    // Another administrator, who alone then may.
    admin.does(&["admin", "propose-admin", "--to", &next_admin.address]);
    next_admin.does(&["admin", "accept-admin"]);
    let late = admin.keys.run(&["admin", "pause", "--from", "me"]);
    assert_eq!(late.code, Some(1), "{late:?}");
    next_admin.does(&["admin", "pause"]);
    next_admin.does(&["admin", "unpause"]);

    // Other codes, by the chain's vote; everything is kept. The proposal's deposit comes back with the vote.
    let stake = [
        "wallet",
        "send",
        &next_admin.address,
        "2 stake",
        "--from",
        "faucet",
    ];
    faucet.json(&stake);
    let kept = trades(sun);
    let other = other_codes(&contracts, &folder.path().join("next"));
    let other = other.display().to_string();
    let new_market = folder.path().join("market.new.json").display().to_string();
    let moved = next_admin.does(&[
        "admin",
        "migrate",
        "--contracts",
        &other,
        "--propose",
        "--out",
        &new_market,
    ]);
    assert!(moved["height"].as_u64().is_some(), "{moved}");
    let proposals = validator.json(&["validator", "proposals"]);
    let proposal = proposals
        .as_array()
        .unwrap()
        .iter()
        .map(|p| number(&p["id"]))
        .max()
        .unwrap();
    let proposal = proposal.to_string();
    validator.json(&["validator", "vote", &proposal, "yes", "--from", "me"]);
    until("the vote passes", 120, || {
        (validator.json(&["validator", "proposal", &proposal])["status"] == "passed").then_some(())
    });
    // Now the file with the new codes is the true one.
    fs::copy(&new_market, &market).unwrap();
    let verify = ["validator", "verify-code", "--contracts", &other];
    let same = sun.keys.run(&verify);
    assert_eq!(same.code, Some(0), "{same:?}");
    assert_eq!(trades(sun), kept, "the closed trades are kept");

    // The third home leaves.
    let leaving = &owners[2];
    let before = leaving.bank();
    let withdrawn = leaving.does(&["owner", "withdraw"]);
    let withdrawn = leaving.bank() - before + coins(&withdrawn["fee"]);
    leaving.does(&["owner", "retire", "--meter", &homes[2].meter]);
    let shown = registrar
        .keys
        .json(&["admin", "meter", "--meter", &homes[2].meter]);
    assert_eq!(shown["retired"], true);
    payer.does(&["admin", "revoke-fees", "--to", &third]);
    let charges = operator.bank();
    let taken = operator.does(&["admin", "withdraw-charges"]);
    let charges = operator.bank() - charges + coins(&taken["fee"]);

    // The balances, to the unit.
    let of = |list: &[Value], side: &str, field: &str| -> i128 {
        let mine = list.iter().filter(|t| t["side"] == side);
        mine.map(|t| number(&t["trade"][field])).sum()
    };
    let mut all_charges = 0;
    let escrow = |owner: &Hand| {
        let money = owner.keys.json(&["wallet", "balances", "me"]);
        number(&money["market"]["escrow"]["free"]) + number(&money["market"]["escrow"]["locked"])
    };
    for (n, owner) in owners.iter().enumerate() {
        let list = trades(owner);
        let spent = of(&list, "bought", "paid") + of(&list, "bought", "charge");
        let earned = of(&list, "sold", "paid");
        all_charges += of(&list, "bought", "charge");
        let (claimed, withdrawn) = (
            if n == 0 { claimed } else { 0 },
            if n == 2 { withdrawn } else { 0 },
        );
        assert_eq!(
            escrow(owner),
            20_000_000 - spent + earned - withdrawn,
            "escrow of owner {n}"
        );
        let bank = owner.received - owner.fees() - 20_000_000 + claimed + withdrawn;
        assert_eq!(owner.bank(), bank, "bank of owner {n}");
    }
    assert_eq!(charges, all_charges, "network charges");
    let reserve = operator.keys.json(&["admin", "query", "pool", "reserve"]);
    assert_eq!(
        number(&reserve["reserve"]),
        50_000_000 - claimed,
        "{reserve}"
    );
    assert_eq!(
        operator.bank(),
        operator.received - operator.fees() - 50_000_000 + charges
    );
    for (name, hand) in [
        ("admin", admin),
        ("next", next_admin),
        ("registrar", registrar),
    ] {
        assert_eq!(hand.bank(), hand.received - hand.fees(), "{name}");
    }
    // The third agent spent what its grant lost.
    let status = next_admin.keys.run(&["admin", "status", "--json"]);
    let wrong = status.json();
    assert_eq!(wrong["wrong"], serde_json::json!([]), "{wrong}");
}
