//! Keys, exports and signatures agree with wasmd's own.

use crate::tools::{Ours, Theirs};
use serde_json::{json, Value};
use std::fs;
use wattpool_wallet::words::draw;

/// Paths of the keys, as options of both programs.
const PATHS: [&[&str]; 4] = [
    &[],
    &["--account", "3"],
    &["--index", "17"],
    &[
        "--account",
        "2147483647",
        "--index",
        "5",
        "--coin-type",
        "60",
    ],
];

#[test]
fn twenty_mnemonics_lead_to_the_same_addresses_on_every_path() {
    let (theirs, ours) = (Theirs::new(), Ours::new(&[]));
    for n in 0..20_usize {
        let words = draw(if n.is_multiple_of(2) { 24 } else { 12 }).unwrap();
        for (m, path) in PATHS.iter().enumerate() {
            let name = format!("key{n}-{m}");
            let mut line = vec!["keys", "add", &name, "--recover", "--output", "json"];
            line.extend(*path);
            let their = theirs.json(&line, &format!("{}\n", words.as_str()));
            let mut line = vec!["wallet", "new", &name, "--recover", "--json"];
            line.extend(*path);
            let our = ours.fed(&line, &format!("{}\n", words.as_str())).json();
            assert_eq!(our["address"], their["address"], "{path:?}");
            let key: Value = serde_json::from_str(their["pubkey"].as_str().unwrap()).unwrap();
            assert_eq!(our["pubkey"], key, "{path:?}");
            if m == 0 {
                let operator =
                    theirs.run(&["keys", "show", &name, "--bech", "val", "--address"], "");
                let show = ours.run(&["wallet", "show", &name, "--bech", "val", "--address"]);
                assert_eq!(show.stdout, operator.stdout);
            }
        }
    }
}

/// The armoured text in what a program printed.
fn armoured(text: &str) -> String {
    let begin = text
        .find("-----BEGIN")
        .unwrap_or_else(|| panic!("no armour in {text}"));
    text[begin..].to_owned()
}

#[test]
fn exported_keys_are_imported_in_both_directions() {
    let (theirs, ours) = (Theirs::new(), Ours::new(&[]));
    let passphrase = ours.file("armour", "correct horse battery\n");
    for n in 0..4 {
        // From wasmd.
        let (name, words) = (format!("theirs{n}"), draw(24).unwrap());
        let their = theirs.json(
            &["keys", "add", &name, "--recover", "--output", "json"],
            &format!("{}\n", words.as_str()),
        );
        let exported = theirs.run(&["keys", "export", &name], "correct horse battery\n");
        let text = armoured(&format!("{}\n{}", exported.stdout, exported.stderr));
        let file = ours.file("exported", &text);
        let imported = ours.json(&[
            "wallet",
            "import",
            &name,
            &file,
            "--armour-passphrase-file",
            &passphrase,
        ]);
        assert_eq!(imported["address"], their["address"]);
        // To wasmd, in both derivations.
        let our = ours.json(&["wallet", "new", &format!("ours{n}")]);
        for kdf in ["argon2", "bcrypt"] {
            let name = format!("ours{n}");
            let exported = ours.run(&[
                "wallet",
                "export",
                &name,
                "--kdf",
                kdf,
                "--armour-passphrase-file",
                &passphrase,
            ]);
            assert_eq!(exported.code, Some(0), "{}", exported.stderr);
            let file = ours.file("exported", &exported.stdout);
            let there = format!("{name}-{kdf}");
            let imported = theirs.run(
                &["keys", "import", &there, &file],
                "correct horse battery\n",
            );
            assert_eq!(imported.code, Some(0), "{kdf}: {}", imported.stderr);
            let shown = theirs.run(&["keys", "show", &there, "--address"], "");
            assert_eq!(
                shown.stdout.trim(),
                our["address"].as_str().unwrap(),
                "{kdf}"
            );
        }
    }
}

