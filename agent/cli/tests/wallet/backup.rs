//! What an operator keeps comes back on another machine, and takes nobody's place there.

use crate::home::{one_line, Home};
use std::fs;

#[test]
fn keys_and_files_come_back_elsewhere() {
    let home = Home::sealed();
    home.import("alice", 1);
    let secret = home.file("registrar.secret", &"ab".repeat(32));
    let market = home.file("market.json", "{}");
    home.file("none.toml", "[profile.default]\nfrom = \"alice\"\n");
    let word = home.file("word", "another word\n");
    let backup = home.path("kept.age").display().to_string();
    let line = [
        "admin",
        "backup",
        &backup,
        &secret,
        "--market",
        &market,
        "--backup-passphrase-file",
        &word,
    ];
    let made = home.run(&[&line[..], &["--json"]].concat()).json();
    let paths: Vec<&str> = made["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| f["path"].as_str().unwrap())
        .collect();
    assert_eq!(
        paths,
        [
            "keyring-file/alice.key",
            "files/none.toml",
            "files/market.json",
            "files/registrar.secret"
        ]
    );
    one_line(&home.run(&line), 2, &[&backup, "it is there already"]);
    let sealed = fs::read(&backup).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1"));

    let restore = |home: &Home, more: &[&str]| {
        let into = home.path("restored").display().to_string();
        let line = ["admin", "restore", &backup, "--into", &into];
        home.run(&[&line[..], more].concat())
    };
    let (given, wrong) = (
        ["--backup-passphrase-file", &word],
        home.file("bad", "bad\n"),
    );
    let fresh = Home::sealed();
    let ran = restore(&fresh, &["--backup-passphrase-file", &wrong]);
    one_line(&ran, 2, &[&backup, "the passphrase is wrong"]);
    let checked = restore(&fresh, &[&given[..], &["--check"]].concat());
    assert_eq!(checked.stdout.matches("whole").count(), 4, "{checked:?}");
    assert!(!fresh.path("restored").exists() && !fresh.path("keyring-file").exists());
    let ran = restore(&fresh, &given);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.stdout.matches("restored ").count(), 4, "{ran:?}");
    let shown = fresh.run(&[
        "wallet",
        "export",
        "alice",
        "--unarmored-hex",
        "--unsafe",
        "--yes",
    ]);
    assert_eq!(shown.stdout.trim(), hex::encode([1; 32]));
    let same = fs::read(fresh.path("restored/registrar.secret")).unwrap();
    assert_eq!(same, fs::read(secret).unwrap());
    // Again: nothing to do. A key of the same name that is another one stays.
    let ran = restore(&fresh, &given);
    assert_eq!(ran.stdout.matches("was there").count(), 4, "{ran:?}");
    let other = Home::sealed();
    other.import("alice", 2);
    let ran = restore(&other, &given);
    one_line(
        &ran,
        2,
        &["alice.key", "another file is there: nothing was restored"],
    );
    assert!(!other.path("restored").exists());
}
