//! Keys at rest.

use age::secrecy::SecretString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wattpool_wallet::error::{Result, WalletError};
use wattpool_wallet::key::{PublicKey, Secret};
use wattpool_wallet::store::{Backend, Store};

static WARNED: AtomicUsize = AtomicUsize::new(0);

fn warn(_: &str) {
    WARNED.fetch_add(1, Ordering::SeqCst);
}

fn word(text: &str) -> Result<SecretString> {
    Ok(SecretString::from(text.to_owned()))
}

fn never() -> Result<SecretString> {
    panic!("no passphrase is needed")
}

fn secret(n: u8) -> Secret {
    Secret::from_slice(&[n; 32]).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn keys_come_back_with_their_passphrase_alone() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path(), Backend::File, |_| {});
    store
        .add(
            "alice",
            &secret(1),
            Some("m/1".to_owned()),
            word("correct horse").ok(),
        )
        .unwrap();
    let file = store.folder().join("alice.key");
    assert_eq!((mode(&file), mode(store.folder())), (0o600, 0o700));
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        !text.contains(&hex::encode([1; 32])),
        "the secret is not in the clear"
    );
    // What is public needs no passphrase.
    let info = store.info("alice").unwrap();
    assert_eq!(
        (info.public, info.path.as_deref(), info.local),
        (secret(1).public().unwrap(), Some("m/1"), true)
    );
    assert_eq!(
        store
            .secret("alice", || word("correct horse"))
            .unwrap()
            .expose(),
        &[1; 32]
    );
    let error = store.secret("alice", || word("wrong")).unwrap_err();
    assert!(matches!(error, WalletError::Input { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .ends_with("alice.key: the passphrase is wrong"),
        "{error}"
    );
    store
        .change_passphrase("alice", || word("correct horse"), || word("battery"))
        .unwrap();
    assert!(store.secret("alice", || word("correct horse")).is_err());
    assert_eq!(
        store.secret("alice", || word("battery")).unwrap().expose(),
        &[1; 32]
    );
    assert_eq!(store.info("alice").unwrap().path.as_deref(), Some("m/1"));
}

#[test]
fn names_are_not_taken_twice_and_lead_nowhere_else() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path(), Backend::Test, |_| {});
    assert!(store.list().unwrap().is_empty());
    store.add("alice", &secret(1), None, None).unwrap();
    let error = store
        .add("alice", &secret(2), None, None)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("there is a key of this name already"),
        "{error}"
    );
    store.add("bob", &secret(2), None, None).unwrap();
    assert!(store.rename("alice", "bob").is_err());
    assert_eq!(store.secret("alice", never).unwrap().expose(), &[1; 32]);
    store.rename("alice", "carol").unwrap();
    let names: Vec<String> = store.list().unwrap().into_iter().map(|i| i.name).collect();
    assert_eq!(names, ["bob", "carol"]);
    let hash = secret(1).public().unwrap().hash();
    assert_eq!(store.by_hash(&hash).unwrap().unwrap().name, "carol");
    store.delete("carol").unwrap();
    assert!(store
        .secret("carol", never)
        .unwrap_err()
        .to_string()
        .contains("no such key"));
    for name in ["", "../bob", "a/b", ".bob", "-x", "a b", &"x".repeat(65)] {
        assert!(store.add(name, &secret(3), None, None).is_err(), "{name:?}");
    }
}

#[test]
fn a_file_that_others_can_read_is_tightened_with_a_warning() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path(), Backend::Test, warn);
    store.add("alice", &secret(1), None, None).unwrap();
    let file = store.folder().join("alice.key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let before = WARNED.load(Ordering::SeqCst);
    store.secret("alice", never).unwrap();
    assert_eq!(mode(&file), 0o600);
    assert_eq!(WARNED.load(Ordering::SeqCst), before + 1);
}

#[test]
fn a_damaged_file_is_named_and_never_another_key() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path(), Backend::Test, |_| {});
    store.add("alice", &secret(1), None, None).unwrap();
    let file = store.folder().join("alice.key");
    let good = fs::read_to_string(&file).unwrap();
    let other = match secret(2).public().unwrap().json()["key"].as_str() {
        Some(key) => key.to_owned(),
        None => panic!("a key"),
    };
    let own = secret(1).public().unwrap().json()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    for (bad, expected) in [
        (String::new(), "expected JSON"),
        (good[..good.len() / 2].to_owned(), "expected JSON"),
        (
            good.replace("\"version\": 1", "\"version\": 2"),
            "expected version 1, found 2",
        ),
        (good.replace("alice", "bob"), "a key named \"bob\""),
        (
            good.replace(&own, &other),
            "the secret inside is not that of its public key",
        ),
        (good.replace(&own, "AAAA"), "public key"),
        (good.replace("secret", "secrets"), "unknown field"),
    ] {
        fs::write(&file, &bad).unwrap();
        let error = store.secret("alice", never).unwrap_err().to_string();
        assert!(
            error.contains("alice.key") && error.contains(expected),
            "{error} should say {expected}"
        );
        assert!(!error.contains('\n'));
    }
}

#[test]
fn keys_without_a_secret_say_who_signs() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path(), Backend::Test, |_| {});
    let key = |n| match secret(n).public().unwrap() {
        PublicKey::Secp256k1(key) => key,
        PublicKey::Multisig { .. } => panic!("one key"),
    };
    let account = PublicKey::multisig(2, vec![key(1), key(2)], true).unwrap();
    store.add_public("ours", account.clone()).unwrap();
    store
        .add_public("far", secret(3).public().unwrap())
        .unwrap();
    assert_eq!(store.info("ours").unwrap().public, account);
    assert!(store
        .secret("ours", never)
        .unwrap_err()
        .to_string()
        .contains("its members sign"));
    assert!(store
        .secret("far", never)
        .unwrap_err()
        .to_string()
        .contains("another machine"));
}

/// Writes keys without end until it is killed; only when a test below asks for it.
#[test]
fn writer() {
    let Some(home) = std::env::var_os("WATTPOOL_TEST_WRITER") else {
        return;
    };
    let store = Store::new(Path::new(&home), Backend::Test, |_| {});
    for n in 0_u64.. {
        if n == 0 {
            store.add("first", &secret(1), None, None).ok();
        }
        store
            .add(
                &format!("key-{}-{n}", std::process::id()),
                &secret(2),
                None,
                None,
            )
            .unwrap();
        store
            .change_passphrase("first", never, || word("x"))
            .unwrap();
    }
}

#[test]
fn a_killed_writer_leaves_whole_files_only() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path(), Backend::Test, |_| {});
    let mut count = 0;
    for round in 0..12_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::writer", "--test-threads", "1"])
            .env("WATTPOOL_TEST_WRITER", home.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let before = count;
        while count <= before {
            std::thread::sleep(Duration::from_millis(5 + round * 3));
            // Every file that is there is whole, while it is written and after the kill.
            count = store.list().unwrap().len();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let found = store.list().unwrap();
        for info in &found {
            let expected = if info.name == "first" { 1 } else { 2 };
            assert_eq!(
                store.secret(&info.name, never).unwrap().expose(),
                &[expected; 32]
            );
        }
        count = found.len();
    }
    // What the killed ones left half done is gone after the next write.
    store.add("last", &secret(3), None, None).unwrap();
    let remains = fs::read_dir(store.folder()).unwrap().flatten();
    let remains = remains
        .filter(|e| e.file_name().to_string_lossy().ends_with(".new"))
        .count();
    assert_eq!(remains, 0);
}