/// One of every kind of message, in the form of documents.
fn messages(from: &str, operator: &str) -> Vec<Value> {
    use wattpool_wallet::message as m;
    let coins = [(5, "uwatt".to_owned())];
    let stake = (7, "ustake".to_owned());
    let description = m::Description {
        moniker: "a <b> & c".to_owned(),
        identity: String::new(),
        website: "https://example.org/?a=1&b=2".to_owned(),
        security_contact: String::new(),
        details: String::new(),
    };
    vec![
        m::send(from, from, &coins),
        m::execute(
            from,
            from,
            json!({"set": {"b": "<>&", "a": [1, 2, 9_007_199_254_740_991_u64], "c": null}}),
            &coins,
        ),
        m::execute(from, from, json!({"pause": {}}), &[]),
        m::migrate(from, from, 3, json!({})),
        m::propose(
            from,
            vec![m::pin_codes(from, &[1, 300])],
            &coins,
            "title <&>",
            "summary",
        ),
        m::propose(
            from,
            vec![
                m::upgrade(from, "v2", 1_000, "{\"binaries\": {\"any\": \"<&>\"}}"),
                m::cancel_upgrade(from),
            ],
            &coins,
            "upgrade",
            "",
        ),
        m::upgrade(from, "v2", 1_000, ""),
        m::cancel_upgrade(from),
        m::vote(from, 4, "VOTE_OPTION_YES"),
        m::deposit(from, 4, &coins),
        m::delegate(from, operator, &stake),
        m::undelegate(from, operator, &stake),
        m::redelegate(from, operator, operator, &stake),
        m::withdraw_rewards(from, operator),
        m::withdraw_commission(operator),
        m::unjail(operator),
        m::create_validator(&m::NewValidator {
            operator: operator.to_owned(),
            consensus: [7; 32],
            description: description.clone(),
            commission: ["0.1".to_owned(), "0.2".to_owned(), "0.01".to_owned()],
            least_own_stake: 1,
            stake: stake.clone(),
        }),
        m::edit_validator(operator, &description, Some("0.15"), Some(2)),
        m::edit_validator(operator, &description, None, None),
        m::grant_fees(from, from, &coins, Some("2030-01-31T12:00:00Z")),
        m::grant_fees(from, from, &coins, None),
        m::revoke_fees(from, from),
    ]
}

const OFFLINE: [&str; 7] = [
    "--offline",
    "--chain-id",
    "chain-1",
    "--account-number",
    "7",
    "--sequence",
    "3",
];

#[test]
fn signatures_are_wasmds_for_every_message_in_both_modes() {
    let (theirs, ours) = (Theirs::new(), Ours::new(&[]));
    let words = draw(24).unwrap();
    theirs.json(
        &["keys", "add", "alice", "--recover", "--output", "json"],
        &format!("{}\n", words.as_str()),
    );
    let from = ours.recover("alice", &words);
    let operator = ours.json(&["wallet", "show", "alice"])["operator"]
        .as_str()
        .unwrap()
        .to_owned();
    let fee = wattpool_wallet::tx::Fee {
        amount: vec![(500, "uwatt".to_owned())],
        gas_limit: 200_000,
        granter: String::new(),
    };
    for (n, message) in messages(&from, &operator).into_iter().enumerate() {
        let url = message["@type"].clone();
        let height = if n.is_multiple_of(2) { 0 } else { 99 };
        let document =
            wattpool_wallet::tx::Document::new(vec![message], "a <memo> & more", height, &fee);
        let file = ours.file("tx.json", &document.json().to_string());
        for mode in ["direct", "amino-json"] {
            let mut line = vec![
                "tx",
                "sign",
                &file,
                "--from",
                "alice",
                "--sign-mode",
                mode,
                "--output",
                "json",
            ];
            line.extend(OFFLINE);
            let their = theirs.json(&line, "");
            let mut line = vec![
                "wallet",
                "sign",
                &file,
                "--from",
                "alice",
                "--sign-mode",
                mode,
            ];
            line.extend(OFFLINE);
            let our = ours.run(&line).json();
            assert_eq!(our["signatures"], their["signatures"], "{url} in {mode}");
            assert_eq!(
                our["auth_info"]["signer_infos"], their["auth_info"]["signer_infos"],
                "{url} in {mode}"
            );
            // What wasmd wrote is read here as the same transaction.
            let read = wattpool_wallet::tx::Document::parse("theirs", &their.to_string()).unwrap();
            let same = wattpool_wallet::tx::Document::parse("ours", &our.to_string()).unwrap();
            assert_eq!(read.bytes().unwrap(), same.bytes().unwrap(), "{url}");
        }
    }
}

