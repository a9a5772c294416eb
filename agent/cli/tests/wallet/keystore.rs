//! Keystores that are damaged, open to others, or opened with the wrong word.

use crate::home::{one_line, Home, PASSPHRASE};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn open_to_all(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

const EXPORT: [&str; 6] = [
    "wallet",
    "export",
    "alice",
    "--unarmored-hex",
    "--unsafe",
    "--yes",
];

#[test]
fn a_wrong_passphrase_is_said_so() {
    let home = Home::sealed();
    home.import("alice", 1);
    let good = home.run(&EXPORT);
    assert_eq!(good.stdout, format!("{}\n", hex::encode([1; 32])));
    home.file("passphrase", "wrong\n");
    let found = home.run(&EXPORT);
    one_line(
        &found,
        2,
        &["keyring-file/alice.key: the passphrase is wrong"],
    );
    home.file("passphrase", "\n");
    one_line(
        &home.run(&EXPORT),
        2,
        &["passphrase file", "expected a passphrase in its first line"],
    );
    // Nobody is there to be asked.
    let asked = Home {
        options: vec!["--keyring-backend".into(), "file".into()],
        ..home
    };
    let alone = asked.command(&EXPORT);
    // Without a terminal, even where the test has one.
    let wrapped = std::process::Command::new("setsid")
        .arg("-w")
        .arg(alone.get_program())
        .args(alone.get_args())
        .env("WATTPOOL_CONFIG", asked.path("none.toml"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let ran = wattpool_program_harness::ended(wrapped);
    one_line(&ran, 2, &["no terminal to ask at", "--passphrase-file"]);
}

#[test]
fn a_passphrase_comes_from_a_descriptor_or_from_systemd() {
    let home = Home::sealed();
    home.import("alice", 1);
    let word = home.file("other", &format!("{PASSPHRASE}\n"));
    let bare = Home {
        options: vec!["--keyring-backend".into(), "file".into()],
        ..home
    };
    let line = [&EXPORT[..], &["--passphrase-fd", "0"]].concat();
    let ran = bare.fed(&line, &format!("{PASSPHRASE}\n"));
    assert_eq!(ran.stdout, format!("{}\n", hex::encode([1; 32])), "{ran:?}");
    let folder = bare.path("credentials");
    fs::create_dir(&folder).unwrap();
    fs::copy(word, folder.join("wattpool-wallet-passphrase")).unwrap();
    let mut command = bare.command(&EXPORT);
    command.env("CREDENTIALS_DIRECTORY", &folder);
    let ran = wattpool_program_harness::ended(command.output().unwrap());
    assert_eq!(ran.stdout, format!("{}\n", hex::encode([1; 32])), "{ran:?}");
}

#[test]
fn a_damaged_file_is_named_and_the_others_stay_usable() {
    let home = Home::plain();
    home.import("alice", 1);
    home.import("bob", 2);
    let file = home.path("keyring-test/alice.key");
    let good = fs::read(&file).unwrap();
    for bad in [&b""[..], &good[..good.len() / 2], b"\xff\xfe", b"{}"] {
        fs::write(&file, bad).unwrap();
        one_line(
            &home.run(&EXPORT),
            2,
            &["alice.key: the key's file is damaged"],
        );
        let other = home.run(&["wallet", "show", "bob"]);
        assert_eq!(other.code, Some(0), "{other:?}");
        // Neither made anew nor thrown away by accident.
        let again = home.fed(
            &["wallet", "import", "alice", "--hex"],
            &hex::encode([3; 32]),
        );
        one_line(&again, 2, &["there is one of this name already"]);
        let gone = home.run(&["wallet", "delete", "alice", "--yes"]);
        assert_eq!(gone.code, Some(2), "{gone:?}");
        assert_eq!(fs::read(&file).unwrap(), bad);
    }
    fs::write(&file, &good).unwrap();
    assert_eq!(home.run(&EXPORT).code, Some(0));
    // Encrypted, and damaged inside.
    let home = Home::sealed();
    home.import("alice", 1);
    let file = home.path("keyring-file/alice.key");
    let text = fs::read_to_string(&file).unwrap();
    let at = text.find("\"sealed\"").unwrap() + 40;
    let other = if text.as_bytes()[at] == b'A' {
        "B"
    } else {
        "A"
    };
    fs::write(&file, format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
    let found = home.run(&EXPORT);
    assert_eq!(
        (found.code, found.stderr.matches('\n').count()),
        (Some(2), 1),
        "{found:?}"
    );
    assert!(found.stderr.contains("alice.key: "), "{found:?}");
}

#[test]
fn what_others_can_read_is_tightened_and_said_so() {
    let home = Home::sealed();
    home.import("alice", 1);
    let (file, folder) = (
        home.path("keyring-file/alice.key"),
        home.path("keyring-file"),
    );
    open_to_all(&file, 0o644);
    open_to_all(&folder, 0o755);
    open_to_all(&home.path("passphrase"), 0o640);
    let ran = home.run(&EXPORT);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!((mode(&file), mode(&folder)), (0o600, 0o700));
    let warnings: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(warnings.len(), 3, "{ran:?}");
    for (name, said) in [
        ("keyring-file:", "others could read it (mode 755); now 700"),
        ("alice.key:", "others could read it (mode 644); now 600"),
        ("passphrase:", "others can read it (mode 640)"),
    ] {
        let warned = warnings
            .iter()
            .any(|w| w.starts_with("wattpool: warning: ") && w.contains(name) && w.contains(said));
        assert!(warned, "{name}: {ran:?}");
    }
    // The passphrase's file is its owner's to change.
    open_to_all(&home.path("passphrase"), 0o600);
    assert_eq!(home.run(&EXPORT).stderr, "", "once is enough");
}