#[test]
fn a_multisig_has_wasmds_address_and_signatures() {
    let (theirs, ours) = (Theirs::new(), Ours::new(&[]));
    for name in ["alice", "bob", "carol"] {
        let words = draw(12).unwrap();
        theirs.json(
            &["keys", "add", name, "--recover", "--output", "json"],
            &format!("{}\n", words.as_str()),
        );
        ours.recover(name, &words);
    }
    let group = ["--multisig", "alice,bob,carol", "--multisig-threshold", "2"];
    for sorted in [true, false] {
        let name = if sorted { "board" } else { "table" };
        let mut their = vec!["keys", "add", name, "--output", "json"];
        their.extend(group);
        let mut our = vec!["wallet", "new", name];
        our.extend(group);
        if !sorted {
            their.push("--nosort");
            our.push("--nosort");
        }
        let their = theirs.json(&their, "");
        let our = ours.json(&our);
        assert_eq!(our["address"], their["address"]);
        let from = our["address"].as_str().unwrap();
        let operator = ours.json(&["wallet", "show", name])["operator"]
            .as_str()
            .unwrap()
            .to_owned();
        let fee = wattpool_wallet::tx::Fee {
            gas_limit: 300_000,
            ..Default::default()
        };
        for message in messages(from, &operator) {
            let document =
                wattpool_wallet::tx::Document::new(vec![message.clone()], "<>&", 0, &fee);
            let file = ours.file("tx.json", &document.json().to_string());
            let mut parts = Vec::new();
            for member in ["carol", "alice"] {
                let mut line = vec![
                    "wallet",
                    "sign",
                    &file,
                    "--multisig",
                    name,
                    "--from",
                    member,
                ];
                line.extend(OFFLINE);
                let our = ours.run(&line).json();
                let mut line = vec![
                    "tx",
                    "sign",
                    &file,
                    "--multisig",
                    from,
                    "--from",
                    member,
                    "--output",
                    "json",
                ];
                line.extend(OFFLINE);
                let their = theirs.json(&line, "");
                assert_eq!(
                    our["signatures"][0]["data"], their["signatures"][0]["data"],
                    "{}",
                    message["@type"]
                );
                parts.push(ours.file(&format!("{member}.json"), &our.to_string()));
            }
            let mut line = vec!["wallet", "combine", &file, name, &parts[0], &parts[1]];
            line.extend(OFFLINE);
            let our = ours.run(&line).json();
            let mut line = vec![
                "tx",
                "multisign",
                &file,
                name,
                &parts[0],
                &parts[1],
                "--output",
                "json",
            ];
            line.extend(OFFLINE);
            let their = theirs.json(&line, "");
            let read = wattpool_wallet::tx::Document::parse("theirs", &their.to_string()).unwrap();
            let same = wattpool_wallet::tx::Document::parse("ours", &our.to_string()).unwrap();
            assert_eq!(
                read.bytes().unwrap(),
                same.bytes().unwrap(),
                "{}",
                message["@type"]
            );
        }
    }
    fs::remove_file(ours.path("tx.json")).unwrap();
}
